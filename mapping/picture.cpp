// JPEG by libjpeg-turbo, PNG by libpng.
#include "mapping/picture.h"

#include <cstdlib>
#include <memory>
#include <png.h>
#include <string>
#include <turbojpeg.h>

namespace gantry::mapping {

namespace {

constexpr std::uint32_t longest_side = 65500; // libjpeg's JPEG_MAX_DIMENSION
constexpr unsigned fine_quality = 90;

struct CompressorEnd {
    void operator()(void* handle) const noexcept { (void)tjDestroy(handle); }
};

struct TurboEnd {
    void operator()(unsigned char* bytes) const noexcept { tjFree(bytes); }
};

Result<void> check(const Picture& picture)
{
    const std::size_t size = std::size_t{picture.width} * picture.height * picture.samples;
    if (size == 0 || (picture.samples != 1 && picture.samples != 3) ||
        picture.values.size() != size)
        return error(Errc::malformed, "a picture of another size than it says");
    return {};
}

const unsigned char* values_of(const Picture& picture)
{
    return reinterpret_cast<const unsigned char*>(picture.values.data());
}

} // namespace

Result<std::vector<std::byte>> encode_jpeg(const Picture& picture, unsigned quality)
{
    if (const auto checked = check(picture); !checked)
        return checked.error();
    if (picture.width > longest_side || picture.height > longest_side)
        return error(Errc::unsupported, "a JPEG of that size");
    const std::unique_ptr<void, CompressorEnd> compressor(tjInitCompress());
    if (compressor == nullptr)
        return error(Errc::unsupported, "JPEG: no compressor");
    const bool grey = picture.samples == 1;
    const int fine = quality >= fine_quality ? TJSAMP_444 : TJSAMP_420;
    unsigned char* made = nullptr;
    unsigned long size = 0;
    const int failed = tjCompress2(
        compressor.get(),
        values_of(picture),
        static_cast<int>(picture.width),
        0,
        static_cast<int>(picture.height),
        grey ? TJPF_GRAY : TJPF_RGB,
        &made,
        &size,
        grey ? static_cast<int>(TJSAMP_GRAY) : fine,
        static_cast<int>(quality),
        TJFLAG_ACCURATEDCT
    );
    const std::unique_ptr<unsigned char, TurboEnd> kept(made);
    if (failed != 0)
        return error(Errc::unsupported, std::string("JPEG: ") + tjGetErrorStr2(compressor.get()));
    const auto* first = reinterpret_cast<const std::byte*>(made);
    return std::vector<std::byte>(first, first + size);
}

Result<std::vector<std::byte>> encode_png(const Picture& picture)
{
    if (const auto checked = check(picture); !checked)
        return checked.error();
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = picture.width;
    image.height = picture.height;
    image.format = picture.samples == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    image.flags = PNG_IMAGE_FLAG_FAST;
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    std::vector<std::byte> out(size);
    const unsigned char* values = values_of(picture);
    const int written = png_image_write_to_memory(&image, out.data(), &size, 0, values, 0, nullptr);
    const std::string why = image.message;
    png_image_free(&image);
    if (written == 0)
        return error(Errc::unsupported, "PNG: " + why);
    out.resize(size);
    return out;
}

} // namespace gantry::mapping
