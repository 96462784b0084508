#include "gateway/custody/queue.h"
#include "gateway/custody/spool.h"
#include "gateway/error.h"
#include "gateway/origins/archive/archive.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "tests/gateway/web_face_support.h"
#include "tests/support/samples.h"
#include "tests/support/skip.h"

using namespace gantry;
using namespace gantry::tests;
using web::Method;

namespace fs = std::filesystem;

namespace {

std::string of_file(const fs::path& path)
{
    std::ifstream in(path, std::ios::binary);
    std::ostringstream read;
    read << in.rdbuf();
    return read.str();
}

Instance changed(Place place)
{
    return make_instance(place, [](DcmDataset& data_set) {
        (void)data_set.putAndInsertString(DCM_StudyDescription, "changed");
    });
}

Instance without(const DcmTagKey& tag)
{
    return make_instance({}, [tag](DcmDataset& data_set) {
        (void)data_set.findAndDeleteElement(tag);
        if (tag == DCM_SOPInstanceUID) // the maker of instances wants one
            (void)data_set.putAndInsertString(tag, "no.uid");
    });
}

bool is_here(OpenFace& face, const Instance& instance)
{
    return face.local()
        .archive()
        .catalogue()
        .find(instance.key.sop.sop_instance)
        .value()
        .has_value();
}

constexpr const char* stored_items = "/00081199/Value";
constexpr const char* failed_items = "/00081198/Value";
constexpr const char* first_stored = "/00081199/Value/0/00081155/Value/0";
constexpr const char* first_reason = "/00081198/Value/0/00081197/Value/0";
constexpr const char* first_other = "/0008119A/Value/0/00081197/Value/0";

} // namespace

TEST_CASE("instances are stored and each is answered for")
{
    OpenFace face;
    const Instance one = make_instance({1, 1, 1});
    const Instance two = make_instance({1, 1, 2});
    const auto answer = face.stow({one.file(), two.file()});
    CHECK(answer->status() == 200);
    CHECK(answer->field("Content-Type") == "application/dicom+json");
    CHECK(size_at(answer->body, stored_items) == 2);
    CHECK(size_at(answer->body, failed_items) == -1);
    CHECK(at(answer->body, first_stored) == one.key.sop.sop_instance.str());
    const std::string study = "http://pacs.test:8080/dicom-web/studies/1.2.1";
    CHECK(at(answer->body, "/00081190/Value/0") == study);
    CHECK(
        at(answer->body, "/00081199/Value/1/00081190/Value/0") ==
        study + "/series/1.2.1.1/instances/1.2.1.1.2"
    );
    CHECK(is_here(face, one));
    CHECK(is_here(face, two));
}

TEST_CASE("the pieces in which a body comes do not matter")
{
    const Instance instance = make_instance({}, {}, 3'000);
    for (const std::size_t piece : {1U, 7U, 1'000U, 1'000'000U}) {
        CAPTURE(piece);
        OpenFace face;
        Ask ask;
        ask.piece = piece;
        CHECK(face.stow({instance.file()}, ask)->status() == 200);
        const auto path =
            face.local().archive().path_of(instance.key.study, instance.key.sop.sop_instance);
        CHECK(read_instance(path).data_set == instance.data_set);
    }
}

TEST_CASE("what may be posted and what may not")
{
    struct Row {
        const char* says;
        const char* content_type;
        unsigned status;
    };

    const std::string file = make_instance({}).file();
    const Row rows[] = {
        {"quoted type", R"(multipart/related; type="application/dicom"; boundary=b)", 200},
        {"type without quotes", "multipart/related; type=application/dicom; boundary=b", 200},
        {"quoted boundary", R"(multipart/related; type="application/dicom"; boundary="b")", 200},
        {"no type", "multipart/related; boundary=b", 200},
        {"any case", R"(Multipart/Related; Type="Application/DICOM"; Boundary=b)", 200},
        {"no boundary", R"(multipart/related; type="application/dicom")", 400},
        {"files under the name of metadata",
         R"(multipart/related; type="application/dicom+json"; boundary=b)",
         200},
        {"images", R"(multipart/related; type="image/jpeg"; boundary=b)", 415},
        {"form data", "multipart/form-data; boundary=b", 415},
        {"nothing", "", 415},
        {"JSON", "application/dicom+json", 415},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        OpenFace face;
        const FieldList fields{{"Content-Type", row.content_type}};
        const auto answer = face.ask({Method::post, "/studies", fields, multipart({file})});
        CHECK(answer->status() == row.status);
        if (row.status != 200)
            CHECK(answer->field("Content-Type") == "application/problem+json");
    }
}

TEST_CASE("one DICOM file is taken without multipart")
{
    OpenFace face;
    const Instance instance = make_instance({});
    const FieldList fields{{"Content-Type", "application/dicom"}};
    const auto answer = face.ask({Method::post, "/studies/1.2.1", fields, instance.file()});
    CHECK(answer->status() == 200);
    CHECK(at(answer->body, first_stored) == instance.key.sop.sop_instance.str());
}

TEST_CASE("a part without Content-Type is taken and one of another type is not")
{
    OpenFace face;
    const std::string body = "preamble\r\n--b\r\n\r\n" + make_instance({1, 1, 1}).file() +
                             "\r\n--b\r\nContent-Type: image/jpeg\r\n\r\nxx\r\n--b\r\n"
                             "Content-Type: application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
                             "\r\n\r\n" +
                             make_instance({1, 1, 2}).file() + "\r\n--b--\r\nepilogue";
    const auto answer = face.ask({Method::post, "/studies", multipart_fields, body});
    CHECK(answer->status() == 202);
    CHECK(size_at(answer->body, stored_items) == 2);
    CHECK(at(answer->body, first_other) == "49152");
}

TEST_CASE("what is wrong with one part is said of it and spoils no other")
{
    struct Row {
        const char* says;
        std::string part;
        const char* named;   // Failure Reason in Failed SOP Sequence
        const char* unnamed; // or in Other Failures Sequence
    };

    const Instance good = make_instance({1, 1, 9});
    const std::string file = make_instance({}).file();
    const Row rows[] = {
        {"garbage", "this is no DICOM file", "-", "49152"},
        {"nothing", "", "-", "49152"},
        {"a preamble and no more", std::string(132, '\0'), "-", "49152"},
        {"no preamble", make_instance({}).data_set, "-", "49152"},
        {"half a head", file.substr(0, 200), "-", "49152"},
        {"cut short", file.substr(0, file.size() - 10), "49152", "-"},
        {"a head and nothing else",
         file.substr(0, file.size() - make_instance({}).data_set.size()),
         "-",
         "43264"},
        {"no Study Instance UID", without(DCM_StudyInstanceUID).file(), "43264", "-"},
        {"no Series Instance UID", without(DCM_SeriesInstanceUID).file(), "43264", "-"},
        {"no SOP Class UID", without(DCM_SOPClassUID).file(), "-", "43264"},
        {"another study than the URL says", make_instance({2}).file(), "43264", "-"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        OpenFace face;
        Ask ask;
        ask.target = "/studies/1.2.1";
        const auto answer = face.stow({row.part, good.file()}, ask);
        CHECK(answer->status() == 202);
        CHECK(at(answer->body, first_stored) == good.key.sop.sop_instance.str());
        CHECK(at(answer->body, first_reason) == row.named);
        CHECK(at(answer->body, first_other) == row.unnamed);
        const auto alone = face.stow({row.part}, ask);
        CHECK(alone->status() == (std::string_view(row.named) == "-" ? 400 : 409));
    }
}

TEST_CASE("the same instance again is stored and another one of its UID is a conflict")
{
    OpenFace face;
    const Instance first = make_instance({});
    CHECK(face.stow({first.file()})->status() == 200);
    CHECK(face.stow({first.file()})->status() == 200);
    const auto answer = face.stow({changed({}).file()});
    CHECK(answer->status() == 409);
    CHECK(at(answer->body, first_reason) == "273"); // 0111H
    const auto both = face.stow({changed({}).file(), make_instance({1, 1, 2}).file()});
    CHECK(both->status() == 202);
    const auto path = face.local().archive().path_of(first.key.study, first.key.sop.sop_instance);
    CHECK(read_instance(path).data_set == first.data_set);
}

TEST_CASE("of a body that breaks off what was whole is stored and said so")
{
    const std::string whole =
        multipart({make_instance({1, 1, 1}).file(), make_instance({1, 1, 2}).file()});

    struct Row {
        const char* says;
        std::string body;
        std::optional<web::Errc> end;
        int stored;
        unsigned status;
    };

    const Row rows[] = {
        {"no final delimiter", whole.substr(0, whole.size() - 6), {}, 1, 202},
        {"in the second part", whole.substr(0, whole.size() - 50), {}, 1, 202},
        {"in the first part", whole.substr(0, 400), {}, 0, 400},
        {"no delimiter at all", "nothing like it", {}, 0, 400},
        {"empty", "", {}, 0, 400},
        {"headers without end", "--b\r\nContent-Type: " + std::string(100'000, 'x'), {}, 0, 413},
        {"too large", whole.substr(0, 400), web::Errc::too_large, 0, 413},
        {"too large in the second part",
         whole.substr(0, whole.size() - 50),
         web::Errc::too_large,
         1,
         202},
        {"silence", whole.substr(0, 400), web::Errc::timeout, 0, 408},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        OpenFace face;
        Ask ask{Method::post, "/studies", multipart_fields, row.body};
        ask.body_end = row.end;
        const auto answer = face.ask(ask);
        CHECK(answer->status() == row.status);
        CHECK(is_here(face, make_instance({1, 1, 1})) == (row.stored > 0));
        CHECK(!is_here(face, make_instance({1, 1, 2})));
        if (row.stored > 0) {
            CHECK(size_at(answer->body, stored_items) == row.stored);
            CHECK(at(answer->body, first_other) == "272");
        }
    }
}

TEST_CASE("a multipart body without parts is a bad request")
{
    OpenFace face;
    const auto answer = face.ask({Method::post, "/studies", multipart_fields, "--b--\r\n"});
    CHECK(answer->status() == 400);
}

TEST_CASE("more parts than allowed are not read and those before are stored")
{
    faces::WebFaceOptions options;
    options.max_parts = 3;
    OpenFace face(options);
    std::vector<std::string> parts;
    for (unsigned n = 1; n <= 5; ++n)
        parts.push_back(make_instance({1, 1, n}).file());
    const auto answer = face.stow(parts);
    CHECK(answer->status() == 202);
    CHECK(size_at(answer->body, stored_items) == 3);
}

TEST_CASE("a large request is made durable group by group and answered as a whole")
{
    faces::WebFaceOptions options;
    options.group_instances = 7;
    OpenFace face(options);
    std::vector<std::string> parts;
    for (unsigned n = 1; n <= 50; ++n)
        parts.push_back(make_instance({1, 1, n}).file());
    const auto answer = face.stow(parts);
    CHECK(answer->status() == 200);
    CHECK(size_at(answer->body, stored_items) == 50);
}

TEST_CASE("two requests that store the same instance at once both succeed")
{
    OpenFace face;
    const std::string file = make_instance({}, {}, 100'000).file();
    web::Router router;
    faces::WebFace other({}, face.targets(), face.pools());
    other.register_routes(router);
    const auto match = router.match(Method::post, "/dicom-web/studies");
    web::Request request;
    for (const auto& [name, value] : multipart_fields)
        request.fields.add(name, value);
    FakeBody bodies[] = {FakeBody(multipart({file}), 1'000), FakeBody(multipart({file}), 1'000)};
    FakeResponse responses[2];
    asio::io_context loop;
    for (unsigned i = 0; i < 2; ++i)
        asio::co_spawn(loop, (*match.handler)(request, bodies[i], responses[i]), [](auto) {});
    loop.run();
    CHECK(responses[0].status() == 200);
    CHECK(responses[1].status() == 200);
}

TEST_CASE("what the response may be")
{
    OpenFace face;
    const std::string file = make_instance({}).file();

    struct Row {
        const char* accept;
        unsigned status;
        const char* type;
    };

    const Row rows[] = {
        {"application/dicom+json", 200, "application/dicom+json"},
        {"*/*", 200, "application/dicom+json"},
        {"application/*;q=0.5, text/html", 200, "application/dicom+json"},
        {"application/json", 200, "application/json"},
        {"application/dicom+xml", 200, "application/dicom+xml"},
        {"application/dicom+json;q=0.2, application/dicom+xml", 200, "application/dicom+xml"},
        {"text/html", 406, "application/problem+json"},
        {"application/dicom+json;q=0", 406, "application/problem+json"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.accept);
        Ask ask;
        ask.fields = {{"Accept", row.accept}};
        const auto answer = face.stow({file}, ask);
        CHECK(answer->status() == row.status);
        CHECK(answer->field("Content-Type") == row.type);
    }
}

TEST_CASE("where there is no room nothing is read and the client is told when to come back")
{
    OpenFace face({}, Bytes{1ULL << 62U});
    const auto answer = face.stow({make_instance({}).file()});
    CHECK(answer->status() == 503);
    CHECK(answer->field("Retry-After") == "30");
    CHECK(answer->field("Content-Type") == "application/problem+json");
}

TEST_CASE("a study in the URL that is no UID is a bad request")
{
    OpenFace face;
    Ask ask;
    ask.target = "/studies/not-a-uid";
    CHECK(face.stow({make_instance({}).file()}, ask)->status() == 400);
}

TEST_CASE("without a place to store nothing is offered")
{
    OpenFace face;
    face.serve({});
    CHECK(face.stow({make_instance({}).file()})->status() == 501);
}

TEST_CASE("what goes elsewhere is in custody when it is acknowledged")
{
    OpenFace face;
    custody::SpoolOptions options;
    options.folder = face.folder.path() / "spool";
    options.min_free = {};
    SystemClock clock;
    const auto spool = custody::Spool::open(options, clock).value();
    asio::io_context loop;
    custody::QueueOptions rows;
    rows.database = face.folder.path() / "queue.sqlite";
    rows.destinations = {"old", "cloud"};
    const auto queue =
        custody::DeliveryQueue::open(rows, *spool, clock, loop.get_executor()).value();
    const auto intake = faces::custody_intake(*spool, *queue, face.disk, {"old", "cloud"});
    face.serve({intake.get(), nullptr, nullptr});
    std::vector<std::string> parts;
    for (unsigned n = 1; n <= 20; ++n)
        parts.push_back(make_instance({1, 1, n}).file());
    parts.emplace_back("garbage");
    const auto answer = face.stow(parts);
    CHECK(answer->status() == 202);
    CHECK(size_at(answer->body, stored_items) == 20);
    CHECK(at(answer->body, "/00081199/Value/0/00081190/Value/0") == "-"); // not to be had here yet
    const auto listed = test::run(loop, queue->list({})).value();
    REQUIRE(listed.size() == 40); // for each destination
    for (const auto& row : listed) {
        CHECK(row.state == custody::DeliveryState::queued);
        CHECK(row.peer_address == "192.0.2.1");
        CHECK(row.key.study.str() == "1.2.1");
        CHECK(row.bytes.count >= make_instance({1, 1, 1}).data_set.size());
    }
    queue->close();
}

TEST_CASE("every sample file is stored as it is or refused for its reason")
{
    const auto folder = samples_folder();
    if (!folder)
        return skip("no sample files");
    // Failure Reason in Failed SOP Sequence, or in Other Failures Sequence.
    const std::map<std::string, std::pair<std::string, std::string>> refused{
        {"ExplVR_LitEndNoMeta.dcm", {"-", "49152"}}, // no preamble
        {"rtstruct.dcm", {"-", "49152"}},
        {"MR_truncated.dcm", {"49152", "-"}},
        {"HTJ2KLossless_08_RGB.dcm", {"43264", "-"}}, // no Study Instance UID
        {"JPEGLSNearLossless_08.dcm", {"43264", "-"}},
        {"meta_missing_tsyntax.dcm", {"-", "43264"}}, // no SOP Instance UID
        {"nested_priv_SQ.dcm", {"-", "43264"}},
        {"no_meta_group_length.dcm", {"-", "43264"}},
    };
    unsigned stored = 0;
    for (const auto& entry : fs::directory_iterator(*folder)) {
        if (entry.path().extension() != ".dcm")
            continue;
        const std::string name = entry.path().filename();
        CAPTURE(name);
        OpenFace face; // several share a UID
        const std::string file = of_file(entry.path());
        const Instance good = make_instance({77});
        const auto answer = face.stow({file, good.file()});
        CHECK(is_here(face, good));
        if (const auto why = refused.find(name); why != refused.end()) {
            CHECK(answer->status() == 202);
            CHECK(at(answer->body, first_reason) == why->second.first);
            CHECK(at(answer->body, first_other) == why->second.second);
            continue;
        }
        CHECK(answer->status() == 200);
        ++stored;
        const Instance sent = instance_of(file);
        const auto path = face.local().archive().path_of(sent.key.study, sent.key.sop.sop_instance);
        CHECK(read_instance(path).data_set == sent.data_set);
    }
    CHECK(stored == 45);
}
