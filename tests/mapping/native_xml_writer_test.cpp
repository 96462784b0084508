#include "mapping/native_xml.h"
#include "mapping/native_xml_writer.h"
#include "mapping/utf8.h"
#include "support/data_sets.h"

#include <dcmtk/config/osconfig.h>

#include <boost/json.hpp>
#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include <limits>

#include "sample_files.h"

using namespace gantry;
using namespace gantry::mapping;
using namespace gantry::tests;
namespace json = boost::json;

namespace {

constexpr std::string_view head =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<NativeDicomModel "
    "xmlns=\"http://dicom.nema.org/PS3.19/models/NativeDICOM\" xml:space=\"preserve\">";
constexpr std::string_view tail = "</NativeDicomModel>\n";

std::string write(DcmItem& item, const NativeXmlOptions& options = {})
{
    std::string out;
    const auto written = write_native_xml(item, out, options);
    REQUIRE_MESSAGE(written.has_value(), (written ? "" : written.error().text()));
    return out;
}

/// What stands between the root's tags.
std::string body(DcmItem& item, const NativeXmlOptions& options = {})
{
    const std::string xml = write(item, options);
    REQUIRE(xml.starts_with(head));
    REQUIRE(xml.ends_with(tail));
    return xml.substr(head.size(), xml.size() - head.size() - tail.size());
}

std::string attribute(std::string_view head_of_it, std::string_view content)
{
    return "<DicomAttribute " + std::string(head_of_it) + ">" + std::string(content) +
           "</DicomAttribute>";
}

std::string text_of_value(const json::value& value)
{
    if (value.is_null())
        return {};
    if (value.is_string())
        return std::string(value.get_string());
    return value.is_double() ? std::to_string(value.get_double()) : json::serialize(value);
}

void check_same(const json::object& in_json, const json::object& in_xml);

void check_same_value(std::string_view vr, const json::value& left, const json::value& right)
{
    if (vr == "SQ")
        return check_same(left.get_object(), right.get_object());
    if (vr == "PN") {
        const json::value none = json::object();
        CHECK((left.is_null() ? none : left) == right);
        return;
    }
    const std::string xml(right.get_string());
    if (left.is_double())
        CHECK(std::stod(xml) == doctest::Approx(left.get_double()));
    else
        CHECK(xml == text_of_value(left));
}

/// Public attributes with their values; both readers leave bulk data out.
void check_same(const json::object& in_json, const json::object& in_xml)
{
    for (const auto& [tag, value] : in_json) {
        const std::string name(tag);
        CAPTURE(name);
        const json::object& left = value.get_object();
        if ((std::stoul(name.substr(0, 4), nullptr, 16) & 1U) != 0 || left.contains("InlineBinary"))
            continue;
        REQUIRE(in_xml.contains(tag));
        const json::object& right = in_xml.at(tag).get_object();
        CHECK(left.at("vr") == right.at("vr"));
        REQUIRE(left.contains("Value") == right.contains("Value"));
        if (!left.contains("Value"))
            continue;
        const json::array& values = left.at("Value").get_array();
        REQUIRE(values.size() == right.at("Value").get_array().size());
        for (std::size_t i = 0; i < values.size(); ++i)
            check_same_value(
                std::string(left.at("vr").get_string()), values[i], right.at("Value").get_array()[i]
            );
    }
}

} // namespace

TEST_CASE("attributes are written in the Native DICOM Model (PS3.19 A.1.5)")
{
    struct Row {
        const char* says;
        const char* data_set;
        std::string xml;
    };

    const std::string of_name = R"(tag="00100010" vr="PN" keyword="PatientName")";
    const Row rows[] = {
        {"values are numbered from one",
         "0008,0008=ORIGINAL\\PRIMARY",
         attribute(
             R"(tag="00080008" vr="CS" keyword="ImageType")",
             R"(<Value number="1">ORIGINAL</Value><Value number="2">PRIMARY</Value>)"
         )},
        {"an empty value keeps its place",
         "0008,0008=A\\\\B",
         attribute(
             R"(tag="00080008" vr="CS" keyword="ImageType")",
             R"(<Value number="1">A</Value><Value number="2"></Value><Value number="3">B</Value>)"
         )},
        {"an empty element has no value",
         "0008,0050=",
         attribute(R"(tag="00080050" vr="SH" keyword="AccessionNumber")", "")},
        {"a name has groups and components",
         "0010,0010=Doe^Jane^^Dr=D\xc3\xb6",
         attribute(
             R"(tag="00080005" vr="CS" keyword="SpecificCharacterSet")",
             R"(<Value number="1">ISO_IR 192</Value>)"
         ) +
             attribute(
                 of_name,
                 "<PersonName number=\"1\"><Alphabetic><FamilyName>Doe</FamilyName>"
                 "<GivenName>Jane</GivenName><NamePrefix>Dr</NamePrefix>"
                 "</Alphabetic><Ideographic><FamilyName>D\xc3\xb6</FamilyName>"
                 "</Ideographic></PersonName>"
             )},
        {"what XML would read is escaped",
         "0008,1030=a<b>&\"c\"",
         attribute(
             R"(tag="00081030" vr="LO" keyword="StudyDescription")",
             R"(<Value number="1">a&lt;b&gt;&amp;&quot;c&quot;</Value>)"
         )},
        {"a carriage return survives a form feed does not",
         "0010,4000=a\r\nb\fc",
         attribute(
             R"(tag="00080005" vr="CS" keyword="SpecificCharacterSet")",
             R"(<Value number="1">ISO_IR 192</Value>)"
         ) +
             attribute(
                 R"(tag="00104000" vr="LT" keyword="PatientComments")",
                 "<Value number=\"1\">a&#13;\nb\xef\xbf\xbd"
                 "c</Value>"
             )},
        {"items are numbered",
         "0040,0275>0040,1001=R1",
         attribute(
             R"(tag="00400275" vr="SQ" keyword="RequestAttributesSequence")",
             "<Item number=\"1\">" +
                 attribute(
                     R"(tag="00401001" vr="SH" keyword="RequestedProcedureID")",
                     R"(<Value number="1">R1</Value>)"
                 ) +
                 "</Item>"
         )},
        {"a private element names its creator and no block",
         "0009,0010LO=ACME & Co | 0009,1001LO=x",
         attribute(R"(tag="00090010" vr="LO")", R"(<Value number="1">ACME &amp; Co</Value>)") +
             attribute(
                 R"(tag="00090001" vr="LO" privateCreator="ACME &amp; Co")",
                 R"(<Value number="1">x</Value>)"
             )},
        {"a private element without creator keeps its tag",
         "0009,1001LO=x",
         attribute(R"(tag="00091001" vr="LO")", R"(<Value number="1">x</Value>)")},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        auto item = data_set(row.data_set);
        if (std::string_view(row.data_set).find('\xc3') != std::string_view::npos)
            (void)item->putAndInsertString(DCM_SpecificCharacterSet, "ISO_IR 192");
        CHECK(body(*item) == row.xml);
    }
}

TEST_CASE("binary numbers stand as text and what is not finite as it is")
{
    DcmDataset item;
    REQUIRE(item.putAndInsertUint16(DCM_Rows, 512).good());
    REQUIRE(item.putAndInsertTagKey(DCM_FrameIncrementPointer, DcmTagKey(0x0018, 0x1063)).good());
    REQUIRE(item.putAndInsertFloat64(DCM_RealWorldValueSlope, 0.5).good());
    REQUIRE(item.putAndInsertFloat64(
                    DCM_RealWorldValueIntercept, std::numeric_limits<double>::infinity()
    )
                .good());
    CHECK(
        body(item) ==
        attribute(
            R"(tag="00280009" vr="AT" keyword="FrameIncrementPointer")",
            R"(<Value number="1">00181063</Value>)"
        ) +
            attribute(
                R"(tag="00280010" vr="US" keyword="Rows")", R"(<Value number="1">512</Value>)"
            ) +
            attribute(
                R"(tag="00409224" vr="FD" keyword="RealWorldValueIntercept")",
                "<InlineBinary>AAAAAAAA8H8=</InlineBinary>"
            ) +
            attribute(
                R"(tag="00409225" vr="FD" keyword="RealWorldValueSlope")",
                R"(<Value number="1">0.5</Value>)"
            )
    );
}

TEST_CASE("a binary value stands inline or is named by its address")
{
    DcmDataset item;
    const Uint8 bytes[] = {1, 2, 3, 4};
    REQUIRE(item.putAndInsertUint8Array(DCM_EncapsulatedDocument, bytes, 4).good());
    const std::string start = R"(tag="00420011" vr="OB" keyword="EncapsulatedDocument")";
    CHECK(body(item) == attribute(start, "<InlineBinary>AQIDBA==</InlineBinary>"));
    NativeXmlOptions options;
    options.bulk_data_uri = [](const BulkValue& value) {
        return std::optional("https://there/" + value.path + "?a&b");
    };
    CHECK(
        body(item, options) ==
        attribute(start, R"(<BulkData uri="https://there/00420011?a&amp;b"/>)")
    );
    options.wanted = [](Tag) { return false; };
    CHECK(body(item, options).empty());
}

TEST_CASE("the samples say in XML what they say in JSON")
{
    for (const auto& file : sample_files()) {
        CAPTURE(file.filename().string());
        DcmFileFormat format;
        if (format.loadFile(file.c_str()).bad())
            continue;
        NativeXmlOptions options;
        options.bulk_data_uri = [](const BulkValue&) { return std::optional<std::string>("b"); };
        std::string in_json;
        DicomJsonOptions left;
        left.bulk_data_uri = options.bulk_data_uri;
        REQUIRE(write_dicom_json(*format.getDataset(), in_json, left).has_value());
        const std::string in_xml = write(*format.getDataset(), options);
        CHECK(is_utf8(in_xml));
        const auto read = read_native_xml(in_xml);
        REQUIRE(read.has_value());
        check_same(json::parse(in_json).as_object(), *read);
    }
}

TEST_CASE("sequences too deep are refused and leave nothing behind")
{
    DcmDataset item;
    DcmItem* inner = &item;
    for (int i = 0; i < 70; ++i)
        REQUIRE(inner->findOrCreateSequenceItem(DCM_ContentSequence, inner, 0).good());
    std::string out = "before";
    const auto written = write_native_xml(item, out);
    REQUIRE(!written);
    CHECK(written.error().code == make_error_code(Errc::too_deep));
    CHECK(out == "before");
}
