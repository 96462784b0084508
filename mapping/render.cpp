// The work is DCMTK's dcmimgle and dcmimage, given one frame and only those attributes that say how
// it is shown.
#include "mapping/render.h"

#include "mapping/frame_look.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmimage/diregist.h> // colour images: registered by their mere presence
#include <dcmtk/dcmimgle/dcmimage.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>

namespace gantry::mapping {

namespace {

constexpr std::uint64_t most_pixels = 100'000'000;

// Of DicomImage::createScaledImage(): means over areas, and bilinear.
constexpr int area = 1;
constexpr int bilinear = 3;

struct Size {
    std::uint32_t width = 0;
    std::uint32_t height = 0;

    friend bool operator==(const Size&, const Size&) = default;
};

struct Crop {
    std::uint32_t left = 0;
    std::uint32_t top = 0;
    Size size;
    bool mirrored = false;
    bool upside_down = false;
};

/// Native pixels of YBR_FULL_422 share their colours by twos (PS3.3 C.7.6.3.1.2).
bool is_subsampled(const DecodedFrame& frame)
{
    return frame.photometric == "YBR_FULL_422" || frame.photometric == "YBR_PARTIAL_422";
}

std::size_t bytes_expected(const DecodedFrame& frame)
{
    const FrameShape& shape = frame.shape;
    return is_subsampled(frame) ? shape.pixels() * 2 * shape.bytes_per_value() : shape.bytes();
}

Result<void> check(const DecodedFrame& frame)
{
    const FrameShape& shape = frame.shape;
    const std::uint16_t bits = shape.bits_allocated;
    if (shape.rows == 0 || shape.columns == 0)
        return error(Errc::malformed, "an image without rows or columns");
    if (shape.pixels() > most_pixels)
        return error(Errc::too_large, "an image of more pixels than are rendered");
    const bool floats = frame.floating && shape.samples == 1 && (bits == 32 || bits == 64);
    const bool integers = !frame.floating && (bits == 1 || bits == 8 || bits == 16 || bits == 32);
    if (!floats && !integers)
        return error(Errc::unsupported, "rendering such Bits Allocated");
    if (shape.samples != 1 && (shape.samples != 3 || bits == 1 || bits == 32))
        return error(Errc::unsupported, "rendering such samples for each pixel");
    if (!floats && (shape.bits_stored == 0 || shape.bits_stored > bits))
        return error(Errc::malformed, "Bits Stored that Bits Allocated do not hold");
    if (is_subsampled(frame) && (shape.columns % 2 != 0 || shape.samples != 3))
        return error(Errc::malformed, "colours shared by twos in odd rows");
    if (frame.bytes.size() != bytes_expected(frame))
        return error(Errc::malformed, "a frame of another size than its image");
    return {};
}

/// In its pixels, within the image.
Result<Crop> crop_of(const FrameShape& shape, const RenderOptions& options)
{
    const double columns = shape.columns;
    const double rows = shape.rows;
    double left = 0;
    double top = 0;
    double right = columns;
    double bottom = rows;
    Crop crop;
    if (options.pixels) {
        const PixelRegion& region = *options.pixels;
        left = region.left;
        top = region.top;
        crop.mirrored = region.width.value_or(1) < 0;
        crop.upside_down = region.height.value_or(1) < 0;
        right = region.width ? left + std::abs(*region.width) : columns;
        bottom = region.height ? top + std::abs(*region.height) : rows;
    } else if (options.fraction) {
        left = options.fraction->left * columns;
        top = options.fraction->top * rows;
        right = options.fraction->right * columns;
        bottom = options.fraction->bottom * rows;
    }
    left = std::clamp(std::round(left), 0.0, columns);
    top = std::clamp(std::round(top), 0.0, rows);
    right = std::clamp(std::round(right), 0.0, columns);
    bottom = std::clamp(std::round(bottom), 0.0, rows);
    if (!(left < right) || !(top < bottom))
        return error(Errc::malformed, "a region without pixels");
    crop.left = static_cast<std::uint32_t>(left);
    crop.top = static_cast<std::uint32_t>(top);
    crop.size = {
        static_cast<std::uint32_t>(right - left), static_cast<std::uint32_t>(bottom - top)
    };
    return crop;
}

/// As large as it goes into the viewport with its aspect (PS3.18 8.3.5.1.3).
Size fitted(Size size, const RenderOptions& options)
{
    if (options.max_width == 0 || options.max_height == 0)
        return size;
    const double scale = std::min(
        static_cast<double>(options.max_width) / size.width,
        static_cast<double>(options.max_height) / size.height
    );
    const auto scaled = [scale](std::uint32_t side, std::uint32_t most) {
        const auto rounded = static_cast<std::uint32_t>(std::lround(scale * side));
        return std::clamp(rounded, 1U, most);
    };
    return {scaled(size.width, options.max_width), scaled(size.height, options.max_height)};
}

/// Floating point values as 16 bits over their range, and what they meant.
template <class Float>
std::vector<std::uint16_t> quantised(ConstBytes bytes, Rescale& rescale)
{
    std::vector<Float> values(bytes.size() / sizeof(Float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(Float));
    double least = 0;
    double most = 0;
    bool any = false;
    for (const Float value : values) {
        if (!std::isfinite(value))
            continue;
        least = any ? std::min<double>(least, value) : value;
        most = any ? std::max<double>(most, value) : value;
        any = true;
    }
    const double range = most / 65535 - least / 65535; // may be more than a double holds, undivided
    rescale = {range > 0 ? range : 1, least};
    std::vector<std::uint16_t> out(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double step = (static_cast<double>(values[i]) - least) / rescale.slope;
        out[i] = step > 0 ? static_cast<std::uint16_t>(std::lround(std::min(step, 65535.0))) : 0;
    }
    return out; // what is no number shows as the least
}

Result<void> put_pixels(DcmDataset& flat, const FrameShape& shape, ConstBytes bytes)
{
    static_assert(std::endian::native == std::endian::little);
    OFCondition put;
    if (shape.bits_allocated <= 8) {
        const auto* values = reinterpret_cast<const Uint8*>(bytes.data());
        put = flat.putAndInsertUint8Array(DCM_PixelData, values, bytes.size());
    } else {
        std::vector<Uint16> words(bytes.size() / 2);
        std::memcpy(words.data(), bytes.data(), bytes.size());
        put = flat.putAndInsertUint16Array(DCM_PixelData, words.data(), words.size());
    }
    return put.good() ? Result<void>() : error(Errc::malformed, put.text());
}

bool show_through(DicomImage& image, const VoiWindow& asked, const Rescale& rescale)
{
    VoiWindow window = over_stored_values(asked, rescale);
    const bool sigmoid = window.function == VoiFunction::sigmoid;
    if (!sigmoid) { // the library knows LINEAR only
        window.center += 0.5;
        window.width += 1;
    }
    return image.setVoiLutFunction(sigmoid ? EFV_Sigmoid : EFV_Linear) != 0 &&
           image.setWindow(window.center, window.width) != 0;
}

/// PS3.3 C.11.2: what was asked for, else what it says of itself, else the range of its values.
void choose_values(DicomImage& image, const FrameLook& look, const RenderOptions& options)
{
    if (image.isMonochrome() == 0)
        return;
    const bool rescaled_there = look.voi_lut && !look.window;
    const Rescale rescale = rescaled_there ? Rescale{} : look.rescale;
    if (rescale.slope < 0)
        (void)image.setPolarity(EPP_Reverse);
    const auto& window = options.window ? options.window : look.window;
    if (window && is_usable(*window) && show_through(image, *window, rescale))
        return;
    if (look.voi_lut && image.setVoiLut(0) != 0)
        return;
    if (image.setMinMaxWindow(0) == 0)
        (void)image.setNoVoiTransformation();
}

using Image = std::unique_ptr<DicomImage>;

bool is_good(const Image& image)
{
    return image != nullptr && image->getStatus() == EIS_Normal;
}

Error broken(const Image& image)
{
    return error(
        Errc::malformed, image ? DicomImage::getString(image->getStatus()) : "rendering failed"
    );
}

/// Values stay as deep as they are: they are made visible afterwards.
Result<void> arrange(Image& image, const Crop& crop, const RenderOptions& options)
{
    if (crop.size != Size{
                         static_cast<std::uint32_t>(image->getWidth()),
                         static_cast<std::uint32_t>(image->getHeight())
                     }) {
        const auto left = static_cast<signed long>(crop.left);
        const auto top = static_cast<signed long>(crop.top);
        image.reset(image->createClippedImage(left, top, crop.size.width, crop.size.height));
        if (!is_good(image))
            return broken(image);
    }
    const Size size = fitted(crop.size, options);
    if (size != crop.size) {
        const bool larger = size.width > crop.size.width;
        const int how = larger ? bilinear : area;
        const auto width = static_cast<unsigned long>(size.width);
        image.reset(image->createScaledImage(width, size.height, how));
        if (!is_good(image))
            return broken(image);
    }
    if (crop.mirrored || crop.upside_down)
        (void)image->flipImage(crop.mirrored ? 1 : 0, crop.upside_down ? 1 : 0);
    return {};
}

Result<Picture> take(DicomImage& image)
{
    Picture picture;
    picture.width = static_cast<std::uint32_t>(image.getWidth());
    picture.height = static_cast<std::uint32_t>(image.getHeight());
    picture.samples = image.isMonochrome() != 0 ? 1 : 3;
    const std::size_t size = std::size_t{picture.width} * picture.height * picture.samples;
    const unsigned long made = image.getOutputDataSize(8);
    const void* values = image.getOutputData(8);
    if (values == nullptr || made < size)
        return error(Errc::malformed, "rendering failed");
    const auto* first = static_cast<const std::byte*>(values);
    picture.values.assign(first, first + size);
    return picture;
}

} // namespace

Result<void> check_options(const FrameShape& shape, const RenderOptions& options)
{
    const auto crop = crop_of(shape, options);
    if (!crop)
        return crop.error();
    const Size size = fitted(crop->size, options);
    if (std::uint64_t{size.width} * size.height > most_pixels)
        return error(Errc::too_large, "a picture of more pixels than are made");
    return {};
}

Result<Picture>
render_frame(DcmItem& attributes, const DecodedFrame& given, const RenderOptions& options)
{
    DecodedFrame frame = given;
    OFString photometric;
    (void)attributes.findAndGetOFString(DCM_PhotometricInterpretation, photometric);
    if (frame.photometric.empty())
        frame.photometric = {photometric.c_str(), photometric.size()};
    if (const auto checked = check(frame); !checked)
        return checked.error();
    if (const auto checked = check_options(frame.shape, options); !checked)
        return checked.error();
    const auto crop = crop_of(frame.shape, options);
    if (!crop)
        return crop.error();

    FrameLook look = read_frame_look(attributes, frame.number);
    std::vector<std::uint16_t> integers;
    if (frame.floating) {
        const bool wide = frame.shape.bits_allocated == 64;
        integers = wide ? quantised<double>(frame.bytes, look.rescale)
                        : quantised<float>(frame.bytes, look.rescale);
        frame.bytes = std::as_bytes(std::span(integers));
        frame.shape.bits_allocated = frame.shape.bits_stored = 16;
        frame.shape.is_signed = false;
        look.modality_lut = look.voi_lut = false;
    }
    DcmDataset flat;
    if (const auto made = flatten(attributes, frame, look, flat); !made)
        return made.error();
    if (const auto put = put_pixels(flat, frame.shape, frame.bytes); !put)
        return put.error();
    auto image = std::make_unique<DicomImage>(&flat, EXS_LittleEndianExplicit);
    if (!is_good(image))
        return broken(image);
    choose_values(*image, look, options);
    if (const auto arranged = arrange(image, *crop, options); !arranged)
        return arranged.error();
    return take(*image);
}

} // namespace gantry::mapping
