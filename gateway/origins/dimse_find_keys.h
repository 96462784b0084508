// The keys of a find as C-FIND Identifiers of the levels that they are asked at (PS3.4 C.6.2). Pure
// but for what it is given; loop.
#pragma once

#include "gateway/origin.h"
#include "mapping/identifier.h"

#include <memory>
#include <string>
#include <vector>

namespace gantry {

/// Below which study, or series, a level is asked; empty: below none.
struct FindPlace {
    Uid study = {};
    Uid series = {};
};

class DimseFindKeys {
public:
    /// `character_set`: of the PACS, empty: ASCII where that is enough, else ISO_IR 192.
    DimseFindKeys(const FindQuestion& question, std::string character_set);
    ~DimseFindKeys();
    DimseFindKeys(const DimseFindKeys&) = delete;
    DimseFindKeys& operator=(const DimseFindKeys&) = delete;

    QueryLevel level() const noexcept { return level_; }

    /// The keys of one level within a place; of the question's own level, those that nobody knows
    /// the level of are among them. In the character set of the PACS; a character that it has no
    /// place for is "?".
    std::shared_ptr<const DcmDataset> identifier(QueryLevel level, FindPlace place) const;

    /// All keys at once, of this level and those above (PS3.4 C.4.1.2.2.1, relational queries).
    std::shared_ptr<const DcmDataset> relational_identifier() const;

    /// One question beside the keys: what is empty is to be returned.
    static std::shared_ptr<const DcmDataset>
    listing(QueryLevel level, FindPlace place, const std::vector<Tag>& fields);

    /// For matching again: the keys of this level and above.
    mapping::FindIdentifier matched_at(QueryLevel level) const;

    /// Asked for, with or without a value.
    bool has(Tag tag) const;
    bool has_value(Tag tag) const;
    /// Whether more than the unique key of this level is asked for there.
    bool has_level(QueryLevel level) const;
    /// What is asked for there, but for unique keys.
    std::vector<Tag> of_level(QueryLevel level) const;
    /// The only value of the unique key of this level; empty: there is none, or several.
    Uid only(QueryLevel level) const;
    /// Whether a name has a value to match.
    bool has_name() const;

private:
    QueryLevel level_of(Tag tag) const;
    bool is_asked(Tag tag) const;
    void put_combined(DcmDataset& identifier) const;
    std::shared_ptr<const DcmDataset> finished(std::unique_ptr<DcmDataset> identifier) const;

    QueryLevel level_;
    bool combined_;
    bool timezone_;
    std::vector<std::string> sets_;
    std::unique_ptr<DcmDataset> keys_;
};

} // namespace gantry
