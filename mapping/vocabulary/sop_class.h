// Which DIMSE service an abstract syntax belongs to (PS3.4, PS3.6 annex A).
#pragma once

#include <cstdint>
#include <string_view>

namespace gantry {

enum class Service : std::uint8_t {
    verification, // 1.2.840.10008.1.1
    storage, // standard, retired, and every UID that is not known to be something else (private
             // classes)
    find,    // Patient Root, Study Root, Patient/Study Only
    move,
    get,
    worklist,           // Modality Worklist
    performed_step,     // MPPS and its retrieve and notification classes
    storage_commitment, // push model
    unified_step,       // UPS Push, Watch, Pull, Event, Query
    other,              // known, and none of the above: print, media, query of templates, ...
};

/// Every UID has an answer: one that no table knows is a storage class that is newer than this
/// program, or private.
Service service_of(std::string_view abstract_syntax);

} // namespace gantry
