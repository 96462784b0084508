#include "dimse/error.h"
#include "dimse/requestor.h"
#include "gateway/cli/examine.h"
#include "gateway/cli/query_steps.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <array>

namespace gantry::cli {

namespace {

struct StorageClass {
    std::string_view uid;
    std::string_view name;
};

// What most sites store (PS3.4 B.5).
constexpr StorageClass storage_classes[] = {
    {"1.2.840.10008.5.1.4.1.1.2", "CT"},
    {"1.2.840.10008.5.1.4.1.1.2.1", "Enhanced CT"},
    {"1.2.840.10008.5.1.4.1.1.4", "MR"},
    {"1.2.840.10008.5.1.4.1.1.4.1", "Enhanced MR"},
    {"1.2.840.10008.5.1.4.1.1.1", "CR"},
    {"1.2.840.10008.5.1.4.1.1.1.1", "DX"},
    {"1.2.840.10008.5.1.4.1.1.1.2", "Mammography"},
    {"1.2.840.10008.5.1.4.1.1.6.1", "Ultrasound"},
    {"1.2.840.10008.5.1.4.1.1.3.1", "Ultrasound multi-frame"},
    {"1.2.840.10008.5.1.4.1.1.12.1", "XA"},
    {"1.2.840.10008.5.1.4.1.1.20", "NM"},
    {"1.2.840.10008.5.1.4.1.1.128", "PET"},
    {"1.2.840.10008.5.1.4.1.1.7", "Secondary Capture"},
    {"1.2.840.10008.5.1.4.1.1.88.33", "Comprehensive SR"},
    {"1.2.840.10008.5.1.4.1.1.11.1", "Presentation State"},
    {"1.2.840.10008.5.1.4.1.1.104.1", "Encapsulated PDF"},
    {"1.2.840.10008.5.1.4.1.1.66.4", "Segmentation"},
};

constexpr std::string_view compressed[] = {
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.5",
};

/// Each class once in plain syntaxes; CT once in each compressed one.
std::vector<dimse::ProposedContext> proposals()
{
    std::vector<dimse::ProposedContext> all;
    const auto propose = [&](std::string_view abstract_syntax, std::vector<Uid> syntaxes) {
        dimse::ProposedContext context;
        context.id = static_cast<std::uint8_t>((all.size() * 2) + 1);
        context.abstract_syntax = known_uid(abstract_syntax);
        context.transfer_syntaxes = std::move(syntaxes);
        all.push_back(std::move(context));
    };
    for (const StorageClass& each : storage_classes)
        propose(
            each.uid,
            {known_uid(transfer_syntax::explicit_le), known_uid(transfer_syntax::implicit_le)}
        );
    for (const std::string_view each : compressed)
        propose(storage_classes[0].uid, {known_uid(each)});
    return all;
}

bool says(const Error& error, std::string_view words)
{
    return error.text().find(words) != std::string::npos;
}

void judge_rejection(
    const Error& error, const config::Peer& peer, const Config& config, Findings& findings
)
{
    const std::string& ours = config.dimse.acceptor.ae_title.str();
    if (says(error, "called AE"))
        findings.bad(
            "association",
            error.text(),
            Side::ours,
            "the peer does not call itself " + peer.address.ae_title.str() +
                ": correct ae_title in peers"
        );
    else if (says(error, "calling AE"))
        findings.bad(
            "association",
            error.text(),
            Side::theirs,
            "it does not know us: its administrator must enter AE title " + ours +
                " with the address of this machine"
        );
    else
        findings.bad(
            "association",
            error.text(),
            Side::theirs,
            "it answers, and will not talk now: too busy, or set up to refuse us"
        );
}

void judge_failure(
    const Error& error, const config::Peer& peer, const Config& config, Findings& findings
)
{
    const std::string where = peer.address.host + ":" + std::to_string(peer.address.port);
    if (error.code == dimse::make_error_code(dimse::Errc::not_resolved))
        findings.bad(
            "address",
            error.text(),
            Side::ours,
            "host in peers, or the name service of this machine"
        );
    else if (error.code == dimse::make_error_code(dimse::Errc::not_connected))
        findings.bad(
            "connection",
            error.text(),
            Side::between,
            "nobody takes connections at " + where +
                ": wrong host or port in peers, it is switched off, or a firewall refuses"
        );
    else if (error.code == dimse::make_error_code(dimse::Errc::rejected))
        judge_rejection(error, peer, config, findings);
    else if (error.code == dimse::make_error_code(dimse::Errc::timeout))
        findings.bad(
            "connection",
            error.text(),
            Side::between,
            "no answer from " + where +
                ": a firewall swallows it, or what listens there is not DICOM"
        );
    else
        findings.bad(
            "association",
            error.text(),
            Side::theirs,
            "it broke off: what listens at " + where + " may not be DICOM, or wants TLS"
        );
}

std::string_view class_name(const Uid& abstract_syntax)
{
    const auto* const found = std::ranges::find(
        storage_classes, std::string_view(abstract_syntax.str()), &StorageClass::uid
    );
    return found == std::end(storage_classes) ? std::string_view("?") : found->name;
}

void report_contexts(const dimse::Negotiation& negotiated, Findings& findings)
{
    std::string taken;
    std::string refused;
    std::string syntaxes;
    for (std::size_t i = 0; i < negotiated.contexts.size(); ++i) {
        const dimse::Negotiation::Context& context = negotiated.contexts[i];
        const bool plain = i < std::size(storage_classes);
        const bool accepted = !context.transfer_syntax.empty();
        std::string& list = plain ? (accepted ? taken : refused) : syntaxes;
        if (!plain && !accepted)
            continue;
        list += list.empty() ? "" : ", ";
        list += plain ? class_name(context.abstract_syntax)
                      : TransferSyntax::of(context.transfer_syntax.str()).name;
    }
    if (taken.empty())
        findings.note(
            "storage", "accepts none of the usual storage classes: nothing can be stored there"
        );
    else
        findings.good("storage", "accepts " + taken);
    if (!taken.empty() && !refused.empty())
        findings.note("storage", "does not accept " + refused);
    findings.note(
        "compression",
        syntaxes.empty() ? "accepts CT only uncompressed" : "accepts CT in " + syntaxes
    );
}

} // namespace

std::vector<Uid> usual_storage_classes()
{
    std::vector<Uid> all;
    for (const StorageClass& each : storage_classes)
        all.push_back(known_uid(each.uid));
    return all;
}

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): see the header
asio::awaitable<bool>
examine_peer(const Config& config, const config::Peer& peer, Findings& findings, WorkerPool& pool)
{
    const dimse::AcceptorOptions& ours = config.dimse.acceptor;
    const dimse::RequestorOptions options{ours.ae_title, ours.pdu_size, ours.timeouts};
    dimse::Requestor requestor(peer.address, options, pool);
    const auto echo = co_await requestor.echo();
    if (!echo) {
        judge_failure(echo.error(), peer, config, findings);
        co_return false;
    }
    if (status_class(echo->code) == StatusClass::success)
        findings.good("C-ECHO", "answered by " + peer.address.ae_title.str());
    else
        findings.bad(
            "C-ECHO",
            "answered with status " + std::to_string(echo->code),
            Side::theirs,
            "it takes associations and does not verify"
        );
    std::vector<dimse::ProposedContext> proposed = proposals();
    const auto negotiated = co_await requestor.negotiate(std::move(proposed));
    if (!negotiated) {
        judge_failure(negotiated.error(), peer, config, findings);
        co_return false;
    }
    findings.good(
        "association",
        "negotiated in " + std::to_string(negotiated->round_trip.count() / 1000) + " ms with \"" +
            negotiated->implementation_version + "\", PDU " +
            std::to_string(negotiated->peer_pdu_size)
    );
    report_contexts(*negotiated, findings);
    co_return true;
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry::cli
