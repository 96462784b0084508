// The fastest query/retrieve SCU there can be (PS3.4 C.4): asks over one association, counts what
// comes and keeps none of it, and reports as one line of JSON. usage:
//   query_load find|get|move --port P [--called AE] [--calling AE] [--model study|patient|psonly]
//     [--level L] [--key GGGGEEEE[=VALUE]]... [--repeat N] [--cancel-after N]
//     find: [--clients N]                             so many associations at once, each repeats
//     get:  [--class UID]... [--syntax UID]...        storage classes to take on this association
//     move: --destination AE --listen P [--syntax UID]...   receives in this very process
// find: milliseconds until the first match and the final response, medians of the repetitions.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <future>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "bench/load_association.h"
#include "bench/query_options.h"

namespace {

using gantry::bench::CommandSet;
using gantry::bench::LoadAssociation;
using gantry::bench::Proposal;
using gantry::bench::QueryOptions;
using Clock = std::chrono::steady_clock;

constexpr const char* implicit_le = "1.2.840.10008.1.2";
constexpr const char* explicit_le = "1.2.840.10008.1.2.1";
constexpr std::uint16_t no_data_set = 0x0101;

enum : std::uint16_t { // of command sets (PS3.7 E.1)
    affected_class = 0x0002,
    command_field = 0x0100,
    message_id = 0x0110,
    responded_to = 0x0120,
    move_destination = 0x0600,
    priority = 0x0700,
    data_set_type = 0x0800,
    status_element = 0x0900,
    affected_instance = 0x1000,
    remaining = 0x1020,
    completed = 0x1021,
    failed = 0x1022,
    warning = 0x1023
};

bool pending(std::uint16_t status)
{
    return status == 0xff00 || status == 0xff01;
}

double milliseconds(Clock::time_point from, Clock::time_point to)
{
    return std::chrono::duration<double, std::milli>(to - from).count();
}

void answer_store(LoadAssociation& association, unsigned context, const CommandSet& request)
{
    CommandSet response;
    response.set(affected_class, request.text(affected_class))
        .set(command_field, std::uint16_t{0x8001})
        .set(responded_to, request.number(message_id))
        .set(data_set_type, no_data_set)
        .set(status_element, std::uint16_t{0})
        .set(affected_instance, request.text(affected_instance));
    association.send(context, response);
}

/// What came by C-STORE, over all associations.
struct Received {
    std::atomic<std::uint64_t> instances{0};
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<unsigned> associations{0};
};

void take(LoadAssociation& association, unsigned context, const CommandSet& request, Received& into)
{
    into.bytes += association.drain();
    ++into.instances;
    answer_store(association, context, request);
}

/// Takes associations until the listener is shut down.
void receive(int listener, const std::vector<std::string>& syntaxes, Received& into)
{
    std::vector<std::jthread> threads;
    for (;;) {
        const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0)
            return;
        ++into.associations;
        threads.emplace_back([socket, &syntaxes, &into] {
            try {
                LoadAssociation association(socket, syntaxes);
                CommandSet request;
                for (unsigned context = 0; association.next_command(request, context);)
                    take(association, context, request, into);
            } catch (const std::exception& fault) {
                std::fprintf(stderr, "query_load: receiving: %s\n", fault.what());
            }
        });
    }
}

struct Run {
    std::uint16_t status = 0xffff;
    unsigned matches = 0; // Pending responses
    unsigned in_part = 0; // of them FF01
    double first = 0;     // ms
    double last = 0;
    std::uint64_t bytes = 0;
    CommandSet final_response;
};

CommandSet request_of(const QueryOptions& options, std::uint16_t id)
{
    const auto service = service_of(options);
    CommandSet request;
    request.set(affected_class, service.sop_class)
        .set(command_field, service.request)
        .set(message_id, id)
        .set(priority, std::uint16_t{0})
        .set(data_set_type, std::uint16_t{1});
    if (options.service == "move")
        request.set(move_destination, options.destination);
    return request;
}

void cancel(LoadAssociation& association, std::uint16_t id)
{
    CommandSet request;
    request.set(command_field, std::uint16_t{0x0fff})
        .set(responded_to, id)
        .set(data_set_type, no_data_set);
    association.send(1, request);
}

/// One request to its final response.
Run ask(
    LoadAssociation& association, const QueryOptions& options, std::uint16_t id, Received& received
)
{
    Run run;
    const auto begun = Clock::now();
    association.send(1, request_of(options, id), identifier(options));
    CommandSet command;
    for (unsigned context = 0; association.next_command(command, context);) {
        if (command.number(command_field) == 0x0001) {
            take(association, context, command, received);
            continue;
        }
        if (command.data_set_follows())
            run.bytes += association.drain();
        run.status = command.number(status_element);
        run.last = milliseconds(begun, Clock::now());
        if (!pending(run.status)) {
            run.final_response = command;
            return run;
        }
        if (run.matches++ == 0)
            run.first = run.last;
        run.in_part += run.status == 0xff01 ? 1 : 0;
        if (run.matches == options.cancel_after)
            cancel(association, id);
    }
    throw std::runtime_error("the peer closed before its final response");
}

double median(std::vector<double> values)
{
    std::ranges::sort(values);
    return values.at(values.size() / 2);
}

void report_find(const std::vector<Run>& runs, double seconds)
{
    std::vector<double> first;
    std::vector<double> last;
    for (const Run& run : runs) {
        first.push_back(run.matches == 0 ? run.last : run.first);
        last.push_back(run.last);
    }
    const Run& run = runs.back();
    std::printf(
        "{\"status\": \"%04x\", \"matches\": %u, \"in_part\": %u, \"bytes\": %llu, "
        "\"first_ms\": %.3f, \"last_ms\": %.3f, \"per_second\": %.1f}\n",
        run.status,
        run.matches,
        run.in_part,
        static_cast<unsigned long long>(run.bytes),
        median(first),
        median(last),
        static_cast<double>(runs.size()) / seconds
    );
}

void report_retrieve(const Run& run, const Received& received)
{
    const double seconds = run.last / 1'000;
    const auto bytes = received.bytes.load();
    const CommandSet& end = run.final_response;
    std::printf(
        "{\"status\": \"%04x\", \"completed\": %u, \"failed\": %u, \"warning\": %u, "
        "\"pending\": %u, \"instances\": %llu, \"bytes\": %llu, \"associations\": %u, "
        "\"seconds\": %.6f, \"mib_per_second\": %.1f}\n",
        run.status,
        end.number(completed),
        end.number(failed),
        end.number(warning),
        run.matches,
        static_cast<unsigned long long>(received.instances.load()),
        static_cast<unsigned long long>(bytes),
        received.associations.load(),
        seconds,
        static_cast<double>(bytes) / (1'024 * 1'024) / seconds
    );
}

std::vector<Proposal> proposals(const QueryOptions& options)
{
    std::vector<Proposal> out = {{service_of(options).sop_class, {implicit_le}, false}};
    std::vector<std::string> syntaxes = options.syntaxes;
    if (syntaxes.empty())
        syntaxes = {explicit_le};
    if (options.service == "get")
        for (const std::string& sop_class : options.classes)
            out.push_back({sop_class, syntaxes, true});
    return out;
}

/// What is asked on one association.
std::vector<Run> conversation(const QueryOptions& options, Received& received)
{
    std::vector<Run> runs;
    LoadAssociation association(options.port, options.called, options.calling, proposals(options));
    if (!association.accepted(1))
        throw std::runtime_error("the query/retrieve class was not accepted");
    for (unsigned n = 0; n < options.repeat; ++n)
        runs.push_back(ask(association, options, static_cast<std::uint16_t>(n + 1), received));
    association.release();
    return runs;
}

void run_find(const QueryOptions& options)
{
    Received none;
    std::vector<std::future<std::vector<Run>>> clients;
    const auto begun = Clock::now();
    for (unsigned n = 0; n < options.clients; ++n)
        clients.push_back(std::async(std::launch::async, [&] {
            return conversation(options, none);
        }));
    std::vector<Run> runs;
    for (auto& client : clients)
        for (Run& run : client.get())
            runs.push_back(std::move(run));
    report_find(runs, milliseconds(begun, Clock::now()) / 1'000);
}

void run(const QueryOptions& options)
{
    if (options.service == "find")
        return run_find(options);
    Received received;
    const int listener = options.service == "move" ? gantry::bench::listen_on(options.listen) : -1;
    std::jthread receiver;
    if (listener >= 0)
        receiver = std::jthread([&] { receive(listener, options.syntaxes, received); });
    std::vector<Run> runs;
    try {
        runs = conversation(options, received);
    } catch (...) {
        ::shutdown(listener, SHUT_RDWR);
        throw;
    }
    ::shutdown(listener, SHUT_RDWR);
    if (receiver.joinable())
        receiver.join(); // what is still open ends with its release
    report_retrieve(runs.back(), received);
}

} // namespace

int main(int argc, char** argv)
{
    try {
        run(gantry::bench::parse({argv + 1, argv + argc}));
        return 0;
    } catch (const std::exception& fault) {
        std::fprintf(stderr, "query_load: %s\n", fault.what());
        return 1;
    }
}
