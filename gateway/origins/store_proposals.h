// Which presentation contexts are proposed to a move destination (PS3.8 9.3.2.2), from what is to
// be sent. Pure.
#pragma once

#include "dimse/association.h"
#include "mapping/vocabulary/sop_reference.h"

#include <set>
#include <span>
#include <vector>

namespace gantry {

/// What one association can negotiate (PS3.8 9.3.2.2: odd, 1 to 255).
inline constexpr std::size_t most_contexts = 128;

/// The syntaxes of one class, each for a context of its own. `stored`: an empty one is not known.
/// `taken`: as below.
std::vector<Uid> proposed_syntaxes(const std::set<Uid>& stored, std::span<const Uid> taken);

struct ClassSyntaxes {
    Uid sop_class;
    std::vector<Uid> syntaxes;
};

/// One element for each association of at most `most` contexts: a class stands in one of them.
std::vector<std::vector<dimse::ProposedContext>>
in_associations(std::span<const ClassSyntaxes> classes, std::size_t most);

/// For each SOP class of `instances`: one context for each compressed syntax that they are stored
/// in, alone, so that the acceptor's choice cannot be another; one for Explicit and one for
/// Implicit VR Little Endian. Where it is not known how they are stored: for the usual compressed
/// syntaxes. Only what is in `taken`, unless that is empty; what can be made here is added where
/// nothing native is in it. One element for each association: a class stands in one of them.
std::vector<std::vector<dimse::ProposedContext>>
store_proposals(std::span<const InstanceKey> instances, std::span<const Uid> taken);

} // namespace gantry
