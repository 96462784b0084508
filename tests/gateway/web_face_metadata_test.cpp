#include "gateway/faces/web_metadata.h"
#include "gateway/origins/archive/archive.h"
#include "mapping/dicom_json.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/gateway/web_face_support.h"
#include "tests/support/fake_origin.h"
#include "tests/support/samples.h"
#include "tests/support/skip.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

void put(OpenFace& face, const Instance& instance)
{
    REQUIRE(store(face.local().archive(), instance).kind == StoreOutcome::Kind::stored);
}

std::unique_ptr<FakeResponse> get(OpenFace& face, std::string target, FieldList fields = {})
{
    return face.ask({web::Method::get, std::move(target), std::move(fields)});
}

std::string url_of(const Instance& instance)
{
    return "/studies/" + instance.key.study.str() + "/series/" + instance.key.series.str() +
           "/instances/" + instance.key.sop.sop_instance.str();
}

/// What DCMTK reads of the whole file, written as JSON.
std::string expected_json(const std::filesystem::path& path, const Instance& instance)
{
    DcmFileFormat file;
    REQUIRE(file.loadFile(path.c_str()).good());
    file.loadAllDataIntoMemory();
    DcmDataset& data_set = *file.getDataset();
    const std::string stored = instance.key.transfer_syntax.str();
    const bool as_it_is = TransferSyntax::of(stored).web_allowed;
    const DcmTag available(0x0008, 0x3002, DcmVR(EVR_UI));
    REQUIRE(data_set
                .putAndInsertString(available, as_it_is ? stored.c_str() : "1.2.840.10008.1.2.1")
                .good());
    mapping::DicomJsonOptions options;
    options.bulk_data_uri = [&](const mapping::BulkValue& value) -> std::optional<std::string> {
        if (value.size <= 4096 && value.tag.group != 0x7fe0)
            return std::nullopt;
        const std::string url = "http://pacs.test:8080/dicom-web" + url_of(instance);
        return faces::bulk_data_url(url, value.path);
    };
    std::string out;
    REQUIRE(mapping::write_dicom_json(data_set, out, options).has_value());
    return out;
}

} // namespace

TEST_CASE("metadata of every sample are what DCMTK reads in the file")
{
    const auto folder = samples_folder();
    if (!folder)
        return skip("no sample files");
    unsigned told = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
        if (entry.path().extension() != ".dcm")
            continue;
        CAPTURE(entry.path().filename().string());
        OpenFace face;
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string file{std::istreambuf_iterator<char>(in), {}};
        if (face.stow({file})->status() != 200)
            continue;
        const Instance sent = instance_of(file);
        const auto answer = get(face, url_of(sent) + "/metadata");
        CHECK(answer->status() == 200);
        CHECK(answer->field("Content-Type") == "application/dicom+json");
        CHECK(answer->body == "[" + expected_json(entry.path(), sent) + "]");
        const auto xml =
            get(face,
                url_of(sent) + "/metadata",
                {{"Accept", "multipart/related; type=\"application/dicom+xml\""}});
        CHECK(xml->status() == 200);
        REQUIRE(parts_of(*xml).size() == 1);
        CHECK(parts_of(*xml)[0].find("<NativeDicomModel") != std::string::npos);
        ++told;
    }
    CHECK(told == 45);
}

TEST_CASE("metadata of a series come in the order of the series and as an array")
{
    OpenFace face;
    for (unsigned n = 1; n <= 60; ++n)
        put(face, make_instance({1, 1, n}));
    put(face, make_instance({1, 2, 1}));
    put(face, make_instance({2, 1, 1}));

    const auto series = get(face, "/studies/1.2.1/series/1.2.1.1/metadata");
    CHECK(series->status() == 200);
    CHECK(series->finished);
    REQUIRE(size_at(series->body, "") == 60);
    const auto listed = get(face, "/studies/1.2.1/series/1.2.1.1");
    const auto parts = parts_of(*listed);
    REQUIRE(parts.size() == 60);
    for (unsigned n = 0; n < 60; ++n)
        CHECK(
            at(series->body, "/" + std::to_string(n) + "/00080018/Value/0") ==
            instance_of(parts[n]).key.sop.sop_instance.str()
        );
    CHECK(size_at(get(face, "/studies/1.2.1/metadata")->body, "") == 61);
    CHECK(
        size_at(
            get(face, "/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.7/metadata")->body, ""
        ) == 1
    );
}

TEST_CASE("metadata that are long are sent as they are made")
{
    OpenFace face;
    for (unsigned n = 1; n <= 60; ++n)
        put(face, make_instance({1, 1, n}, [](DcmDataset& data_set) {
                data_set.putAndInsertString(DCM_ImageComments, std::string(10'000, 'x').c_str());
            }));
    const auto answer = get(face, "/studies/1.2.1/metadata");
    CHECK(answer->finished);
    CHECK(!answer->content_length.has_value());
    CHECK(answer->field("ETag").empty());
    CHECK(size_at(answer->body, "") == 60);
    CHECK(answer->largest_write < 600'000);
}

TEST_CASE("metadata come in the form that the client takes")
{
    OpenFace face;
    put(face, make_instance({}));

    struct Row {
        const char* accept;
        unsigned status;
        const char* type;
    };

    const Row rows[] = {
        {"*/*", 200, "application/dicom+json"},
        {"application/dicom+json", 200, "application/dicom+json"},
        {"application/json", 200, "application/json"},
        {"application/*", 200, "application/dicom+json"},
        {"multipart/related; type=application/dicom+xml", 200, "multipart/related; type=\"appl"},
        {"application/dicom+json;q=0.1, multipart/related; type=\"application/dicom+xml\"",
         200,
         "multipart/related; type=\"appl"},
        {"application/dicom+json;q=0, */*", 200, "application/json"},
        {"application/dicom", 406, "application/problem+json"},
        {"text/html", 406, "application/problem+json"},
        {"nonsense", 406, "application/problem+json"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.accept);
        const auto answer = get(face, "/studies/1.2.1/metadata", {{"Accept", row.accept}});
        CHECK(answer->status() == row.status);
        CHECK(answer->field("Content-Type").starts_with(row.type));
        std::string target = "/studies/1.2.1/metadata?accept=";
        for (const char c : std::string(row.accept))
            target += c == '+' ? "%2B" : c == ' ' ? "%20" : std::string(1, c);
        CHECK(get(face, target, {{"Accept", "image/png"}})->status() == row.status);
    }
    CHECK(get(face, "/studies/1.2.9/metadata")->status() == 404);
    CHECK(get(face, "/studies/1.2.x/metadata")->status() == 400);
    face.serve({});
    CHECK(get(face, "/studies/1.2.1/metadata")->status() == 501);
}

TEST_CASE("metadata that a client knows are not sent again")
{
    OpenFace face;
    put(face, make_instance({1, 1, 1}));
    const auto first = get(face, "/studies/1.2.1/metadata");
    const std::string tag = first->field("ETag");
    CHECK(tag.size() > 10);
    CHECK(first->field("Cache-Control") == "private, no-cache");
    const auto again = get(face, "/studies/1.2.1/metadata", {{"If-None-Match", "\"a\", W/" + tag}});
    CHECK(again->status() == 304);
    CHECK(again->body.empty());
    CHECK(again->field("ETag") == tag);
    put(face, make_instance({1, 1, 2}));
    CHECK(get(face, "/studies/1.2.1/metadata", {{"If-None-Match", tag}})->status() == 200);
}

TEST_CASE("what is large is named and what is small is told")
{
    OpenFace face;
    const Instance instance = make_instance({1, 1, 1}, [](DcmDataset& data_set) {
        const std::vector<Uint8> large(5000, 7);
        DcmItem* item = nullptr;
        data_set.putAndInsertString(DcmTag(0x0009, 0x0010, EVR_LO), "MAKER");
        data_set.putAndInsertUint8Array(DcmTag(0x0009, 0x1001, EVR_OB), large.data(), 5000);
        data_set.putAndInsertUint8Array(DcmTag(0x0009, 0x1002, EVR_OB), large.data(), 100);
        data_set.findOrCreateSequenceItem(DCM_IconImageSequence, item, 1);
        item->putAndInsertUint8Array(DcmTag(0x0028, 0x1201, EVR_OB), large.data(), 5000);
    });
    put(face, instance);
    const auto answer = get(face, url_of(instance) + "/metadata");
    const std::string base = "http://pacs.test:8080/dicom-web" + url_of(instance) + "/bulkdata/";
    CHECK(at(answer->body, "/0/7FE00010/BulkDataURI") == base + "7FE00010");
    CHECK(at(answer->body, "/0/00091001/BulkDataURI") == base + "00091001");
    CHECK(at(answer->body, "/0/00091002/BulkDataURI") == "-");
    CHECK(at(answer->body, "/0/00091002/InlineBinary").size() == 136);
    CHECK(
        at(answer->body, "/0/00880200/Value/1/00281201/BulkDataURI") == base + "00880200/1/00281201"
    );
    CHECK(at(answer->body, "/0/00083002/Value/0") == "1.2.840.10008.1.2.1");
}

TEST_CASE("metadata of a file that cannot be read are a failure")
{
    OpenFace face;
    const Instance instance = make_instance({1, 1, 1});
    put(face, make_instance({1, 1, 2}));
    put(face, instance);
    std::filesystem::remove(
        face.local().archive().path_of(instance.key.study, instance.key.sop.sop_instance)
    );
    const auto answer = get(face, "/studies/1.2.1/metadata");
    CHECK(answer->status() >= 400);
    CHECK(answer->field("Content-Type") == "application/problem+json");
}
