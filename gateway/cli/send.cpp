// gantry send: stores files as a modality would, to a peer or to this gantry itself.
#include "config/values.h"
#include "dimse/listener.h"
#include "gateway/cli/address.h"
#include "gateway/cli/blocking.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/print.h"
#include "gateway/cli/send_files.h"
#include "gateway/error.h"

#include <iostream>
#include <unistd.h>

namespace gantry::cli {

namespace {

/// Whom `gantry send` says it is when it stores to this gantry itself.
constexpr const char* own_calling_title = "GANTRY_SEND";

struct Target {
    dimse::PeerAddress peer;
    AeTitle calling;
};

Error wrong(std::string what)
{
    return error(Errc::unsupported, std::move(what));
}

Result<void> apply_address(const std::string& address, dimse::PeerAddress& peer)
{
    const std::size_t colon = address.rfind(':');
    const auto port = config::parse_number(
        colon == std::string::npos ? std::string_view()
                                   : std::string_view(address).substr(colon + 1)
    );
    if (!port || *port == 0 || *port > 65535 || colon == 0)
        return wrong(address + " is no address: write it as host:port");
    peer.host = address.substr(0, colon);
    if (peer.host.starts_with('[') && peer.host.ends_with(']'))
        peer.host = peer.host.substr(1, peer.host.size() - 2);
    peer.port = static_cast<std::uint16_t>(*port);
    return {};
}

Result<Target> find_target(const Config& config, const SendArguments& arguments)
{
    Target target;
    const auto to = AeTitle::parse(arguments.to);
    const config::Peer* const known = to ? config.peer(*to) : nullptr;
    if (!arguments.to.empty() && !to)
        return wrong(arguments.to + " is no AE title");
    if (known == nullptr && to && arguments.address.empty())
        return wrong(arguments.to + " is not in peers: enter it there, or say --address host:port");
    target.peer = known != nullptr ? known->address : own_address(config);
    if (to)
        target.peer.ae_title = *to;
    target.calling =
        to ? config.dimse.acceptor.ae_title : AeTitle::parse(own_calling_title).value();
    if (!arguments.calling.empty()) {
        const auto calling = AeTitle::parse(arguments.calling);
        if (!calling)
            return wrong(arguments.calling + " is no AE title");
        target.calling = *calling;
    }
    if (!arguments.address.empty()) {
        if (const auto applied = apply_address(arguments.address, target.peer); !applied)
            return applied.error();
    }
    if (target.peer.host.empty() || target.peer.port == 0)
        return wrong(target.peer.ae_title.str() + " has no address: say --address host:port");
    return target;
}

bool is_stored(const dimse::SendOutcome& outcome)
{
    if (!outcome.status)
        return false;
    const StatusClass kind = status_class(outcome.status->code);
    return kind == StatusClass::success || kind == StatusClass::warning;
}

/// Prints what became of each; success only with --json. Returns how many were stored.
std::size_t report(
    const Context& context,
    const std::vector<dimse::InstanceToSend>& part,
    const std::vector<dimse::SendOutcome>& outcomes
)
{
    std::size_t stored = 0;
    for (std::size_t i = 0; i < outcomes.size() && i < part.size(); ++i) {
        const bool good = is_stored(outcomes[i]);
        stored += good ? 1 : 0;
        const auto& status = outcomes[i].status;
        const std::string answer = status ? text_of(*status) : status.error().text();
        if (context.json)
            print_json(
                {{"file", part[i].file.string()},
                 {"sop_instance_uid", part[i].key.sop.sop_instance.str()},
                 {"stored", good},
                 {"answer", answer}}
            );
        else if (!good)
            complain(part[i].file.string() + ": " + answer);
    }
    return stored;
}

/// A line that rewrites itself, on a terminal only.
class Progress {
public:
    explicit Progress(std::size_t total) : total_(total), shown_(::isatty(STDERR_FILENO) != 0) {}

    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    ~Progress()
    {
        if (shown_)
            std::cerr << "\r\033[K";
    }

    void at(std::size_t done) const
    {
        if (shown_)
            std::cerr << "\r" << done << " of " << total_ << std::flush;
    }

private:
    std::size_t total_;
    bool shown_;
};

std::size_t send_parts(
    const Context& context,
    asio::io_context& loop,
    dimse::Requestor& requestor,
    const std::vector<std::vector<dimse::InstanceToSend>>& parts,
    std::size_t total
)
{
    std::size_t stored = 0;
    std::size_t before = 0;
    for (const auto& part : parts) {
        std::vector<dimse::SendOutcome> outcomes;
        {
            const Progress progress(total);
            auto at = [&progress, before](std::size_t done) { progress.at(before + done); };
            outcomes = run_to_end(loop, requestor.store(part, std::move(at)));
        }
        stored += report(context, part, outcomes);
        before += part.size();
    }
    return stored;
}

} // namespace

int send(const Context& context, const SendArguments& arguments)
{
    const auto config = load_config(context);
    if (!config)
        return Exit::wrong_usage;
    const auto target = find_target(*config, arguments);
    if (!target)
        return complain(target.error()), Exit::wrong_usage;
    auto found = find_candidates(arguments.paths);
    if (!found)
        return complain(found.error()), Exit::wrong_usage;
    for (const auto& [path, why] : found->refused)
        complain(path.string() + ": " + why);
    if (const auto ready = dimse::initialise(); !ready)
        return complain(ready.error());
    asio::io_context loop;
    WorkerPool pool("send", 1);
    const dimse::AcceptorOptions& ours = config->dimse.acceptor;
    dimse::Requestor requestor(target->peer, {target->calling, ours.pdu_size, ours.timeouts}, pool);
    const std::size_t total = found->instances.size();
    const auto parts = split_by_contexts(std::move(found->instances));
    const std::size_t stored = send_parts(context, loop, requestor, parts, total);
    if (!context.json)
        print_line(
            std::to_string(stored) + " of " + std::to_string(total) + " stored at " +
            target->peer.ae_title.str() +
            (found->skipped == 0
                 ? ""
                 : ", " + std::to_string(found->skipped) + " files that are not DICOM left out")
        );
    const bool all = stored == total && total > 0 && found->refused.empty();
    return all ? Exit::done : Exit::failed;
}

} // namespace gantry::cli
