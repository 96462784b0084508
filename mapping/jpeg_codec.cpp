// JPEG by the decoders and encoders of dcmjpeg, which know 12 and 16 bits and the lossless
// processes (PS3.5 8.2.1). Used frame by frame: nothing is registered with DCMTK.
#include "mapping/frame_codec.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmjpeg/djcparam.h>
#include <dcmtk/dcmjpeg/djdijg12.h>
#include <dcmtk/dcmjpeg/djdijg16.h>
#include <dcmtk/dcmjpeg/djdijg8.h>
#include <dcmtk/dcmjpeg/djeijg16.h>
#include <dcmtk/dcmjpeg/djeijg8.h>

#include <limits>
#include <memory>
#include <utility>

namespace gantry::mapping {

namespace {

constexpr std::uint8_t marker = 0xff;
constexpr std::uint8_t lossless_process = 3;
constexpr std::uint8_t jpeg_ls_process = 55;

std::uint8_t byte_at(ConstBytes bytes, std::size_t at)
{
    return std::to_integer<std::uint8_t>(bytes[at]);
}

std::uint16_t number_at(ConstBytes bytes, std::size_t at)
{
    return static_cast<std::uint16_t>(byte_at(bytes, at) << 8U | byte_at(bytes, at + 1));
}

/// SOF0 to SOF15 without DHT, JPG and DAC; SOF55 is JPEG-LS.
bool is_frame_header(std::uint8_t code)
{
    return (code >= 0xc0 && code <= 0xcf && code != 0xc4 && code != 0xc8 && code != 0xcc) ||
           code == 0xf7;
}

/// Ends with EOI, and padding at the most: zeros, or ones as some write them.
bool has_end(ConstBytes codestream)
{
    std::size_t end = codestream.size();
    while (end > 2 && (byte_at(codestream, end - 1) == 0 || byte_at(codestream, end - 1) == marker))
        --end;
    return end >= 2 && number_at(codestream, end - 2) == 0xffd9;
}

const DJCodecParameter& parameters()
{
    static const DJCodecParameter made(
        ECC_lossyRGB, EDC_photometricInterpretation, EUC_never, EPC_colorByPixel
    );
    return made;
}

/// The codestream as the decoder likes it: without comments and application data, which say nothing
/// that the data set does not, and with the scan parameters of a sequential process, which some
/// encoders leave at zero (ISO 10918-1 B.2.3). What it warns of then is missing data.
std::vector<Uint8> tidied(ConstBytes codestream, bool sequential)
{
    std::vector<Uint8> out;
    out.reserve(codestream.size());
    const auto copy = [&](std::size_t from, std::size_t size) {
        const auto* first = reinterpret_cast<const Uint8*>(codestream.data()) + from;
        out.insert(out.end(), first, first + size);
    };
    copy(0, 2);
    std::size_t at = 2;
    // read_jpeg_head() has been here
    while (at + 4 <= codestream.size() && byte_at(codestream, at) == marker) {
        const std::uint8_t code = byte_at(codestream, at + 1);
        if (code == marker) { // fill
            ++at;
            continue;
        }
        const std::size_t size = 2U + number_at(codestream, at + 2);
        if (size > codestream.size() - at)
            break;
        const bool says_nothing = (code >= 0xe0 && code <= 0xef) || code == 0xfe;
        if (!says_nothing)
            copy(at, size);
        at += size;
        if (code != 0xda) // SOS
            continue;
        if (sequential && size >= 8) {
            out[out.size() - 3] = 0;
            out[out.size() - 2] = 63;
            out[out.size() - 1] = 0;
        }
        break;
    }
    copy(at, codestream.size() - at);
    return out;
}

/// A decoder that remembers that it was warned: where data are missing or broken, the library goes
/// on with grey.
template <class Decoder>
class Watched final : public Decoder {
public:
    using Decoder::Decoder;

    void emitMessage(int level) const override { warned_ = warned_ || level < 0; }

    bool warned() const { return warned_; }

private:
    mutable bool warned_ = false;
};

template <class Decoder>
Result<void> decode_by(std::span<Uint8> codestream, Colours colours, std::span<std::byte> values)
{
    Watched<Decoder> decoder(parameters(), colours == Colours::to_rgb ? OFTrue : OFFalse);
    if (decoder.init().bad())
        return error(Errc::malformed, "JPEG");
    const OFCondition decoded = decoder.decode(
        codestream.data(),
        static_cast<Uint32>(codestream.size()),
        reinterpret_cast<Uint8*>(values.data()),
        static_cast<Uint32>(values.size()),
        OFFalse
    );
    if (decoded.bad())
        return error(Errc::malformed, std::string("JPEG: ") + decoded.text());
    if (decoder.warned())
        return error(Errc::malformed, "JPEG: its data are not whole");
    return {};
}

template <class Encoder, class Value>
Result<std::vector<std::byte>> encode_by(ConstBytes frame, const FrameShape& shape)
{
    Encoder encoder(parameters(), EJM_lossless, 1, 0); // SV1: the value to the left (PS3.5 8.2.1)
    Uint8* made = nullptr;
    Uint32 size = 0;
    std::vector<Value> values(shape.values());
    std::memcpy(values.data(), frame.data(), frame.size());
    const OFCondition encoded = encoder.encode(
        shape.columns,
        shape.rows,
        shape.samples == 1 ? EPI_Monochrome2 : EPI_RGB,
        shape.samples,
        values.data(),
        made,
        size
    );
    const std::unique_ptr<Uint8[]> owned(made);
    if (encoded.bad() || made == nullptr)
        return error(Errc::unsupported, std::string("JPEG lossless: ") + encoded.text());
    const auto* bytes = reinterpret_cast<const std::byte*>(made);
    return std::vector<std::byte>(bytes, bytes + size);
}

} // namespace

Result<JpegHead> read_jpeg_head(ConstBytes codestream)
{
    if (codestream.size() < 4 || number_at(codestream, 0) != 0xffd8)
        return error(Errc::malformed, "no JPEG codestream");
    if (!has_end(codestream))
        return error(Errc::malformed, "a JPEG codestream without its end");
    for (std::size_t at = 2; at + 4 <= codestream.size();) {
        if (byte_at(codestream, at) != marker)
            break;
        const std::uint8_t code = byte_at(codestream, at + 1);
        if (code == marker) { // fill
            ++at;
            continue;
        }
        const std::size_t length = number_at(codestream, at + 2);
        if (length < 2 || length > codestream.size() - at - 2)
            break;
        if (is_frame_header(code)) {
            if (length < 8)
                break;
            return JpegHead{
                code == 0xf7 ? jpeg_ls_process : static_cast<std::uint8_t>(code - 0xc0),
                byte_at(codestream, at + 4),
                number_at(codestream, at + 5),
                number_at(codestream, at + 7),
                byte_at(codestream, at + 9)
            };
        }
        at += 2 + length;
    }
    return error(Errc::malformed, "a JPEG codestream without its frame header");
}

Result<void> check_jpeg_head(const JpegHead& head, const FrameShape& shape)
{
    if (head.rows != shape.rows || head.columns != shape.columns ||
        head.components != shape.samples)
        return error(Errc::malformed, "a codestream of another size than its image");
    if (head.precision < 2 || head.precision > 16 || head.precision > shape.bits_allocated)
        return error(Errc::malformed, "a codestream of other bits than its image");
    return {};
}

Result<void> decode_jpeg(
    ConstBytes codestream, const FrameShape& shape, Colours colours, std::span<std::byte> out
)
{
    const auto head = read_jpeg_head(codestream);
    if (!head)
        return head.error();
    if (head->process > lossless_process || codestream.size() > std::numeric_limits<int>::max())
        return error(Errc::unsupported, "this JPEG process");
    if (const auto checked = check_jpeg_head(*head, shape); !checked)
        return checked.error();
    const std::size_t each = head->precision > 8 ? 2 : 1;
    std::vector<std::byte> values(shape.values() * each);
    std::vector<Uint8> tidy = tidied(codestream, head->process < 2);
    const auto decoded = each == 1 ? decode_by<DJDecompressIJG8Bit>(tidy, colours, values)
                         : head->precision <= 12
                             ? decode_by<DJDecompressIJG12Bit>(tidy, colours, values)
                             : decode_by<DJDecompressIJG16Bit>(tidy, colours, values);
    return decoded ? store_values(values, each, shape, out) : decoded;
}

Result<std::vector<std::byte>> encode_jpeg_lossless(ConstBytes frame, const FrameShape& shape)
{
    if (shape.bits_allocated == 8)
        return encode_by<DJCompressIJG8Bit, Uint8>(frame, shape);
    if (shape.bits_allocated == 16)
        return encode_by<DJCompressIJG16Bit, Uint16>(frame, shape);
    return error(Errc::unsupported, "JPEG lossless of this many bits");
}

} // namespace gantry::mapping
