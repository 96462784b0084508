// STOW-RS as metadata with bulk data (PS3.18 10.5.1.2): what is put together is what was meant, and
// what cannot be is said of that instance alone.
#include "gateway/faces/web_store_bulk.h"
#include "gateway/origins/archive/archive.h"
#include "mapping/dicom_json.h"
#include "mapping/native_xml_writer.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/gateway/web_face_support.h"
#include "tests/support/samples.h"
#include "tests/support/skip.h"

using namespace gantry;
using namespace gantry::tests;
using web::Method;

namespace {

struct Part {
    std::string type;
    std::string location;
    std::string body;
};

std::string body_of(const std::vector<Part>& parts)
{
    std::string out;
    for (const Part& part : parts) {
        out += "--b\r\n";
        if (!part.type.empty())
            out += "Content-Type: " + part.type + "\r\n";
        if (!part.location.empty())
            out += "Content-Location: " + part.location + "\r\n";
        out += "\r\n" + part.body + "\r\n";
    }
    return out + "--b--\r\n";
}

std::unique_ptr<FakeResponse> post(
    OpenFace& face,
    const std::vector<Part>& parts,
    const std::string& type = "application/dicom+json",
    const std::string& target = "/studies"
)
{
    Ask ask{Method::post, target};
    ask.fields = {{"Content-Type", "multipart/related; type=\"" + type + "\"; boundary=b"}};
    ask.body = body_of(parts);
    return face.ask(std::move(ask));
}

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

/// A stored instance, as DCMTK reads it.
class Stored {
public:
    Stored(OpenFace& face, const std::string& study, const std::string& instance)
    {
        const auto path =
            face.local().archive().path_of(Uid::parse(study).value(), Uid::parse(instance).value());
        instance_ = read_instance(path);
        const std::string file = instance_.file();
        const auto copy = face.folder.path() / "copy.dcm";
        std::ofstream(copy, std::ios::binary) << file;
        REQUIRE(file_.loadFile(copy.c_str()).good());
    }

    DcmDataset& data_set() { return *file_.getDataset(); }

    const std::string& syntax() const { return instance_.key.transfer_syntax.str(); }

    std::string text(const DcmTagKey& tag)
    {
        OFString out;
        (void)data_set().findAndGetOFString(tag, out);
        return out.c_str();
    }

    unsigned number(const DcmTagKey& tag)
    {
        Uint16 out = 0;
        (void)data_set().findAndGetUint16(tag, out);
        return out;
    }

    std::string pixels()
    {
        const Uint8* values = nullptr;
        unsigned long count = 0;
        (void)data_set().findAndGetUint8Array(DCM_PixelData, values, &count);
        return values == nullptr ? "" : std::string(reinterpret_cast<const char*>(values), count);
    }

    std::vector<std::string> fragments()
    {
        DcmElement* element = nullptr;
        REQUIRE(data_set().findAndGetElement(DCM_PixelData, element).good());
        E_TransferSyntax xfer = EXS_Unknown;
        const DcmRepresentationParameter* none = nullptr;
        DcmPixelSequence* sequence = nullptr;
        auto& pixels = dynamic_cast<DcmPixelData&>(*element);
        pixels.getCurrentRepresentationKey(xfer, none);
        REQUIRE(pixels.getEncapsulatedRepresentation(xfer, none, sequence).good());
        std::vector<std::string> out;
        for (unsigned long i = 0; i < sequence->card(); ++i) {
            DcmPixelItem* item = nullptr;
            Uint8* bytes = nullptr;
            REQUIRE(sequence->getItem(item, i).good());
            (void)item->getUint8Array(bytes);
            out.emplace_back(reinterpret_cast<const char*>(bytes), item->getLength());
        }
        return out;
    }

private:
    Instance instance_;
    DcmFileFormat file_;
};

constexpr const char* failed_instance = "/00081198/Value/0/00081155/Value/0";
constexpr const char* first_reason = "/00081198/Value/0/00081197/Value/0";
constexpr const char* first_other = "/0008119A/Value/0/00081197/Value/0";
constexpr const char* stored_items = "/00081199/Value";

const std::string json_type = "application/dicom+json";
const std::string octets = "application/octet-stream";

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

TEST_CASE("every sample comes back the same by way of its metadata and bulk data")
{
    const auto folder = samples_folder();
    if (!folder)
        return skip("no sample files");
    unsigned compared = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
        if (entry.path().extension() != ".dcm")
            continue;
        CAPTURE(entry.path().filename().string());
        DcmFileFormat file;
        if (file.loadFile(entry.path().c_str()).bad())
            continue;
        DcmDataset& data_set = *file.getDataset();
        const DcmXfer syntax(data_set.getOriginalXfer());
        OpenFace as_file;
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), {}};
        if (syntax.isEncapsulated() || as_file.stow({bytes})->status() != 200)
            continue;
        data_set.loadAllDataIntoMemory();
        std::vector<Part> bulk;
        mapping::DicomJsonOptions options;
        options.bulk_data_uri = [&](const mapping::BulkValue& value) -> std::optional<std::string> {
            if (value.size < 100 || value.path.find('.') != std::string::npos)
                return std::nullopt;
            DcmElement* element = nullptr;
            if (data_set.findAndGetElement(DcmTagKey(value.tag.group, value.tag.element), element)
                    .bad())
                return std::nullopt;
            std::string raw(element->getLength(EXS_LittleEndianExplicit), '\0');
            (void)element->getPartialValue(
                raw.data(), 0, static_cast<Uint32>(raw.size()), nullptr, EBO_LittleEndian
            );
            bulk.push_back({octets, "bulk/" + value.path, std::move(raw)});
            return "bulk/" + value.path;
        };
        std::string json;
        REQUIRE(mapping::write_dicom_json(data_set, json, options).has_value());
        std::vector<Part> parts{{json_type, "", "[" + json + "]"}};
        parts.insert(parts.end(), bulk.begin(), bulk.end());
        OpenFace face;
        const auto answer = post(face, parts);
        CHECK(answer->status() == 200);
        if (answer->status() != 200) {
            MESSAGE(answer->body);
            continue;
        }
        OFString study;
        OFString instance;
        (void)data_set.findAndGetOFString(DCM_StudyInstanceUID, study);
        (void)data_set.findAndGetOFString(DCM_SOPInstanceUID, instance);
        Stored stored(face, study.c_str(), instance.c_str());
        std::string before;
        std::string after;
        mapping::DicomJsonOptions texts; // that are UTF-8 either way
        texts.wanted = [](Tag tag) { return tag != tag::specific_character_set; };
        REQUIRE(mapping::write_dicom_json(data_set, before, texts).has_value());
        REQUIRE(mapping::write_dicom_json(stored.data_set(), after, texts).has_value());
        OFString date;
        (void)data_set.findAndGetOFString(DCM_StudyDate, date);
        if (date.find('.') != OFString_npos)
            continue; // a date of before DICOM is read as what it means
        const auto differ = std::ranges::mismatch(before, after).in1 - before.begin();
        CAPTURE(
            before.substr(static_cast<std::size_t>(std::max<std::ptrdiff_t>(differ - 60, 0)), 90)
        );
        CHECK((before == after)); // too long to be shown
        ++compared;
    }
    CHECK(compared >= 20);
}
