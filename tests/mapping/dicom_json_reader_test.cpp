#include "mapping/dicom_json.h"
#include "mapping/dicom_json_reader.h"
#include "mapping/utf8.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sample_files.h"

using namespace gantry;
using namespace gantry::mapping;
using namespace gantry::tests;

namespace {

std::unique_ptr<DcmDataset> read(std::string_view text, const DicomJsonReadOptions& options = {})
{
    auto made = read_dicom_json(text, options);
    REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().text()));
    return std::move(*made);
}

/// An attribute as it stands in the data set: "LO A\B", or the error.
std::string kept(const std::string& tag, const std::string& members)
{
    const auto made = read_dicom_json("{\"" + tag + "\":{" + members + "}}");
    if (!made)
        return '!' + made.error().text();
    if ((*made)->isEmpty() && (*made)->card() == 0)
        return "nothing";
    DcmElement* element = (*made)->getElement((*made)->card() - 1);
    OFString value;
    (void)element->getOFStringArray(value);
    return std::string(DcmVR(element->getVR()).getVRName()) + ' ' + value.c_str();
}

struct Row {
    const char* says;
    const char* tag;
    const char* members;
    const char* kept;
};

void check(std::span<const Row> rows)
{
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        CHECK(kept(row.tag, row.members) == std::string(row.kept));
    }
}

std::string value_of(DcmItem& item, const DcmTagKey& tag)
{
    OFString value;
    (void)item.findAndGetOFStringArray(tag, value);
    return value.c_str();
}

/// Without (0008,0005): text is UTF-8 in any case.
std::string without_set(std::string text)
{
    constexpr std::string_view set = R"("00080005":{"vr":"CS","Value":["ISO_IR 192"]})";
    if (const auto at = text.find(set); at != std::string::npos)
        text.erase(at, set.size() + (text[at + set.size()] == ',' ? 1 : 0));
    return text;
}

} // namespace

TEST_CASE("each VR is read from its JSON form (PS3.18 F.2.3)")
{
    const Row rows[] = {
        {"AE", "00080054", R"("vr":"AE","Value":["PACS","OLD"])", R"(AE PACS\OLD)"},
        {"AS", "00101010", R"("vr":"AS","Value":["045Y"])", "AS 045Y"},
        {"AT", "00209165", R"("vr":"AT","Value":["00100010"])", "AT (0010,0010)"},
        {"CS", "00080061", R"("vr":"CS","Value":["CT","SR"])", R"(CS CT\SR)"},
        {"DA", "00080020", R"("vr":"DA","Value":["20240131"])", "DA 20240131"},
        {"DS as a number", "00101030", R"("vr":"DS","Value":[72.50])", "DS 72.50"},
        {"DS as text", "00101030", R"("vr":"DS","Value":["+072.5"])", "DS +072.5"},
        {"DT", "0008002A", R"("vr":"DT","Value":["20240131120000"])", "DT 20240131120000"},
        {"FD", "00186030", R"("vr":"FD","Value":[0.1])", "FD 0.1"},
        {"FL", "00186022", R"("vr":"FL","Value":[2.5])", "FL 2.5"},
        {"IS as a number", "00200011", R"("vr":"IS","Value":[3])", "IS 3"},
        {"IS as text", "00200011", R"("vr":"IS","Value":["+007"])", "IS +007"},
        {"LO", "00081030", R"("vr":"LO","Value":["CHEST"])", "LO CHEST"},
        {"LT", "00104000", R"("vr":"LT","Value":["a\\b\r\nc"])", "LT a\\b\r\nc"},
        {"OB", "00282000", R"("vr":"OB","InlineBinary":"AQID")", R"(OB 01\02\03\00)"},
        {"OW", "00281201", R"("vr":"OW","InlineBinary":"AQIDBA==")", R"(OW 0201\0403)"},
        {"SH", "00080050", R"("vr":"SH","Value":["A1"])", "SH A1"},
        {"SL", "00186020", R"("vr":"SL","Value":[-5])", "SL -5"},
        {"SS", "00189219", R"("vr":"SS","Value":[-7])", "SS -7"},
        {"ST", "00081080", R"("vr":"ST","Value":["x"])", "LO x"},
        {"SV",
         "00720082",
         R"("vr":"SV","Value":["-9223372036854775808"])",
         "SV -9223372036854775808"},
        {"TM", "00080030", R"("vr":"TM","Value":["120000.5"])", "TM 120000.5"},
        {"UI", "0020000D", R"("vr":"UI","Value":["1.2.3"])", "UI 1.2.3"},
        {"UL", "00080000", R"("vr":"UL","Value":[4])", "nothing"},
        {"UR", "00081190", R"("vr":"UR","Value":["http://a/b"])", "UR http://a/b"},
        {"US", "00280010", R"("vr":"US","Value":[512])", "US 512"},
        {"UV",
         "00720083",
         R"("vr":"UV","Value":["18446744073709551615"])",
         "UV 18446744073709551615"},
        {"UN", "00091001", R"("vr":"UN","InlineBinary":"QUI=")", R"(UN 41\42)"},
    };
    check(rows);
}

TEST_CASE("what servers write beside the standard is read where it is clear")
{
    const Row rows[] = {
        {"lower case", "0020000d", R"("vr":"UI","Value":["1.2"])", "UI 1.2"},
        {"no VR", "00080020", R"("Value":["20240131"])", "DA 20240131"},
        {"no VR and unknown", "00091001", R"("Value":["AB"])", R"(UN 41\42)"},
        {"a VR that contradicts", "00081190", R"("vr":"UT","Value":["http://a"])", "UR http://a"},
        {"a VR that is none", "00081030", R"("vr":"??","Value":["x"])", "LO x"},
        {"US or SS", "00280106", R"("vr":"US or SS","Value":[1])", "US 1"},
        {"SS where it may be", "00280106", R"("vr":"SS","Value":[-1])", "SS -1"},
        {"a number as text", "00280010", R"("vr":"US","Value":["512"])", "US 512"},
        {"text as a number", "00080050", R"("vr":"SH","Value":[4711])", "SH 4711"},
        {"IS with a point", "00201208", R"("vr":"IS","Value":[12.0])", "IS 12"},
        {"US with a point", "00280010", R"("vr":"US","Value":[512.0])", "US 512"},
        {"a DS that is too long",
         "00101030",
         R"("vr":"DS","Value":[0.12345678901234567890])",
         "DS 0.12345678901235"},
        {"a date with dashes", "00080020", R"("vr":"DA","Value":["2024-01-31"])", "DA 20240131"},
        {"an ACR-NEMA date", "00080020", R"("vr":"DA","Value":["2024.01.31"])", "DA 20240131"},
        {"a time with colons", "00080030", R"("vr":"TM","Value":["10:20:30.5"])", "TM 102030.5"},
        {"one value without an array", "00081030", R"("vr":"LO","Value":"x")", "LO x"},
        {"padding", "00081030", R"("vr":"LO","Value":["x  "])", "LO x"},
        {"a list in one value", "00080061", R"("vr":"CS","Value":["CT\\MR"])", R"(CS CT\MR)"},
        {"FD as text", "00186030", R"("vr":"FD","Value":["Infinity"])", "FD inf"},
        {"other members", "00081030", R"("keyword":"x","vr":"LO","Value":["y"],"z":[{}])", "LO y"},
        {"base64 in lines",
         "00282000",
         R"("vr":"OB","InlineBinary":"AQ\r\nID")",
         R"(OB 01\02\03\00)"},
        {"a number inline", "00280010", R"("vr":"US","InlineBinary":"AAI=")", "US 512"},
        {"a keyword", "PatientName", R"("vr":"PN")", "nothing"},
    };
    check(rows);
}

TEST_CASE("an empty value is an empty element however it is written (PS3.18 F.2.5)")
{
    for (const char* const members :
         {R"("vr":"LO")",
          R"("vr":"LO","Value":[])",
          R"("vr":"LO","Value":null)",
          R"("vr":"LO","Value":[null])",
          R"("vr":"LO","Value":[""])",
          ""}) {
        CAPTURE(members);
        CHECK(kept("00081030", members) == "LO ");
    }
    const Row rows[] = {
        {"numbers", "00280010", R"("vr":"US","Value":[null])", "US "},
        {"a name", "00100010", R"("vr":"PN","Value":[{}])", "PN "},
        {"an empty group", "00100010", R"("vr":"PN","Value":[{"Alphabetic":""}])", "PN "},
        {"null among others", "00080061", R"("vr":"CS","Value":["a",null,"b"])", R"(CS a\\b)"},
        {"null at the end", "00080061", R"("vr":"CS","Value":["a",null])", "CS a\\"},
    };
    check(rows);
}

TEST_CASE("a name is put together from its groups (PS3.18 F.2.2)")
{
    const Row rows[] = {
        {"one group", "00100010", R"("vr":"PN","Value":[{"Alphabetic":"DOE^JOHN"}])", "PN DOE^JOHN"
        },
        {"three",
         "00100010",
         R"("vr":"PN","Value":[{"Phonetic":"ya","Alphabetic":"Y^T","Ideographic":"\u5c71"}])",
         "PN Y^T=\xe5\xb1\xb1=ya"},
        {"only the second",
         "00100010",
         R"("vr":"PN","Value":[{"Ideographic":"\u5c71"}])",
         "PN =\xe5\xb1\xb1"},
        {"plain text", "00100010", R"("vr":"PN","Value":["A^B=C"])", "PN A^B=C"},
        {"two names",
         "00081070",
         R"("vr":"PN","Value":[{"Alphabetic":"A"},{"Alphabetic":"B"}])",
         R"(PN A\B)"},
        {"null in a group", "00100010", R"("vr":"PN","Value":[{"Alphabetic":null}])", "PN "},
    };
    check(rows);
}

TEST_CASE("a value without meaning is an error that names the tag and nothing else")
{
    const Row rows[] = {
        {"a number that is none", "00280010", R"("vr":"US","Value":["secret"])", ""},
        {"out of range", "00280010", R"("vr":"US","Value":[70000])", ""},
        {"half a number", "00280010", R"("vr":"US","Value":[1.5])", ""},
        {"null among numbers", "00280010", R"("vr":"US","Value":[1,null])", ""},
        {"an object for text", "00081030", R"("vr":"LO","Value":[{"Alphabetic":"secret"}])", ""},
        {"an array for text", "00081030", R"("vr":"LO","Value":[["secret"]])", ""},
        {"true for text", "00081030", R"("vr":"LO","Value":[true])", ""},
        {"numbers for bytes", "00282000", R"("vr":"OB","Value":[1,2])", ""},
        {"base64 of another alphabet", "00282000", R"("vr":"OB","InlineBinary":"-_-_")", ""},
        {"half of base64", "00282000", R"("vr":"OB","InlineBinary":"AQI")", ""},
        {"half a word", "00281201", R"("vr":"OW","InlineBinary":"AQID")", ""},
        {"a delimiter in a group", "00100010", R"("vr":"PN","Value":[{"Alphabetic":"a=b"}])", ""},
        {"text for a sequence", "00400275", R"("vr":"SQ","Value":["secret"])", ""},
        {"a NUL", "00081030", R"("vr":"LO","Value":["a\u0000b"])", ""},
        {"twice", "00081030", R"("vr":"LO"},"00081030":{"vr":"LO")", ""},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        CHECK(
            kept(row.tag, row.members) ==
            "!a value that cannot be read at " + std::string(row.tag) + ": malformed"
        );
    }
}

TEST_CASE("what cannot be read can be left out instead, and is told")
{
    std::vector<std::string> left_out;
    DicomJsonReadOptions options;
    options.unreadable = [&](Tag tag) { left_out.push_back(tag.hex()); };
    const auto made = read(
        R"({"00080020":{"vr":"DA","Value":["20240131"]},"00280010":{"vr":"US","Value":["x"]},)"
        R"("00400275":{"vr":"SQ","Value":[{"00280010":{"vr":"US","Value":["x"]}}]}})",
        options
    );
    CHECK(made->card() == 1);
    CHECK(left_out == std::vector<std::string>{"00280010", "00400275"});
}

TEST_CASE("text that is no data set is refused")
{
    for (const char* const text :
         {"",
          "1",
          "[]",
          "[{},{}]",
          "{",
          "{}{}",
          R"({"00100010":"x"})",
          R"({"00100010":1})",
          R"({"00081030":{"vr":"LO","Value":["\ud800"]}})"}) {
        CAPTURE(text);
        CHECK_FALSE(read_dicom_json(text).has_value());
    }
    CHECK(read("[{}]")->card() == 0);
    CHECK(read(" {} \n")->card() == 0);
}

TEST_CASE("sequences are read with their items and no deeper than allowed")
{
    const auto made =
        read(R"({"00400275":{"vr":"SQ","Value":[{"00400009":{"vr":"SH","Value":["S1"]}},{},null]}})"
        );
    DcmSequenceOfItems* sequence = nullptr;
    REQUIRE(made->findAndGetSequence(DCM_RequestAttributesSequence, sequence).good());
    REQUIRE(sequence->card() == 3);
    CHECK(value_of(*sequence->getItem(0), DCM_ScheduledProcedureStepID) == "S1");
    CHECK(sequence->getItem(1)->card() == 0);

    const auto nested = [](unsigned depth) {
        std::string text = "{}";
        for (unsigned i = 0; i < depth; ++i)
            text = R"({"00400275":{"vr":"SQ","Value":[)" + text + "]}}";
        return read_dicom_json(text);
    };
    CHECK(nested(32).has_value());
    CHECK(nested(33).error().code == make_error_code(Errc::too_deep));
    CHECK(nested(10'000).error().code == make_error_code(Errc::too_deep));
}

TEST_CASE("text is UTF-8 whatever character set the server names (PS3.18 F.2.1)")
{
    const auto latin = read(R"({"00080005":{"vr":"CS","Value":["ISO_IR 100"]},)"
                            R"("00100010":{"vr":"PN","Value":[{"Alphabetic":"M\u00fcller"}]}})");
    CHECK(value_of(*latin, DCM_SpecificCharacterSet) == "ISO_IR 192");
    CHECK(value_of(*latin, DCM_PatientName) == "M\xc3\xbcller");

    const auto plain = read(
        R"({"00080005":{"vr":"CS","Value":["ISO_IR 100"]},"00080050":{"vr":"SH","Value":["A"]}})"
    );
    CHECK_FALSE(plain->tagExists(DCM_SpecificCharacterSet));

    const auto deep =
        read(R"({"00400275":{"vr":"SQ","Value":[{"00080005":{"vr":"CS","Value":["ISO_IR 100"]},)"
             R"("00400007":{"vr":"LO","Value":["\u00fc"]}}]}})");
    CHECK(value_of(*deep, DCM_SpecificCharacterSet) == "ISO_IR 192");
    DcmItem* item = nullptr;
    REQUIRE(deep->findAndGetSequenceItem(DCM_RequestAttributesSequence, item).good());
    CHECK_FALSE(item->tagExists(DCM_SpecificCharacterSet));

    const auto broken = read("{\"00081030\":{\"vr\":\"LO\",\"Value\":[\"a\xfc\x62\"]}}");
    CHECK(value_of(*broken, DCM_StudyDescription) == "a\xef\xbf\xbd\x62");
}

TEST_CASE("group lengths and the groups of commands and files are left out")
{
    const auto made =
        read(R"({"00080000":{"vr":"UL","Value":[4]},"00020010":{"vr":"UI","Value":["1.2"]},)"
             R"("00000002":{"vr":"UI","Value":["1.2"]},"FFFCFFFC":{"vr":"OB"}})");
    CHECK(made->card() == 0);
}

TEST_CASE("a value that stands elsewhere is told with its place (PS3.18 F.2.6)")
{
    std::vector<std::string> told;
    DicomJsonReadOptions options;
    options.bulk_data = [&](const BulkReference& bulk) {
        told.push_back(bulk.path + ' ' + bulk.vr + ' ' + bulk.uri);
    };
    const auto made = read(
        R"({"7FE00010":{"vr":"OW","BulkDataURI":"../bulk/1"},"54000100":{"vr":"SQ","Value":[)"
        R"({"54001010":{"vr":"OB","BulkDataURI":"http://a/2"}}]}})",
        options
    );
    CHECK(
        told ==
        std::vector<std::string>{"7FE00010 OW ../bulk/1", "54000100.1.54001010 OB http://a/2"}
    );
    CHECK(made->tagExists(DCM_PixelData));
}

TEST_CASE("what gantry writes of the sample files is read back as it was")
{
    unsigned compared = 0;
    for (const auto& path : sample_files()) {
        CAPTURE(path.filename().string());
        if (path.filename().string().starts_with("color-p")) // dates as ACR-NEMA wrote them
            continue;
        DcmFileFormat file;
        if (file.loadFile(path.c_str(), EXS_Unknown, EGL_noChange, 4'096).bad())
            continue;
        DicomJsonOptions options;
        options.wanted = [](Tag tag) { return tag.group < 0x7fe0; };
        std::string before;
        REQUIRE(write_dicom_json(*file.getDataset(), before, options).has_value());
        const auto made = read_dicom_json(before);
        REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().text()));
        std::string after;
        REQUIRE(write_dicom_json(**made, after, options).has_value());
        const std::string expected = without_set(before);
        const std::string actual = without_set(after);
        const auto at = static_cast<std::size_t>(
            std::ranges::mismatch(expected, actual).in1 - expected.begin()
        );
        CAPTURE(expected.substr(at > 60 ? at - 60 : 0, 120));
        CHECK_MESSAGE(expected.size() == at, actual.substr(at > 60 ? at - 60 : 0, 120));
        CHECK(actual.size() == expected.size());
        ++compared;
    }
    MESSAGE(compared << " files");
}
