// How the scripted archive retrieves: as it should, and as its script says.
#include "dimse/data_set.h"
#include "dimse/store_command.h"
#include "support/data_sets.h"
#include "support/scripted_pacs_state.h"

#include <dcmtk/dcmdata/dcdeftag.h>

#include <algorithm>
#include <utility>

namespace gantry::tests {

namespace {

constexpr std::size_t largest_data_set = 64U << 20U;

/// In the syntax that was accepted; both without compression.
ByteVector encoded(const PacsInstance& instance, const Uid& transfer_syntax)
{
    if (transfer_syntax.str() == instance.transfer_syntax)
        return instance.data_set;
    auto parsed = dimse::parse_data_set(
        instance.data_set, *Uid::parse(instance.transfer_syntax), largest_data_set
    );
    dimse::wire::Buffer out;
    if (!parsed || !dimse::encode_data_set(**parsed, transfer_syntax, out))
        throw PacsEnd();
    return out;
}

} // namespace

struct PacsAssociation::Progress {
    std::vector<PacsInstance> left;
    dimse::SubOperations counts;
    std::vector<std::string> failed;
    std::unique_ptr<Outgoing> away; // C-MOVE
    std::uint16_t store_id = 0;
    bool cancelled = false;
    std::optional<dimse::MoveOriginator> originator;
};

/// The association of a C-MOVE to its destination.
class PacsAssociation::Outgoing {
public:
    Outgoing(
        std::uint16_t port,
        const std::string& calling,
        const std::string& called,
        const std::vector<Proposal>& proposals
    )
        : wire(ScriptedPeer::connect(port))
    {
        RequestBytes request;
        request.calling = calling;
        request.called = called;
        request.proposals = proposals;
        wire.peer.send(associate_request(request));
        const ByteVector answer = wire.peer.receive_pdu();
        auto parsed = dimse::parse_associate_accept(ConstBytes(answer).subspan(6));
        if (answer[0] != std::byte{2} || !std::holds_alternative<dimse::AssociateAccept>(parsed))
            throw PacsEnd();
        accepted = std::get<dimse::AssociateAccept>(std::move(parsed));
        wire.peer_max_pdu = accepted.user.max_pdu;
        proposed = proposals;
    }

    const dimse::NegotiatedContext* context(const std::string& sop_class) const
    {
        for (const dimse::NegotiatedContext& known : accepted.contexts)
            if (!known.transfer_syntax.empty() &&
                proposed.at(known.id / 2U).abstract_syntax == sop_class)
                return &known;
        return nullptr;
    }

    void release()
    {
        wire.peer.send(release_request());
        (void)wire.peer.receive_pdu();
    }

    PacsWire wire;
    dimse::AssociateAccept accepted;
    std::vector<Proposal> proposed;
};

const dimse::NegotiatedContext* PacsAssociation::storage_context(const PacsInstance& instance) const
{
    const dimse::NegotiatedContext* found = nullptr;
    for (const dimse::NegotiatedContext& known : accepted_.contexts) {
        const auto proposed =
            std::ranges::find(asked_.contexts, known.id, &dimse::ProposedContext::id);
        if (known.transfer_syntax.empty() || proposed->abstract_syntax.str() != instance.sop_class)
            continue;
        if (found == nullptr || known.transfer_syntax.str() == instance.transfer_syntax)
            found = &known;
    }
    return found;
}

void PacsAssociation::retrieve(const PacsMessage& message, const PacsRequest& request)
{
    const PacsRetrieve& how = script_.retrieve;
    const bool move = request.command == 0x0021;
    const auto destination = how.destinations.find(request.destination);
    if (how.refusal != 0)
        return answer(request, {.status = {how.refusal, {}}});
    if (move && destination == how.destinations.end())
        return answer(request, {.status = {status::move_destination_unknown, {}}});
    const auto identifier =
        dimse::parse_data_set(message.data_set, *Uid::parse(request.transfer_syntax));
    if (!identifier)
        return answer(request, {.status = {status::data_set_mismatch, {}}});
    Progress progress;
    progress.left = how.strays;
    for (const PacsInstance& held : state_.locked([this] { return state_.instances; }))
        if (pacs_names(**identifier, {0x0020, 0x000d}, held.study) &&
            pacs_names(**identifier, {0x0020, 0x000e}, held.series) &&
            pacs_names(**identifier, {0x0008, 0x0018}, held.sop_instance))
            progress.left.insert(progress.left.end(), how.twice ? 2 : 1, held);
    if (move && !progress.left.empty()) {
        std::vector<Proposal> proposals;
        for (const PacsInstance& instance : progress.left) {
            const auto id = static_cast<unsigned>(2 * proposals.size() + 1);
            auto syntaxes = script_.syntaxes;
            if (syntaxes.empty())
                syntaxes = {instance.transfer_syntax};
            if (std::ranges::count(proposals, instance.sop_class, &Proposal::abstract_syntax) == 0)
                proposals.push_back({id, instance.sop_class, std::move(syntaxes)});
        }
        const std::string calling = how.sends_as.empty() ? script_.title : how.sends_as;
        progress.away = std::make_unique<Outgoing>(
            destination->second, calling, request.destination, proposals
        );
        if (how.originator)
            progress.originator = {
                *AeTitle::parse(request.calling), static_cast<std::uint16_t>(request.message_id)
            };
    }
    progress.counts.remaining = static_cast<std::uint32_t>(progress.left.size());
    sub_operations(request, progress);
}

void PacsAssociation::sub_operations(const PacsRequest& request, Progress& progress)
{
    const PacsRetrieve& how = script_.retrieve;
    const std::size_t count = std::min(how.most, progress.left.size());
    for (std::size_t i = 0; i < count && !progress.cancelled; ++i) {
        const bool last = i + 1 == count;
        if (last && how.final_first)
            break;
        sub_operation(progress.left[i], progress, last && how.end == PacsRetrieve::End::inside);
        if (how.pending && !last)
            answer(
                request,
                {.status = {status::pending, {}}, .counts = progress.counts, .remaining = true}
            );
        if (!progress.cancelled && cancelled())
            progress.cancelled = true;
        progress.cancelled = progress.cancelled && how.heeds_cancel;
    }
    switch (how.end) {
    case PacsRetrieve::End::answer: break;
    case PacsRetrieve::End::inside:
    case PacsRetrieve::End::abort: wire_.peer.send(abort_pdu()); throw PacsEnd();
    case PacsRetrieve::End::close: wire_.peer.reset(); throw PacsEnd();
    case PacsRetrieve::End::silence:
        for (;;)
            if (cancelled() || !wire_.peer.wait(ScriptedPeer::deadline))
                continue;
    }
    if (how.final_first && count > 0 && !progress.cancelled) {
        ++progress.counts.completed;
        --progress.counts.remaining;
        end(request, progress);
        sub_operation(progress.left[count - 1], progress, false);
    } else
        end(request, progress);
    if (progress.away)
        progress.away->release();
}

void PacsAssociation::sub_operation(const PacsInstance& instance, Progress& progress, bool half)
{
    PacsWire& wire = progress.away ? progress.away->wire : wire_;
    const auto* on =
        progress.away ? progress.away->context(instance.sop_class) : storage_context(instance);
    --progress.counts.remaining;
    if (on == nullptr) {
        ++progress.counts.failed;
        progress.failed.push_back(instance.sop_instance);
        return;
    }
    const ByteVector bytes = encoded(instance, on->transfer_syntax);
    dimse::wire::Buffer command;
    dimse::write_store_command(
        command,
        {.sop = {*Uid::parse(instance.sop_class), *Uid::parse(instance.sop_instance)},
         .message_id = ++progress.store_id,
         .originator = progress.originator}
    );
    wire.send_command(on->id, command);
    wire.send_data(on->id, bytes, half ? bytes.size() / 4 * 2 : bytes.size());
    if (half) {
        if (progress.away)
            wire.peer.send(abort_pdu());
        return;
    }
    PacsMessage response = wire.read();
    while (response.set.command() == dimse::Command::c_cancel_rq) {
        state_.locked([this] { ++state_.cancels; });
        progress.cancelled = true;
        response = wire.read();
    }
    const std::uint16_t code = response.set.us(dimse::element::status).value_or(0xc000);
    state_.locked([&] { state_.store_answers.push_back(code); });
    switch (status_class(code)) {
    case StatusClass::success: ++progress.counts.completed; break;
    case StatusClass::warning: ++progress.counts.warning; break;
    default: ++progress.counts.failed; progress.failed.push_back(instance.sop_instance);
    }
}

void PacsAssociation::end(const PacsRequest& request, const Progress& progress)
{
    dimse::QueryResponse response;
    dimse::SubOperations counts = progress.counts;
    if (progress.cancelled) {
        response.status.code = status::cancelled;
        response.remaining = true;
    } else if (counts.failed > 0)
        response.status.code = counts.completed + counts.warning > 0 ? 0xb000 : 0xa702;
    counts.completed += static_cast<std::uint32_t>(script_.retrieve.miscount);
    response.counts = counts;
    response.status.code = script_.retrieve.status.value_or(response.status.code);
    dimse::wire::Buffer bytes;
    if (!progress.failed.empty()) {
        std::string list;
        for (const std::string& uid : progress.failed)
            list += (list.empty() ? "" : "\\") + uid;
        DcmDataset failed;
        (void)failed.putAndInsertString(DCM_FailedSOPInstanceUIDList, list.c_str());
        response.data_set =
            dimse::encode_data_set(failed, *Uid::parse(request.transfer_syntax), bytes).has_value();
    }
    answer(request, response, bytes);
}

} // namespace gantry::tests
