#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "cli_support.h"

using namespace gantry::tests;
namespace json = boost::json;

TEST_CASE("gantry version says its version and those of its libraries")
{
    const Ran ran = run_gantry({"version"});
    CHECK(ran.status == 0);
    CHECK(has(ran.out, "gantry " GANTRY_VERSION "\n"));
    CHECK(has(ran.out, "DCMTK 3."));
    const Ran for_scripts = run_gantry({"version", "--json"});
    CHECK(for_scripts.status == 0);
    CHECK(json::parse(for_scripts.out).at("version").as_string() == GANTRY_VERSION);
}

TEST_CASE("gantry check passes the default configuration")
{
    const Ran ran = run_gantry({"check", "-c", GANTRY_DEFAULT_CONFIG});
    CHECK(ran.status == 0);
    CHECK(has(ran.out, "is good"));
    CHECK(ran.err.empty());
}

TEST_CASE("gantry check names every problem with its line and exits 2")
{
    const ScratchFolder folder;
    const auto file = write_file(
        folder.path() / "gantry.yaml",
        "dimse:\n  pdu_size: 1\nfoo: 1\norigins: [{name: a, kind: local}]\nroutes: {web: {store: "
        "b}}\n"
    );
    const Ran ran = run_gantry({"-c", file.string(), "check"});
    CHECK(ran.status == 2);
    CHECK(has(ran.err, "gantry.yaml:2:13: error: dimse.pdu_size: 1 is impossible"));
    CHECK(has(ran.err, "gantry.yaml:3:1: error: unknown key \"foo\""));
    CHECK(has(ran.err, "gantry.yaml:5:23: error: routes.web.store: there is no origin \"b\""));
    CHECK_FALSE(has(ran.out, "is good"));
    const Ran for_scripts = run_gantry({"check", "--json", "-c", file.string()});
    CHECK(for_scripts.status == 2);
    const json::value report = json::parse(for_scripts.out);
    CHECK_FALSE(report.at("ok").as_bool());
    CHECK(report.at("problems").at(0).at("line").to_number<int>() == 2);
}

TEST_CASE("gantry check names what this version does not offer")
{
    const ScratchFolder folder;
    const auto file = write_file(
        folder.path() / "gantry.yaml",
        "origins: [{name: a, kind: local}]\nroutes: {dimse: {store: a, worklist: a}}\n"
    );
    const Ran ran = run_gantry({"check", "-c", file.string()});
    CHECK(ran.status == 2);
    CHECK(has(ran.err, "routes.dimse.worklist: this version does not offer that yet"));
}

TEST_CASE("gantry check reads the profiles that a configuration names")
{
    const ScratchFolder folder;
    const auto file = write_file(
        folder.path() / "gantry.yaml",
        "origins: [{name: a, kind: dicomweb, url: 'http://a/b', profile: a.json}]\n"
        "routes: {dimse: {store: a}}\n"
    );
    write_file(folder.path() / "a.json", R"({"search": {"raw_carret": true}})");
    const Ran slip = run_gantry({"check", "-c", file.string()});
    CHECK(slip.status == 2);
    CHECK(has(slip.err, "the profile of a: "));
    CHECK(has(slip.err, "a.json: search.raw_carret is not known"));
    write_file(folder.path() / "a.json", R"({"search": {"raw_caret": true}})");
    CHECK(run_gantry({"check", "-c", file.string()}).status == 0);
}

TEST_CASE("every command refuses a wrong configuration with exit status 2")
{
    const ScratchFolder folder;
    const std::string absent = (folder.path() / "absent.yaml").string();
    const std::vector<std::vector<std::string>> commands{
        {"check"},
        {"serve"},
        {"status"},
        {"queue", "list"},
        {"queue", "show", "1"},
        {"queue", "retry", "1"},
        {"queue", "drop", "1", "--yes"},
        {"queue", "hold", "x"},
        {"queue", "release", "x"},
        {"queue", "export", "1"},
        {"send", "/dev/null"},
        {"doctor", "x"},
    };
    for (std::vector<std::string> words : commands) {
        CAPTURE(words.back());
        words.insert(words.end(), {"-c", absent});
        const Ran ran = run_gantry(words);
        CHECK(ran.status == 2);
        CHECK(has(ran.err, "absent.yaml: error:"));
    }
}

TEST_CASE("wrong usage is explained and exits 2")
{
    const std::vector<std::vector<std::string>> commands{
        {},
        {"dance"},
        {"check", "--colour"},
        {"queue"},
        {"queue", "dance"},
        {"queue", "show"},
        {"queue", "hold"},
        {"queue", "export"},
        {"queue", "list", "--limit", "many"},
        {"send"},
        {"doctor"},
        {"check", "-c"},
    };
    for (const std::vector<std::string>& words : commands) {
        CAPTURE(words.empty() ? std::string() : words.back());
        const Ran ran = run_gantry(words);
        CHECK(ran.status == 2);
        CHECK_FALSE(ran.err.empty());
        CHECK(ran.out.empty());
    }
}

TEST_CASE("help is given where it is asked for")
{
    const Ran ran = run_gantry({"--help"});
    CHECK(ran.status == 0);
    for (const char* word :
         {"serve", "check", "queue", "status", "send", "doctor", "version", "--json", "--config"})
        CHECK(has(ran.out, word));
    CHECK(has(run_gantry({"queue", "--help"}).out, "export"));
    CHECK(run_gantry({"doctor", "--help"}).status == 0);
}
