#include "mapping/media_type.h"

#include <doctest/doctest.h>

using namespace gantry::mapping;

namespace {

std::string describe(const MediaType& media)
{
    std::string text = media.essence();
    for (const auto& [name, value] : media.parameters)
        text += " " + name + "=<" + value + ">";
    return text;
}

MediaType media(std::string_view text)
{
    return parse_media_type(text).value();
}

} // namespace

TEST_CASE("a Content-Type is read with its parameters, quoted or not (RFC 9110 8.3.1)")
{
    struct Row {
        const char* says;
        std::string_view text;
        std::string reads; // "none": refused
    };

    const Row rows[] = {
        {"plain", "application/dicom", "application/dicom"},
        {"case of type and names does not count",
         "Application/DICOM+JSON; CharSet=UTF-8",
         "application/dicom+json charset=<UTF-8>"},
        {"quoted",
         R"(multipart/related; type="application/dicom"; boundary="a b;,\"c")",
         "multipart/related type=<application/dicom> boundary=<a b;,\"c>"},
        {"a slash without quotes",
         "multipart/related;type=application/dicom;boundary=x",
         "multipart/related type=<application/dicom> boundary=<x>"},
        {"a boundary with other characters",
         "multipart/related; boundary=----=_Part_1:2?3",
         "multipart/related boundary=<----=_Part_1:2?3>"},
        {"spaces", "  text/plain ; a = b ", "text/plain a=<b>"},
        {"an empty parameter", "text/plain;;a=b;", "text/plain a=<b>"},
        {"an empty value", "text/plain; a=", "text/plain a=<>"},
        {"empty", "", "none"},
        {"no subtype", "text", "none"},
        {"no subtype after the slash", "text/", "none"},
        {"a range", "text/*", "none"},
        {"quotes without an end", "text/plain; a=\"b", "none"},
        {"an escape without an end", "text/plain; a=\"b\\", "none"},
        {"a parameter without a value", "text/plain; a", "none"},
        {"two types", "text/plain, text/html", "none"},
        {"something after it", "text/plain x", "none"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto read = parse_media_type(row.text);
        CHECK((read ? describe(*read) : "none") == row.reads);
    }
}

TEST_CASE(
    "an Accept header is read member by member, what cannot be read is left out (PS3.18 8.7.5)"
)
{
    struct Row {
        const char* says;
        std::string_view text;
        std::string reads;
    };

    const Row rows[] = {
        {"nothing", "", ""},
        {"anything", "*/*", "*/* 1000;"},
        {"qualities",
         "a/b;q=0.5, c/d;q=1.000, e/f;q=0, g/h; q=0.123, i/j;q=1",
         "a/b 500;c/d 1000;e/f 0;g/h 123;i/j 1000;"},
        {"two DICOM types",
         R"(multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.90;q=0.9, multipart/related; type=application/dicom; transfer-syntax=*)",
         "multipart/related type=<application/dicom> transfer-syntax=<1.2.840.10008.1.2.4.90> 900;"
         "multipart/related type=<application/dicom> transfer-syntax=<*> 1000;"},
        {"a comma in quotes", R"(a/b;x="c,d", e/f)", "a/b x=<c,d> 1000;e/f 1000;"},
        {"bad members go alone",
         "nonsense, a/b;q=2, a/b;q=0.1234, a/b;q=x, */b, c/d e, g/h",
         "g/h 1000;"},
        {"empty members", ",, a/b,,", "a/b 1000;"},
        {"extensions after q", "a/b;q=0.5;ext=1", "a/b 500;"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        std::string reads;
        for (const MediaRange& range : parse_accept(row.text))
            reads += describe(range.media) + " " + std::to_string(range.quality) + ";";
        CHECK(reads == row.reads);
    }
}

TEST_CASE("of what we have the client gets what it likes best (RFC 9110 12.5.1, PS3.18 8.7.5)")
{
    const MediaType json = media("application/dicom+json");
    const MediaType xml = media("multipart/related; type=\"application/dicom+xml\"");
    const MediaType le =
        media("multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.1");
    const MediaType j2k = media(
        "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.4.90"
    );

    struct Row {
        const char* says;
        std::vector<MediaType> offers;
        std::string_view accept;
        int chosen; // -1: 406
    };

    const Row rows[] = {
        {"no header takes the default", {json, xml}, "", 0},
        {"anything takes the default", {json, xml}, "*/*", 0},
        {"the one that is asked for",
         {json, xml},
         "multipart/related; type=\"application/dicom+xml\"",
         1},
        {"without quotes", {json, xml}, "multipart/related;type=application/dicom+xml", 1},
        {"the better quality",
         {json, xml},
         "application/dicom+json;q=0.2, multipart/related;q=0.3",
         1},
        {"the more specific range decides",
         {json, xml},
         "*/*;q=0.9, application/dicom+json;q=0.1",
         1},
        {"nothing acceptable", {json, xml}, "text/html", -1},
        {"excluded", {json}, "application/dicom+json;q=0, */*", -1},
        {"a transfer syntax",
         {le, j2k},
         "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90",
         1},
        {"any transfer syntax",
         {j2k, le},
         "multipart/related; type=application/dicom; transfer-syntax=*",
         0},
        {"no transfer syntax named", {j2k, le}, "multipart/related; type=\"application/dicom\"", 0},
        {"of two syntaxes the better",
         {j2k, le},
         "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90;q=0.5, "
         "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
         1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto chosen = choose(row.offers, parse_accept(row.accept));
        CHECK((chosen ? static_cast<int>(*chosen) : -1) == row.chosen);
    }
    CHECK_FALSE(choose({}, {}).has_value());
}
