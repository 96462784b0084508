// Whatever a server answers: it is read or refused, and what is read can be written and read again.
#include "mapping/stow_outcome.h"

#include "fuzz_input.h"

using namespace gantry;
using namespace gantry::mapping;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view body = fuzz::text(data, size);
    const auto report = read_stow_report("application/dicom+json", body);
    const auto as_xml = read_stow_report("application/dicom+xml", body);
    if (!report)
        return 0;
    const auto again = read_stow_report("", stow_response_json(*report));
    fuzz::require(again.has_value());
    fuzz::require(again->instances.size() == report->instances.size());
    fuzz::require(again->other_failures == report->other_failures);
    const std::optional<StowReport> answer = *report;
    for (const InstanceOutcome& outcome : report->instances) {
        const Verdict verdict_of = verdict(202, answer, outcome.sop.sop_instance, 2);
        const bool delivered = verdict_of.decision == Decision::delivered ||
                               verdict_of.decision == Decision::delivered_with_warning;
        fuzz::require(delivered == report->find(outcome.sop.sop_instance)->stored());
    }
    return 0;
}
