#include "dimse/error.h"
#include "gateway/cli/examine.h"
#include "gateway/cli/print.h"
#include "gateway/cli/query_steps.h"
#include "mapping/query_keys.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <fmt/format.h>

namespace gantry::cli {

namespace {

using RetrieveBy = config::Origin::RetrieveBy;

struct Service {
    std::string_view sop_class;
    const char* name;
};

// PS3.4 C.6.2.3.
constexpr std::array services{
    Service{study_root_find, "C-FIND"},
    Service{study_root_move, "C-MOVE"},
    Service{study_root_get, "C-GET"},
};

struct Room {
    const Config& config;
    const config::Origin& origin;
    Findings& findings;
    dimse::Requestor& requestor;
};

struct Offered {
    bool find = false;
    bool move = false;
    bool get = false;
};

/// An image that came, and is forgotten.
class Dropped final : public dimse::IncomingInstance {
public:
    Result<void> write(ConstBytes /*fragment*/) override { return {}; }

    DimseStatus finish() override { return {}; }
};

std::vector<dimse::ProposedContext> proposals()
{
    const Uid implicit = known_uid(transfer_syntax::implicit_le);
    std::vector<dimse::ProposedContext> all;
    for (const Service& service : services) {
        dimse::ProposedContext context;
        context.id = static_cast<std::uint8_t>(2 * all.size() + 1);
        context.abstract_syntax = known_uid(service.sop_class);
        context.transfer_syntaxes = {implicit};
        all.push_back(std::move(context));
    }
    return all;
}

/// The usual classes: what else the image is, the retrieve itself will negotiate.
std::vector<dimse::ProposedContext> storage_back()
{
    std::vector<dimse::ProposedContext> all;
    for (const Uid& sop_class : usual_storage_classes()) {
        dimse::ProposedContext context;
        context.id = static_cast<std::uint8_t>(2 * all.size() + 3); // 1: the C-GET itself
        context.abstract_syntax = sop_class;
        context.transfer_syntaxes = {
            known_uid(transfer_syntax::explicit_le), known_uid(transfer_syntax::implicit_le)
        };
        context.scp_role = true;
        context.scu_role = false;
        all.push_back(std::move(context));
    }
    return all;
}

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): see the header

asio::awaitable<Offered> negotiate(Room& room)
{
    std::vector<dimse::ProposedContext> proposed = proposals();
    const auto negotiated = co_await room.requestor.negotiate(std::move(proposed));
    Offered offered;
    std::string taken;
    for (std::size_t i = 0; negotiated && i < negotiated->contexts.size(); ++i) {
        if (negotiated->contexts[i].transfer_syntax.empty())
            continue;
        taken += (taken.empty() ? "" : ", ") + std::string(services.at(i).name);
        const auto& sop_class = services.at(i).sop_class;
        offered.find = offered.find || sop_class == study_root_find;
        offered.move = offered.move || sop_class == study_root_move;
        offered.get = offered.get || sop_class == study_root_get;
    }
    if (offered.find)
        room.findings.good("query/retrieve", "accepts " + taken + " of the Study Root model");
    else
        room.findings.bad(
            "query/retrieve",
            "does not accept C-FIND of the Study Root model from us",
            Side::theirs,
            "it may have that for other AE titles only: its administrator must permit " +
                room.config.dimse.acceptor.ae_title.str() + " to query and retrieve"
        );
    co_return offered;
}

/// What it finds of one study, as far as it goes.
asio::awaitable<std::vector<std::string>> find_all_levels(Room& room)
{
    std::vector<std::string> found;
    while (found.size() < query_levels.size()) {
        const std::string level = mapping::level_name(query_levels.at(found.size()));
        const FoundOne one = co_await find_one(room.requestor, found);
        if (one.uid) {
            room.findings.good("find " + level, "answered");
            found.push_back(*one.uid);
            continue;
        }
        const bool well = one.end && status_class(one.end->code) == StatusClass::success;
        if (well && found.empty())
            room.findings.note("find " + level, "it holds no study: nothing more can be tried");
        else
            room.findings.bad(
                "find " + level,
                well ? "found nothing in what it had found"
                     : (one.end ? "answered " + text_of(*one.end) : one.end.error().text()),
                Side::theirs,
                "viewers cannot list what it holds; its log says more"
            );
        break;
    }
    co_return found;
}

/// One image comes and is forgotten.
asio::awaitable<bool> try_get(Room& room, std::vector<std::string> found)
{
    dimse::TakeInstance take = [](const dimse::StoreRequest&) {
        return std::make_unique<Dropped>();
    };
    dimse::OnPending go_on = [](const dimse::SubOperations&) { return true; };
    dimse::RetrieveInquiry inquiry{known_uid(study_root_get), one_image(found)};
    auto storage = storage_back();
    const auto end = co_await room.requestor.get(
        std::move(inquiry), std::move(storage), std::move(take), std::move(go_on)
    );
    if (end && end->counts.completed > 0) {
        room.findings.good("C-GET", "gave an image");
        co_return true;
    }
    room.findings.note(
        "C-GET",
        end ? fmt::format(
                  "answered {}: {} images given, {} failed",
                  text_of(end->status),
                  end->counts.completed + end->counts.warning,
                  end->counts.failed
              )
            : end.error().text()
    );
    co_return false;
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

void judge_move(Room& room, bool offered, bool needed)
{
    const std::string& own = room.config.dimse.acceptor.ae_title.str();
    if (offered)
        return room.findings.note(
            "C-MOVE",
            "accepted; for this it must know " + own + " with the address and port of this machine"
        );
    if (needed)
        room.findings.bad(
            "retrieve",
            "neither C-GET nor C-MOVE gives its images",
            Side::theirs,
            "its administrator must permit " + own + " to retrieve"
        );
}

} // namespace

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): see the header
// NOLINTNEXTLINE(readability-function-size): what it examines
asio::awaitable<bool> examine_pacs(
    const Config& config,
    const config::Origin& origin,
    const config::Peer& peer,
    Findings& findings,
    WorkerPool& pool
)
{
    const dimse::AcceptorOptions& ours = config.dimse.acceptor;
    const dimse::RequestorOptions options{ours.ae_title, ours.pdu_size, ours.timeouts};
    dimse::Requestor requestor(peer.address, options, pool);
    Room room{config, origin, findings, requestor};
    const Offered offered = co_await negotiate(room);
    if (!offered.find)
        co_return false;
    const auto found = co_await find_all_levels(room);
    const bool whole = found.size() == query_levels.size();
    bool given = origin.retrieve_by != RetrieveBy::move && offered.get;
    if (given && whole)
        given = co_await try_get(room, found);
    judge_move(room, offered.move && (!given || origin.retrieve_by != RetrieveBy::get), !given);
    co_return given || offered.move;
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry::cli
