#include "gateway/error.h"
#include "gateway/origins/origin_profile.h"
#include "gateway/origins/qido_find.h"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/scratch_folder.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

OriginProfile everything()
{
    OriginProfile profile;
    profile.made_by = "gantry doctor, \"Tuesday\"";
    profile.search.raw_caret = true;
    profile.search.page_size = 200;
    profile.search.honours_offset = false;
    profile.search.combines_date_time = false;
    profile.search.relational_series = true;
    profile.search.relational_instances = false;
    profile.search.study_instances = true;
    profile.search.xml_only = false;
    profile.search.unsearchable = {{0x0008, 0x1030}, {0x0040, 0x0275}};
    profile.retrieve.any_transfer_syntax = true;
    profile.retrieve.transfer_syntaxes = {*Uid::parse("1.2.840.10008.1.2.1")};
    profile.retrieve.study_level = true;
    profile.retrieve.series_level = false;
    profile.retrieve.metadata = true;
    profile.retrieve.requests_at_once = std::uint16_t{4};
    return profile;
}

} // namespace

TEST_CASE("a profile is read back as it was written")
{
    const std::string text = write_origin_profile(everything());
    const auto read = parse_origin_profile(text);
    REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().text()));
    CHECK(read->made_by == everything().made_by);
    CHECK(read->search.page_size == 200U);
    CHECK(read->search.honours_offset == false);
    CHECK(read->search.unsearchable == everything().search.unsearchable);
    CHECK(read->retrieve.transfer_syntaxes == everything().retrieve.transfer_syntaxes);
    CHECK(write_origin_profile(*read) == text);
}

TEST_CASE("what a profile does not say stays unknown")
{
    const auto empty = parse_origin_profile("{}");
    REQUIRE(empty.has_value());
    CHECK_FALSE(empty->search.raw_caret.has_value());
    CHECK_FALSE(empty->retrieve.transfer_syntaxes.has_value());
    const std::string text = write_origin_profile(*empty);
    CHECK(text == "{\n    \"made_by\": \"\",\n    \"search\": {},\n    \"retrieve\": {}\n}\n");
    CHECK(parse_origin_profile(text).has_value());
    CHECK(parse_origin_profile(R"({"search":{"raw_caret":false}})")->search.raw_caret == false);
}

TEST_CASE("a profile that says what nobody knows is refused by name")
{
    struct Row {
        const char* text;
        const char* complaint;
    };

    const Row rows[] = {
        {"", "is no JSON object"},
        {"[]", "is no JSON object"},
        {R"({"search":1})", "search and retrieve must be objects"},
        {R"({"serach":{}})", "serach is not known"},
        {R"({"search":{"raw_carret":true}})", "search.raw_carret is not known"},
        {R"({"retrieve":{"raw_caret":true}})", "retrieve.raw_caret is not known"},
        {R"({"search":{"raw_caret":"yes"}})", "search.raw_caret has a value of another kind"},
        {R"({"search":{"page_size":0}})", "search.page_size has a value of another kind"},
        {R"({"search":{"page_size":-5}})", "search.page_size has a value of another kind"},
        {R"({"search":{"unsearchable":["PatientName"]}})",
         "search.unsearchable has a value of another kind"},
        {R"({"retrieve":{"transfer_syntaxes":["x"]}})",
         "retrieve.transfer_syntaxes has a value of another kind"},
        {R"({"retrieve":{"requests_at_once":70000}})",
         "retrieve.requests_at_once has a value of another kind"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.text));
        const auto read = parse_origin_profile(row.text);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().detail == row.complaint);
    }
}

TEST_CASE("a profile lives in a file that is replaced as a whole")
{
    const ScratchFolder folder;
    const auto path = folder.path() / "cloud.json";
    CHECK(load_origin_profile(path).error().code == make_error_code(Errc::disk));
    REQUIRE(save_origin_profile(everything(), path).has_value());
    REQUIRE(save_origin_profile({}, path).has_value());
    REQUIRE(load_origin_profile(path).has_value());
    CHECK_FALSE(std::filesystem::exists(path.string() + ".part"));

    std::ofstream(path) << "{\"x\":1}";
    const auto unknown = load_origin_profile(path);
    REQUIRE_FALSE(unknown.has_value());
    CHECK(unknown.error().detail == path.string() + ": x is not known");
    std::ofstream(path) << std::string(70'000, ' ');
    CHECK(load_origin_profile(path).error().code == make_error_code(Errc::invalid));
    CHECK_FALSE(save_origin_profile({}, folder.path() / "none" / "x.json").has_value());
}

TEST_CASE("what a profile knows need not be found out")
{
    OriginProfile profile = everything();
    SearchMemory memory = known_of(profile);
    CHECK(memory.page_size == 200);
    CHECK(memory.raw_caret);
    CHECK_FALSE(memory.honours_offset);
    profile.search.raw_caret = false;
    profile.search.honours_offset = true;
    memory = known_of(profile);
    CHECK(memory.decodes);
    CHECK(memory.honours_offset);
    CHECK_FALSE(known_of({}).decodes);
}
