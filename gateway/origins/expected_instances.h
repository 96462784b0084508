// Which instances a retrieve covers, as the origin itself says when it is asked by find. Runs on
// the loop; holds the list, and nothing else of the answers.
#pragma once

#include "gateway/origin.h"

#include <functional>
#include <vector>

namespace gantry {

/// Origin::find() of whoever holds the instances.
using AskFind = std::function<asio::awaitable<FindEnd>(FindQuestion, FindSink&)>;

struct ExpectedInstances {
    /// Each once; those of a series together, by Instance Number. The transfer syntax is the first
    /// that the origin has it in (0008,3002), the class may be empty.
    std::vector<InstanceKey> instances;
    FindEnd end; // incomplete: they could not be told, and the list is good for nothing
};

struct ExpectedStudies {
    std::vector<Uid> studies; // as named, and of the patients that are named
    FindEnd end;              // incomplete: as above
};

asio::awaitable<ExpectedStudies> expected_studies(AskFind find, RetrieveQuestion question);

/// Asks at image level; by series where an origin does not list a study as a whole. Drops what was
/// not asked for.
asio::awaitable<ExpectedInstances> expected_instances(AskFind find, RetrieveQuestion question);

} // namespace gantry
