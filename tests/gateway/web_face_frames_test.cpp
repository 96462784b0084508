#include "gateway/faces/web_frames.h"
#include "mapping/image_frames.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <numeric>

#include "tests/gateway/web_face_support.h"
#include "tests/support/memory_access.h"
#include "tests/support/samples.h"
#include "tests/support/skip.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

constexpr const char* explicit_le = "1.2.840.10008.1.2.1";
constexpr const char* jpeg_lossless = "1.2.840.10008.1.2.4.70";
constexpr const char* jpeg_ls = "1.2.840.10008.1.2.4.80";
constexpr const char* jpeg_2000 = "1.2.840.10008.1.2.4.90";
constexpr const char* rle = "1.2.840.10008.1.2.5";

std::unique_ptr<FakeResponse> get(OpenFace& face, std::string target, FieldList fields = {})
{
    return face.ask({web::Method::get, std::move(target), std::move(fields)});
}

FieldList accept(const std::string& text)
{
    return {{"Accept", text}};
}

std::string url_of(const Instance& instance)
{
    return "/studies/" + instance.key.study.str() + "/series/" + instance.key.series.str() +
           "/instances/" + instance.key.sop.sop_instance.str();
}

std::string frame_pixels(unsigned frame, std::size_t size)
{
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<char>(i * 7 % 251 + frame);
    return out;
}

/// An image of 20 x 10 pixels of 8 bits.
Instance image(unsigned frames, Place place = {})
{
    return make_instance(place, [frames](DcmDataset& data_set) {
        data_set.putAndInsertUint16(DCM_SamplesPerPixel, 1);
        data_set.putAndInsertString(DCM_PhotometricInterpretation, "MONOCHROME2");
        data_set.putAndInsertUint16(DCM_Rows, 10);
        data_set.putAndInsertUint16(DCM_Columns, 20);
        data_set.putAndInsertUint16(DCM_BitsAllocated, 8);
        data_set.putAndInsertUint16(DCM_BitsStored, 8);
        data_set.putAndInsertUint16(DCM_HighBit, 7);
        data_set.putAndInsertUint16(DCM_PixelRepresentation, 0);
        if (frames > 1)
            data_set.putAndInsertString(DCM_NumberOfFrames, std::to_string(frames).c_str());
        std::string pixels;
        for (unsigned n = 1; n <= frames; ++n)
            pixels += frame_pixels(n, 200);
        data_set.putAndInsertUint8Array(
            DCM_PixelData,
            reinterpret_cast<const Uint8*>(pixels.data()),
            static_cast<unsigned long>(pixels.size())
        );
    });
}

void put(OpenFace& face, const Instance& instance)
{
    REQUIRE(store(face.local().archive(), instance).kind == StoreOutcome::Kind::stored);
}

/// The headers of the parts of a multipart body, one text for each.
std::vector<std::string> heads_of(const FakeResponse& response)
{
    std::vector<std::string> out;
    const std::string type = response.field("Content-Type");
    const std::string delimiter = "--" + type.substr(type.find("boundary=") + 9) + "\r\n";
    for (std::size_t at = 0; (at = response.body.find(delimiter, at)) != std::string::npos;) {
        at += delimiter.size();
        out.push_back(response.body.substr(at, response.body.find("\r\n\r\n", at) - at));
    }
    return out;
}

struct Sample {
    std::string file;
    Instance instance;
};

std::optional<Sample> stored_sample(OpenFace& face, const std::filesystem::path& path)
{
    std::ifstream in(path, std::ios::binary);
    Sample out;
    out.file = {std::istreambuf_iterator<char>(in), {}};
    if (face.stow({out.file})->status() != 200)
        return std::nullopt;
    out.instance = instance_of(out.file);
    return out;
}

} // namespace

TEST_CASE("frames of a native image come as they are asked for")
{
    OpenFace face;
    const Instance instance = image(5);
    put(face, instance);
    const std::string frames = url_of(instance) + "/frames/";

    struct Row {
        const char* frames;
        unsigned status;
        std::vector<unsigned> given;
    };

    const Row rows[] = {
        {"1", 200, {1}},
        {"1,3,5", 200, {1, 3, 5}},
        {"4,5,6", 206, {4, 5}},
        {"6", 404, {}},
        {"0", 400, {}},
        {"3,1", 400, {}},
        {"x", 400, {}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.frames);
        const auto answer = get(face, frames + row.frames);
        CHECK(answer->status() == row.status);
        if (row.given.empty()) {
            CHECK(answer->field("Content-Type") == "application/problem+json");
            continue;
        }
        CHECK(answer->finished);
        CHECK(answer->field("Content-Type")
                  .starts_with("multipart/related; type=\"application/octet-stream\"; "));
        const auto parts = parts_of(*answer);
        const auto heads = heads_of(*answer);
        REQUIRE(parts.size() == row.given.size());
        for (std::size_t i = 0; i < parts.size(); ++i) {
            CHECK(parts[i] == frame_pixels(row.given[i], 200));
            CHECK(
                heads[i].find("Content-Type: application/octet-stream; transfer-syntax="
                              "1.2.840.10008.1.2.1\r\n") != std::string::npos
            );
            CHECK(heads[i].find("Content-Length: 200\r\n") != std::string::npos);
            CHECK(
                heads[i].find(
                    "Content-Location: http://pacs.test:8080/dicom-web" + frames +
                    std::to_string(row.given[i])
                ) != std::string::npos
            );
        }
    }
    const std::string wrong = "/studies/1.2.9/series/1.2.1.1/instances/1.2.1.1.1/frames/1";
    CHECK(get(face, wrong)->status() == 404);
    CHECK(get(face, "/studies/1.2.1/series/1.2.1.1/instances/x/frames/1")->status() == 400);
}

TEST_CASE("a frame leaves in the form that the client takes")
{
    struct Row {
        const char* accept;
        const char* type; // of the part; empty: 406
        const char* syntax;
        bool single = false;
    };

    const char* octets = "application/octet-stream";
    const Row of_native[] = {
        {"*/*", octets, explicit_le},
        {"multipart/related", octets, explicit_le},
        {"multipart/related; type=application/octet-stream", octets, explicit_le},
        {"multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
         octets,
         explicit_le},
        {"application/octet-stream", octets, explicit_le, true},
        {"image/jls", "image/jls", jpeg_ls, true},
        {"multipart/related; type=\"image/jls\"", "image/jls", jpeg_ls},
        {"multipart/related; type=\"image/x-jls\"", "image/jls", jpeg_ls},
        {"multipart/related; type=\"image/jpeg\"", "image/jpeg", jpeg_lossless},
        {"multipart/related; type=\"image/jp2\"", "image/jp2", jpeg_2000},
        {"multipart/related; type=\"image/x-dicom-rle\"", "image/dicom-rle", rle},
        {"multipart/related; type=\"image/jpeg\", */*;q=0.1", "image/jpeg", jpeg_lossless},
        {"multipart/related; type=\"image/jpeg\";q=0.2, */*;q=0.3", octets, explicit_le},
        {"multipart/related; type=image/jls; transfer-syntax=1.2.840.10008.1.2.4.80",
         "image/jls",
         jpeg_ls},
        {"multipart/related; type=application/octet-stream; "
         "transfer-syntax=1.2.840.10008.1.2.4.80",
         "image/jls",
         jpeg_ls},
        {"multipart/related; type=image/jls; transfer-syntax=1.2.840.10008.1.2.4.81", "", ""},
        {"multipart/related; type=image/jphc", "", ""},
        {"multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2",
         "",
         ""},
        {"application/dicom", "", ""},
        {"*/*;q=0", "", ""},
        {"nonsense", "", ""},
    };
    OpenFace face;
    const Instance instance = image(2);
    put(face, instance);
    for (const Row& row : of_native) {
        CAPTURE(row.accept);
        const auto answer = get(face, url_of(instance) + "/frames/2", accept(row.accept));
        if (std::string(row.type).empty()) {
            CHECK(answer->status() == 406);
            CHECK(at(answer->body, "/detail").find("image/jls") != std::string::npos);
            continue;
        }
        CHECK(answer->status() == 200);
        const std::string type = std::string(row.type) + "; transfer-syntax=" + row.syntax;
        if (row.single) {
            CHECK(answer->field("Content-Type") == type);
            CHECK(answer->content_length == answer->body.size());
            continue;
        }
        CHECK(heads_of(*answer).at(0).find("Content-Type: " + type + "\r\n") != std::string::npos);
        if (row.syntax == std::string(explicit_le))
            CHECK(parts_of(*answer).at(0) == frame_pixels(2, 200));
    }
    CHECK(get(face, url_of(instance) + "/frames/1,2", accept("image/jls"))->status() == 406);
}

TEST_CASE("frames of every sample are what its own decoding gives")
{
    const auto folder = samples_folder();
    if (!folder)
        return skip("no sample files");
    unsigned images = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
        if (entry.path().extension() != ".dcm")
            continue;
        CAPTURE(entry.path().filename().string());
        OpenFace face;
        const auto sample = stored_sample(face, entry.path());
        if (!sample)
            continue;
        const std::string syntax = sample->instance.key.transfer_syntax.str();
        const MemoryAccess bytes(sample->instance.data_set);
        const auto frames = mapping::ImageFrames::read(bytes, syntax);
        const std::string url = url_of(sample->instance) + "/frames/";
        if (!frames) { // no pixels, or nothing that can be read in its middle
            const auto answer = get(face, url + "1");
            const bool in_the_middle =
                frames.error().code == mapping::Errc::unsupported && answer->status() == 200;
            CHECK((answer->status() == 404 || in_the_middle));
            continue;
        }
        for (std::uint32_t n = 1; n <= frames->count(); ++n) {
            const auto as_stored =
                get(face,
                    url + std::to_string(n),
                    accept("multipart/related; type=\"application/octet-stream\"; transfer-syntax=*"
                    ));
            REQUIRE(as_stored->status() == 200);
            const auto stored = mapping::stored_frame(bytes, *frames, n).value();
            CHECK(
                parts_of(*as_stored).at(0) ==
                std::string(reinterpret_cast<const char*>(stored.data()), stored.size())
            );
            const auto native = mapping::native_frame(bytes, *frames, n);
            const auto decoded =
                get(face,
                    url + std::to_string(n),
                    accept("multipart/related; type=\"application/octet-stream\""));
            CHECK(decoded->status() == (native ? 200 : 406));
            if (native)
                CHECK(
                    parts_of(*decoded).at(0) ==
                    std::string(
                        reinterpret_cast<const char*>(native->bytes.data()), native->bytes.size()
                    )
                );
        }
        ++images;
    }
    CHECK(images >= 30);
}

TEST_CASE("a frame that a client knows is not sent again and a part of one can be had")
{
    OpenFace face;
    const Instance instance = image(3);
    put(face, instance);
    const std::string url = url_of(instance) + "/frames/2";
    const auto whole = get(face, url, accept("application/octet-stream"));
    const std::string tag = whole->field("ETag");
    CHECK(whole->body == frame_pixels(2, 200));
    CHECK(whole->field("Accept-Ranges") == "bytes");
    CHECK(whole->field("Cache-Control") == "private, max-age=600");
    CHECK(
        get(face, url, {{"Accept", "application/octet-stream"}, {"If-None-Match", tag}}
        )->status() == 304
    );

    struct Row {
        const char* range;
        unsigned status;
        std::size_t from;
        std::size_t size;
        const char* content_range;
    };

    const Row rows[] = {
        {"bytes=0-9", 206, 0, 10, "bytes 0-9/200"},
        {"bytes=190-", 206, 190, 10, "bytes 190-199/200"},
        {"bytes=-5", 206, 195, 5, "bytes 195-199/200"},
        {"bytes=100-999", 206, 100, 100, "bytes 100-199/200"},
        {"bytes=200-", 416, 0, 0, "bytes */200"},
        {"bytes=-0", 416, 0, 0, "bytes */200"},
        {"bytes=5-2", 200, 0, 200, ""},
        {"bytes=0-1,5-6", 200, 0, 200, ""},
        {"lines=0-1", 200, 0, 200, ""},
        {"bytes=x", 200, 0, 200, ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.range);
        const auto part =
            get(face, url, {{"Accept", "application/octet-stream"}, {"Range", row.range}});
        CHECK(part->status() == row.status);
        CHECK(part->body == frame_pixels(2, 200).substr(row.from, row.size));
        CHECK(part->field("Content-Range") == row.content_range);
    }
    const auto other =
        get(face,
            url,
            {{"Accept", "application/octet-stream"}, {"Range", "bytes=0-9"}, {"If-Range", "\"x\""}}
        );
    CHECK(other->status() == 200);
}

TEST_CASE("pixel data come in one part where they are not compressed")
{
    OpenFace face;
    const Instance instance = image(3);
    put(face, instance);
    std::string all;
    for (unsigned n = 1; n <= 3; ++n)
        all += frame_pixels(n, 200);
    const std::string url = url_of(instance) + "/pixeldata";
    const auto multipart = get(face, url);
    REQUIRE(parts_of(*multipart).size() == 1);
    CHECK(parts_of(*multipart)[0] == all);
    const auto single = get(face, url, accept("application/octet-stream"));
    CHECK(single->body == all);
    CHECK(single->content_length == 600);
    const auto compressed = get(face, url, accept("multipart/related; type=image/jls"));
    CHECK(parts_of(*compressed).size() == 3);
    CHECK(get(face, url, accept("image/jls"))->status() == 406); // three frames, one part
    const auto end =
        get(face, url, {{"Accept", "application/octet-stream"}, {"Range", "bytes=590-"}});
    CHECK(end->status() == 206);
    CHECK(end->body == all.substr(590));
}

TEST_CASE("a head tells what a get would without its body")
{
    OpenFace face;
    const Instance instance = image(3);
    put(face, instance);
    Ask ask{web::Method::head, url_of(instance) + "/frames/1", accept("application/octet-stream")};
    const auto answer = face.ask(ask);
    CHECK(answer->status() == 200);
    CHECK(answer->content_length == 200);
    CHECK(answer->body.empty());
    CHECK(answer->finished);
}

TEST_CASE("an image with damaged pixels is told before anything is sent")
{
    OpenFace face;
    Instance instance = image(2);
    instance.key.transfer_syntax = Uid::parse(jpeg_ls).value(); // a lie
    put(face, instance);
    const auto answer = get(face, url_of(instance) + "/frames/1");
    CHECK(answer->status() == 500);
    CHECK(answer->field("Content-Type") == "application/problem+json");
}
