// A question to the archive (PS3.4 C.2.2, PS3.18 10.6): what of it the index can select by, and the
// full matching of what that gives. Blocking only in so far as it computes; any thread, one at a
// time.
#pragma once

#include "gateway/origin.h"
#include "gateway/origins/archive/catalogue.h"
#include "mapping/value_representation.h"
#include "mapping/vocabulary/tag.h"

#include <memory>
#include <string>
#include <vector>

class DcmDataset;
class DcmItem;

namespace gantry::archive {

class Search {
public:
    explicit Search(const FindQuestion& question);
    ~Search();
    Search(const Search&) = delete;
    Search& operator=(const Search&) = delete;

    /// A superset of what matches.
    const Selection& selection() const noexcept { return selection_; }

    /// The selection is the answer: nothing is left to match.
    bool exact() const noexcept { return exact_; }

    /// What the question asks for of a row; null where the row does not match.
    std::unique_ptr<DcmDataset> match(const Row& row) const;

private:
    struct Key {
        Tag tag;
        mapping::Vr vr{};
        std::vector<std::string> values; // alternatives; none: universal
    };

    /// A date and a time range that are one.
    struct Moment {
        Tag date;
        Tag time;
        std::string first; // YYYYMMDDHHMMSS.FFFFFF, or empty
        std::string last;
    };

    void take(const Key& key);
    void combine(Tag date, Tag time);
    bool select_by(const Key& key);
    bool matches(DcmItem& candidate) const;
    std::unique_ptr<DcmDataset> candidate(const Row& row) const;
    std::unique_ptr<DcmDataset> answer(DcmDataset& candidate) const;

    QueryLevel level_;
    bool all_fields_;
    std::unique_ptr<DcmDataset> keys_; // in UTF-8
    std::vector<Key> matching_;
    std::vector<Tag> sequences_; // of keys that match by items
    std::vector<Moment> moments_;
    std::vector<Tag> wanted_;
    bool wants_study_ = false;
    bool wants_series_ = false;
    Selection selection_;
    bool exact_ = true;
};

} // namespace gantry::archive
