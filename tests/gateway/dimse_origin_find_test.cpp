// Finds in an archive that speaks DIMSE (PS3.4 C.4.1), against a scripted one.
#include <doctest/doctest.h>

#include "tests/gateway/dimse_find_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

constexpr auto study = QueryLevel::study;
constexpr auto series = QueryLevel::series;
constexpr auto image = QueryLevel::image;

} // namespace

TEST_CASE("a question becomes an Identifier of its level")
{
    struct Row {
        const char* says;
        QueryLevel level;
        const char* keys;
        bool combined;
        const char* identifier;
    };

    const Row rows[] = {
        {"the unique key is always asked for",
         study,
         "0010,0020=A",
         false,
         "0008,0052=STUDY | 0010,0020=A | 0020,000d="},
        {"a list of UIDs",
         study,
         "0020,000d=1.1\\1.2",
         false,
         "0008,0052=STUDY | 0020,000d=1.1\\1.2"},
        {"what stands in responses only is not asked",
         study,
         "0008,0005=ISO_IR 192 | 0008,0056=ONLINE | 0008,1190= | 0008,0201=+0100 | 0020,000d=",
         false,
         "0008,0052=STUDY | 0020,000d="},
        {"a range of moments is asked by its days",
         study,
         "0008,0020=20240101-20240102 | 0008,0030=1000-1800 | 0020,000d=",
         true,
         "0008,0020=20240101-20240102 | 0008,0030= | 0008,0052=STUDY | 0020,000d="},
        {"ranges that each stand by themselves",
         study,
         "0008,0020=20240101-20240102 | 0008,0030=1000-1800 | 0020,000d=",
         false,
         "0008,0020=20240101-20240102 | 0008,0030=1000-1800 | 0008,0052=STUDY | 0020,000d="},
        {"a day and a range of times",
         study,
         "0008,0020=20240101 | 0008,0030=1000-1800 | 0020,000d=",
         true,
         "0008,0020=20240101 | 0008,0030=1000-1800 | 0008,0052=STUDY | 0020,000d="},
        {"the study of a series",
         series,
         "0008,0060=CT | 0020,000d=1.1",
         false,
         "0008,0052=SERIES | 0008,0060=CT | 0020,000d=1.1 | 0020,000e="},
        {"study and series of an image",
         image,
         "0008,0016= | 0020,000d=1.1 | 0020,000e=1.1.1",
         false,
         "0008,0016= | 0008,0018= | 0008,0052=IMAGE | 0020,000d=1.1 | 0020,000e=1.1.1"},
        {"a sequence",
         series,
         "0020,000d=1.1 | 0040,0275>0040,1001=R1",
         false,
         "0008,0052=SERIES | 0020,000d=1.1 | 0020,000e= | 0040,0275{0040,1001=R1}"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        DimseFindRig rig;
        rig.question.combined_date_time = row.combined;
        CHECK(rig.find(row.level, row.keys).complete);
        REQUIRE(rig.asked().size() == 1);
        CHECK(rig.asked().front() == row.identifier);
    }
}

TEST_CASE("text is asked in the character set of the archive and given in UTF-8")
{
    struct Row {
        const char* says;
        const char* set;
        const char* name;
        const char* asked_set; // "-": absent
        const char* asked_name;
        std::size_t matches;
    };

    const Row rows[] = {
        {"ASCII needs none", "ISO_IR 100", "Muller*", "-", "Muller*", 0},
        {"as configured", "ISO_IR 100", "M\xc3\xbcller*", "ISO_IR 100", "M\xfcller*", 1},
        {"else UTF-8", "", "M\xc3\xbcller*", "ISO_IR 192", "M\xc3\xbcller*", 0},
        {"what has no place is any character and matched here",
         "ISO_IR 100",
         "M\xd0\xb8ller",
         "-",
         "M?ller",
         0},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        DimseFindRig rig;
        rig.pacs.add("STUDY", "0008,0005=ISO_IR 100 | 0020,000d=1.1 | 0010,0010=M\xfcller");
        rig.options.character_set = row.set;
        CHECK(rig.find(study, std::string("0020,000d= | 0010,0010=") + row.name).complete);
        CHECK(values_of(rig.asked(), "0008,0005") == texts({row.asked_set}));
        CHECK(values_of(rig.asked(), "0010,0010") == texts({row.asked_name}));
        CHECK(rig.found.lines.size() == row.matches);
        if (row.matches > 0)
            CHECK(values_of(rig.found.lines, "0010,0010") == texts({"M\xc3\xbcller"}));
    }
}

TEST_CASE("a match that a key keeps out is not given whoever gave it")
{
    DimseFindRig rig;
    rig.pacs.add("STUDY", "0020,000d=1.1 | 0008,0020=20240101 | 0008,0030=0900");
    rig.pacs.add("STUDY", "0020,000d=1.2 | 0008,0020=20240101 | 0008,0030=2200");
    rig.pacs.add("STUDY", "0020,000d=1.3 | 0008,0020=20240102 | 0008,0030=0100");
    rig.pacs.add("STUDY", "0020,000d=1.4 | 0008,0020=20240102 | 0008,0030=1900");
    rig.question.combined_date_time = true;
    const auto end =
        rig.find(study, "0020,000d= | 0008,0020=20240101-20240102 | 0008,0030=1000-1800");
    CHECK(end.complete);
    CHECK(values_of(rig.found.lines, "0020,000d") == texts({"1.2", "1.3"}));
}

TEST_CASE("limit and offset count what the keys leave and the rest is cancelled")
{
    struct Row {
        std::optional<std::uint64_t> limit;
        std::uint64_t offset;
        std::vector<std::string> found;
        bool more;
        std::optional<std::uint64_t> remaining;
    };

    const Row rows[] = {
        {1, 0, {"1.1"}, true, {}},
        {2, 1, {"1.2", "1.3"}, false, 0},
        {3, 0, {"1.1", "1.2", "1.3"}, false, 0},
        {5, 2, {"1.3"}, false, 0},
        {{}, 1, {"1.2", "1.3"}, false, {}},
        {2, 7, {}, false, 0},
    };
    for (const Row& row : rows) {
        DimseFindRig rig;
        fill(rig.pacs);
        rig.question.limit = row.limit;
        rig.question.offset = row.offset;
        const FindEnd end = rig.find(study, "0020,000d=");
        CHECK(end.complete);
        CHECK(values_of(rig.found.lines, "0020,000d") == row.found);
        CHECK(end.more == row.more);
        CHECK(end.remaining == row.remaining);
    }
    DimseFindRig endless({.find = {.endless = true}});
    fill(endless.pacs);
    endless.question.limit = 10;
    CHECK(endless.find(study, "0020,000d=").complete);
    CHECK(endless.found.lines.size() == 10);
    CHECK(endless.pacs.cancels() == 1);
    DimseFindRig none;
    none.question.limit = 0;
    CHECK(none.find(study, "0020,000d=").complete);
    CHECK(none.asked().empty());
}

TEST_CASE("a find that fails says how and never looks complete")
{
    struct Row {
        const char* says;
        std::uint16_t status;
        std::size_t matches;
        Shortfall shortfall;
    };

    const Row rows[] = {
        {"no room before the first match", 0xa700, 0, Shortfall::unavailable},
        {"no room after some", 0xa700, 2, Shortfall::limit},
        {"a question that it does not understand", 0xa900, 0, Shortfall::question},
        {"an error of its own", 0xc000, 0, Shortfall::failed},
        {"an error of its own after some", 0xc123, 1, Shortfall::failed},
        {"a class that it does not know", 0x0122, 0, Shortfall::failed},
        {"a stranger", 0x0124, 0, Shortfall::unauthorised},
        {"a cancel that nobody sent", 0xfe00, 1, Shortfall::failed},
        {"a warning where there is none", 0xb000, 1, Shortfall::failed},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        DimseFindRig rig({.find = {.most = row.matches, .status = row.status}});
        fill(rig.pacs);
        const FindEnd end = rig.find(study, "0020,000d=");
        CHECK(!end.complete);
        CHECK(end.shortfall == row.shortfall);
        CHECK(!end.reason.empty());
        CHECK(rig.found.lines.size() == row.matches);
    }
    DimseFindRig refusing({.refused_classes = {"1.2.840.10008.5.1.4.1.2.2.1"}});
    CHECK(refusing.find(study, "0020,000d=").shortfall == Shortfall::failed);
    DimseFindRig full({.most_associations = 0});
    CHECK(full.find(study, "0020,000d=").shortfall == Shortfall::unavailable);
    DimseFindRig gone;
    auto address = gone.pacs.address();
    address.port = 1;
    CHECK(gone.find_at(address, study, "0020,000d=").shortfall == Shortfall::unavailable);
    DimseFindRig nameless;
    nameless.pacs.add("STUDY", "0010,0020=A");
    CHECK(nameless.find(study, "0010,0020=").shortfall == Shortfall::failed);
    DimseFindRig unwilling;
    fill(unwilling.pacs);
    unwilling.found.most = 1;
    CHECK(unwilling.find(study, "0020,000d=").shortfall == Shortfall::failed);
    CHECK(unwilling.find(QueryLevel::patient, "0010,0020=").shortfall == Shortfall::question);
}

TEST_CASE("an archive with relational queries is asked once and remembered")
{
    DimseFindRig rig({.grants = {.relational = true}});
    fill(rig.pacs);
    CHECK(rig.find(series, "0008,0060=CT | 0020,000d= | 0020,000e=").complete);
    CHECK(values_of(rig.found.lines, "0020,000e") == texts({"1.1.1", "1.2.1"}));
    CHECK(rig.levels() == "S");
    CHECK(rig.pacs.asked(0x0020).front().granted.relational);
    CHECK(rig.learned.relational == true);
    CHECK(rig.find(image, "0008,0018=").complete);
    CHECK(rig.found.lines.size() == 5);
    CHECK(rig.levels() == "SI");
}

TEST_CASE("what a relational answer lacks of its study is asked for once a study")
{
    DimseFindRig rig({.grants = {.relational = true}});
    fill(rig.pacs);
    CHECK(rig.find(series, "0010,0020= | 0020,000e=").complete);
    CHECK(values_of(rig.found.lines, "0010,0020") == texts({"A", "B", "B", "A"}));
    CHECK(rig.levels().starts_with("STT"));
    // as a key it is matched before anything is counted
    rig.question.limit = 2;
    CHECK(rig.find(series, "0010,0020=B | 0020,000e=").complete);
    CHECK(values_of(rig.found.lines, "0020,000e").size() <= 2);
}

TEST_CASE("names are matched by their sound where the archive says that it does")
{
    for (const bool granted : {true, false}) {
        CAPTURE(granted);
        DimseFindRig rig({.grants = {.fuzzy = granted}, .find = {.ignored = {{0x0010, 0x0021}}}});
        rig.pacs.add("STUDY", "0020,000d=1.1 | 0010,0010=Meyer");
        rig.question.fuzzy = true;
        CHECK(rig.find(study, "0020,000d= | 0010,0010=Meyer").complete);
        CHECK(rig.found.lines.size() == 1);
        CHECK(rig.found.fuzzy == granted);
        CHECK(rig.learned.fuzzy == granted);
        CHECK(rig.pacs.asked(0x0020).front().granted.fuzzy == granted);
    }
}
