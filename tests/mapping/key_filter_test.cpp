#include "mapping/key_filter.h"
#include "support/data_sets.h"

#include <doctest/doctest.h>

using namespace gantry;
using mapping::FindIdentifier;
using mapping::KeyFilter;
using mapping::MatchingRules;
using tests::data_set;
using tests::lines_of;

namespace {

const char* const patient_root = "1.2.840.10008.5.1.4.1.2.1.1";
const char* const study_root = "1.2.840.10008.5.1.4.1.2.2.1";

FindIdentifier question(const std::string& keys, const char* sop_class = study_root)
{
    const mapping::IdentifierRules rules{false, false, true};
    auto checked = mapping::check_find_identifier(sop_class, *data_set(keys), rules);
    REQUIRE(checked.has_value());
    return *checked;
}

/// "none", or the answer's elements, behind "FF01: " where a key was not supported.
std::string answer_to(KeyFilter& filter, const char* match)
{
    const auto found = filter.answer(*data_set(match));
    if (!found)
        return "none";
    return (found->all_keys_supported ? "" : "FF01: ") + lines_of(*found->identifier);
}

std::string study_answer(const std::string& keys, const char* match, MatchingRules rules = {})
{
    KeyFilter filter(question("0008,0052=STUDY | " + keys), rules);
    return answer_to(filter, match);
}

} // namespace

TEST_CASE("an answer has what was asked for, its unique keys and its level, and nothing else")
{
    struct Row {
        const char* says;
        const char* sop_class;
        const char* keys;
        const char* match;
        const char* answer;
    };

    const Row rows[] = {
        {"extras go",
         study_root,
         "0008,0052=STUDY | 0010,0010=",
         "0008,1190=http://inside/studies/1.2 | 0010,0010=DOE | 0010,0020=P1 | 0020,000d=1.2",
         "0008,0052=STUDY | 0010,0010=DOE | 0020,000d=1.2"},
        {"what the origin left out is empty",
         study_root,
         "0008,0052=STUDY | 0008,1030= | 0010,0010=",
         "0010,0010=DOE | 0020,000d=1.2",
         "0008,0052=STUDY | 0008,1030= | 0010,0010=DOE | 0020,000d=1.2"},
        {"keys of a level below have no place",
         study_root,
         "0008,0052=STUDY | 0008,0060= | 0020,000e=",
         "0020,000d=1.2",
         "0008,0052=STUDY | 0020,000d=1.2"},
        {"unique keys above the level come from the question where need be",
         patient_root,
         "0008,0052=SERIES | 0010,0020=P1 | 0020,000d=1.2",
         "0020,000e=1.3",
         "0008,0052=SERIES | 0010,0020=P1 | 0020,000d=1.2 | 0020,000e=1.3"},
        {"availability and timezone come unasked",
         study_root,
         "0008,0052=STUDY",
         "0008,0056=ONLINE | 0008,0201=+0100 | 0020,000d=1.2",
         "0008,0052=STUDY | 0008,0056=ONLINE | 0008,0201=+0100 | 0020,000d=1.2"},
        {"but never empty",
         study_root,
         "0008,0052=STUDY | 0008,0056=",
         "0008,0201= | 0020,000d=1.2",
         "0008,0052=STUDY | 0020,000d=1.2"},
        {"items have the leaves that were asked for",
         study_root,
         "0008,0052=STUDY | 0008,1110>0008,1155= | 0008,1110>0008,1150=",
         "0008,1110>0008,1155=1.9 | 0008,1110>0008,0005=X | 0020,000d=1.2",
         "0008,0052=STUDY | 0008,1110{0008,1150= | 0008,1155=1.9} | 0020,000d=1.2"},
        {"a sequence without leaves is asked for whole",
         study_root,
         "0008,0052=STUDY | 0008,1110>",
         "0008,1110>0008,1155=1.9 | 0020,000d=1.2",
         "0008,0052=STUDY | 0008,1110{0008,1155=1.9} | 0020,000d=1.2"},
        {"private elements with their creator",
         study_root,
         "0008,0052=STUDY | 0009,0010=ACME | 0009,1001LO= | 0009,1002LO=",
         "0009,0010=ACME | 0009,1001LO=x | 0020,000d=1.2",
         "0008,0052=STUDY | 0009,0010=ACME | 0009,1001=x | 0020,000d=1.2"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        KeyFilter filter(question(row.keys, row.sop_class), {});
        CHECK(answer_to(filter, row.match) == row.answer);
    }
}

TEST_CASE("a key that the origin ignored does not widen the answer (PS3.4 C.2.2.2)")
{
    struct Row {
        const char* says;
        const char* keys;
        const char* match;
        bool kept;
    };

    const Row rows[] = {
        {"another name", "0010,0010=DOE*", "0010,0010=MILLER | 0020,000d=1.2", false},
        {"the name", "0010,0010=doe*", "0010,0010=DOE^JOHN | 0020,000d=1.2", true},
        {"case of what is no name", "0010,0020=p1", "0010,0020=P1 | 0020,000d=1.2", false},
        {"nothing where something is asked for", "0010,0020=P1", "0020,000d=1.2", false},
        {"a name of wildcards", "0010,0010=*^*", "0020,000d=1.2", true},
        {"a UID of the list", "0020,000d=1.3\\1.2", "0020,000d=1.2", true},
        {"a UID that is not in the list", "0020,000d=1.3\\1.4", "0020,000d=1.2", false},
        {"one of the modalities", "0008,0061=MR\\CT", "0008,0061=CT\\SR | 0020,000d=1.2", true},
        {"none of them", "0008,0061=MR\\US", "0008,0061=CT\\SR | 0020,000d=1.2", false},
        {"one value or the other", "0010,0020=P1\\P2", "0010,0020=P2 | 0020,000d=1.2", true},
        {"within the range",
         "0008,0020=20240101-20240131",
         "0008,0020=20240115 | 0020,000d=1.2",
         true},
        {"beyond it", "0008,0020=20240101-20240131", "0008,0020=20240201 | 0020,000d=1.2", false},
        {"a number is a number", "0020,1208=7", "0020,000d=1.2 | 0020,1208=07", true},
        {"both leaves in one item",
         "0008,1110>0008,1155=1.9 | 0008,1110>0008,1150=1.1",
         "0008,1110>0008,1155=1.9 | 0008,1110>0008,1150=1.1 | 0020,000d=1.2",
         true},
        {"a leaf that is not there",
         "0008,1110>0008,1155=1.9 | 0008,1110>0008,1150=1.1",
         "0008,1110>0008,1155=1.9 | 0020,000d=1.2",
         false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        CHECK((study_answer(row.keys, row.match) != "none") == row.kept);
    }
}

TEST_CASE("leaves of a sequence key are not matched from different items")
{
    auto match = data_set("0008,1110>0008,1155=1.9 | 0020,000d=1.2");
    DcmItem* second = nullptr;
    REQUIRE(match->findOrCreateSequenceItem(DcmTag(0x0008, 0x1110), second, -2).good());
    tests::put_line(*second, "0008,1150=1.1");
    KeyFilter filter(
        question("0008,0052=STUDY | 0008,1110>0008,1155=1.9 | 0008,1110>0008,1150=1.1"), {}
    );
    CHECK_FALSE(filter.answer(*match).has_value());
}

TEST_CASE("date and time ranges are one range only where that was negotiated (PS3.4 C.2.2.2.5)")
{
    struct Row {
        const char* says;
        const char* keys;
        const char* match;
        bool independent;
        bool combined;
    };

    const char* const three_days = "0008,0020=20060705-20060707 | 0008,0030=1000-1800";
    const Row rows[] = {
        {"in the middle of the second day",
         three_days,
         "0008,0020=20060706 | 0008,0030=120000 | 0020,000d=1.2",
         true,
         true},
        {"early on the second day",
         three_days,
         "0008,0020=20060706 | 0008,0030=080000 | 0020,000d=1.2",
         false,
         true},
        {"early on the first day",
         three_days,
         "0008,0020=20060705 | 0008,0030=080000 | 0020,000d=1.2",
         false,
         false},
        {"late on the last day",
         three_days,
         "0008,0020=20060707 | 0008,0030=190000 | 0020,000d=1.2",
         false,
         false},
        {"the end of the last minute",
         three_days,
         "0008,0020=20060707 | 0008,0030=180059.5 | 0020,000d=1.2",
         true,
         true},
        {"forms that differ are independent",
         "0008,0020=20060705-20060707 | 0008,0030=1000-",
         "0008,0020=20060706 | 0008,0030=080000 | 0020,000d=1.2",
         false,
         false},
        {"a time range on one day",
         "0008,0020=20060706 | 0008,0030=1000-1800",
         "0008,0020=20060706 | 0008,0030=120000 | 0020,000d=1.2",
         true,
         true},
        {"a time alone",
         "0008,0030=1000-1800",
         "0008,0020=20060706 | 0008,0030=090000 | 0020,000d=1.2",
         false,
         false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        CHECK((study_answer(row.keys, row.match) != "none") == row.independent);
        const bool kept = study_answer(row.keys, row.match, {.combined_date_time = true}) != "none";
        CHECK(kept == row.combined);
    }
}

TEST_CASE("an optional key that the origin does not return is left out and said (PS3.4 C.4.1.1.4)")
{
    CHECK(
        study_answer("0008,1030=CHEST | 0010,0010=", "0010,0010=DOE | 0020,000d=1.2") ==
        "FF01: 0008,0052=STUDY | 0010,0010=DOE | 0020,000d=1.2"
    );
    // once it has been returned its absence says that it is empty
    KeyFilter filter(question("0008,0052=STUDY | 0008,1030=CHEST"), {});
    CHECK(
        answer_to(filter, "0008,1030=CHEST | 0020,000d=1.2") ==
        "0008,0052=STUDY | 0008,1030=CHEST | 0020,000d=1.2"
    );
    CHECK(answer_to(filter, "0020,000d=1.3") == "none");
}

TEST_CASE("fuzzy names and dates of another zone are matched by the origin")
{
    const char* const smith = "0010,0010=SMITH | 0020,000d=1.2";
    CHECK(study_answer("0010,0010=SMYTH", smith) == "none");
    CHECK(study_answer("0010,0010=SMYTH", smith, {.fuzzy = true}) != "none");

    const char* const in_berlin = "0008,0020=20240102 | 0008,0201=+0100 | 0020,000d=1.2";
    const std::string in_new_york = "0008,0020=20240101 | 0008,0201=-0500";
    CHECK(study_answer(in_new_york, in_berlin, {.timezone = true}) != "none");
    const std::string there = "0008,0020=20240101 | 0008,0201=+0100";
    CHECK(study_answer(there, in_berlin, {.timezone = true}) == "none");
}
