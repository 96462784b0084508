#include "mapping/picture.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <gif_lib.h>
#include <memory>
#include <png.h>
#include <turbojpeg.h>

#include "render_support.h"

using namespace gantry;
using namespace gantry::tests;
using mapping::Picture;

namespace {

/// A smooth one: JPEG keeps it near.
Picture smooth(unsigned samples)
{
    Picture picture{48, 32, samples, {}};
    for (unsigned y = 0; y < picture.height; ++y)
        for (unsigned x = 0; x < picture.width; ++x)
            for (unsigned sample = 0; sample < samples; ++sample)
                picture.values.push_back(static_cast<std::byte>(
                    (x * (sample == 0 ? 4 : 2) + y * (sample == 1 ? 4 : 1)) & 0xffU
                ));
    return picture;
}

Picture png_decoded(const std::vector<std::byte>& bytes, unsigned samples)
{
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    REQUIRE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0);
    CHECK(image.format == (samples == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB));
    Picture picture{image.width, image.height, samples, {}};
    picture.values.resize(PNG_IMAGE_SIZE(image));
    REQUIRE(png_image_finish_read(&image, nullptr, picture.values.data(), 0, nullptr) != 0);
    return picture;
}

Picture jpeg_decoded(const std::vector<std::byte>& bytes, unsigned samples)
{
    const std::unique_ptr<void, int (*)(void*)> decoder(tjInitDecompress(), tjDestroy);
    const auto* first = reinterpret_cast<const unsigned char*>(bytes.data());
    int width = 0;
    int height = 0;
    int sampling = 0;
    int space = 0;
    REQUIRE(
        tjDecompressHeader3(
            decoder.get(), first, bytes.size(), &width, &height, &sampling, &space
        ) == 0
    );
    CHECK((space == TJCS_GRAY) == (samples == 1));
    Picture picture{static_cast<unsigned>(width), static_cast<unsigned>(height), samples, {}};
    picture.values.resize(std::size_t{picture.width} * picture.height * samples);
    auto* into = reinterpret_cast<unsigned char*>(picture.values.data());
    const int format = samples == 1 ? TJPF_GRAY : TJPF_RGB;
    const int read =
        tjDecompress2(decoder.get(), first, bytes.size(), into, width, 0, height, format, 0);
    REQUIRE(read == 0);
    return picture;
}

struct GifEnd {
    void operator()(GifFileType* file) const noexcept { (void)DGifCloseFile(file, nullptr); }
};

using Gif = std::unique_ptr<GifFileType, GifEnd>;

struct Source {
    const std::vector<std::byte>& bytes;
    std::size_t at = 0;
};

int read_some(GifFileType* file, GifByteType* into, int count)
{
    auto& source = *static_cast<Source*>(file->UserData);
    const std::size_t size = std::min(source.bytes.size() - source.at, std::size_t(count));
    std::memcpy(into, source.bytes.data() + source.at, size);
    source.at += size;
    return static_cast<int>(size);
}

/// One picture of a GIF, as colours.
std::vector<std::byte> colours_of(const SavedImage& image)
{
    std::vector<std::byte> out;
    const int pixels = image.ImageDesc.Width * image.ImageDesc.Height;
    for (int i = 0; i < pixels; ++i) {
        const GifColorType& colour = image.ImageDesc.ColorMap->Colors[image.RasterBits[i]];
        for (const GifByteType value : {colour.Red, colour.Green, colour.Blue})
            out.push_back(static_cast<std::byte>(value));
    }
    return out;
}

std::vector<std::byte> as_colours(const Picture& picture)
{
    if (picture.samples == 3)
        return picture.values;
    std::vector<std::byte> out;
    for (const std::byte value : picture.values)
        out.insert(out.end(), 3, value);
    return out;
}

} // namespace

TEST_CASE("PNG keeps every value")
{
    for (const unsigned samples : {1U, 3U}) {
        const Picture picture = smooth(samples);
        const auto made = mapping::encode_png(picture);
        REQUIRE(made.has_value());
        const Picture read = png_decoded(*made, samples);
        CHECK(read.width == picture.width);
        CHECK(read.values == picture.values);
    }
}

TEST_CASE("JPEG keeps values near and nearer with more quality")
{
    for (const unsigned samples : {1U, 3U}) {
        const Picture picture = smooth(samples);
        std::size_t smaller = 0;
        for (const auto& [quality, apart] : {std::pair{30U, 60}, {90U, 12}, {100U, 4}}) {
            CAPTURE(quality);
            const auto made = mapping::encode_jpeg(picture, quality);
            REQUIRE(made.has_value());
            CHECK(difference(jpeg_decoded(*made, samples).values, picture.values) <= apart);
            CHECK(made->size() > smaller);
            smaller = made->size();
        }
    }
}

TEST_CASE("GIF keeps grey and few colours and comes near to many and moves")
{
    Picture many = smooth(3);
    for (std::size_t i = 0; i < many.values.size(); ++i)
        many.values[i] = static_cast<std::byte>(i * 37 % 251);
    Picture few = smooth(3);
    for (std::byte& value : few.values)
        value &= std::byte{0xc0};

    struct Row {
        const char* says;
        Picture picture;
        int apart;
    };

    const Row rows[] = {
        {"grey", smooth(1), 0}, {"few colours", few, 0}, {"many colours", many, 80}
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        mapping::GifEncoder encoder(7, true);
        std::vector<std::byte> bytes;
        for (int i = 0; i < 3; ++i) {
            const auto made = encoder.add(row.picture);
            REQUIRE(made.has_value());
            bytes.insert(bytes.end(), made->begin(), made->end());
        }
        const auto end = encoder.finish();
        REQUIRE(end.has_value());
        bytes.insert(bytes.end(), end->begin(), end->end());
        Source source{bytes};
        const Gif gif(DGifOpen(&source, read_some, nullptr));
        REQUIRE(gif != nullptr);
        REQUIRE(DGifSlurp(gif.get()) == GIF_OK);
        REQUIRE(gif->ImageCount == 3);
        for (int i = 0; i < gif->ImageCount; ++i) {
            CHECK(
                difference(colours_of(gif->SavedImages[i]), as_colours(row.picture)) <= row.apart
            );
            GraphicsControlBlock control{};
            REQUIRE(DGifSavedExtensionToGCB(gif.get(), i, &control) == GIF_OK);
            CHECK(control.DelayTime == 7);
        }
    }
}

TEST_CASE("a picture of another size than it says is refused")
{
    Picture picture = smooth(3);
    picture.values.pop_back();
    CHECK_FALSE(mapping::encode_png(picture).has_value());
    CHECK_FALSE(mapping::encode_jpeg(picture, 90).has_value());
    CHECK_FALSE(mapping::GifEncoder(0, false).add(picture).has_value());
    mapping::GifEncoder encoder(0, true);
    CHECK(encoder.add(smooth(1)).has_value());
    Picture other = smooth(1);
    other.height = 16;
    other.values.resize(std::size_t{48} * 16);
    CHECK_FALSE(encoder.add(other).has_value());
}

TEST_CASE("a GIF without pictures has no end")
{
    CHECK_FALSE(mapping::GifEncoder(0, false).finish().has_value());
}
