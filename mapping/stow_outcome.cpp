// The tables: what follows from a STOW-RS answer, and which answer follows from C-STORE results.
#include "mapping/stow_outcome.h"

#include "mapping/vocabulary/dimse_status.h"

#include <algorithm>
#include <array>

namespace gantry::mapping {

namespace {

constexpr std::uint16_t as_given = 0; // the code of the row's subject is the status

/// What a reason that the archive gave means (PS3.18 table I.2-2; PS3.4 B.2.3; ranges as there).
/// The first row that holds counts.
struct ReasonRow {
    std::uint16_t first;
    std::uint16_t last;
    Decision decision;
    unsigned max_attempts;
    std::uint16_t status;
    const char* says;
};

constexpr ReasonRow failure_rows[] = {
    // PS3.18 I.2-2: C122
    {0xc122, 0xc122, Decision::transcode, 0, as_given, "transfer syntax not supported"},
    // PS3.18 I.2-2, PS3.4 B.2.3
    {0xa700, 0xa7ff, Decision::retry, 0, status::out_of_resources, "out of resources"},
    {0xa900, 0xa9ff, Decision::fail, 0, status::data_set_mismatch, "data set does not match class"},
    {0xc000, 0xcfff, Decision::fail, 0, as_given, "cannot understand"},
    // PS3.18 I.2-2: a general failure, which may pass
    {0x0110, 0x0110, Decision::retry_limited, 3, status::cannot_understand, "processing failure"},
    {0x0122, 0x0122, Decision::fail, 0, status::sop_class_not_supported, "class not supported"},
    // PS3.7 C.5.22: a matter of permissions, not of the instance
    {0x0124, 0x0124, Decision::hold_and_alarm, 0, status::not_authorised, "not authorised"},
    // PS3.7 C.5.11
    {0x0117, 0x0117, Decision::fail, 0, status::invalid_sop_instance, "invalid SOP instance"},
    // PS3.7 C.5.8: duplicate; and what Azure says for it (45070), even where it is identical
    {0x0111, 0x0111, Decision::conflict_check, 0, status::data_set_mismatch, "duplicate instance"},
    {0xb00e, 0xb00e, Decision::conflict_check, 0, status::data_set_mismatch, "already exists"},
    // Azure 45071: the same instance is being stored at this moment
    {0xb00f, 0xb00f, Decision::retry, 0, status::out_of_resources, "being stored"},
    // what nobody documents is not understood
    {0x0000, 0xffff, Decision::fail, 0, status::cannot_understand, "unknown reason"},
};

enum class Batch : std::uint8_t { any, one, many };

/// What an HTTP status means for an instance that no report names (PS3.18 table 10.5.3-1, 8.5).
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order that it is read in
struct HttpRow {
    unsigned first;
    unsigned last;
    Batch batch;
    Decision decision;
    unsigned max_attempts;
    std::uint16_t status;
    const char* says;
};

constexpr HttpRow http_rows[] = {
    // success is never inferred from the status alone
    {200, 299, Batch::any, Decision::verify, 0, 0xc000, "not named in the response"},
    // RFC 9110 15.4: a POST is not followed elsewhere
    {300, 399, Batch::any, Decision::hold_and_alarm, 0, 0xc000, "redirected"},
    // one bad part spoils the request: find it
    {400, 400, Batch::many, Decision::split, 0, 0xc000, "bad request"},
    {400, 400, Batch::one, Decision::fail, 0, 0xc000, "bad request"},
    {401, 401, Batch::any, Decision::refresh_token, 0, 0x0124, "not authenticated"},
    // configuration, here or there: the instances are innocent
    {403, 403, Batch::any, Decision::hold_and_alarm, 0, 0x0124, "forbidden"},
    {404, 404, Batch::any, Decision::hold_and_alarm, 0, 0xc000, "no such service"},
    {405, 406, Batch::any, Decision::hold_and_alarm, 0, 0xc000, "service does not take this"},
    {407, 407, Batch::any, Decision::hold_and_alarm, 0, 0x0124, "proxy wants credentials"},
    {408, 408, Batch::any, Decision::retry, 0, 0xa700, "request timeout"},
    // PS3.18 10.5.3.1: none stored; without a module nobody knows why
    {409, 409, Batch::many, Decision::split, 0, 0xa900, "conflict"},
    {409, 409, Batch::one, Decision::conflict_check, 0, 0xa900, "conflict"},
    {410, 410, Batch::any, Decision::hold_and_alarm, 0, 0xc000, "service is gone"},
    {411, 411, Batch::any, Decision::retry_limited, 3, 0xc000, "length required"},
    {413, 413, Batch::many, Decision::split, 0, 0xa700, "request too large"},
    {413, 413, Batch::one, Decision::fail, 0, 0xa700, "instance too large"},
    {415, 415, Batch::any, Decision::hold_and_alarm, 0, 0xc000, "media type not supported"},
    // Azure: a dependency failed
    {424, 424, Batch::any, Decision::retry_limited, 3, 0xc000, "failed dependency"},
    {425, 425, Batch::any, Decision::retry, 0, 0xa700, "too early"},
    {429, 429, Batch::any, Decision::retry, 0, 0xa700, "too many requests"},
    {400, 499, Batch::many, Decision::split, 0, 0xc000, "refused"},
    {400, 499, Batch::one, Decision::fail, 0, 0xc000, "refused"},
    // one instance may be what the server breaks at: find it
    {500, 500, Batch::many, Decision::split, 0, 0xa700, "server error"},
    {500, 500, Batch::one, Decision::retry_limited, 10, 0xa700, "server error"},
    {501, 501, Batch::many, Decision::split, 0, 0x0122, "not implemented"},
    {501, 501, Batch::one, Decision::fail, 0, 0x0122, "not implemented"},
    {502, 502, Batch::any, Decision::retry_limited, 20, 0xa700, "bad gateway"},
    {503, 504, Batch::any, Decision::retry, 0, 0xa700, "unavailable"},
    {507, 507, Batch::any, Decision::retry, 0, 0xa700, "insufficient storage"},
    {500, 599, Batch::any, Decision::retry_limited, 10, 0xa700, "server error"},
    // no HTTP at all
    {0, ~0U, Batch::any, Decision::retry_limited, 10, 0xa700, "no sense"},
};

struct NoAnswerRow {
    NoAnswer why;
    Decision decision;
    bool alarm;
    const char* says;
};

constexpr NoAnswerRow no_answer_rows[] = {
    {NoAnswer::unreachable, Decision::retry, false, "unreachable"},
    // it may be renewed at any time; until then somebody should know
    {NoAnswer::bad_certificate, Decision::retry, true, "certificate not accepted"},
    // it may have been stored: ask before sending it again
    {NoAnswer::unknown_outcome, Decision::verify, false, "no response"},
};

std::string hex(std::uint16_t code)
{
    constexpr char digits[] = "0123456789ABCDEF";
    std::string text;
    for (unsigned shift = 16; shift != 0; shift -= 4)
        text.push_back(digits[(code >> (shift - 4)) & 0xfU]);
    return text;
}

Verdict for_failure(std::uint16_t reason)
{
    const auto holds = [reason](const ReasonRow& row) {
        return row.first <= reason && reason <= row.last;
    };
    const ReasonRow& row = *std::ranges::find_if(failure_rows, holds);
    Verdict verdict;
    verdict.decision = row.decision;
    verdict.max_attempts = row.max_attempts;
    verdict.reason = "FailureReason " + hex(reason) + ": " + row.says;
    verdict.alarm = row.decision == Decision::hold_and_alarm;
    verdict.status = {row.status == as_given ? reason : row.status, row.says};
    return verdict;
}

/// PS3.4 B.2.3 knows three; of others it is told only whether something was changed.
Verdict for_stored(const InstanceOutcome& outcome)
{
    if (!outcome.warning_reason)
        return {Decision::delivered, 0, "stored", false, {status::success, {}}};
    const std::uint16_t reason = *outcome.warning_reason;
    const bool known = reason == status::coercion || reason == status::elements_discarded ||
                       reason == status::data_set_mismatch_warning;
    const std::uint16_t other =
        outcome.coerced ? status::coercion : status::data_set_mismatch_warning;
    Verdict verdict;
    verdict.decision = Decision::delivered_with_warning;
    verdict.reason = "WarningReason " + hex(reason);
    verdict.status = {known ? reason : other, "stored with a warning"};
    return verdict;
}

Verdict for_http(unsigned http_status, std::size_t batch)
{
    const auto holds = [&](const HttpRow& row) {
        return row.first <= http_status && http_status <= row.last &&
               (row.batch == Batch::any || (row.batch == Batch::many) == (batch > 1));
    };
    const HttpRow& row = *std::ranges::find_if(http_rows, holds);
    Verdict verdict;
    verdict.decision = row.decision;
    verdict.max_attempts = row.max_attempts;
    verdict.reason = "HTTP " + std::to_string(http_status) + ": " + row.says;
    verdict.alarm = row.decision == Decision::hold_and_alarm;
    verdict.status = {row.status, row.says};
    return verdict;
}

} // namespace

Verdict verdict(
    unsigned http_status,
    const std::optional<StowReport>& report,
    const Uid& sop_instance,
    std::size_t batch
)
{
    if (!report)
        return for_http(http_status, batch);
    if (const InstanceOutcome* outcome = report->find(sop_instance); outcome != nullptr) {
        if (outcome->failure_reason)
            return for_failure(*outcome->failure_reason);
        // 409: nothing was stored as asked, says the status; what the report says is more precise
        if (http_status / 100 == 2 || http_status == 409)
            return for_stored(*outcome);
        Verdict contradiction = for_http(http_status, batch);
        contradiction.decision = Decision::verify;
        contradiction.reason += ", though stored";
        return contradiction;
    }
    // somebody's part could not be read: ours, if there was no other
    if (!report->other_failures.empty() && report->instances.empty() && batch == 1)
        return for_failure(report->other_failures.front());
    return for_http(http_status, batch);
}

Verdict verdict(NoAnswer why)
{
    const auto* row = std::ranges::find(no_answer_rows, why, &NoAnswerRow::why);
    return {row->decision, 0, row->says, row->alarm, {status::out_of_resources, row->says}};
}

unsigned stow_http_status(const StowReport& report)
{
    const auto stored = std::ranges::count_if(report.instances, &InstanceOutcome::stored);
    const auto total = static_cast<std::ptrdiff_t>(report.instances.size());
    const auto warned = [](const InstanceOutcome& o) { return o.stored() && o.warning_reason; };
    const auto transient = [](const InstanceOutcome& o) {
        return o.failure_reason && (*o.failure_reason & 0xff00U) == status::out_of_resources;
    };
    if (stored > 0) {
        const bool all = stored == total && report.other_failures.empty();
        return all && std::ranges::none_of(report.instances, warned) ? 200 : 202;
    }
    if (total == 0)
        return 400; // nothing in it, or nothing that could be read
    if (report.other_failures.empty() && std::ranges::all_of(report.instances, transient))
        return 503;
    return 409;
}

InstanceOutcome outcome_of_store(const SopReference& sop, std::uint16_t status)
{
    InstanceOutcome outcome{sop};
    switch (status_class(status)) {
    case StatusClass::success: break;
    case StatusClass::warning: outcome.warning_reason = status; break;
    default: outcome.failure_reason = status; break;
    }
    return outcome;
}

} // namespace gantry::mapping
