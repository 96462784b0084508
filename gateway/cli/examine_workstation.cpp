#include "dimse/error.h"
#include "dimse/requestor.h"
#include "gateway/cli/address.h"
#include "gateway/cli/examine.h"
#include "gateway/cli/print.h"
#include "gateway/cli/query_steps.h"
#include "mapping/query_keys.h"

#include <fmt/format.h>

namespace gantry::cli {

namespace {

struct Room {
    const Config& config;
    const config::Peer& peer;
    Findings& findings;
    dimse::Requestor& requestor;
};

void not_associated(const Error& why, Room& room)
{
    const std::string& title = room.peer.address.ae_title.str();
    if (why.code == dimse::make_error_code(dimse::Errc::not_connected))
        room.findings.note("query", "gantry does not run here: find and move were not tried");
    else if (why.code == dimse::make_error_code(dimse::Errc::no_context))
        room.findings.bad(
            "query",
            "gantry does not offer it to " + title,
            Side::ours,
            "may of the peer, and find and retrieve of routes.dimse; is the running gantry's "
            "configuration this one?"
        );
    else
        room.findings.bad("query", why.text(), Side::ours, "the log of gantry says more");
}

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): see the header

/// Adds the unique key of one match below `found`; false where there is none, which is said.
asio::awaitable<bool> find_below(Room& room, std::vector<std::string>& found)
{
    const std::string step =
        std::string("find ") + mapping::level_name(query_levels.at(found.size()));
    const FoundOne one = co_await find_one(room.requestor, found);
    if (one.uid) {
        found.push_back(*one.uid);
        room.findings.good(step, "answered");
        co_return true;
    }
    if (!one.end)
        not_associated(one.end.error(), room);
    else if (status_class(one.end->code) == StatusClass::success)
        room.findings.note(step, "found nothing: a move cannot be tried");
    else
        room.findings.bad(
            step,
            "answered " + text_of(*one.end),
            Side::theirs,
            "the archive behind gantry: gantry doctor with the name of the origin in "
            "routes.dimse.find"
        );
    co_return false;
}

void judge_move(const dimse::RetrieveAnswer& end, Room& room)
{
    const std::string& title = room.peer.address.ae_title.str();
    if (status_class(end.status.code) == StatusClass::success && end.counts.completed > 0)
        return room.findings.good("move", "one image was moved to " + title);
    if (end.status.code == status::move_destination_unknown)
        return room.findings.bad(
            "move", text_of(end.status), Side::ours, "host and port of " + title + " in peers"
        );
    const std::string counts = fmt::format(
        "{}: {} completed, {} with a warning, {} failed",
        text_of(end.status),
        end.counts.completed,
        end.counts.warning,
        end.counts.failed
    );
    if (end.counts.warning > 0)
        room.findings.note("move", counts);
    else
        room.findings.bad(
            "move",
            counts,
            Side::theirs,
            "either " + title +
                " does not take that image (see storage above), or the archive does "
                "not give it: the log of gantry says which"
        );
}

asio::awaitable<void> try_move(Room& room, const std::vector<std::string>& found)
{
    auto go_on = [](const dimse::SubOperations&) { return true; };
    dimse::RetrieveInquiry inquiry{known_uid(study_root_move), one_image(found)};
    const auto end = co_await room.requestor.move(
        std::move(inquiry), room.peer.address.ae_title, std::move(go_on)
    );
    if (end)
        judge_move(*end, room);
    else
        not_associated(end.error(), room);
}

} // namespace

asio::awaitable<bool> examine_workstation(
    const Config& config, const config::Peer& peer, Findings& findings, WorkerPool& pool
)
{
    if (config.routes.dimse.find.empty() || !peer.may(config::Service::find))
        co_return true;
    const dimse::PeerAddress own = own_address(config);
    if (own.port == 0) {
        findings.note("query", "dimse.listen has no fixed port: find and move were not tried");
        co_return true;
    }
    const dimse::AcceptorOptions& ours = config.dimse.acceptor;
    const dimse::RequestorOptions as_the_peer{peer.address.ae_title, ours.pdu_size, ours.timeouts};
    dimse::Requestor requestor(own, as_the_peer, pool);
    Room room{config, peer, findings, requestor};
    std::vector<std::string> found;
    while (found.size() < query_levels.size())
        if (!co_await find_below(room, found))
            co_return false;
    if (!config.routes.dimse.retrieve.empty() && peer.may(config::Service::move))
        co_await try_move(room, found);
    co_return true;
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry::cli
