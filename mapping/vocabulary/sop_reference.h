// The identity of one SOP instance.
#pragma once

#include "mapping/vocabulary/uid.h"

namespace gantry {

/// SOP class and instance: what a C-STORE command or a Referenced SOP Sequence item names
/// (PS3.3 10.8).
struct SopReference {
    Uid sop_class;
    Uid sop_instance;

    friend auto operator<=>(const SopReference&, const SopReference&) = default;
};

/// Where an instance stands in the information model (PS3.3 A.1.2), and how its data set is
/// encoded.
struct InstanceKey {
    Uid study;
    Uid series;
    SopReference sop;
    Uid transfer_syntax;

    friend auto operator<=>(const InstanceKey&, const InstanceKey&) = default;
};

} // namespace gantry
