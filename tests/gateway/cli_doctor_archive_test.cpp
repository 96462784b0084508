// gantry doctor against archives that page, match and give instances in their own ways.
#include "gateway/origins/origin_profile.h"
#include "mapping/file_meta.h"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "cli_support.h"
#include "tests/support/scripted_origin.h"

using namespace gantry;
using namespace gantry::tests;
namespace json = boost::json;

namespace {

constexpr std::size_t studies = 5;
constexpr std::string_view explicit_le = "1.2.840.10008.1.2.1";

struct Ways {
    bool offset = true;
    std::size_t cap = 1'000;
    std::set<std::string> ignored; // keys
    std::set<std::string> refused;
    bool only_raw_caret = false;
    bool relational = true;
    bool any_syntax = true; // takes transfer-syntax=*
    bool gives = true;      // WADO-RS
};

std::size_t number(const std::string& target, const std::string& parameter, std::size_t otherwise)
{
    const auto at = target.find(parameter + "=");
    return at == std::string::npos ? otherwise
                                   : std::stoul(target.substr(at + parameter.size() + 1));
}

std::string study(std::size_t i)
{
    return R"({"0020000D":{"vr":"UI","Value":["1.2.)" + std::to_string(i) +
           R"("]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"DOE^J"}]},)"
           R"("0020000E":{"vr":"UI","Value":["1.2.3.1"]},)"
           R"("00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},)"
           R"("00080018":{"vr":"UI","Value":["1.2.3.1.1"]}})";
}

/// Every study is found but by a key that nothing has; a name is found as it is written.
bool found(const Ways& ways, const std::string& target)
{
    const auto at = target.find("PatientName=DOE");
    if (at != std::string::npos)
        return ways.only_raw_caret ? target.find("DOE^J") != std::string::npos : true;
    const auto query = target.find('?');
    const auto key = target.find('&', query) == std::string::npos
                         ? std::string()
                         : target.substr(target.find('&', query) + 1);
    const std::string keyword = key.substr(0, key.find('='));
    return keyword.empty() || keyword == "offset" || ways.ignored.contains(keyword);
}

Reply search(const Ways& ways, const std::string& target)
{
    for (const std::string& key : ways.refused)
        if (target.find("&" + key + "=") != std::string::npos)
            return Reply::with(400);
    const bool relational =
        target.starts_with("/dicom-web/series") || target.starts_with("/dicom-web/instances");
    if (relational && !ways.relational)
        return Reply::with(404);
    const std::size_t offset = ways.offset ? number(target, "offset", 0) : 0;
    const std::size_t limit = std::min(number(target, "limit", ways.cap), ways.cap);
    std::string body = "[";
    if (found(ways, target))
        for (std::size_t i = offset; i < std::min(offset + limit, studies); ++i)
            body += (i > offset ? "," : "") + study(i);
    Reply reply = Reply::with(200, body + "]");
    reply.fields.add("Content-Type", "application/dicom+json");
    return reply;
}

Reply retrieve(const Ways& ways, const ReceivedRequest& request)
{
    const std::string accept(request.fields.find("Accept"));
    const auto asked = accept.find("transfer-syntax=");
    const std::string syntax =
        asked == std::string::npos ? std::string() : accept.substr(asked + 16);
    const bool takes =
        syntax.empty() || syntax == explicit_le || (syntax == "*" && ways.any_syntax);
    if (!ways.gives || !takes)
        return Reply::with(406);
    const auto uid = [](std::string_view text) { return Uid::parse(text).value(); };
    const std::string file = mapping::write_file_head(
        {{uid("1.2.840.10008.5.1.4.1.1.2"), uid("1.2.3.1.1")}, uid(explicit_le), {}}
    );
    Reply reply =
        Reply::with(200, "--b\r\nContent-Type: application/dicom\r\n\r\n" + file + "\r\n--b--\r\n");
    reply.fields.add("Content-Type", "multipart/related; type=\"application/dicom\"; boundary=b");
    return reply;
}

struct Doctor {
    explicit Doctor(const Ways& ways)
    {
        archive.otherwise([ways](const ReceivedRequest& request) {
            if (request.method == "POST")
                return Reply::with(400);
            const bool searches = request.target.find('?') != std::string::npos;
            return searches ? search(ways, request.target) : retrieve(ways, request);
        });
        const auto file = write_file(
            folder.path() / "gantry.yaml",
            "state_dir: " + folder.path().string() +
                "\norigins: [{name: cloud, kind: dicomweb, url: \"" + archive.url("/dicom-web") +
                "\"}]\nroutes: {dimse: {store: cloud}}\n"
        );
        ran = run_gantry({"doctor", "cloud", "--save", saved.string(), "-c", file.string()});
    }

    OriginProfile profile() const { return load_origin_profile(saved).value(); }

    ScratchFolder folder;
    std::filesystem::path saved = folder.path() / "cloud.json";
    ScriptedOrigin archive;
    Ran ran;
};

} // namespace

TEST_CASE("gantry doctor learns what an archive offers and writes its profile")
{
    const Doctor doctor({});
    CAPTURE(doctor.ran.out);
    CHECK(doctor.ran.status == 0);
    const OriginProfile profile = doctor.profile();
    CHECK(profile.made_by.starts_with("gantry doctor"));
    CHECK(profile.search.honours_offset == true);
    CHECK(profile.search.raw_caret == false);
    CHECK(profile.search.relational_series == true);
    CHECK(profile.search.relational_instances == true);
    CHECK(profile.search.study_instances == true);
    CHECK(!profile.search.page_size);
    CHECK(profile.search.unsearchable.empty());
    CHECK(profile.retrieve.any_transfer_syntax == true);
    REQUIRE(profile.retrieve.transfer_syntaxes->size() == 1);
    CHECK(profile.retrieve.transfer_syntaxes->front().str() == explicit_le);
    CHECK(!has(doctor.ran.out, "DOE")); // no patient is named
}

TEST_CASE("gantry doctor says what an archive ignores and refuses")
{
    struct Row {
        const char* says;
        Ways ways;
        int status;
        const char* text;
    };

    const Row rows[] = {
        {"it caps pages", {.cap = 2}, 0, "it caps pages"},
        {"every page is the first", {.offset = false, .cap = 2}, 1, "offset is ignored"},
        {"a key is ignored", {.ignored = {"StudyID"}}, 0, "ignores StudyID"},
        {"a key is refused", {.refused = {"Modality"}}, 0, "refuses Modality"},
        {"names want a raw caret", {.only_raw_caret = true}, 0, "not percent-encoded"},
        {"no relational search", {.relational = false}, 0, "/series: answered 404"},
        {"no transfer-syntax=*", {.any_syntax = false}, 0, "without it, good"},
        {"nothing is given back", {.gives = false}, 1, "nothing can be retrieved from it"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        const Doctor doctor(row.ways);
        CAPTURE(doctor.ran.out);
        CHECK(doctor.ran.status == row.status);
        CHECK(has(doctor.ran.out, row.text));
    }
}

TEST_CASE("what gantry doctor found goes into the profile")
{
    Ways ways;
    ways.cap = 2;
    ways.ignored = {"StudyID"};
    ways.only_raw_caret = true;
    ways.relational = false;
    ways.any_syntax = false;
    const OriginProfile profile = Doctor(ways).profile();
    CHECK(profile.search.page_size == 2);
    CHECK(profile.search.raw_caret == true);
    CHECK(profile.search.relational_series == false);
    CHECK(profile.search.relational_instances == false);
    REQUIRE(profile.search.unsearchable.size() == 1);
    CHECK(profile.search.unsearchable.front() == Tag{0x0020, 0x0010});
    CHECK(profile.retrieve.any_transfer_syntax == false);
}

TEST_CASE("a profile that cannot be written is a failure")
{
    const ScratchFolder folder;
    const Doctor doctor({});
    const auto file = doctor.folder.path() / "gantry.yaml";
    const Ran ran = run_gantry(
        {"doctor",
         "cloud",
         "--save",
         (folder.path() / "no" / "x.json").string(),
         "-c",
         file.string()}
    );
    CHECK(ran.status == 1);
}
