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

} // namespace gantry::mapping
