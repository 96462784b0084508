#include "gateway/origins/dimse_verdict.h"

#include "dimse/error.h"

#include <fmt/format.h>
#include <optional>

namespace gantry {

namespace {

using Next = DimseVerdict::Next;

struct ErrorRow {
    dimse::Errc code;
    Next next;
    Shortfall shortfall;
};

// Nobody is there: the next question would wait as long again.
constexpr ErrorRow errors[] = {
    {dimse::Errc::no_context, Next::other_way, Shortfall::failed},
    {dimse::Errc::not_granted, Next::other_way, Shortfall::failed},
    {dimse::Errc::not_resolved, Next::no_use, Shortfall::unavailable},
    {dimse::Errc::not_connected, Next::no_use, Shortfall::unavailable},
    {dimse::Errc::rejected, Next::no_use, Shortfall::unavailable},
    {dimse::Errc::busy, Next::no_use, Shortfall::unavailable},
    {dimse::Errc::stopped, Next::no_use, Shortfall::unavailable},
    {dimse::Errc::set_up, Next::no_use, Shortfall::failed},
};

struct StatusRow {
    std::uint16_t first;
    std::uint16_t last;
    Next next;
    Shortfall shortfall;
    const char* says;
};

constexpr StatusRow statuses[] = {
    {0x0000, 0x0000, Next::go_on, Shortfall::failed, "not all of it came"},
    {0x0122, 0x0122, Next::other_way, Shortfall::failed, "SOP class not supported"},
    {0x0124, 0x0124, Next::no_use, Shortfall::unauthorised, "not authorised at the archive"},
    {0x0211, 0x0211, Next::other_way, Shortfall::failed, "operation not recognised"},
    {0xa701, 0xa701, Next::go_on, Shortfall::failed, "archive cannot tell what matches"},
    {0xa702, 0xa702, Next::go_on, Shortfall::failed, "archive cannot send"},
    {0xa801, 0xa801, Next::no_use, Shortfall::failed, "archive does not know us as a destination"},
    {0xa700, 0xa7ff, Next::go_on, Shortfall::unavailable, "archive is out of resources"},
    {0xa900, 0xa9ff, Next::go_on, Shortfall::failed, "archive does not understand the question"},
    {0xb000, 0xbfff, Next::go_on, Shortfall::failed, "not all of it came"},
    {0xc000, 0xcfff, Next::go_on, Shortfall::failed, "archive is unable to process"},
    {0xfe00, 0xfe00, Next::go_on, Shortfall::failed, "archive cancelled it"},
};

DimseVerdict of_error(const Error& error, std::size_t received)
{
    for (const ErrorRow& row : errors)
        if (error.code == dimse::make_error_code(row.code))
            return {row.next, {row.shortfall, error.text()}};
    // Silence is not asked again, unless something came before: one instance may be the cause.
    if (error.code == dimse::make_error_code(dimse::Errc::timeout))
        return {received == 0 ? Next::no_use : Next::go_on, {Shortfall::timed_out, error.text()}};
    return {Next::go_on, {Shortfall::failed, error.text()}}; // aborted, closed, malformed
}

} // namespace

DimseVerdict verdict(const Result<dimse::RetrieveAnswer>& answer, std::size_t received)
{
    if (!answer)
        return of_error(answer.error(), received);
    const std::uint16_t code = answer->status.code;
    const char* says = "unknown status";
    DimseVerdict out;
    for (const StatusRow& row : statuses) {
        if (code < row.first || code > row.last)
            continue;
        says = row.says;
        out.next = row.next;
        out.loss.shortfall = row.shortfall;
        break;
    }
    // Refused before anything was tried: it may do it later.
    const auto& [remaining, completed, failed, warning] = answer->counts;
    if (code == 0xa702 && completed + failed + warning == 0 && answer->failed.empty())
        out.loss.shortfall = Shortfall::unavailable;
    out.loss.reason = fmt::format("{} (status {:04X})", says, code);
    return out;
}

} // namespace gantry
