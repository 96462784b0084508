#include "mapping/native_xml.h"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <string>

using namespace gantry;
using namespace gantry::mapping;

namespace {

std::string model(const std::string& attributes)
{
    return "<NativeDicomModel>" + attributes + "</NativeDicomModel>";
}

std::string attribute(const std::string& head, const std::string& content)
{
    return "<DicomAttribute " + head + ">" + content + "</DicomAttribute>";
}

std::string
private_attribute(const std::string& tag, const std::string& creator, const std::string& value)
{
    return attribute(
        "tag=\"" + tag + "\" vr=\"LO\" privateCreator=\"" + creator + "\"",
        "<Value number=\"1\">" + value + "</Value>"
    );
}

} // namespace

TEST_CASE("XML says what JSON would say")
{
    struct Row {
        const char* says;
        std::string xml;
        const char* json;
    };

    const Row rows[] = {
        {"values",
         attribute(
             R"(tag="00080008" vr="CS")",
             "<Value number=\"1\">A</Value><Value number=\"2\">B</Value>"
         ),
         R"({"00080008":{"vr":"CS","Value":["A","B"]}})"},
        {"a value that is left out",
         attribute(
             R"(tag="00080008" vr="CS")",
             "<Value number=\"1\">A</Value><Value number=\"3\">C</Value>"
         ),
         R"({"00080008":{"vr":"CS","Value":["A",null,"C"]}})"},
        {"a value without a number",
         attribute(R"(tag="00080008" vr="CS")", "<Value>A</Value>"),
         R"({"00080008":{"vr":"CS","Value":["A"]}})"},
        {"inline",
         attribute(R"(tag="7FE00010" vr="OW")", "<InlineBinary>AAE=</InlineBinary>"),
         R"({"7FE00010":{"vr":"OW","InlineBinary":"AAE="}})"},
        {"bulk data by its address",
         attribute(R"(tag="7FE00010" vr="OW")", R"(<BulkData uri="b/1?x=1&amp;y=2"/>)"),
         R"({"7FE00010":{"vr":"OW","BulkDataURI":"b/1?x=1&y=2"}})"},
        {"bulk data by its number",
         attribute(R"(tag="7FE00010" vr="OW")", R"(<BulkData uuid="1-2"></BulkData>)"),
         R"({"7FE00010":{"vr":"OW","BulkDataURI":"1-2"}})"},
        {"a private attribute and its creator",
         private_attribute("00090001", "ACME", "x"),
         R"({"00090010":{"vr":"LO","Value":["ACME"]},"00091001":{"vr":"LO","Value":["x"]}})"},
        {"two creators in one group",
         private_attribute("00090001", "ACME", "x") + private_attribute("00090001", "OTHER", "y"),
         R"({"00090010":{"vr":"LO","Value":["ACME"]},"00091001":{"vr":"LO","Value":["x"]},)"
         R"("00090011":{"vr":"LO","Value":["OTHER"]},"00091101":{"vr":"LO","Value":["y"]}})"},
        {"a creator that is there",
         private_attribute("00090010", "ACME", "x") +
             attribute(R"(tag="00090042" vr="LO")", "<Value number=\"1\">ACME</Value>") +
             attribute(R"(tag="00090010" vr="LO")", "<Value number=\"1\">FIRST</Value>"),
         R"({"00090042":{"vr":"LO","Value":["ACME"]},"00090010":{"vr":"LO","Value":["FIRST"]},)"
         R"("00094210":{"vr":"LO","Value":["x"]}})"},
        {"a private attribute with its block",
         attribute(
             R"(tag="00091001" vr="LO" privateCreator="ACME")", "<Value number=\"1\">x</Value>"
         ),
         R"({"00091001":{"vr":"LO","Value":["x"]}})"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto object = read_native_xml(model(row.xml));
        REQUIRE_MESSAGE(object.has_value(), (object ? "" : object.error().text()));
        CHECK(boost::json::value(*object) == boost::json::parse(row.json));
    }
}

TEST_CASE("XML that would be another data set for each reader is refused")
{
    const std::string one = attribute(R"(tag="00080008" vr="CS")", "<Value number=\"1\">A</Value>");
    CHECK(!read_native_xml(model(one + one)).has_value());
    CHECK(!read_native_xml(model(
                               private_attribute("00090001", "ACME", "x") +
                               private_attribute("00090001", "ACME", "y")
                           ))
               .has_value());
    const std::string far =
        attribute(R"(tag="00080008" vr="CS")", "<Value number=\"70000\">A</Value>");
    const auto refused = read_native_xml(model(far));
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == make_error_code(Errc::too_large));
    std::string many; // each within its bounds, together not
    for (int i = 0; i < 3; ++i)
        many += attribute(
            "tag=\"0008100" + std::to_string(i) + "\" vr=\"CS\"",
            "<Value number=\"30000\">A</Value>"
        );
    CHECK(!read_native_xml(model(many)).has_value());
    CHECK(!read_native_xml(model(attribute(
                               R"(tag="7FE00010" vr="OW")", "<InlineBinary>AAE=<a/></InlineBinary>"
                           )))
               .has_value());
}
