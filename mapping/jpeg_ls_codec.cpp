// JPEG-LS by the codecs of dcmjpls (PS3.5 8.2.3). Used frame by frame, with just the attributes
// that they look at: nothing is registered with DCMTK.
#include "mapping/frame_codec.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcstack.h>
#include <dcmtk/dcmjpls/djcodecd.h>
#include <dcmtk/dcmjpls/djcodece.h>
#include <dcmtk/dcmjpls/djcparam.h>

#include <cstring>
#include <limits>
#include <memory>
#include <string>

namespace gantry::mapping {

namespace {

constexpr std::uint8_t jpeg_ls_process = 55;

std::unique_ptr<DcmDataset> describe(const FrameShape& shape, std::uint16_t bits)
{
    auto image = std::make_unique<DcmDataset>();
    image->putAndInsertUint16(DCM_Rows, shape.rows);
    image->putAndInsertUint16(DCM_Columns, shape.columns);
    image->putAndInsertUint16(DCM_SamplesPerPixel, shape.samples);
    image->putAndInsertUint16(DCM_PlanarConfiguration, 0);
    image->putAndInsertUint16(DCM_BitsAllocated, bits > 8 ? 16 : 8);
    image->putAndInsertUint16(DCM_BitsStored, bits);
    image->putAndInsertUint16(DCM_HighBit, static_cast<Uint16>(bits - 1));
    image->putAndInsertUint16(DCM_PixelRepresentation, 0);
    image->putAndInsertString(
        DCM_PhotometricInterpretation, shape.samples == 1 ? "MONOCHROME2" : "RGB"
    );
    return image;
}

std::unique_ptr<DcmPixelSequence> fragments_of(ConstBytes codestream)
{
    auto sequence = std::make_unique<DcmPixelSequence>(DCM_PixelSequenceTag);
    sequence->insert(new DcmPixelItem(DCM_PixelItemTag)); // owned by the sequence
    auto* fragment = new DcmPixelItem(DCM_PixelItemTag);  // likewise
    sequence->insert(fragment);
    std::vector<Uint8> even(codestream.size() + codestream.size() % 2);
    std::memcpy(even.data(), codestream.data(), codestream.size());
    fragment->putUint8Array(even.data(), static_cast<unsigned long>(even.size()));
    return sequence;
}

Error failed(const OFCondition& why)
{
    return error(Errc::malformed, std::string("JPEG-LS: ") + why.text());
}

} // namespace

Result<void>
decode_jpeg_ls(ConstBytes codestream, const FrameShape& shape, std::span<std::byte> out)
{
    const auto head = read_jpeg_head(codestream);
    if (!head)
        return head.error();
    if (head->process != jpeg_ls_process || codestream.size() > std::numeric_limits<int>::max())
        return error(Errc::malformed, "no JPEG-LS codestream");
    if (const auto checked = check_jpeg_head(*head, shape); !checked)
        return checked.error();
    const std::size_t each = head->precision > 8 ? 2 : 1;
    const auto image = describe(shape, head->precision);
    const auto sequence = fragments_of(codestream);
    const DJLSCodecParameter parameters(EJLSUC_never, EJLSPC_colorByPixel, OFTrue);
    const DJLSNearLosslessDecoder decoder; // decodes both kinds
    std::vector<std::byte> values(shape.values() * each);
    Uint32 fragment = 1;
    OFString colours;
    const OFCondition decoded = decoder.decodeFrame(
        nullptr,
        sequence.get(),
        &parameters,
        image.get(),
        0,
        fragment,
        values.data(),
        static_cast<Uint32>(values.size()),
        colours
    );
    return decoded.bad() ? Result<void>(failed(decoded)) : store_values(values, each, shape, out);
}

Result<std::vector<std::byte>> encode_jpeg_ls(ConstBytes frame, const FrameShape& shape)
{
    if (shape.bits_allocated != 8 && shape.bits_allocated != 16)
        return error(Errc::unsupported, "JPEG-LS of this many bits");
    const auto image = describe(shape, shape.bits_allocated);
    DcmPixelData element(DCM_PixelData); // only stands for the place
    DcmStack place;
    place.push(image.get());
    place.push(&element);
    std::vector<Uint16> words((frame.size() + 1) / 2);
    std::memcpy(words.data(), frame.data(), frame.size());
    const DJLSCodecParameter parameters(OFFalse, 0, 0, 0, 0, 0, OFFalse, EJLSUC_never);
    const DJLSLosslessEncoder encoder;
    DcmPixelSequence* made = nullptr;
    OFBool removed = OFFalse;
    const OFCondition encoded = encoder.encode(
        words.data(), static_cast<Uint32>(frame.size()), nullptr, made, &parameters, place, removed
    );
    const std::unique_ptr<DcmPixelSequence> owned(made);
    DcmPixelItem* fragment = nullptr;
    Uint8* bytes = nullptr;
    if (encoded.bad() || made == nullptr || made->card() != 2 || made->getItem(fragment, 1).bad() ||
        fragment->getUint8Array(bytes).bad())
        return error(Errc::unsupported, std::string("JPEG-LS: ") + encoded.text());
    const auto* first = reinterpret_cast<const std::byte*>(bytes);
    return std::vector<std::byte>(first, first + fragment->getLength());
}

} // namespace gantry::mapping
