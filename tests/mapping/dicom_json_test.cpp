#include "mapping/dicom_json.h"
#include "mapping/file_meta.h"
#include "mapping/json_values.h"
#include "mapping/utf8.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <dcmtk/config/osconfig.h>

#include <boost/json.hpp>
#include <dcmtk/dcmdata/dcjson.h>
#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "sample_files.h"

using namespace gantry;
using namespace gantry::mapping;
using namespace gantry::tests;
namespace json = boost::json;

namespace {

std::string write(DcmItem& item, const DicomJsonOptions& options = {})
{
    std::string out;
    const auto written = write_dicom_json(item, out, options);
    REQUIRE_MESSAGE(written.has_value(), (written ? "" : written.error().text()));
    return out;
}

json::object parsed(const std::string& text)
{
    json::error_code failed;
    json::value value = json::parse(text, failed);
    REQUIRE_MESSAGE(!failed, failed.message());
    return value.as_object();
}

/// Numbers as numbers, wherever somebody writes them as text.
double number(const json::value& value)
{
    return value.is_string() ? std::stod(std::string(value.get_string()))
                             : value.to_number<double>();
}

void check_values(std::string_view vr, const json::array& expected, const json::array& actual);

void check_objects(const json::object& expected, const json::object& actual)
{
    REQUIRE(expected.size() == actual.size());
    for (const auto& [key, value] : expected) {
        const std::string name(key);
        CAPTURE(name);
        REQUIRE(actual.contains(key));
        const json::object& left = value.get_object();
        const json::object& right = actual.at(key).get_object();
        const std::string vr(left.at("vr").get_string());
        CHECK(std::string(right.at("vr").get_string()) == vr);
        if (left.contains("InlineBinary"))
            CHECK(left.at("InlineBinary") == right.at("InlineBinary"));
        REQUIRE(left.contains("Value") == right.contains("Value"));
        if (left.contains("Value"))
            check_values(vr, left.at("Value").get_array(), right.at("Value").get_array());
    }
}

void check_values(std::string_view vr, const json::array& expected, const json::array& actual)
{
    REQUIRE(expected.size() == actual.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (vr == "SQ")
            check_objects(expected[i].get_object(), actual[i].get_object());
        else if ((vr == "IS" || vr == "DS" || vr == "FL" || vr == "FD") && !expected[i].is_null() &&
                 !actual[i].is_null())
            CHECK(number(expected[i]) == doctest::Approx(number(actual[i])));
        else
            CHECK(json::serialize(expected[i]) == json::serialize(actual[i]));
    }
}

/// As DCMTK writes it; it cannot write fragments.
json::object reference_json(DcmDataset& data_set, bool encapsulated)
{
    DcmDataset copy(data_set);
    if (encapsulated)
        copy.findAndDeleteElement(DCM_PixelData);
    copy.findAndDeleteElement(DCM_DataSetTrailingPadding);
    const bool had_set = copy.tagExistsWithValue(DCM_SpecificCharacterSet);
    REQUIRE(copy.convertToUTF8().good());
    if (had_set)
        copy.putAndInsertString(DCM_SpecificCharacterSet, "ISO_IR 192");
    else
        copy.findAndDeleteElement(DCM_SpecificCharacterSet); // DCMTK says it of plain text too
    std::ostringstream out;
    DcmJsonFormatCompact format(OFFalse);
    out << '{';
    const OFCondition written = copy.writeJson(out, format);
    REQUIRE_MESSAGE(written.good(), written.text());
    out << '}';
    return parsed(out.str());
}

} // namespace

TEST_CASE("every sample file is written as DCMTK reads it (PS3.18 F.2)")
{
    for (const auto& path : sample_files()) {
        const std::string name = path.filename().string();
        CAPTURE(name);
        if (name == "MR_truncated.dcm")
            continue;
        DcmFileFormat file;
        REQUIRE(file.loadFile(path.c_str()).good());
        const std::string text = write(*file.getDataset());
        CHECK(is_utf8(text));
        if (name == "chrH31.dcm")
            continue; // ISO 2022 IR 87, which DCMTK cannot read here; see below
        const auto head = read_file_head(bytes_of(read_text(path)), true);
        REQUIRE(head.has_value());
        const TransferSyntax& syntax = TransferSyntax::of(head->head.transfer_syntax.str());
        check_objects(reference_json(*file.getDataset(), syntax.encapsulated), parsed(text));
    }
}

TEST_CASE("binary numbers are JSON numbers as far as those go (PS3.18 F.2.3)")
{
    DcmDataset data;
    REQUIRE(data.putAndInsertFloat64(DCM_EventTimeOffset, -0.0).good());
    REQUIRE(data.putAndInsertUint16(DCM_Rows, 65535).good());
    REQUIRE(data.putAndInsertFloat32(DCM_RecommendedDisplayFrameRateInFloat, 0.1F).good());
    auto* tags =
        new DcmAttributeTag(DCM_FrameIncrementPointer); // NOLINT(*-owning-memory): inserted
    REQUIRE(tags->putTagVal(DCM_FrameTime, 0).good());
    REQUIRE(tags->putTagVal(DCM_FrameTimeVector, 1).good());
    REQUIRE(data.insert(tags).good());
    const std::string text = write(data);
    CHECK(text.find(R"("vr":"FD","Value":[-0.0])") != std::string::npos);
    CHECK(text.find(R"("vr":"FL","Value":[0.1])") != std::string::npos);
    CHECK(text.find(R"("00280010":{"vr":"US","Value":[65535]})") != std::string::npos);
    CHECK(
        text.find(R"("00280009":{"vr":"AT","Value":["00181063","00181065"]})") != std::string::npos
    );

    struct Row {
        const char* says;
        std::string_view vr;
        std::string bytes;
        std::string writes; // empty: goes inline
    };

    const Row rows[] = {
        {"the largest UV", "UV", std::string(8, '\xff'), R"(["18446744073709551615"])"},
        {"the smallest SV", "SV", std::string(7, '\0') + '\x80', R"(["-9223372036854775808"])"},
        {"the largest exact SV",
         "SV",
         std::string("\xff\xff\xff\xff\xff\xff\x1f\0", 8),
         "[9007199254740991]"},
        {"one more", "SV", std::string("\0\0\0\0\0\0\x20\0", 8), R"(["9007199254740992"])"},
        {"signed", "SS", "\xfe\xff", "[-2]"},
        {"several", "SL", std::string("\1\0\0\0\xff\xff\xff\xff", 8), "[1,-1]"},
        {"infinity first", "FL", std::string("\0\0\x80\x7f\0\0\x80\x3f", 8), ""},
        {"not a number last", "FL", std::string("\0\0\x80\x3f\0\0\xc0\x7f", 8), ""},
        {"a large double", "FD", std::string("\x9c\x75\0\x88\x3c\xe4\x37\x7e", 8), "[1e+300]"},
        {"half a value", "US", "a", "[]"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        CHECK(
            json_numbers(make_vr(row.vr[0], row.vr[1]), bytes_of(row.bytes)).value_or("") ==
            row.writes
        );
    }
}

TEST_CASE("a value that is not finite makes the element binary, wherever it stands")
{
    DcmDataset data;
    REQUIRE(data.putAndInsertFloat32(
                    DCM_RecommendedDisplayFrameRateInFloat, std::numeric_limits<float>::infinity()
    )
                .good());
    CHECK(write(data) == R"({"00089459":{"vr":"FL","InlineBinary":"AACAfw=="}})");
}

TEST_CASE("text is text, and numbers in text are numbers where nothing is lost (PS3.18 F.2.3)")
{
    struct Row {
        const char* says;
        std::string_view vr;
        std::vector<std::string> values;
        std::string writes;
    };

    const Row rows[] = {
        {"integers", "IS", {"7", "-7", "0"}, "[7,-7,0]"},
        {"integers as somebody wrote them",
         "IS",
         {"+7", "007", "-0", "1.0", "x"},
         R"(["+7","007","-0","1.0","x"])"},
        {"decimals", "DS", {"1.5", "-0.5", "100"}, "[1.5,-0.5,100]"},
        {"decimals as somebody wrote them",
         "DS",
         {"1.50", "1e5", ".5", "5.", "1e400", "-0"},
         R"(["1.50","1e5",".5","5.","1e400","-0"])"},
        {"more digits than a double has", "DS", {"0.123456789012345"}, R"(["0.123456789012345"])"},
        {"nulls", "LO", {"bar", "", "foo", ""}, R"(["bar",null,"foo",null])"},
        {"what JSON escapes", "LT", {"a\"\\\r\n\x01"}, R"(["a\"\\\u000d\u000a\u0001"])"},
        {"a name in one group", "PN", {"Doe^John^^"}, R"([{"Alphabetic":"Doe^John"}])"},
        {"a name in the second group", "PN", {"=A^B"}, R"([{"Ideographic":"A^B"}])"},
        {"a name in all groups",
         "PN",
         {"A=B =C"},
         R"([{"Alphabetic":"A","Ideographic":"B","Phonetic":"C"}])"},
        {"two names, one empty", "PN", {"", "A"}, R"([null,{"Alphabetic":"A"}])"},
        {"a name of nothing", "PN", {"=="}, "[null]"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        CHECK(json_texts(make_vr(row.vr[0], row.vr[1]), row.values) == row.writes);
    }
}

TEST_CASE("text of every character set becomes UTF-8 (PS3.5 6.1)")
{
    struct Row {
        const char* says;
        const char* set;
        std::string raw; // of Study Description, LO
        std::string writes;
    };

    const std::string utf8 = R"("00080005":{"vr":"CS","Value":["ISO_IR 192"]},)";
    const Row rows[] = {
        {"plain", "", "abc", R"("00081030":{"vr":"LO","Value":["abc"]})"},
        {"plain, though something else is declared",
         "ISO_IR 100",
         "abc",
         utf8 + R"("00081030":{"vr":"LO","Value":["abc"]})"},
        {"Latin-1",
         "ISO_IR 100",
         "M\xfcller\\b",
         utf8 + "\"00081030\":{\"vr\":\"LO\",\"Value\":[\"M\xc3\xbcller\",\"b\"]}"},
        {"GB18030 with a trailing byte like a backslash",
         "GB18030",
         "\x81\x5c\\b",
         utf8 + "\"00081030\":{\"vr\":\"LO\",\"Value\":[\"\xe4\xb9\x97\",\"b\"]}"},
        {"UTF-8 that nobody declared",
         "",
         "M\xc3\xbcller",
         utf8 + "\"00081030\":{\"vr\":\"LO\",\"Value\":[\"M\xc3\xbcller\"]}"},
        {"Latin-1 that nobody declared",
         "",
         "M\xfcller",
         utf8 + "\"00081030\":{\"vr\":\"LO\",\"Value\":[\"M\xef\xbf\xbdller\"]}"},
        {"broken UTF-8",
         "ISO_IR 192",
         "M\xfcller",
         utf8 + "\"00081030\":{\"vr\":\"LO\",\"Value\":[\"M\xef\xbf\xbdller\"]}"},
        {"a set that nobody knows",
         "KLINGON",
         "M\xc3\xbcller",
         utf8 + "\"00081030\":{\"vr\":\"LO\",\"Value\":[\"M\xc3\xbcller\"]}"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        DcmDataset data;
        if (row.set[0] != '\0')
            REQUIRE(data.putAndInsertString(DCM_SpecificCharacterSet, row.set).good());
        REQUIRE(data.putAndInsertString(DCM_StudyDescription, row.raw.c_str()).good());
        CHECK(write(data) == "{" + row.writes + "}");
    }
}

TEST_CASE("elements that are no attributes are left out, empty ones stay (PS3.18 F.2.2)")
{
    DcmDataset data;
    REQUIRE(data.putAndInsertUint32(DcmTag(0x0008, 0x0000, EVR_UL), 8).good());
    REQUIRE(data.insertEmptyElement(DCM_PatientName).good());
    REQUIRE(data.insertEmptyElement(DCM_ReferencedStudySequence).good());
    DcmItem* item = nullptr;
    REQUIRE(data.findOrCreateSequenceItem(DCM_ReferencedImageSequence, item, 0).good());
    REQUIRE(data.putAndInsertString(DCM_PatientComments, "a\\b \r\n").good());
    REQUIRE(data.putAndInsertUint8Array(DCM_DataSetTrailingPadding, nullptr, 0).good());
    CHECK(
        write(data) ==
        R"({"00081110":{"vr":"SQ"},"00081140":{"vr":"SQ","Value":[{}]},"00100010":{"vr":"PN"},)"
        R"("00104000":{"vr":"LT","Value":["a\\b \u000d\u000a"]}})"
    );
    DcmDataset empty;
    CHECK(write(empty) == "{}");
}

TEST_CASE("only what is wanted is written, and binary values where the caller says")
{
    DcmDataset data;
    const Uint8 bytes[] = {1, 2, 3, 4};
    REQUIRE(data.putAndInsertString(DCM_PatientID, "1").good());
    REQUIRE(data.putAndInsertUint8Array(DCM_PixelData, bytes, 4).good());
    DcmItem* item = nullptr;
    REQUIRE(data.findOrCreateSequenceItem(DCM_WaveformSequence, item, 0).good());
    REQUIRE(item->putAndInsertUint8Array(DcmTag(DCM_WaveformData, EVR_OB), bytes, 2).good());
    DicomJsonOptions options;
    options.wanted = [](Tag tag) { return tag.group != 0x0010; };
    options.bulk_data_uri = [](const BulkValue& bulk) -> std::optional<std::string> {
        if (bulk.size < 4)
            return std::nullopt;
        return "bulk/" + bulk.path + '/' + std::to_string(bulk.size);
    };
    CHECK(
        write(data, options) ==
        R"({"54000100":{"vr":"SQ","Value":[{"54001010":{"vr":"OB","InlineBinary":"AQI="}}]},)"
        R"("7FE00010":{"vr":"OB","BulkDataURI":"bulk/7FE00010/4"}})"
    );
    options.bulk_data_uri = [](const BulkValue& bulk) { return std::optional(bulk.path); };
    CHECK(write(data, options).find(R"("BulkDataURI":"54000100.1.54001010")") != std::string::npos);
}

TEST_CASE("sequences that nothing real nests so deeply are refused, and nothing is left behind")
{
    DcmDataset data;
    DcmItem* item = &data;
    for (int i = 0; i < 70; ++i) {
        DcmItem* inner = nullptr;
        REQUIRE(item->findOrCreateSequenceItem(DCM_ReferencedImageSequence, inner, 0).good());
        item = inner;
    }
    std::string out = "[";
    const auto written = write_dicom_json(data, out);
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error().code == Errc::too_deep);
    CHECK(out == "[");
}
