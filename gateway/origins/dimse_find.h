// Answers a find from an archive that speaks DIMSE by C-FIND in the Study Root model (PS3.4 C.4.1,
// C.6.2): by one question where that is enough, by relational queries where the PACS grants them,
// else level by level. Each match is matched again. Runs on the loop; holds matches only where
// something has to be asked for that the PACS left out, or a walk is ahead of its turn. Never has
// one question open while it waits for another: a PACS may allow one association.
#pragma once

#include "dimse/requestor.h"
#include "gateway/origin.h"

#include <cstddef>
#include <optional>
#include <string>

namespace gantry {

struct DimseOriginOptions;

/// What a PACS shows of itself while it is asked. Loop.
struct DimseFindMemory {
    std::optional<bool> relational; // whether it grants relational queries (PS3.4 C.5.1.1.1)
    std::optional<bool> fuzzy;      // whether it grants fuzzy matching (PS3.4 C.5.1.1.3)
};

/// What is needed to ask. The references outlive every find.
struct DimseFindRoom {
    const std::string& name; // of the origin, for logs
    dimse::Requestor& requestor;
    const DimseOriginOptions& options;
    DimseFindMemory& learned;
};

/// As Origin::find() says. Patient level: Shortfall::question.
asio::awaitable<FindEnd>
find_by_dimse(DimseFindRoom room, FindQuestion question, FindSink& matches);

} // namespace gantry
