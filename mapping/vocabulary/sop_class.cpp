#include "mapping/vocabulary/sop_class.h"

#include <algorithm>

namespace gantry {

namespace {

struct Known {
    std::string_view uid;
    Service service;
};

// PS3.6 table A-1, everything that is negotiated as an abstract syntax and is not composite
// storage.
constexpr Known known[] = {
    {"1.2.840.10008.1.1", Service::verification},
    {"1.2.840.10008.1.3.10", Service::other}, // Media Storage Directory
    {"1.2.840.10008.1.9", Service::other},    // Basic Study Content Notification (retired)
    {"1.2.840.10008.1.20.1", Service::storage_commitment}, // push model
    {"1.2.840.10008.1.20.2", Service::other},              // pull model (retired)
    {"1.2.840.10008.1.40", Service::other},                // Procedural Event Logging
    {"1.2.840.10008.1.42", Service::other},                // Substance Administration Logging
    {"1.2.840.10008.3.1.2.3.3", Service::performed_step},  // Modality Performed Procedure Step
    {"1.2.840.10008.3.1.2.3.4", Service::performed_step},  // MPPS Retrieve
    {"1.2.840.10008.3.1.2.3.5", Service::performed_step},  // MPPS Notification
    {"1.2.840.10008.5.1.4.1.2.1.1", Service::find},        // Patient Root
    {"1.2.840.10008.5.1.4.1.2.1.2", Service::move},
    {"1.2.840.10008.5.1.4.1.2.1.3", Service::get},
    {"1.2.840.10008.5.1.4.1.2.2.1", Service::find}, // Study Root
    {"1.2.840.10008.5.1.4.1.2.2.2", Service::move},
    {"1.2.840.10008.5.1.4.1.2.2.3", Service::get},
    {"1.2.840.10008.5.1.4.1.2.3.1", Service::find}, // Patient/Study Only (retired)
    {"1.2.840.10008.5.1.4.1.2.3.2", Service::move},
    {"1.2.840.10008.5.1.4.1.2.3.3", Service::get},
    {"1.2.840.10008.5.1.4.1.2.4.2", Service::other}, // Composite Instance Root Retrieve - MOVE
    {"1.2.840.10008.5.1.4.1.2.4.3", Service::other}, // Composite Instance Root Retrieve - GET
    {"1.2.840.10008.5.1.4.1.2.5.3", Service::other
    }, // Composite Instance Retrieve Without Bulk Data
    {"1.2.840.10008.5.1.4.31", Service::worklist},
    {"1.2.840.10008.5.1.4.32", Service::other}, // General Purpose Worklist (retired)
    {"1.2.840.10008.5.1.4.32.1", Service::other},
    {"1.2.840.10008.5.1.4.32.2", Service::other},
    {"1.2.840.10008.5.1.4.32.3", Service::other},
    {"1.2.840.10008.5.1.4.33", Service::other},            // Instance Availability Notification
    {"1.2.840.10008.5.1.4.34.4.1", Service::unified_step}, // trial (retired)
    {"1.2.840.10008.5.1.4.34.4.2", Service::unified_step},
    {"1.2.840.10008.5.1.4.34.4.3", Service::unified_step},
    {"1.2.840.10008.5.1.4.34.4.4", Service::unified_step},
    {"1.2.840.10008.5.1.4.34.6.1", Service::unified_step}, // Push
    {"1.2.840.10008.5.1.4.34.6.2", Service::unified_step}, // Watch
    {"1.2.840.10008.5.1.4.34.6.3", Service::unified_step}, // Pull
    {"1.2.840.10008.5.1.4.34.6.4", Service::unified_step}, // Event
    {"1.2.840.10008.5.1.4.34.6.5", Service::unified_step}, // Query
    {"1.2.840.10008.5.1.4.34.8", Service::other},          // RT Conventional Machine Verification
    {"1.2.840.10008.5.1.4.34.9", Service::other},          // RT Ion Machine Verification
    {"1.2.840.10008.5.1.4.37.1", Service::other
    }, // General / Breast / Cardiac Relevant Patient Query
    {"1.2.840.10008.5.1.4.37.2", Service::other},
    {"1.2.840.10008.5.1.4.37.3", Service::other},
    {"1.2.840.10008.5.1.4.41", Service::other}, // Product Characteristics Query
    {"1.2.840.10008.5.1.4.42", Service::other}, // Substance Approval Query
};

// Families of which every member is something else than storage.
constexpr Known families[] = {
    {"1.2.840.10008.3.1.2.", Service::other
    }, // detached management, notification (retired); MPPS is named above
    {"1.2.840.10008.5.1.1.", Service::other}, // print management; the two below are storage
    {"1.2.840.10008.5.1.4.38.", Service::other
    }, // hanging protocol query and retrieve; .38.1 is storage
    {"1.2.840.10008.5.1.4.39.", Service::other
    }, // colour palette query and retrieve; .39.1 is storage
    {"1.2.840.10008.5.1.4.43.", Service::other}, // generic implant template; .43.1 is storage
    {"1.2.840.10008.5.1.4.44.", Service::other}, // implant assembly template; .44.1 is storage
    {"1.2.840.10008.5.1.4.45.", Service::other}, // implant template group; .45.1 is storage
    {"1.2.840.10008.5.1.4.1.1.200.", Service::other
    }, // CT defined procedure protocol query; .1, .3, .7 are storage
    {"1.2.840.10008.5.1.4.1.1.201.", Service::other}, // storage management inventory; .1 is storage
};

constexpr std::string_view storage_in_families[] = {
    "1.2.840.10008.5.1.1.27",        // Stored Print (retired)
    "1.2.840.10008.5.1.1.29",        // Hardcopy Grayscale (retired)
    "1.2.840.10008.5.1.1.30",        // Hardcopy Color (retired)
    "1.2.840.10008.5.1.4.38.1",      // Hanging Protocol
    "1.2.840.10008.5.1.4.39.1",      // Color Palette
    "1.2.840.10008.5.1.4.43.1",      // Generic Implant Template
    "1.2.840.10008.5.1.4.44.1",      // Implant Assembly Template
    "1.2.840.10008.5.1.4.45.1",      // Implant Template Group
    "1.2.840.10008.5.1.4.1.1.200.1", // CT Defined Procedure Protocol
    "1.2.840.10008.5.1.4.1.1.200.2", // CT Performed Procedure Protocol
    "1.2.840.10008.5.1.4.1.1.200.3", // Protocol Approval
    "1.2.840.10008.5.1.4.1.1.200.7", // XA Defined Procedure Protocol
    "1.2.840.10008.5.1.4.1.1.200.8", // XA Performed Procedure Protocol
    "1.2.840.10008.5.1.4.1.1.201.1", // Inventory
};

} // namespace

Service service_of(std::string_view abstract_syntax)
{
    if (const auto* found = std::ranges::find(known, abstract_syntax, &Known::uid);
        found != std::end(known))
        return found->service;
    if (std::ranges::find(storage_in_families, abstract_syntax) != std::end(storage_in_families))
        return Service::storage;
    const auto belongs = [&](const Known& family) {
        return abstract_syntax.starts_with(family.uid);
    };
    if (const auto* found = std::ranges::find_if(families, belongs); found != std::end(families))
        return found->service;
    return Service::storage;
}

} // namespace gantry
