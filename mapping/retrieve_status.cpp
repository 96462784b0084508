#include "mapping/retrieve_status.h"

namespace gantry::mapping {

namespace {

// PS3.4 tables C.4-2 and C.4-3.
constexpr std::uint16_t cannot_calculate_matches = 0xa701;
constexpr std::uint16_t cannot_perform_sub_operations = 0xa702;
constexpr std::uint16_t sub_operations_complete_with_failures = 0xb000;
constexpr std::uint16_t unable_to_process = 0xc000;
constexpr std::uint16_t not_let_in = 0xc001; // the same as for C-FIND

constexpr std::size_t longest_comment = 64; // (0000,0902) LO

} // namespace

DimseStatus retrieve_status(RetrieveFailure failure)
{
    switch (failure) {
    case RetrieveFailure::destination_unknown:
        return {status::move_destination_unknown, "Move Destination is not configured"};
    case RetrieveFailure::destination_unreachable:
        return {cannot_perform_sub_operations, "Destination cannot be reached"};
    case RetrieveFailure::destination_busy:
        return {cannot_perform_sub_operations, "Destination is busy with other retrieves"};
    case RetrieveFailure::origin_busy:
        return {cannot_perform_sub_operations, "Archive is busy with other retrieves"};
    case RetrieveFailure::matches_unknown:
        return {cannot_calculate_matches, "Archive did not say all that it has"};
    case RetrieveFailure::matches_limited:
        return {cannot_calculate_matches, "Archive has more than can be listed"};
    case RetrieveFailure::nothing_sent:
        return {cannot_perform_sub_operations, "No instance could be sent"};
    case RetrieveFailure::not_authorised:
        return {not_let_in, "Archive does not let this gateway in"};
    case RetrieveFailure::question_refused:
        return {status::data_set_mismatch, "Archive does not understand the request"};
    case RetrieveFailure::internal: break;
    }
    return {unable_to_process, "Internal error"};
}

DimseStatus retrieve_status(RetrieveFailure failure, std::string_view detail)
{
    DimseStatus made = retrieve_status(failure);
    if (!detail.empty())
        made.comment = std::string(detail.substr(0, longest_comment));
    return made;
}

DimseStatus
retrieve_status(std::uint64_t completed, std::uint64_t failed, std::uint64_t with_warning)
{
    if (failed == 0 && with_warning == 0)
        return {status::success, {}};
    if (completed == 0 && with_warning == 0)
        return retrieve_status(RetrieveFailure::nothing_sent);
    return {sub_operations_complete_with_failures, {}};
}

} // namespace gantry::mapping
