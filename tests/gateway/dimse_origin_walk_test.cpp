// What a find in an archive that speaks DIMSE asks beside its own question: levels walked down, and
// attributes that the archive leaves out.
#include <doctest/doctest.h>

#include "tests/gateway/dimse_find_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

constexpr auto study = QueryLevel::study;
constexpr auto series = QueryLevel::series;
constexpr auto image = QueryLevel::image;

constexpr Tag modalities{0x0008, 0x0061};
constexpr Tag study_series{0x0020, 0x1206};
constexpr Tag study_instances{0x0020, 0x1208};
constexpr Tag series_instances{0x0020, 0x1209};

} // namespace

TEST_CASE("without relational queries the levels are walked down")
{
    struct Row {
        const char* says;
        QueryLevel level;
        const char* keys;
        std::vector<std::string> found; // unique keys of the level
        const char* levels;
    };

    const Row rows[] = {
        {"all series", series, "0020,000e=", {"1.1.1", "1.2.1", "1.2.2", "1.3.1"}, "TSSS"},
        {"series of a patient", series, "0010,0020=A | 0020,000e=", {"1.1.1", "1.3.1"}, "TSS"},
        {"series of a kind", series, "0008,0060=MR", {"1.2.2", "1.3.1"}, "TSSS"},
        {"series of two studies", series, "0020,000d=1.1\\1.3", {"1.1.1", "1.3.1"}, "TSS"},
        {"images of a study", image, "0020,000d=1.2", {"1.2.1.1", "1.2.1.2", "1.2.2.1"}, "SII"},
        {"images of a patient and a kind",
         image,
         "0010,0020=B | 0008,0060=CT",
         {"1.2.1.1", "1.2.1.2"},
         "TSI"},
        {"a series whose study is known but not its patient",
         series,
         "0020,000d=1.2 | 0010,0020=A",
         {},
         "T"},
        {"a series whose study and patient are known",
         series,
         "0020,000d=1.2 | 0010,0020=B",
         {"1.2.1", "1.2.2"},
         "TS"},
        {"an image whose series is of another kind",
         image,
         "0020,000d=1.2 | 0020,000e=1.2.1 | 0008,0060=MR",
         {},
         "S"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        DimseFindRig rig;
        fill(rig.pacs);
        CHECK(rig.find(row.level, row.keys).complete);
        const char* unique = row.level == series ? "0020,000e" : "0008,0018";
        CHECK(values_of(rig.found.lines, unique) == row.found);
        CHECK(rig.levels() == row.levels);
    }
}

TEST_CASE("attributes of study and series stand in what is below them")
{
    DimseFindRig rig;
    fill(rig.pacs);
    CHECK(rig.find(image, "0010,0020= | 0008,0060= | 0008,0018= | 0008,0020=20240102").complete);
    CHECK(values_of(rig.found.lines, "0010,0020") == texts({"B", "B", "B"}));
    CHECK(values_of(rig.found.lines, "0008,0060") == texts({"CT", "CT", "MR"}));
    CHECK(values_of(rig.found.lines, "0020,000d") == texts({"1.2", "1.2", "1.2"}));
    CHECK(values_of(rig.found.lines, "0008,0020") == texts({"20240102", "20240102", "20240102"}));
    CHECK(values_of(rig.found.lines, "0008,0052") == texts({"IMAGE", "IMAGE", "IMAGE"}));
}

TEST_CASE("a walk with a limit goes no further than it must")
{
    DimseFindRig rig;
    for (int n = 1; n <= 40; ++n) {
        const std::string uid = "1." + std::to_string(n);
        rig.pacs.add("STUDY", "0020,000d=" + uid);
        if (n > 20)
            rig.pacs.add("SERIES", "0020,000d=" + uid + " | 0020,000e=" + uid + ".1");
    }
    rig.question.limit = 2;
    const FindEnd end = rig.find(series, "0020,000e=");
    CHECK(end.complete);
    CHECK(end.more);
    CHECK(values_of(rig.found.lines, "0020,000e") == texts({"1.21.1", "1.22.1"}));
    CHECK(rig.levels().size() <= 2 + 3 + 24); // two lists of studies, and what was under way
    rig.question.offset = 19;
    CHECK(rig.find(series, "0020,000e=").complete);
    CHECK(values_of(rig.found.lines, "0020,000e") == texts({"1.40.1"}));
}

TEST_CASE("counts and modalities that the archive leaves out are asked for")
{
    struct Row {
        const char* says;
        std::set<Tag> ignored;
        QueryLevel level;
        const char* keys;
        const char* tag;
        std::vector<std::string> values;
        std::size_t questions;
    };

    const Row rows[] = {
        {"modalities", {modalities}, study, "0008,0061=", "0008,0061", {"CT", "CT\\MR", "MR"}, 1 + 3
        },
        {"series of a study", {study_series}, study, "0020,1206=", "0020,1206", {"1", "2", "1"}, 4},
        {"instances of a study",
         {study_instances, series_instances},
         study,
         "0020,1208=",
         "0020,1208",
         {"1", "3", "1"},
         1 + 3 + 4},
        {"instances of a series",
         {series_instances},
         series,
         "0020,000d=1.2 | 0020,1209=",
         "0020,1209",
         {"2", "1"},
         1 + 2},
        {"of the study of a series",
         {study_series},
         series,
         "0020,1206= | 0020,000e=",
         "0020,1206",
         {"1", "2", "2", "1"},
         1 + 3 + 3},
        {"modalities to match",
         {modalities},
         study,
         "0008,0061=MR",
         "0008,0061",
         {"CT\\MR", "MR"},
         1 + 3},
        {"nothing that is not wanted",
         {modalities, study_series},
         study,
         "0010,0020=",
         "0010,0020",
         {"A", "B", "A"},
         1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        DimseFindRig rig({.find = {.ignored = row.ignored}});
        fill(rig.pacs);
        CHECK(rig.find(row.level, row.keys).complete);
        CHECK(values_of(rig.found.lines, row.tag) == row.values);
        CHECK(rig.asked().size() == row.questions);
    }
    DimseFindRig as_it_is({.find = {.ignored = {study_series}}});
    fill(as_it_is.pacs);
    as_it_is.options.complete_answers = false;
    CHECK(as_it_is.find(study, "0020,1206=").complete);
    CHECK(values_of(as_it_is.found.lines, "0020,1206") == texts({"", "", ""}));
    CHECK(as_it_is.levels() == "T");
}

TEST_CASE("what is completed comes in the order of the archive and within limits")
{
    DimseFindRig rig({.find = {.ignored = {study_series}}});
    std::vector<std::string> all;
    for (int n = 1; n <= 30; ++n) {
        all.push_back("1." + std::to_string(n));
        rig.pacs.add("STUDY", "0020,000d=" + all.back());
    }
    CHECK(rig.find(study, "0020,1206= | 0020,000d=").complete);
    CHECK(values_of(rig.found.lines, "0020,000d") == all);
    rig.options.max_questions = 20;
    const FindEnd asked = rig.find(study, "0020,1206= | 0020,000d=");
    CHECK(!asked.complete);
    CHECK(asked.shortfall == Shortfall::limit);
    rig.options.max_questions = 1'000;
    rig.options.max_held = 10;
    const FindEnd held = rig.find(study, "0020,1206= | 0020,000d=");
    CHECK(!held.complete);
    CHECK(held.shortfall == Shortfall::limit);
    rig.question.limit = 5;
    CHECK(rig.find(study, "0020,1206= | 0020,000d=").complete);
    CHECK(rig.found.lines.size() == 5);
    rig.options.max_questions = 20;
    rig.question.limit.reset();
    CHECK(rig.find(series, "0020,000e=").shortfall == Shortfall::limit);
}

TEST_CASE("a few of many matches are completed where only a few are wanted")
{
    DimseFindRig rig({.find = {.ignored = {modalities}}});
    for (int n = 1; n <= 60; ++n) {
        const std::string uid = "1." + std::to_string(n);
        rig.pacs.add("STUDY", "0020,000d=" + uid);
        rig.pacs.add("SERIES", "0020,000d=" + uid + " | 0020,000e=" + uid + ".1 | 0008,0060=CT");
    }
    rig.options.max_held = 20;
    rig.question.limit = 5;
    CHECK(rig.find(study, "0008,0061=CT | 0020,000d=").complete);
    CHECK(rig.found.lines.size() == 5);
    CHECK(rig.asked().size() < 20);
    CHECK(rig.find(study, "0008,0061=MR | 0020,000d=").shortfall == Shortfall::limit);
    CHECK(rig.found.lines.empty());
}

TEST_CASE("an archive that falls silent or goes away in the middle of a walk is told from its end")
{
    for (const bool silent : {true, false}) {
        CAPTURE(silent);
        DimseFindRig rig;
        fill(rig.pacs);
        rig.ways.timeouts.dimse = std::chrono::milliseconds(300);
        rig.pacs.change([&](PacsScript& script) {
            script.instead = [silent](ScriptedPeer& peer, const PacsRequest& request) {
                const bool chosen =
                    request.identifier.find("0008,0052=SERIES") != std::string::npos &&
                    request.identifier.find("0020,000d=1.2") != std::string::npos;
                if (chosen && !silent)
                    peer.reset();
                return chosen;
            };
        });
        const FindEnd end = rig.find(series, "0020,000e=");
        CHECK(!end.complete);
        CHECK(end.shortfall == (silent ? Shortfall::timed_out : Shortfall::failed));
        CHECK(rig.found.lines.size() <= 1);
        rig.pacs.change([](PacsScript& script) { script.instead = {}; });
        CHECK(rig.find(series, "0020,000e=").complete);
        CHECK(rig.found.lines.size() == 4);
    }
}

TEST_CASE("an archive that allows one association gets one and is asked all the same")
{
    DimseFindRig rig({.most_associations = 1, .find = {.ignored = {study_series, series_instances}}}
    );
    fill(rig.pacs);
    rig.ways.max_associations = 1;
    CHECK(rig.find(image, "0020,1206= | 0020,1209= | 0008,0018=").complete);
    CHECK(values_of(rig.found.lines, "0020,1206") == texts({"1", "2", "2", "2", "1"}));
    CHECK(values_of(rig.found.lines, "0020,1209") == texts({"1", "2", "2", "1", "1"}));
    // Each question waits for its turn; the archive may notice late that the last one has ended.
    CHECK(rig.pacs.rejected() <= 3);
}
