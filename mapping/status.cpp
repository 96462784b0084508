#include "mapping/status.h"

namespace gantry::mapping {

DimseStatus store_status(StoreFailure failure)
{
    switch (failure) {
    // PS3.4 B.2.3: Refused, out of resources (A7xx): the peer keeps the instance and sends it
    // again.
    case StoreFailure::spool_full: return {status::out_of_resources, "Out of storage space"};
    case StoreFailure::queue_full: return {status::out_of_resources, "Too much awaits delivery"};
    case StoreFailure::storage_failed: return {status::out_of_resources, "Storage failed"};
    case StoreFailure::index_unavailable: return {status::out_of_resources, "Queue unavailable"};
    case StoreFailure::not_awaited:
        return {status::out_of_resources, "Nobody waits for it any more"};
    // PS3.7 C.5.22.
    case StoreFailure::not_permitted: return {status::not_authorised, "Not permitted to store"};
    // PS3.4 B.2.3: Error, data set does not match SOP class (A9xx).
    case StoreFailure::class_mismatch:
        return {status::data_set_mismatch, "SOP Class UID differs from the command"};
    case StoreFailure::instance_mismatch:
        return {status::data_set_mismatch, "SOP Instance UID differs from the command"};
    case StoreFailure::study_missing:
        return {status::data_set_mismatch, "Study Instance UID missing or invalid"};
    case StoreFailure::series_missing:
        return {status::data_set_mismatch, "Series Instance UID missing or invalid"};
    case StoreFailure::sop_missing:
        return {status::data_set_mismatch, "SOP Class or Instance UID missing or invalid"};
    case StoreFailure::not_asked_for: return {status::data_set_mismatch, "Not what was asked for"};
    // PS3.4 B.2.3: Error, cannot understand (Cxxx).
    case StoreFailure::structure_broken:
        return {status::cannot_understand, "Data set structure is broken or cut short"};
    // PS3.7 C.5.11, C.5.6.
    case StoreFailure::invalid_sop_instance:
        return {status::invalid_sop_instance, "SOP Instance UID is invalid"};
    case StoreFailure::sop_class_not_supported:
        return {status::sop_class_not_supported, "Not a storage SOP class"};
    }
    return {status::cannot_understand, {}};
}

namespace {

// PS3.4 table C.4-1, Unable to process (Cxxx): told apart for those who read logs.
constexpr std::uint16_t origin_refuses_us = 0xc001;
constexpr std::uint16_t origin_failed = 0xc002;

/// "... NAME ...", within the 64 characters of an LO.
std::string comment(std::string_view before, std::string_view origin, std::string_view after)
{
    constexpr std::size_t most = 64;
    const std::size_t room = most - before.size() - after.size();
    return std::string(before) + std::string(origin.substr(0, room)) + std::string(after);
}

} // namespace

DimseStatus find_status(FindFailure failure, std::string_view origin)
{
    switch (failure) {
    // Refused, out of resources (A700): the same question may be answered later, or a narrower one.
    case FindFailure::limit: return {status::out_of_resources, "Result limit reached"};
    case FindFailure::unavailable:
        return {status::out_of_resources, comment("No answer from ", origin, "")};
    // Error, data set does not match SOP class (A900).
    case FindFailure::question:
        return {status::data_set_mismatch, comment("", origin, " does not understand the query")};
    // Failed, unable to process (Cxxx).
    case FindFailure::unauthorised:
        return {origin_refuses_us, comment("Not authorised at ", origin, "")};
    case FindFailure::failed: return {origin_failed, comment("No valid answer from ", origin, "")};
    case FindFailure::character_set:
        return {
            status::cannot_understand,
            "Text is not in the character set that is named",
            tag::specific_character_set
        };
    }
    return {status::cannot_understand, {}};
}

} // namespace gantry::mapping
