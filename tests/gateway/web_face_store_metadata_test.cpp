// STOW-RS as metadata with bulk data (PS3.18 10.5.1.2): what is put together is what was meant, and
// what cannot be is said of that instance alone.
#include "gateway/faces/web_store_bulk.h"

#include <doctest/doctest.h>

#include <tuple>

#include "tests/gateway/web_face_store_parts.h"

using namespace gantry;
using namespace gantry::tests;
using web::Method;

namespace {

/// The data set of an image of 4 by 3 pixels and one byte each, whose pixels are elsewhere.
struct Described {
    std::string more = {}; // members of the object
    std::string pixel_uri = "bulk/1";
    std::string instance = "1.2.3.4.1";
    std::string study = "1.2.3";
};

std::string json_of(const Described& of)
{
    std::string out =
        R"({"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.7"]},"00080018":{"vr":"UI","Value":[")" +
        of.instance + R"("]},"0020000D":{"vr":"UI","Value":[")" + of.study +
        R"("]},"0020000E":{"vr":"UI","Value":["1.2.3.4"]})" +
        R"(,"00100010":{"vr":"PN","Value":[{"Alphabetic":"Müller^Jörg"}]})" + of.more;
    if (!of.pixel_uri.empty())
        out += R"(,"7FE00010":{"vr":"OW","BulkDataURI":")" + of.pixel_uri + "\"}";
    return out + "}";
}

const std::string native_image =
    R"(,"00280002":{"vr":"US","Value":[1]},"00280004":{"vr":"CS","Value":["MONOCHROME2"]})"
    R"(,"00280010":{"vr":"US","Value":[3]},"00280011":{"vr":"US","Value":[4]})"
    R"(,"00280100":{"vr":"US","Value":[8]},"00280101":{"vr":"US","Value":[8]})"
    R"(,"00280102":{"vr":"US","Value":[7]},"00280103":{"vr":"US","Value":[0]})";

constexpr const char* failed_instance = "/00081198/Value/0/00081155/Value/0";
constexpr const char* first_reason = "/00081198/Value/0/00081197/Value/0";
constexpr const char* first_other = "/0008119A/Value/0/00081197/Value/0";
constexpr const char* stored_items = "/00081199/Value";

// ISO 14495-1: an empty image of 3 rows and 4 columns that any reader of heads believes.
const std::string jpeg_ls_head(
    "\xff\xd8\xff\xf7\x00\x0b\x08\x00\x03\x00\x04\x01\x01\x11\x00"
    "\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00\x12\x34\xff\xd9",
    29
);

} // namespace

TEST_CASE("metadata and its pixels become one instance")
{
    OpenFace face;
    const std::string pixels = "0123456789AB";
    const auto answer = post(
        face, {{json_type, "", "[" + json_of({native_image}) + "]"}, {octets, "bulk/1", pixels}}
    );
    CHECK(answer->status() == 200);
    CHECK(size_at(answer->body, stored_items) == 1);
    Stored stored(face, "1.2.3", "1.2.3.4.1");
    CHECK(stored.syntax() == "1.2.840.10008.1.2.1");
    CHECK(stored.pixels() == pixels);
    CHECK(stored.text(DCM_PatientName) == "Müller^Jörg");
    CHECK(stored.text(DCM_SpecificCharacterSet) == "ISO_IR 192");
    CHECK(answer->field("Content-Location") == "http://pacs.test:8080/dicom-web/studies/1.2.3");
}

TEST_CASE("compressed frames make an encapsulated instance that is described by them")
{
    OpenFace face;
    const std::string frames = R"(,"00280008":{"vr":"IS","Value":[2]})";
    const auto answer = post(
        face,
        {{json_type, "", "[" + json_of({frames}) + "]"},
         {"image/jls", "bulk/1", jpeg_ls_head},
         {"image/jls", "bulk/1", jpeg_ls_head}}
    );
    CHECK(answer->status() == 200);
    Stored stored(face, "1.2.3", "1.2.3.4.1");
    CHECK(stored.syntax() == "1.2.840.10008.1.2.4.80");
    CHECK(stored.number(DCM_Rows) == 3);
    CHECK(stored.number(DCM_Columns) == 4);
    CHECK(stored.number(DCM_BitsAllocated) == 8);
    CHECK(stored.number(DCM_HighBit) == 7);
    CHECK(stored.text(DCM_PhotometricInterpretation) == "MONOCHROME2");
    const auto fragments = stored.fragments();
    REQUIRE(fragments.size() == 3);
    CHECK(fragments[0].empty());                                // offset table
    CHECK(fragments[1] == jpeg_ls_head + std::string(1, '\0')); // of even length
}

TEST_CASE("what bulk data may be")
{
    struct Row {
        const char* says;
        std::vector<Part> bulk;
        std::string more;
        unsigned status;
        const char* reason; // or the transfer syntax that comes of it
    };

    const std::string pixels = "0123456789AB";
    const std::string two_frames = native_image + R"(,"00280008":{"vr":"IS","Value":[2]})";
    const std::string odd_rows = R"(,"00280010":{"vr":"US","Value":[30]})";
    const Row rows[] = {
        {"no media type", {{"", "bulk/1", pixels}}, native_image, 200, "1.2.840.10008.1.2.1"},
        {"its syntax named",
         {{octets + "; transfer-syntax=1.2.840.10008.1.2.1", "bulk/1", pixels}},
         native_image,
         200,
         "1.2.840.10008.1.2.1"},
        {"a compressed syntax named",
         {{octets + "; transfer-syntax=1.2.840.10008.1.2.5", "bulk/1", pixels}},
         native_image,
         200,
         "1.2.840.10008.1.2.5"},
        {"RLE", {{"image/dicom-rle", "bulk/1", pixels}}, native_image, 200, "1.2.840.10008.1.2.5"},
        {"a video", {{"video/mpeg", "bulk/1", pixels}}, two_frames, 200, "1.2.840.10008.1.2.4.100"},
        {"JPEG-LS under another syntax",
         {{"image/jls; transfer-syntax=1.2.840.10008.1.2.4.81", "bulk/1", jpeg_ls_head}},
         "",
         200,
         "1.2.840.10008.1.2.4.81"},
        {"native frames one by one",
         {{octets, "bulk/1", pixels}, {octets, "bulk/1", pixels}},
         two_frames,
         200,
         "1.2.840.10008.1.2.1"},
        {"frames by their numbers",
         {{octets, "bulk/1/frames/2", pixels}, {octets, "bulk/1/frames/1", pixels}},
         two_frames,
         200,
         "1.2.840.10008.1.2.1"},
        {"big endian",
         {{octets + "; transfer-syntax=1.2.840.10008.1.2.2", "bulk/1", pixels}},
         native_image,
         409,
         "49442"},
        {"PNG", {{"image/png", "bulk/1", pixels}}, "", 409, "49442"},
        {"text", {{"text/plain", "bulk/1", pixels}}, native_image, 409, "49442"},
        {"no bulk data", {}, native_image, 409, "49152"},
        {"somewhere else", {{octets, "bulk/2", pixels}}, native_image, 409, "49152"},
        {"twice",
         {{octets, "bulk/1", pixels}, {octets, "bulk/1", pixels}},
         native_image,
         409,
         "49152"},
        {"a frame too few", {{"image/jls", "bulk/1", jpeg_ls_head}}, two_frames, 409, "49152"},
        {"frames of two kinds",
         {{octets, "bulk/1", pixels}, {"image/jls", "bulk/1", jpeg_ls_head}},
         two_frames,
         409,
         "49152"},
        {"no JPEG at all", {{"image/jpeg", "bulk/1", pixels}}, "", 409, "49152"},
        {"another image than described",
         {{"image/jls", "bulk/1", jpeg_ls_head}},
         odd_rows,
         409,
         "43264"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        OpenFace face;
        std::vector<Part> parts{{json_type, "", "[" + json_of({row.more}) + "]"}};
        parts.insert(parts.end(), row.bulk.begin(), row.bulk.end());
        const auto answer = post(face, parts);
        CHECK(answer->status() == row.status);
        if (row.status == 200) {
            CHECK(Stored(face, "1.2.3", "1.2.3.4.1").syntax() == row.reason);
        } else {
            CHECK(at(answer->body, failed_instance) == "1.2.3.4.1");
            CHECK(at(answer->body, first_reason) == row.reason);
        }
    }
}

TEST_CASE("addresses of bulk data are the same however they are written")
{
    struct Row {
        const char* location;
        const char* uri;
        bool same;
    };

    const Row rows[] = {
        {"bulk/1", "bulk/1", true},
        {"./bulk/1", "bulk/1", true},
        {"/dicom-web/bulk/1", "bulk/1", true},
        {"http://pacs.test:8080/dicom-web/bulk/1", "bulk/1", true},
        {"https://elsewhere.example/dicom-web/bulk/1", "http://pacs.test/dicom-web/bulk/1", true},
        {"studies/../bulk/%31", "bulk/1", true},
        {"urn:uuid:1", "urn:uuid:1", true},
        {"not a uri <1>", "not a uri <1>", true},
        {"bulk/1?a", "bulk/1", false},
        {"urn:uuid:1", "urn:uuid:2", false},
        {"bulk/10", "bulk/1", false},
        {"", "bulk/1", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.location);
        faces::BulkParts parts("/dicom-web/studies");
        parts.add({row.location, {}, 7, 1});
        CHECK((parts.find(row.uri).size() == 1) == row.same);
        CHECK(parts.unused() == (row.same ? 0 : 1));
    }
}

TEST_CASE("what is wrong with one instance of an array is said of it and spoils no other")
{
    OpenFace face;
    const Described good{native_image, "b/1", "1.2.3.4.1"};
    const Described without{native_image, "b/none", "1.2.3.4.2"};
    const Described other_study{native_image, "b/1", "1.2.3.4.3", "9.9"};
    const Described bad_value{R"(,"00280010":{"vr":"US","Value":["many"]})", "b/1", "1.2.3.4.4"};
    const std::string nameless = R"({"00100010":{"vr":"PN","Value":[{"Alphabetic":"A"}]}})";
    const std::string array = "[" + json_of(good) + "," + json_of(without) + "," +
                              json_of(other_study) + "," + json_of(bad_value) + "," + nameless +
                              "]";
    const auto answer = post(
        face,
        {{json_type, "", array}, {octets, "b/1", "0123456789AB"}, {octets, "b/extra", "x"}},
        json_type,
        "/studies/1.2.3"
    );
    CHECK(answer->status() == 202);
    CHECK(size_at(answer->body, stored_items) == 1);
    CHECK(size_at(answer->body, "/00081198/Value") == 3);
    for (const auto& [index, uid, reason] :
         {std::tuple{"0", "1.2.3.4.2", "49152"},
          std::tuple{"1", "1.2.3.4.3", "43264"},
          std::tuple{"2", "1.2.3.4.4", "49152"}}) {
        const std::string item = std::string("/00081198/Value/") + index;
        CHECK(at(answer->body, item + "/00081155/Value/0") == uid);
        CHECK(at(answer->body, item + "/00081197/Value/0") == reason);
    }
    CHECK(size_at(answer->body, "/0008119A/Value") == 2); // nameless, and what nobody asked for
    CHECK(Stored(face, "1.2.3", "1.2.3.4.1").pixels() == "0123456789AB");
}

TEST_CASE("metadata that cannot be read is one failure without a name")
{
    for (const std::string metadata :
         {"", "[", "{]", "null", "not json", "[{\"0008\":", "[1]", R"([{"00080016":5}])"}) {
        CAPTURE(metadata);
        OpenFace face;
        const auto answer = post(face, {{json_type, "", metadata}});
        CHECK(answer->status() == 400);
        if (metadata != "[1]" || !answer->body.empty())
            CHECK(at(answer->body, first_other) != "-");
    }
}

TEST_CASE("instances before a break in the array are stored and the rest is told of")
{
    OpenFace face;
    const std::string array = "[" + json_of({native_image, ""}) + ", {\"0008";
    const auto answer = post(face, {{json_type, "", array}});
    CHECK(answer->status() == 202);
    CHECK(size_at(answer->body, stored_items) == 1);
    CHECK(at(answer->body, first_other) == "49152");
}

TEST_CASE("an instance whose bulk data broke off is not stored and those before it are")
{
    OpenFace face;
    const std::string array = "[" + json_of({native_image, "b/1", "1.2.3.4.1"}) + "," +
                              json_of({native_image, "b/2", "1.2.3.4.2"}) + "]";
    const std::string whole = body_of(
        {{json_type, "", array}, {octets, "b/1", "0123456789AB"}, {octets, "b/2", "BA9876543210"}}
    );
    Ask ask{Method::post, "/studies"};
    ask.fields = {{"Content-Type", "multipart/related; type=\"application/dicom+json\"; boundary=b"}
    };
    ask.body = whole.substr(0, whole.find("BA98") + 4);
    ask.body_end = web::Errc::cut_off;
    const auto answer = face.ask(std::move(ask));
    CHECK(answer->status() == 202);
    CHECK(at(answer->body, "/00081199/Value/0/00081155/Value/0") == "1.2.3.4.1");
    CHECK(at(answer->body, failed_instance) == "1.2.3.4.2");
    CHECK(at(answer->body, first_other) == "272");
}

TEST_CASE("metadata in XML is one document for each instance")
{
    OpenFace face;
    const auto document = [](const std::string& uid) {
        return R"(<?xml version="1.0" encoding="UTF-8"?><NativeDicomModel>)"
               R"(<DicomAttribute tag="00080016" vr="UI"><Value number="1">1.2.840.10008.5.1.4.1.1.7</Value></DicomAttribute>)"
               R"(<DicomAttribute tag="00080018" vr="UI"><Value number="1">)" +
               uid +
               R"(</Value></DicomAttribute>)"
               R"(<DicomAttribute tag="0020000D" vr="UI"><Value number="1">1.2.3</Value></DicomAttribute>)"
               R"(<DicomAttribute tag="0020000E" vr="UI"><Value number="1">1.2.3.4</Value></DicomAttribute>)"
               R"(<DicomAttribute tag="00080008" vr="CS"><Value number="1">ORIGINAL</Value><Value number="3">AXIAL</Value></DicomAttribute>)"
               R"(<DicomAttribute tag="00090001" vr="LO" privateCreator="ACME &amp; CO"><Value number="1">x</Value></DicomAttribute>)"
               R"(<DicomAttribute tag="00280100" vr="US"><Value number="1">8</Value></DicomAttribute>)"
               R"(<DicomAttribute tag="7FE00010" vr="OB"><BulkData uri="b/1"/></DicomAttribute>)"
               R"(</NativeDicomModel>)";
    };
    const std::string xml = "application/dicom+xml";
    const auto answer = post(
        face,
        {{xml, "", document("1.2.3.4.1")},
         {xml, "", document("1.2.3.4.2")},
         {xml, "", "<NativeDicomModel><DicomAttribute"},
         {octets, "b/1", "0123456789A"}},
        xml
    );
    CHECK(answer->status() == 202);
    CHECK(size_at(answer->body, stored_items) == 2);
    CHECK(at(answer->body, first_other) == "49152");
    Stored stored(face, "1.2.3", "1.2.3.4.2");
    CHECK(stored.pixels() == std::string("0123456789A\0", 12)); // one for both
    CHECK(stored.text(DcmTagKey(0x0009, 0x0010)) == "ACME & CO");
    OFString type;
    CHECK(stored.data_set().findAndGetOFStringArray(DCM_ImageType, type).good());
    CHECK(type == "ORIGINAL\\\\AXIAL");
    DcmElement* private_element = nullptr;
    REQUIRE(stored.data_set().findAndGetElement(DcmTagKey(0x0009, 0x1001), private_element).good());
    OFString text;
    CHECK(private_element->getOFString(text, 0).good());
    CHECK(text == "x");
}
