#include "gateway/origins/archive/archive.h"
#include "mapping/transcode.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/gateway/web_face_support.h"
#include "tests/support/samples.h"
#include "tests/support/skip.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

void put(OpenFace& face, const Instance& instance)
{
    REQUIRE(store(face.local().archive(), instance).kind == StoreOutcome::Kind::stored);
}

std::unique_ptr<FakeResponse> get(OpenFace& face, std::string target, const char* accept = nullptr)
{
    Ask what{web::Method::get, std::move(target)};
    if (accept != nullptr)
        what.fields = {{"Accept", accept}};
    return face.ask(std::move(what));
}

std::string url_of(const Instance& instance)
{
    return "/studies/" + instance.key.study.str() + "/series/" + instance.key.series.str() +
           "/instances/" + instance.key.sop.sop_instance.str();
}

/// An instance that says it is in that syntax: nobody here looks at its pixels.
Instance in_syntax(Place place, const char* syntax)
{
    Instance instance = make_instance(place);
    instance.key.transfer_syntax = Uid::parse(syntax).value();
    return instance;
}

constexpr const char* explicit_le = "1.2.840.10008.1.2.1";
constexpr const char* jpeg_baseline = "1.2.840.10008.1.2.4.50";
constexpr const char* jpeg_ls = "1.2.840.10008.1.2.4.80";
constexpr const char* video = "1.2.840.10008.1.2.4.102";

/// 8 x 8 pixels.
Instance image()
{
    return make_instance({}, [](DcmDataset& data_set) {
        data_set.putAndInsertUint16(DCM_SamplesPerPixel, 1);
        data_set.putAndInsertString(DCM_PhotometricInterpretation, "MONOCHROME2");
        for (const auto& tag : {DCM_Rows, DCM_Columns, DCM_BitsAllocated, DCM_BitsStored})
            data_set.putAndInsertUint16(tag, 8);
        data_set.putAndInsertUint16(DCM_HighBit, 7);
        data_set.putAndInsertUint16(DCM_PixelRepresentation, 0);
    });
}

/// The same in JPEG-LS.
Instance compressed()
{
    Instance out = image();
    std::string data_set;
    mapping::Transcoder transcoder(explicit_le, jpeg_ls, [&](ConstBytes bytes) -> Result<void> {
        data_set.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
    });
    transcoder.feed(bytes_of(out.data_set)).value();
    transcoder.finish().value();
    out.data_set = data_set;
    out.key.transfer_syntax = Uid::parse(jpeg_ls).value();
    return out;
}

} // namespace

TEST_CASE("a study a series and an instance are given as DICOM files byte for byte")
{
    OpenFace face;
    const Instance instances[] = {
        make_instance({1, 1, 1}), make_instance({1, 1, 2}, {}, 300'000), make_instance({1, 2, 1})
    };
    for (const Instance& one : instances)
        put(face, one);

    struct Row {
        std::string target;
        std::vector<unsigned> given;
    };

    const Row rows[] = {
        {"/studies/1.2.1", {0, 1, 2}},
        {"/studies/1.2.1/series/1.2.1.1", {0, 1}},
        {url_of(instances[1]), {1}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.target);
        const auto answer = get(face, row.target, R"(multipart/related; type="application/dicom")");
        CHECK(answer->status() == 200);
        CHECK(answer->finished);
        CHECK(answer->field("Content-Type")
                  .starts_with(R"(multipart/related; type="application/dicom"; )"));
        const auto parts = parts_of(*answer);
        REQUIRE(parts.size() == row.given.size());
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const Instance got = instance_of(parts[i]);
            CHECK(got.key == instances[row.given[i]].key);
            CHECK(got.data_set == instances[row.given[i]].data_set);
        }
    }
    const auto answer = get(face, url_of(instances[0]));
    CHECK(
        answer->body.find("Content-Type: application/dicom; transfer-syntax=1.2.840.10008.1.2.1\r\n"
        ) != std::string::npos
    );
    CHECK(
        answer->body.find(
            "Content-Location: http://pacs.test:8080/dicom-web" + url_of(instances[0])
        ) != std::string::npos
    );
}

TEST_CASE("one instance is given without multipart where the client asks for that")
{
    OpenFace face;
    const Instance instance = make_instance({});
    put(face, instance);
    const auto answer = get(face, url_of(instance), "application/dicom");
    CHECK(answer->status() == 200);
    CHECK(
        answer->field("Content-Type") == "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
    );
    CHECK(answer->content_length == answer->body.size());
    CHECK(instance_of(answer->body).data_set == instance.data_set);
    put(face, make_instance({1, 1, 2}));
    CHECK(get(face, "/studies/1.2.1", "application/dicom")->status() == 406);
}

TEST_CASE("what is not here is not found")
{
    OpenFace face;
    put(face, make_instance({1, 1, 1}));
    put(face, make_instance({2, 1, 1}));
    for (const char* target :
         {"/studies/9.9",
          "/studies/1.2.1/series/9.9",
          "/studies/1.2.1/series/1.2.1.1/instances/9.9",
          "/studies/1.2.1/series/1.2.2.1",
          "/studies/1.2.2/series/1.2.1.1/instances/1.2.1.1.1"}) {
        CAPTURE(target);
        const auto answer = get(face, target);
        CHECK(answer->status() == 404);
        CHECK(answer->field("Content-Type") == "application/problem+json");
    }
    CHECK(get(face, "/studies/no-uid")->status() == 400);
    face.serve({});
    CHECK(get(face, "/studies/1.2.1")->status() == 501);
}

TEST_CASE("an instance leaves in a transfer syntax that the client takes")
{
    struct Row {
        const char* stored;
        const char* accept;
        const char* given; // null: 406
    };

    const std::string dicom = "multipart/related; type=\"application/dicom\"";
    const std::string in = dicom + "; transfer-syntax=";
    const std::string in_jpeg_ls = in + jpeg_ls;
    const std::string plain_first = in + explicit_le + ", " + in + jpeg_ls + ";q=0.5";
    const std::string jpeg_ls_first = in + explicit_le + ";q=0.5, " + in + jpeg_ls + ";q=0.9";
    const std::string any = in + "*";
    const std::string none = any + ";q=0";
    const std::string in_implicit = in + "1.2.840.10008.1.2";
    const std::string in_plain = in + explicit_le;
    const std::string in_video = in + "1.2.840.10008.1.2.4.102";
    const Row rows[] = {
        {explicit_le, nullptr, explicit_le},
        {explicit_le, "*/*", explicit_le},
        {explicit_le, "multipart/related; type=application/dicom", explicit_le},
        {explicit_le, any.c_str(), explicit_le},
        {explicit_le, in_jpeg_ls.c_str(), jpeg_ls},
        {explicit_le, "multipart/related; type=\"image/jpeg\"", nullptr},
        {explicit_le, "application/json", nullptr},
        {explicit_le, "text/html, */*;q=0.1", explicit_le},
        {explicit_le, "nonsense", nullptr},
        {explicit_le, in_implicit.c_str(), nullptr},
        {explicit_le, in_video.c_str(), nullptr},
        {jpeg_ls, nullptr, explicit_le},
        {jpeg_ls, "*/*", explicit_le},
        {jpeg_ls, dicom.c_str(), explicit_le},
        {jpeg_ls, in_plain.c_str(), explicit_le},
        {jpeg_ls, in_jpeg_ls.c_str(), jpeg_ls},
        {jpeg_ls, any.c_str(), jpeg_ls},
        {jpeg_ls, plain_first.c_str(), explicit_le},
        {jpeg_ls, jpeg_ls_first.c_str(), jpeg_ls},
        {jpeg_ls, none.c_str(), nullptr},
        {jpeg_baseline, dicom.c_str(), jpeg_baseline}, // lossy: as it is stored
        {jpeg_baseline, nullptr, jpeg_baseline},
        {video, dicom.c_str(), video}, // cannot be decoded: as it is stored
        {video, in_plain.c_str(), nullptr},
    };
    for (const Row& row : rows) {
        const std::string accept = row.accept == nullptr ? "none" : row.accept;
        CAPTURE(row.stored);
        CAPTURE(accept);
        OpenFace face;
        const Instance instance = row.stored == jpeg_ls       ? compressed()
                                  : row.stored == explicit_le ? image()
                                                              : in_syntax({}, row.stored);
        put(face, instance);
        const auto answer = get(face, "/studies/1.2.1", row.accept);
        CHECK(answer->status() == (row.given == nullptr ? 406 : 200));
        if (row.given == nullptr) {
            CHECK(at(answer->body, "/detail").find(row.stored) != std::string::npos);
            continue;
        }
        const Instance got = instance_of(parts_of(*answer).at(0));
        CHECK(got.key.transfer_syntax.str() == row.given);
        if (got.key.transfer_syntax == instance.key.transfer_syntax)
            CHECK(got.data_set == instance.data_set);
        CHECK(
            answer->body.find(
                "Content-Type: application/dicom; transfer-syntax=" + std::string(row.given)
            ) != std::string::npos
        );
    }
}

TEST_CASE("an image that is transcoded is whole or is not given")
{
    OpenFace face;
    put(face, compressed());
    const auto answer = get(face, "/studies/1.2.1", "application/dicom");
    const Instance got = instance_of(answer->body);
    CHECK(got.data_set == image().data_set);
    put(face, in_syntax({1, 1, 2}, jpeg_ls)); // its pixels are no JPEG-LS
    const auto broken = get(face, "/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2");
    CHECK(broken->status() == 500);
    const auto half = get(face, "/studies/1.2.1");
    CHECK(half->status() == 200);
    CHECK(!half->finished);
    const auto as_stored = get(
        face, "/studies/1.2.1", "multipart/related; type=\"application/dicom\"; transfer-syntax=*"
    );
    CHECK(as_stored->finished);
    CHECK(parts_of(*as_stored).size() == 2);
}

TEST_CASE("DICOM and rendered media types are not asked for at once")
{
    OpenFace face;
    put(face, make_instance({}));
    CHECK(get(face, "/studies/1.2.1", "image/jpeg, application/dicom")->status() == 400);
    CHECK(get(face, "/studies/1.2.1", "image/jpeg, */*")->status() == 200);
}

TEST_CASE("a damaged file is a failure and never a whole response")
{
    OpenFace face;
    const Instance first = make_instance({1, 1, 1}, {}, 200'000);
    const Instance second = make_instance({1, 1, 2}, {}, 200'000);
    put(face, first);
    put(face, second);
    const auto path = face.local().archive().path_of(second.key.study, second.key.sop.sop_instance);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
    const auto half = get(face, "/studies/1.2.1");
    CHECK(half->status() == 200);
    CHECK(!half->finished);
    CHECK(!half->body.ends_with("--\r\n"));
    const auto none = get(face, url_of(second));
    CHECK(none->status() == 500);
    CHECK(none->field("Content-Type") == "application/problem+json");
}

TEST_CASE("an instance of any size is streamed")
{
    OpenFace face;
    const Instance large = make_instance({}, {}, 20'000'000);
    put(face, large);
    const auto answer = get(face, "/studies/1.2.1");
    CHECK(answer->finished);
    CHECK(answer->largest_write < (1U << 20U));
    CHECK(instance_of(parts_of(*answer).at(0)).data_set == large.data_set);
}

TEST_CASE("every sample that is stored comes back as a file that may stand on the web")
{
    const auto folder = samples_folder();
    if (!folder)
        return skip("no sample files");
    unsigned given = 0;
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
        const auto answer =
            get(face,
                "/studies/" + sent.key.study.str(),
                "multipart/related; type=\"application/dicom\"; transfer-syntax=*");
        CHECK(answer->status() == 200);
        CHECK(answer->finished);
        const auto parts = parts_of(*answer);
        REQUIRE(parts.size() == 1);
        const Instance got = instance_of(parts[0]);
        CHECK(got.key.sop == sent.key.sop);
        CHECK(got.key.series == sent.key.series);
        const auto& from = TransferSyntax::of(sent.key.transfer_syntax.str());
        if (from.web_allowed)
            CHECK(got.data_set == sent.data_set);
        else
            CHECK(got.key.transfer_syntax.str() == explicit_le);
        ++given;
    }
    CHECK(given == 45);
}

TEST_CASE("one instance that a client knows is not sent again and a part of it can be had")
{
    OpenFace face;
    const Instance instance = make_instance({}, {}, 3'000'000);
    put(face, instance);
    const std::string url = url_of(instance);
    const auto ask = [&](web::Method method, FieldList fields) {
        fields.emplace_back("Accept", "application/dicom");
        return face.ask({method, url, std::move(fields)});
    };
    const auto whole = ask(web::Method::get, {});
    const std::string tag = whole->field("ETag");
    CHECK(tag.size() > 10);
    CHECK(whole->field("Accept-Ranges") == "bytes");
    CHECK(whole->field("Cache-Control") == "private, no-cache");
    CHECK(whole->content_length == whole->body.size());
    CHECK(ask(web::Method::get, {{"If-None-Match", tag}})->status() == 304);
    const auto head = ask(web::Method::head, {});
    CHECK(head->status() == 200);
    CHECK(head->body.empty());
    CHECK(head->content_length == whole->body.size());
    CHECK(head->field("ETag") == tag);
    std::string together;
    for (const char* range : {"bytes=0-99", "bytes=100-1999999", "bytes=2000000-"}) {
        const auto part = ask(web::Method::get, {{"Range", range}, {"If-Range", tag}});
        CHECK(part->status() == 206);
        CHECK(part->body == whole->body.substr(together.size(), part->body.size()));
        CHECK(part->content_length == part->body.size());
        together += part->body;
    }
    CHECK(together.size() == whole->body.size());
    CHECK(ask(web::Method::get, {{"Range", "bytes=99000000-"}})->status() == 416);
    const auto multipart = face.ask({web::Method::get, url, {{"Range", "bytes=0-9"}}});
    CHECK(multipart->status() == 200); // a range of a multipart body is passed over
    CHECK(parts_of(*multipart).at(0) == whole->body);
    CHECK(multipart->field("ETag").starts_with("W/"));
    const auto study = face.ask({web::Method::head, "/studies/1.2.1"});
    CHECK(study->status() == 200);
    CHECK(study->body.empty());
    CHECK(study->finished);
    CHECK(face.ask({web::Method::head, "/studies/1.2.9"})->status() == 404);
}

TEST_CASE("many instances come in the order of the series whatever their sizes")
{
    OpenFace face;
    std::vector<Instance> instances;
    for (unsigned n = 1; n <= 60; ++n) {
        instances.push_back(make_instance({1, 1, n}, {}, n % 7 == 0 ? 2'500'000 : 1000 * n));
        put(face, instances.back());
    }
    const auto listed = get(face, "/studies/1.2.1/metadata");
    const auto answer = get(face, "/studies/1.2.1");
    const auto parts = parts_of(*answer);
    REQUIRE(parts.size() == instances.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const Instance got = instance_of(parts[i]);
        CHECK(
            got.key.sop.sop_instance.str() ==
            at(listed->body, "/" + std::to_string(i) + "/00080018/Value/0")
        );
        const auto sent = std::ranges::find_if(instances, [&](const Instance& one) {
            return one.key == got.key;
        });
        REQUIRE(sent != instances.end());
        CHECK(sent->data_set == got.data_set);
    }
}
