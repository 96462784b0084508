// Which transfer syntax is taken of a context on which a PACS moves instances to us. Pure.
#pragma once

#include "dimse/association.h"

#include <span>

namespace gantry::faces {

/// Who proposes a compressed syntax stores in it or can make it: its first such one, so that pixels
/// come as they are stored; else Explicit, else Implicit VR Little Endian, else its first. Never
/// one whose pixels are elsewhere (JPIP) where there is another. `offered`: at least one.
dimse::ContextAnswer moved_context(std::span<const Uid> offered);

} // namespace gantry::faces
