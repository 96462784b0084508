#include "web/error.h"
#include "web/media_type.h"

#include <doctest/doctest.h>

using namespace gantry::web;

TEST_CASE("a media type gives its parameters without their quotes")
{
    struct Row {
        const char* text;
        const char* type;
        const char* boundary;
    };

    const Row rows[] = {
        {"multipart/related; type=\"application/dicom\"; boundary=abc", "multipart/related", "abc"},
        {"Multipart/Related;BOUNDARY=\"a b;c\"", "multipart/related", "a b;c"},
        {"multipart/related; boundary=\"a\\\"b\" ; type=x", "multipart/related", "a\"b"},
        {"multipart/related ; boundary = a=b/c:d ;; x=1;", "multipart/related", "a=b/c:d"},
        {"application/dicom", "application/dicom", ""},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.text));
        const auto media = parse_media_type(row.text);
        REQUIRE(media.has_value());
        CHECK(media->type == row.type);
        CHECK(media->parameter("boundary") == row.boundary);
    }
}

TEST_CASE("what is no media type is refused")
{
    for (const char* text :
         {"",
          ";",
          "multipart",
          "a/b/c",
          "a/b; boundary",
          "a/b; boundary=",
          "a/b; x=\"y",
          "a/b; x=\"y\"z"}) {
        CAPTURE(text);
        CHECK(parse_media_type(text).error().code == Errc::malformed);
    }
}
