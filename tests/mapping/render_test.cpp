#include "mapping/render.h"
#include "mapping/segmented_palette.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "render_support.h"

using namespace gantry;
using namespace gantry::tests;
using mapping::DecodedFrame;
using mapping::RenderOptions;
using mapping::VoiFunction;
using mapping::VoiWindow;

namespace {

/// Frame of 8 bit samples.
DecodedFrame frame_of(
    ConstBytes bytes,
    std::uint16_t rows,
    std::uint16_t columns,
    std::uint16_t samples,
    std::string_view photometric
)
{
    DecodedFrame frame;
    frame.shape = {rows, columns, samples, 8, 8, false};
    frame.bytes = bytes;
    frame.photometric = photometric;
    return frame;
}

std::vector<std::byte> bytes(std::initializer_list<int> values)
{
    std::vector<std::byte> out;
    for (const int value : values)
        out.push_back(static_cast<std::byte>(value));
    return out;
}

} // namespace

TEST_CASE("MONOCHROME1 shows its lowest value white")
{
    RowImage image({0, 100, 200});
    image.frame.photometric = "MONOCHROME1";
    CHECK(listed(rendered(image.attributes, image.frame)) == listed({255, 127, 0}));
}

TEST_CASE("a frame of one value and one of a single pixel are shown as they can be")
{
    RowImage image({7, 7, 7});
    CHECK(rendered(image.attributes, image.frame).size() == 3);
    RowImage one({-5});
    CHECK(rendered(one.attributes, one.frame).size() == 1);
}

TEST_CASE("bits above the stored ones do not show")
{
    DcmDataset attributes;
    const std::vector<std::uint16_t> values{0xf000, 0x3800, 0x0fff};
    std::vector<std::byte> raw(6);
    std::memcpy(raw.data(), values.data(), raw.size());
    DecodedFrame frame = frame_of(raw, 1, 3, 1, "MONOCHROME2");
    frame.shape.bits_allocated = 16;
    frame.shape.bits_stored = 12;
    RenderOptions options;
    options.window = VoiWindow{2048, 4096};
    CHECK(listed(rendered(attributes, frame, options)) == listed({0, 127, 255}));
}

TEST_CASE("bits of one bit images show black and white")
{
    DcmDataset attributes;
    const auto raw = bytes({0b00000101, 0b1});
    DecodedFrame frame = frame_of(raw, 1, 9, 1, "MONOCHROME2");
    frame.shape.bits_allocated = frame.shape.bits_stored = 1;
    CHECK(listed(rendered(attributes, frame)) == listed({255, 0, 255, 0, 0, 0, 0, 0, 255}));
}

TEST_CASE("colours come out as RGB from every colour space")
{
    struct Row {
        const char* says;
        std::string_view photometric;
        bool planar;
        std::vector<std::byte> raw;
        std::vector<int> rgb;
    };

    const Row rows[] = {
        {"RGB", "RGB", false, bytes({255, 0, 0, 1, 2, 3}), {255, 0, 0, 1, 2, 3}},
        {"by plane", "RGB", true, bytes({255, 1, 0, 2, 0, 3}), {255, 0, 0, 1, 2, 3}},
        {"YBR_FULL",
         "YBR_FULL",
         false,
         bytes({76, 85, 255, 128, 128, 128}),
         {254, 0, 0, 128, 128, 128}},
        {"YBR_FULL_422", "YBR_FULL_422", false, bytes({76, 128, 85, 255}), {254, 0, 0, 255, 51, 51}
        },
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        DcmDataset attributes;
        DecodedFrame frame = frame_of(row.raw, 1, 2, 3, row.photometric);
        frame.planar = row.planar;
        const auto made = rendered(attributes, frame);
        REQUIRE(made.size() == row.rgb.size());
        for (std::size_t i = 0; i < made.size(); ++i)
            CHECK(std::abs(made[i] - row.rgb[i]) <= 2);
    }
}

TEST_CASE("palettes are looked into plain and in segments (PS3.3 C.7.9)")
{
    const Uint16 descriptor[] = {4, 0, 16};
    const Uint16 plain[] = {0, 0x5500, 0xaa00, 0xff00};
    const Uint16 segments[] = {0, 1, 0, 1, 3, 0xff00};
    const auto raw = bytes({0, 1, 2, 3});
    const DcmTagKey descriptors[] = {
        DCM_RedPaletteColorLookupTableDescriptor,
        DCM_GreenPaletteColorLookupTableDescriptor,
        DCM_BluePaletteColorLookupTableDescriptor
    };
    const DcmTagKey plains[] = {
        DCM_RedPaletteColorLookupTableData,
        DCM_GreenPaletteColorLookupTableData,
        DCM_BluePaletteColorLookupTableData
    };
    DcmDataset attributes;
    for (std::size_t i = 0; i < 3; ++i) {
        const DcmTag tag(descriptors[i], EVR_US);
        CHECK(attributes.putAndInsertUint16Array(tag, descriptor, 3).good());
        if (i < 2)
            CHECK(attributes.putAndInsertUint16Array(plains[i], plain, 4).good());
    }
    const DcmTagKey blue = DCM_SegmentedBluePaletteColorLookupTableData;
    CHECK(attributes.putAndInsertUint16Array(blue, segments, 6).good());
    const auto made = rendered(attributes, frame_of(raw, 1, 4, 1, "PALETTE COLOR"));
    CHECK(made == std::vector{0, 0, 0, 0x55, 0x55, 0x55, 0xaa, 0xaa, 0xaa, 0xff, 0xff, 0xff});
}

TEST_CASE("segments of a palette make exactly its entries or are malformed (PS3.3 C.7.9.2)")
{
    using Words = std::vector<std::uint16_t>;

    struct Row {
        const char* says;
        Words segments;
        std::size_t entries;
        Words plain; // empty: malformed
    };

    const Row rows[] = {
        {"discrete", {0, 2, 7, 9}, 2, {7, 9}},
        {"linear", {0, 1, 0, 1, 4, 8}, 5, {0, 2, 4, 6, 8}},
        {"linear down", {0, 1, 8, 1, 2, 0}, 3, {8, 4, 0}},
        {"indirect", {0, 1, 5, 1, 2, 9, 2, 2, 0, 0}, 6, {5, 7, 9, 5, 7, 9}},
        {"padded", {0, 2, 7, 9, 0}, 2, {7, 9}},
        {"too few", {0, 2, 7, 9}, 3, {}},
        {"too many", {0, 2, 7, 9}, 1, {}},
        {"linear first", {1, 2, 9}, 2, {}},
        {"cut", {0, 9, 7}, 9, {}},
        {"of no length", {0, 0, 7}, 1, {}},
        {"of an unknown kind", {3, 1, 7}, 1, {}},
        {"indirect to itself", {0, 1, 5, 2, 1, 6, 0}, 4, {}},
        {"indirect to nowhere", {0, 1, 5, 2, 1, 0xfffe, 0xffff}, 4, {}},
        {"nothing", {}, 4, {}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto made = mapping::expand_palette(row.segments, row.entries);
        CHECK(made.has_value() != row.plain.empty());
        if (made)
            CHECK(*made == row.plain);
    }
}

TEST_CASE("a region is cut out of the image and may be mirrored (PS3.18 8.3.5.1.3)")
{
    DcmDataset attributes;
    std::vector<std::byte> raw(12);
    for (std::size_t i = 0; i < raw.size(); ++i)
        raw[i] = static_cast<std::byte>(i * 20);
    const DecodedFrame frame = frame_of(raw, 3, 4, 1, "MONOCHROME2");

    struct Row {
        const char* says;
        mapping::PixelRegion region;
        std::vector<int> values; // empty: refused
    };

    const Row rows[] = {
        {"whole", {}, {0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220}},
        {"to its edge", {2, 1, {}, {}}, {120, 140, 200, 220}},
        {"inside", {1, 1, 2, 1}, {100, 120}},
        {"mirrored", {1, 1, -2, 1}, {120, 100}},
        {"upside down", {0, 1, 1, -2}, {160, 80}},
        {"beyond the edge", {3, 2, 9, 9}, {220}},
        {"outside", {4, 0, 1, 1}, {}},
        {"of nothing", {0, 0, 0.2, 1}, {}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        RenderOptions options;
        options.window = VoiWindow{128, 256};
        options.pixels = row.region;
        const auto made = mapping::render_frame(attributes, frame, options);
        CHECK(made.has_value() != row.values.empty());
        if (made)
            CHECK(listed(values_of(*made)) == listed(row.values));
    }
    RenderOptions options;
    options.window = VoiWindow{128, 256};
    options.fraction = mapping::FractionRegion{0.5, 1.0 / 3, 1, 2.0 / 3};
    CHECK(listed(rendered(attributes, frame, options)) == listed({120, 140}));
}

TEST_CASE("a picture fits its viewport and keeps its aspect")
{
    struct Row {
        std::uint32_t width;
        std::uint32_t height;
        std::uint32_t made_width;
        std::uint32_t made_height;
    };

    DcmDataset attributes;
    std::vector<std::byte> raw(std::size_t{40} * 20);
    for (std::size_t i = 0; i < raw.size(); ++i)
        raw[i] = static_cast<std::byte>(i % 40 < 20 ? 50 : 150);
    const DecodedFrame frame = frame_of(raw, 20, 40, 1, "MONOCHROME2");
    for (const Row& row :
         {Row{20, 20, 20, 10}, {80, 400, 80, 40}, {1, 1, 1, 1}, {7, 7, 7, 4}, {40, 20, 40, 20}}) {
        CAPTURE(row.width);
        RenderOptions options;
        options.window = VoiWindow{128, 256};
        options.max_width = row.width;
        options.max_height = row.height;
        const auto made = mapping::render_frame(attributes, frame, options);
        REQUIRE(made.has_value());
        CHECK(made->width == row.made_width);
        CHECK(made->height == row.made_height);
        const auto values = values_of(*made);
        const double mean =
            std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
        CHECK(std::abs(mean - 100) <= 8);
        if (row.made_width > 7) {
            CHECK(values.front() == 50);
            CHECK(values.back() == 150);
        }
    }
}

TEST_CASE("floating point values show over their range and through a window in their own unit")
{
    DcmDataset attributes;
    const float nothing = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> values{-1.0F, nothing, 0.0F, 0.5F, 1.0F};
    std::vector<std::byte> raw(values.size() * sizeof(float));
    std::memcpy(raw.data(), values.data(), raw.size());
    DecodedFrame frame = frame_of(raw, 1, 5, 1, "MONOCHROME2");
    frame.shape.bits_allocated = 32;
    frame.shape.bits_stored = 0; // PS3.3 C.7.6.24: there are none
    frame.floating = true;
    CHECK(listed(rendered(attributes, frame)) == listed({0, 0, 127, 191, 255}));
    RenderOptions options;
    options.window = VoiWindow{0.25, 0.5, VoiFunction::linear_exact};
    CHECK(listed(rendered(attributes, frame, options)) == listed({0, 0, 0, 254, 255}));
    const std::vector<double> wide{-1e300, 0, 1e308, std::numeric_limits<double>::infinity(), 0};
    raw.resize(wide.size() * sizeof(double));
    std::memcpy(raw.data(), wide.data(), raw.size());
    frame.bytes = raw;
    frame.shape.bits_allocated = 64;
    CHECK(rendered(attributes, frame)[2] == 255);
}

TEST_CASE("what is no image is refused and never rendered wrongly")
{
    struct Row {
        const char* says;
        std::function<void(DecodedFrame&)> spoil;
    };

    const Row rows[] = {
        {"no rows", [](DecodedFrame& frame) { frame.shape.rows = 0; }},
        {"too few bytes", [](DecodedFrame& frame) { frame.shape.rows = 5; }},
        {"too many bytes", [](DecodedFrame& frame) { frame.shape.columns = 1; }},
        {"two samples", [](DecodedFrame& frame) { frame.shape.samples = 2; }},
        {"24 bits", [](DecodedFrame& frame) { frame.shape.bits_allocated = 24; }},
        {"no bits stored", [](DecodedFrame& frame) { frame.shape.bits_stored = 0; }},
        {"more bits stored than there are", [](DecodedFrame& frame) { frame.shape.bits_stored = 9; }
        },
        {"a palette that is missing", [](DecodedFrame& f) { f.photometric = "PALETTE COLOR"; }},
        {"colour of one sample", [](DecodedFrame& frame) { frame.photometric = "RGB"; }},
        {"a colour space that nobody knows", [](DecodedFrame& frame) { frame.photometric = "XYZ"; }
        },
        {"bits of floating point", [](DecodedFrame& frame) { frame.floating = true; }},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        DcmDataset attributes;
        const auto raw = bytes({1, 2, 3, 4});
        DecodedFrame frame = frame_of(raw, 2, 2, 1, "MONOCHROME2");
        row.spoil(frame);
        CHECK_FALSE(mapping::render_frame(attributes, frame).has_value());
    }
    RowImage image({1, 2});
    RenderOptions options;
    options.max_width = options.max_height = 32768;
    CHECK(
        mapping::render_frame(image.attributes, image.frame, options).error().code ==
        mapping::Errc::too_large
    );
}
