#include "dimse/listener.h"

#include "dimse/acceptor_association.h"
#include "dimse/admission.h"
#include "dimse/associate.h"
#include "dimse/log.h"
#include "dimse/pdu.h"
#include "dimse/request_reader.h"
#include "gateway/loop/task_group.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <list>
#include <optional>
#include <utility>

namespace gantry::dimse {

namespace {

using asio::ip::tcp;

// A refused peer may take this long to close (ARTIM, PS3.8 9.1.5): closing first could let a reset
// overtake the refusal.
constexpr std::chrono::seconds close_wait{2};

// Out of file descriptors, most likely: trying again at once would only burn the processor.
constexpr std::chrono::milliseconds accept_pause{100};

std::string address_of(const tcp::socket& socket)
{
    boost::system::error_code ec;
    const asio::ip::address address = socket.remote_endpoint(ec).address();
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
    return address.to_string();
}

} // namespace

struct Listener::State {
    State(
        asio::any_io_executor executor,
        AcceptorOptions acceptor_options,
        WorkerPool& worker_pool,
        ServiceProvider& service_provider
    )
        : loop(std::move(executor)),
          options(std::move(acceptor_options)),
          pool(worker_pool),
          provider(service_provider),
          admission(options.max_associations),
          tasks(loop, "dimse listener")
    {
    }

    asio::awaitable<void> greet(tcp::socket socket);
    AcceptedConnection hand_over(Candidate& candidate);
    asio::awaitable<void> part_with(tcp::socket& socket, pdu::Small last_words);
    std::optional<Refusal> objection(const Candidate& candidate);
    void make_room();

    asio::any_io_executor loop;
    AcceptorOptions options;
    WorkerPool& pool;
    ServiceProvider& provider;
    Admission admission;
    std::list<Candidate> candidates; // the oldest first
    std::uint64_t last_id = 0;
    bool draining = false;
    TaskGroup tasks;
};

namespace {

/// Takes a candidate out of the list when its coroutine ends, however it ends.
class Listed {
public:
    Listed(std::list<Candidate>& list, tcp::socket socket, Admission& admission)
        : list_(&list), place_(list.emplace(list.end(), std::move(socket), admission))
    {
    }

    Listed(const Listed&) = delete;
    Listed& operator=(const Listed&) = delete;
    Listed(Listed&&) = delete;
    Listed& operator=(Listed&&) = delete;

    ~Listed() { list_->erase(place_); }

    Candidate& operator*() const { return *place_; }

private:
    std::list<Candidate>* list_;
    std::list<Candidate>::iterator place_;
};

asio::awaitable<void> sleep(asio::any_io_executor loop, std::chrono::milliseconds time)
{
    asio::steady_timer timer(loop, time);
    co_await timer.async_wait(use_tuple);
}

/// Reads and forgets until the peer closes.
// Its owner awaits us.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<void> await_close(tcp::socket& socket)
{
    std::array<std::byte, 4'096> waste; // NOLINT: what is in it does not matter
    for (;;) {
        const auto buffer = asio::buffer(waste);
        const auto [ec, count] = co_await socket.async_read_some(buffer, use_tuple);
        if (ec)
            co_return;
    }
}

} // namespace

// Reads, judges and hands on one connection.
asio::awaitable<void> Listener::State::greet(tcp::socket connected)
{
    using namespace asio::experimental::awaitable_operators;
    std::optional<Listed> listed(std::in_place, candidates, std::move(connected), admission);
    Candidate& candidate = **listed;
    candidate.head.peer_address = address_of(candidate.socket);
    tune_association_socket(candidate.socket.native_handle());

    auto race = read_associate_request(candidate, options.ae_title, provider) ||
                sleep(loop, options.timeouts.acse);
    auto first = co_await std::move(race);
    if (first.index() == 1)
        co_return; // the deadline: PS3.8 9.1.5 closes without a word
    Arrived arrived = std::get<0>(first);
    if (arrived.complete)
        arrived.refusal = objection(candidate);
    if (arrived.refusal) {
        log().warn(
            "association refused calling={} called={} peer={} reason=\"{}\"",
            candidate.head.calling.str(),
            candidate.head.called.str(),
            candidate.head.peer_address,
            to_string(*arrived.refusal)
        );
        provider.association_refused(candidate.head, *arrived.refusal);
        const pdu::Small last_words = pdu::reject(*arrived.refusal);
        co_await part_with(candidate.socket, last_words);
    } else if (arrived.abort) {
        log().warn(
            "connection aborted peer={} reason=\"no A-ASSOCIATE-RQ\"", candidate.head.peer_address
        );
        const pdu::Small last_words = pdu::provider_abort(*arrived.abort);
        co_await part_with(candidate.socket, last_words);
    } else if (arrived.complete) {
        Admission::Seat seat(admission, candidate.head.calling);
        AcceptedConnection accepted = hand_over(candidate);
        listed.reset();
        auto work = [this, accepted = std::move(accepted)](std::stop_token stop) mutable {
            AcceptorAssociation(loop, options, provider, std::move(accepted), std::move(stop))
                .run();
        };
        co_await offload(pool, std::move(work));
    }
}

AcceptedConnection Listener::State::hand_over(Candidate& candidate)
{
    AcceptedConnection accepted;
    accepted.request = std::move(candidate.request);
    accepted.info = {
        .id = ++last_id,
        .calling = candidate.head.calling,
        .called = candidate.head.called,
        .peer_address = candidate.head.peer_address,
        .implementation_version = {}
    };
    accepted.socket = FileDescriptor(candidate.socket.release());
    return accepted;
}

std::optional<Refusal> Listener::State::objection(const Candidate& candidate)
{
    if (draining)
        return Refusal::temporary_congestion;
    const AeTitle& calling = candidate.head.calling;
    if (admission.full(calling, provider.max_associations_of(calling)))
        return Refusal::local_limit_exceeded;
    return std::nullopt;
}

// Its owner awaits us.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<void> Listener::State::part_with(tcp::socket& socket, pdu::Small last_words)
{
    using namespace asio::experimental::awaitable_operators;
    // Ten bytes into an empty send buffer: they go, or the peer is gone.
    const auto buffer = asio::buffer(last_words);
    co_await socket.async_send(buffer, use_tuple);
    boost::system::error_code ignored;
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    auto race = await_close(socket) || sleep(loop, close_wait);
    co_await std::move(race);
}

// The oldest gives way: whoever has something to say has said it long ago.
void Listener::State::make_room()
{
    if (candidates.empty() || candidates.size() < options.max_pending_connections)
        return;
    boost::system::error_code ignored;
    candidates.front().socket.close(ignored);
    candidates.splice(candidates.end(), candidates, candidates.begin());
}

Listener::Listener(
    asio::any_io_executor loop, AcceptorOptions options, WorkerPool& pool, ServiceProvider& provider
)
    : state_(std::make_unique<State>(std::move(loop), std::move(options), pool, provider))
{
}

Listener::~Listener() = default;

asio::awaitable<void> Listener::serve(tcp::acceptor acceptor)
{
    for (;;) {
        auto [ec, socket] = co_await acceptor.async_accept(use_tuple);
        if (ec == asio::error::operation_aborted)
            co_return;
        if (ec) {
            log().error("accept failed reason=\"{}\"", ec.message());
            co_await sleep(state_->loop, accept_pause);
            continue;
        }
        state_->make_room();
        state_->tasks.spawn(state_->greet(std::move(socket)));
    }
}

void Listener::drain()
{
    state_->draining = true;
}

asio::awaitable<void> Listener::stop()
{
    state_->draining = true;
    state_->tasks.cancel();
    co_await state_->tasks.drained();
}

std::size_t Listener::associations() const noexcept
{
    return state_->admission.associations();
}

std::size_t Listener::pending() const noexcept
{
    return state_->candidates.size();
}

} // namespace gantry::dimse
