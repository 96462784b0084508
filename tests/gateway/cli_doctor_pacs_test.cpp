// gantry doctor against an archive that is reached over DIMSE.
#include "support/scripted_pacs.h"

#include <doctest/doctest.h>

#include "cli_support.h"

using namespace gantry::tests;

namespace {

Ran doctor(const ScriptedPacs& pacs, const std::string& more = "")
{
    const ScratchFolder folder;
    const auto file = write_file(
        folder.path() / "gantry.yaml",
        "state_dir: " + folder.path().string() +
            "\npeers: [{ae_title: PACS, host: 127.0.0.1, port: " + std::to_string(pacs.port()) +
            "}]\norigins: [{name: old, kind: dimse, peer: PACS" + more +
            "}]\nroutes: {dimse: {store: old}}\n"
    );
    return run_gantry({"doctor", "old", "-c", file.string()});
}

} // namespace

TEST_CASE("gantry doctor tries what an archive that speaks DIMSE finds and gives")
{
    struct Row {
        const char* says;
        PacsScript script;
        std::string more; // of the origin
        int status;
        std::vector<std::string> parts;
        std::vector<std::string> absent;
    };

    PacsScript no_find;
    no_find.refused_classes = {"1.2.840.10008.5.1.4.1.2.2.1"};
    PacsScript no_get;
    no_get.refused_classes = {"1.2.840.10008.5.1.4.1.2.2.3"};
    PacsScript no_roles;
    no_roles.grants_roles = false;
    PacsScript neither;
    neither.refused_classes = {"1.2.840.10008.5.1.4.1.2.2.3", "1.2.840.10008.5.1.4.1.2.2.2"};
    PacsScript refuses;
    refuses.find.most = 0;
    refuses.find.status = 0xa700;
    const Row rows[] = {
        {"all of it",
         {},
         "",
         0,
         {"C-ECHO: answered by PACS",
          "accepts C-FIND, C-MOVE, C-GET",
          "find STUDY: answered",
          "find SERIES: answered",
          "find IMAGE: answered",
          "C-GET: gave an image",
          "old is well"},
         {"P1", "PACS^PATIENT"}},
        {"not for us",
         no_find,
         "",
         1,
         {"does not accept C-FIND", "look at the other side", "permit GANTRY"},
         {}},
        {"without C-GET", no_get, "", 0, {"C-MOVE: accepted", "it must know GANTRY"}, {"C-GET:"}},
        {"C-GET without roles", no_roles, "", 0, {"C-MOVE: accepted"}, {"gave an image"}},
        {"C-MOVE wanted", {}, ", retrieve_by: move", 0, {"C-MOVE: accepted"}, {"C-GET:"}},
        {"gives nothing", neither, "", 1, {"neither C-GET nor C-MOVE"}, {}},
        {"a failing find", refuses, "", 1, {"find STUDY: answered A700"}, {}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        ScriptedPacs pacs(row.script);
        pacs.hold(pacs_instance("1.2.1", "1.2.1.1", "1.2.1.1.1"));
        const Ran ran = doctor(pacs, row.more);
        CAPTURE(ran.out);
        CAPTURE(ran.err);
        CHECK(ran.status == row.status);
        for (const std::string& part : row.parts)
            CHECK(has(ran.out, part));
        for (const std::string& part : row.absent)
            CHECK_FALSE(has(ran.out, part));
        CHECK(pacs.stored().empty());
    }
}

TEST_CASE("gantry doctor finds nothing wrong with an empty archive")
{
    const ScriptedPacs pacs;
    const Ran ran = doctor(pacs);
    CAPTURE(ran.out);
    CHECK(ran.status == 0);
    CHECK(has(ran.out, "it holds no study"));
}
