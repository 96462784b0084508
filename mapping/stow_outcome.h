// What became of each instance of a STOW-RS request (PS3.18 10.5, annex I.2): reading the response,
// writing our own, and the tables that say what follows from it. Pure; any thread.
#pragma once

#include "mapping/error.h"
#include "mapping/vocabulary/dimse_status.h"
#include "mapping/vocabulary/sop_reference.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::mapping {

/// Warning Reason of our own (PS3.18 table I.2-1 leaves room): the instance is durable here and
/// will be delivered; its archive has not answered within the time that a client waits.
inline constexpr std::uint16_t still_waiting = 0xb0f0;

struct InstanceOutcome {
    SopReference sop; // the class may be empty where a server leaves it out
    std::optional<std::uint16_t> warning_reason = {}; // (0008,1196): stored, but
    std::optional<std::uint16_t> failure_reason = {}; // (0008,1197): not stored
    std::string retrieve_url = {};                    // (0008,1190)
    bool coerced = false;                             // has an Original Attributes Sequence

    bool stored() const noexcept { return !failure_reason; }
};

struct StowReport {
    std::string retrieve_url; // (0008,1190), of the study; empty where there are several
    std::vector<InstanceOutcome> instances;
    std::vector<std::uint16_t> other_failures; // (0008,119A): of parts that nobody could name

    /// The outcome of one instance; its failure, where a server lists it twice. Null: not named.
    const InstanceOutcome* find(const Uid& sop_instance) const;
};

/// Reads a response body: DICOM JSON, or Native DICOM Model XML where `content_type` or the first
/// character says so. Tolerant of what servers send (reasons as text, one object in an array, no
/// vr, lower-case tags, empty items). A failure without a readable reason counts as 0110H.
/// Errc::malformed: neither; Errc::too_large or too_deep: hostile. An empty body or object is an
/// empty report.
Result<StowReport> read_stow_report(std::string_view content_type, std::string_view body);

/// The body of our own response, application/dicom+json: one object (PS3.18 10.5.3).
std::string stow_response_json(const StowReport& report);

/// The HTTP status of our own response, from the mix: 200, 202, 400, 409 or 503 (PS3.18 10.5.3.1).
unsigned stow_http_status(const StowReport& report);

/// What our own response says of an instance whose C-STORE was answered with `status`.
InstanceOutcome outcome_of_store(const SopReference& sop, std::uint16_t status);

enum class Decision : std::uint8_t {
    delivered,
    delivered_with_warning, // delivered; the ledger keeps the reason
    retry,                  // with backoff, for as long as it takes; Retry-After goes before it
    retry_limited,          // with backoff, `max_attempts` in all, then fail
    split,                  // the request held several: send its halves
    verify,                 // ask the archive whether it has it: delivered if so, else retry
    refresh_token,          // then retry; alarm if the new one is refused as well
    hold_and_alarm,         // nothing is wrong with the instance: keep it, tell the operator
    fail,                   // for good; an operator may send it again
    conflict_check, // the archive may have one of this UID: delivered if it is the same, else
                    // quarantine; if it has none after all, fail
    transcode,      // once more in Explicit VR Little Endian; if it was in that, fail
};

struct Verdict {
    Decision decision = Decision::retry;
    unsigned max_attempts = 0; // of retry_limited
    std::string reason;        // for queue, ledger and log: "HTTP 503", "FailureReason A700", ...
    bool alarm = false;        // whatever is decided, an operator must know
    DimseStatus status;        // the C-STORE response, where it waits for the archive
};

/// What follows for one instance of a request that held `batch`. A report that names the instance
/// goes before the HTTP status; success is never inferred from the HTTP status alone.
Verdict verdict(
    unsigned http_status,
    const std::optional<StowReport>& report,
    const Uid& sop_instance,
    std::size_t batch
);

/// Why there was no HTTP response.
enum class NoAnswer : std::uint8_t {
    unreachable, // name, connection, TLS handshake, or a timeout or reset before the body was out
    bad_certificate, // of the server
    unknown_outcome, // the request was out, its response did not come or was cut short
};

Verdict verdict(NoAnswer why);

} // namespace gantry::mapping
