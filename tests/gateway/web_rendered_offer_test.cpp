#include "gateway/faces/web_rendered_offer.h"

#include <doctest/doctest.h>

#include <array>

using namespace gantry;
using faces::Material;

TEST_CASE("a rendered type is chosen by what the client takes (PS3.18 8.7.4)")
{
    struct Row {
        const char* accept;
        bool plural;
        const char* media; // empty: 406
        bool multipart = false;
    };

    const Row rows[] = {
        {"", false, "image/jpeg"},
        {"", true, "image/jpeg", true},
        {"*/*", false, "image/jpeg"},
        {"*/*", true, "image/jpeg", true},
        {"image/png", false, "image/png"},
        {"image/*", false, "image/jpeg"},
        {"image/jpeg;q=0.5, image/png", false, "image/png"},
        {"image/jpeg;q=0, */*", false, "image/png"},
        {"image/png", true, "image/png", true},
        {"multipart/related; type=\"image/gif\"", false, "image/gif", true},
        {"multipart/related; type=image/png", true, "image/png", true},
        {"multipart/related", false, "image/jpeg", true},
        {"multipart/related; type=\"image/png\", image/jpeg", false, "image/jpeg"},
        {"image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50", false, ""},
        {"text/html", false, ""},
        {"application/dicom", false, ""},
        {"nonsense", false, ""},
        {"image/webp,image/apng,*/*;q=0.8", false, "image/jpeg"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.accept);
        CAPTURE(row.plural);
        const auto type = faces::choose_rendered(faces::picture_types(), row.plural, row.accept);
        CHECK(type.has_value() == (*row.media != '\0'));
        if (!type)
            continue;
        CHECK(type->media == row.media);
        CHECK(type->multipart == row.multipart);
    }
    CHECK_FALSE(faces::choose_rendered({}, false, "*/*").has_value());
}

TEST_CASE("an Accept that names DICOM's types beside rendered ones is noticed")
{
    CHECK(faces::mixes_types("image/jpeg, application/dicom"));
    CHECK(faces::mixes_types("text/html, multipart/related; type=\"application/octet-stream\""));
    CHECK_FALSE(faces::mixes_types("image/jpeg, */*"));
    CHECK_FALSE(faces::mixes_types("application/dicom, */*"));
    CHECK_FALSE(faces::mixes_types("image/jpeg, text/html, image/webp"));
    CHECK_FALSE(faces::mixes_types(""));
}

TEST_CASE("the class of an object says what it is no picture of")
{
    const auto of = [](const char* uid) { return faces::material_of(Uid::parse(uid).value()); };
    CHECK_FALSE(of("1.2.840.10008.5.1.4.1.1.2").has_value());
    CHECK_FALSE(of("1.2.840.10008.5.1.4.1.1.88888").has_value());
    CHECK_FALSE(of("1.2.840.10008.5.1.4.1.1.66.4").has_value());
    CHECK_FALSE(of("1.2.3").has_value());
    CHECK(of("1.2.840.10008.5.1.4.1.1.88.11") == Material::report);
    CHECK(of("1.2.840.10008.5.1.4.1.1.88.59") == Material::report);
    CHECK(of("1.2.840.10008.5.1.4.1.1.104.1") == Material::document);
    CHECK(of("1.2.840.10008.5.1.4.1.1.11.1") == Material::presentation);
    CHECK(of("1.2.840.10008.5.1.4.1.1.9.1.1") == Material::nothing);
    CHECK(of("1.2.840.10008.5.1.4.1.1.481.5") == Material::nothing);
}
