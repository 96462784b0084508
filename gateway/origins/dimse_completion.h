// What a PACS leaves out of its matches, though QIDO-RS has it always there (PS3.18 tables 10.6.3-3
// to 5): counts and modalities from the levels below, attributes of study and series from those
// above. Only what the find wants, each study or series above once. Loop.
#pragma once

#include "gateway/origins/dimse_find_keys.h"
#include "gateway/origins/dimse_question.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

class DcmItem;

namespace gantry {

class DimseCompletion {
public:
    /// All outlive it. `relational`: matches may lack what stands above their level.
    DimseCompletion(
        DimseFindRoom room, const DimseFindKeys& keys, DimseQuestions& questions, bool relational
    )
        : room_(room), keys_(keys), questions_(questions), relational_(relational)
    {
    }

    /// Whether something is to be asked for, for an entity of that level.
    bool lacks(DcmItem& match, QueryLevel level) const;
    /// Whether a key of the find cannot be matched before that.
    bool lacks_matched(DcmItem& match, QueryLevel level) const;

    /// Fills in what it lacks. What the PACS does not say stays empty, unless a key depends on it.
    asio::awaitable<FindEnd> complete(DcmItem& match, QueryLevel level); // NOLINT: we are awaited

private:
    struct Summary { // of a study's series
        std::vector<std::string> modalities;
        std::uint64_t series = 0;
        std::uint64_t instances = 0;
        std::vector<Uid> uncounted;
    };

    std::vector<Tag> missing(DcmItem& match, QueryLevel level) const;
    bool lacks_above(DcmItem& match, QueryLevel level) const;
    asio::awaitable<FindEnd> fill_from_above(DcmItem& match, QueryLevel level);
    asio::awaitable<FindEnd> above(QueryLevel level, FindPlace place, DcmItem& match);
    asio::awaitable<FindEnd> complete_study(DcmItem& match);
    asio::awaitable<FindEnd> complete_series(DcmItem& match);
    asio::awaitable<DimseAnswer> count_instances(FindPlace place, std::uint64_t& count);
    asio::awaitable<DimseAnswer> count_uncounted(Uid study, Summary& summary);
    FindEnd unless_refused(const DimseAnswer& answer, const std::vector<Tag>& wanted) const;

    DimseFindRoom room_;
    const DimseFindKeys& keys_;
    DimseQuestions& questions_;
    bool relational_;
    std::unordered_map<std::string, std::shared_ptr<DcmDataset>> above_;
};

} // namespace gantry
