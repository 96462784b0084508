// JPEG 2000 and HTJ2K by OpenJPEG, from memory to memory (PS3.5 8.2.4, 8.2.14). The library holds
// each sample in 32 bits.
#include "mapping/frame_codec.h"
#include "mapping/jpeg_2000_memory.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <openjpeg.h>

namespace gantry::mapping {

namespace {

struct CodecEnd {
    void operator()(opj_codec_t* codec) const noexcept { opj_destroy_codec(codec); }
};

struct ImageEnd {
    void operator()(opj_image_t* image) const noexcept { opj_image_destroy(image); }
};

using OpjCodec = std::unique_ptr<opj_codec_t, CodecEnd>;
using OpjImage = std::unique_ptr<opj_image_t, ImageEnd>;

constexpr int most_resolutions = 6;

/// What the library said. Its first error is kept; warnings are counted.
struct Messages {
    std::string first_error;
    std::size_t warnings = 0;

    void listen(opj_codec_t* codec)
    {
        opj_set_error_handler(
            codec,
            [](const char* text, void* to) {
                auto* messages = static_cast<Messages*>(to);
                if (messages->first_error.empty())
                    messages->first_error = text;
            },
            this
        );
        opj_set_warning_handler(
            codec, [](const char*, void* to) { ++static_cast<Messages*>(to)->warnings; }, this
        );
        opj_set_info_handler(codec, [](const char*, void*) {}, this);
    }

    Error failed(Errc code = Errc::malformed) const
    {
        std::string text = "JPEG 2000: " + first_error;
        while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
            text.pop_back();
        return error(code, std::move(text));
    }
};

/// Before anything is allocated for the pixels. Subsampled components are nothing that DICOM has.
Result<void> check(const opj_image_t& image, const FrameShape& shape)
{
    if (image.numcomps != shape.samples)
        return error(Errc::malformed, "a codestream of another size than its image");
    for (const opj_image_comp_t& component : std::span(image.comps, image.numcomps)) {
        if (component.w != shape.columns || component.h != shape.rows || component.dx != 1 ||
            component.dy != 1)
            return error(Errc::malformed, "a codestream of another size than its image");
        if (component.prec > shape.bits_allocated || component.prec < 1)
            return error(Errc::malformed, "a codestream of other bits than its image");
    }
    return {};
}

Result<void> take(const opj_image_t& image, const FrameShape& shape, std::span<std::byte> out)
{
    const std::size_t wide = shape.bytes_per_value();
    std::size_t sample = 0;
    for (const opj_image_comp_t& component : std::span(image.comps, image.numcomps)) {
        if (component.data == nullptr || component.w != shape.columns || component.h != shape.rows)
            return error(Errc::malformed, "JPEG 2000: a component without its samples");
        std::byte* to = out.data() + sample * wide;
        for (const OPJ_INT32 value : std::span(component.data, shape.pixels())) {
            std::memcpy(to, &value, wide); // little endian, as this machine is
            to += shape.samples * wide;
        }
        ++sample;
    }
    return {};
}

/// Whether the decoder will turn what is coded into RGB (ISO 15444-1 annex G).
bool has_colour_transform(opj_codec_t* codec)
{
    opj_codestream_info_v2_t* info = opj_get_cstr_info(codec);
    const bool transformed = info != nullptr && info->m_default_tile_info.mct != 0;
    opj_destroy_cstr_info(&info);
    return transformed;
}

OPJ_CODEC_FORMAT format_of(ConstBytes codestream)
{
    const bool boxes = codestream.size() > 1 && codestream[0] == std::byte{0};
    return boxes ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K;
}

bool fits(std::span<const std::byte> frame, const FrameShape& shape)
{
    const unsigned unused = shape.bits_allocated - shape.bits_stored;
    const std::size_t wide = shape.bytes_per_value();
    for (std::size_t at = 0; at < frame.size(); at += wide) {
        std::uint32_t value = 0;
        std::memcpy(&value, &frame[at], wide);
        const std::uint32_t top = value << (32U - shape.bits_allocated);
        const auto back =
            shape.is_signed
                ? static_cast<std::uint32_t>(static_cast<std::int32_t>(top << unused) >> unused)
                : top << unused >> unused;
        if (back != top)
            return false;
    }
    return true;
}

OpjImage image_of(std::span<const std::byte> frame, const FrameShape& shape)
{
    std::array<opj_image_cmptparm_t, 3> components{};
    // What uses more bits than it says is kept as well.
    const OPJ_UINT32 bits = fits(frame, shape) ? shape.bits_stored : shape.bits_allocated;
    for (opj_image_cmptparm_t& component : components) {
        component.dx = component.dy = 1;
        component.w = shape.columns;
        component.h = shape.rows;
        component.prec = bits;
        component.sgnd = shape.is_signed ? 1 : 0;
    }
    OpjImage image(opj_image_create(
        shape.samples, components.data(), shape.samples == 3 ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_GRAY
    ));
    if (!image)
        return image;
    image->x1 = shape.columns;
    image->y1 = shape.rows;
    const std::size_t wide = shape.bytes_per_value();
    const unsigned unused = 32U - shape.bits_allocated;
    for (std::size_t i = 0; i < shape.values(); ++i) {
        std::uint32_t value = 0;
        std::memcpy(&value, &frame[i * wide], wide);
        const auto wide_value = static_cast<std::int32_t>(value << unused) >> unused;
        image->comps[i % shape.samples].data[i / shape.samples] =
            shape.is_signed ? wide_value : static_cast<std::int32_t>(value);
    }
    return image;
}

} // namespace

Result<void> decode_jpeg_2000(
    ConstBytes codestream, const FrameShape& shape, Colours colours, std::span<std::byte> out
)
{
    if (shape.bytes_per_value() == 0)
        return error(Errc::unsupported, "JPEG 2000 of this many bits");
    CodestreamSource source{codestream};
    const OpjStream stream = stream_of(source);
    const OpjCodec codec(opj_create_decompress(format_of(codestream)));
    Messages messages;
    messages.listen(codec.get());
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    if (!opj_setup_decoder(codec.get(), &parameters) ||
        !opj_decoder_set_strict_mode(codec.get(), OPJ_TRUE))
        return messages.failed();
    opj_image_t* made = nullptr;
    const bool read = opj_read_header(stream.get(), codec.get(), &made) != OPJ_FALSE;
    const OpjImage image(made);
    if (!read || !image)
        return messages.failed();
    if (const auto checked = check(*image, shape); !checked)
        return checked.error();
    if (colours == Colours::as_coded && has_colour_transform(codec.get()))
        return error(Errc::malformed, "JPEG 2000: transformed colours that the image denies");
    messages.warnings = 0; // of a header: odd, but nothing is missing
    if (!opj_decode(codec.get(), stream.get(), image.get()) || !messages.first_error.empty())
        return messages.failed();
    if (messages.warnings > 0)
        return error(Errc::malformed, "JPEG 2000: its data are not whole");
    return take(*image, shape, out);
}

Result<std::vector<std::byte>>
encode_jpeg_2000(ConstBytes frame, const FrameShape& shape, Colours colours)
{
    if (shape.bits_allocated != 8 && shape.bits_allocated != 16)
        return error(Errc::unsupported, "JPEG 2000 of this many bits");
    opj_cparameters_t parameters;
    opj_set_default_encoder_parameters(&parameters);
    parameters.tcp_numlayers = 1;
    parameters.cp_disto_alloc = 1;
    parameters.irreversible = 0;
    parameters.tcp_mct = shape.samples == 3 && colours == Colours::to_rgb ? 1 : 0; // YBR_RCT
    parameters.numresolution = 1;
    while (parameters.numresolution < most_resolutions &&
           (std::min(shape.rows, shape.columns) >> parameters.numresolution) > 0)
        ++parameters.numresolution;
    const OpjImage image = image_of(frame, shape);
    const OpjCodec codec(opj_create_compress(OPJ_CODEC_J2K));
    Messages messages;
    messages.listen(codec.get());
    CodestreamSink sink;
    const OpjStream stream = stream_to(sink);
    if (!image || !opj_setup_encoder(codec.get(), &parameters, image.get()) ||
        !opj_start_compress(codec.get(), image.get(), stream.get()) ||
        !opj_encode(codec.get(), stream.get()) || !opj_end_compress(codec.get(), stream.get()))
        return messages.failed(Errc::unsupported);
    return std::move(sink.bytes);
}

} // namespace gantry::mapping
