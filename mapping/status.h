// From what went wrong here to the status that the peer is told. One table for each service; a
// status that stands in no table is never sent.
#pragma once

#include "mapping/vocabulary/dimse_status.h"

#include <cstdint>
#include <string_view>

namespace gantry::mapping {

/// Why a C-STORE is not answered with Success (PS3.4 B.2.3, PS3.7 9.1.1.1.9).
enum class StoreFailure : std::uint8_t {
    spool_full,              // free space below the low-water mark
    queue_full,              // more is waiting for delivery than we may hold
    storage_failed,          // the disk refused or lost the bytes
    index_unavailable,       // the queue's database cannot be written
    not_permitted,           // this peer may not store
    class_mismatch,          // SOP Class UID of the data set is not the command's
    instance_mismatch,       // SOP Instance UID of the data set is not the command's
    study_missing,           // no usable Study Instance UID
    series_missing,          // no usable Series Instance UID
    sop_missing,             // no usable SOP Class or Instance UID in the data set
    structure_broken,        // the structure of the data set does not hold to its end
    invalid_sop_instance,    // the command's SOP Instance UID is no UID
    sop_class_not_supported, // not a storage class
    not_asked_for,           // of a retrieve of ours: another study, series or instance
    not_awaited              // of a retrieve of ours that has ended
};

DimseStatus store_status(StoreFailure failure);

/// Why a C-FIND is not answered with Success (PS3.4 table C.4-1). What is wrong with an Identifier
/// is told by check_find_identifier().
enum class FindFailure : std::uint8_t {
    limit,        // cut off: there is more
    unavailable,  // the origin does not answer, or says later
    question,     // the origin does not understand what was asked
    unauthorised, // the origin does not let us in
    failed,       // the origin answered with what is no answer
    character_set // text of the Identifier is not in the character set that it names
};

/// `origin`: as configured, for the Error Comment.
DimseStatus find_status(FindFailure failure, std::string_view origin);

} // namespace gantry::mapping
