// Images and other objects to be rendered, and pictures read back.
#pragma once

#include "gateway/origins/archive/archive.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include <memory>
#include <png.h>
#include <string>
#include <utility>
#include <vector>

#include "tests/gateway/web_face_support.h"

namespace gantry::tests {

inline void put(OpenFace& face, const Instance& instance)
{
    REQUIRE(store(face.local().archive(), instance).kind == StoreOutcome::Kind::stored);
}

inline std::unique_ptr<FakeResponse>
get(OpenFace& face, std::string target, const char* accept = nullptr)
{
    Ask what{web::Method::get, std::move(target)};
    if (accept != nullptr)
        what.fields = {{"Accept", accept}};
    return face.ask(std::move(what));
}

inline std::string url_of(const Instance& instance)
{
    return "/studies/" + instance.key.study.str() + "/series/" + instance.key.series.str() +
           "/instances/" + instance.key.sop.sop_instance.str();
}

/// An object of that class, which is no image.
inline Instance of_class(Place place, const char* sop_class, const Change& more = {})
{
    Instance instance = make_instance(
        place,
        [&](DcmDataset& to) {
            CHECK(to.putAndInsertString(DCM_SOPClassUID, sop_class).good());
            delete to.remove(DCM_PixelData);
            if (more)
                more(to);
        },
        0
    );
    instance.key.sop.sop_class = Uid::parse(sop_class).value();
    return instance;
}

/// An image of grey squares: `frames` of 8 rows and 12 columns, frame n of the value 10 n.
inline Instance image(Place place, unsigned frames = 1, const Change& more = {})
{
    return make_instance(
        place,
        [&](DcmDataset& to) {
            const auto us = [&to](const DcmTagKey& tag, Uint16 value) {
                CHECK(to.putAndInsertUint16(tag, value).good());
            };
            us(DCM_Rows, 8);
            us(DCM_Columns, 12);
            us(DCM_SamplesPerPixel, 1);
            us(DCM_BitsAllocated, 8);
            us(DCM_BitsStored, 8);
            us(DCM_HighBit, 7);
            us(DCM_PixelRepresentation, 0);
            CHECK(to.putAndInsertString(DCM_PhotometricInterpretation, "MONOCHROME2").good());
            if (frames > 1)
                CHECK(
                    to.putAndInsertString(DCM_NumberOfFrames, std::to_string(frames).c_str()).good()
                );
            std::vector<Uint8> pixels;
            for (unsigned frame = 1; frame <= frames; ++frame)
                pixels.insert(pixels.end(), 96, static_cast<Uint8>(10 * frame));
            CHECK(to.putAndInsertUint8Array(DCM_PixelData, pixels.data(), pixels.size()).good());
            if (more)
                more(to);
        },
        0
    );
}

struct Decoded {
    unsigned width = 0;
    unsigned height = 0;
    std::string values; // RGB
};

inline Decoded png(const std::string& bytes)
{
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    REQUIRE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0);
    image.format = PNG_FORMAT_RGB;
    Decoded out{image.width, image.height, std::string(PNG_IMAGE_SIZE(image), '\0')};
    REQUIRE(png_image_finish_read(&image, nullptr, out.values.data(), 0, nullptr) != 0);
    return out;
}

inline constexpr const char* as_png = "image/png";
inline constexpr const char* whole_range = "window=128,256,linear";

/// The grey of a picture's first pixel.
inline int grey(const std::string& bytes)
{
    return static_cast<unsigned char>(png(bytes).values.at(0));
}

inline bool is_jpeg(const std::string& bytes)
{
    return bytes.starts_with("\xff\xd8\xff");
}

} // namespace gantry::tests
