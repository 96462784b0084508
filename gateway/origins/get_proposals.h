// Which presentation contexts are proposed for what a C-GET brings (PS3.4 C.4.3, PS3.7 D.3.3.4).
// Pure.
#pragma once

#include "dimse/association.h"
#include "mapping/vocabulary/sop_reference.h"

#include <span>
#include <vector>

namespace gantry {

/// One that a C-GET is to bring, and the syntaxes that it is wanted in; null: any.
struct WantedInstance {
    const InstanceKey* key = nullptr; // class and transfer syntax may be empty
    const std::vector<Uid>* syntaxes = nullptr;
};

/// As store_proposals(), with us as the SCP, and at most 127 contexts for each association, since
/// the C-GET needs one itself. Where syntaxes are wanted: those, and what can be brought into them
/// here. For a class that is not known the usual classes, over several associations.
std::vector<std::vector<dimse::ProposedContext>>
get_proposals(std::span<const WantedInstance> instances);

/// The same with what is not compressed first: some archives take the first context of a class,
/// however the instance is stored.
void native_first(std::vector<dimse::ProposedContext>& contexts);

/// Whether an instance of this class may come on one of `contexts`; of a class that is not known:
/// always.
bool proposed(std::span<const dimse::ProposedContext> contexts, const Uid& sop_class);

} // namespace gantry
