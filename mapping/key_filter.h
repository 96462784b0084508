// Does a match that an origin gave satisfy the keys of a C-FIND (PS3.4 C.2.2.2), and what of it is
// the answer (PS3.4 C.4.1.1.3.2)? Text is UTF-8 on both sides. Pure; one thread at a time.
#pragma once

#include "mapping/identifier.h"
#include "mapping/value_representation.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

class DcmElement;
class DcmItem;

namespace gantry::mapping {

/// What extended negotiation made of matching (PS3.4 C.5.1.1).
struct MatchingRules {
    bool combined_date_time = false;
    bool fuzzy = false;    // names are the origin's to match
    bool timezone = false; // dates and times are the origin's, unless stated in the zone asked for
};

struct FindAnswer {
    std::unique_ptr<DcmDataset> identifier;
    bool all_keys_supported = true; // else a key with a value was not there to match: FF01
};

class KeyFilter {
public:
    KeyFilter(const FindIdentifier& question, const MatchingRules& rules);
    ~KeyFilter();
    KeyFilter(const KeyFilter&) = delete;
    KeyFilter& operator=(const KeyFilter&) = delete;

    /// Takes its elements out of `match`; nothing where a key keeps it out.
    ///
    /// A key with a value whose element is missing: empty where the level requires it, or where an
    /// earlier match of this question had it; else it is not supported and left out of the answer.
    /// A key without value whose element is missing: empty in the answer, but left out where it is
    /// private or belongs below the level.
    std::optional<FindAnswer> answer(DcmDataset& match);

private:
    struct Key;
    struct Moment;

    static Key key_of(DcmElement& element);
    bool left_to_origin(const Key& key, const std::string& zone) const;
    bool satisfied(DcmItem& match, std::vector<Tag>& unsupported);
    bool combined_satisfied(DcmItem& match) const;
    void combine(Tag date, Tag time);
    void copy(const Key& key, DcmDataset& match, DcmDataset& out) const;

    FindIdentifier question_;
    MatchingRules rules_;
    std::string zone_; // (0008,0201) of the question
    std::vector<Key> keys_;
    std::vector<Moment> moments_;
    std::set<Tag> seen_;
};

} // namespace gantry::mapping
