#include "gateway/faces/web_store_value.h"

#include "gateway/error.h"
#include "mapping/codestream_head.h"
#include "mapping/vocabulary/dimse_status.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>

#include <algorithm>
#include <array>

namespace gantry::faces {

namespace {

using mapping::CodestreamHead;
using Parts = std::vector<const BulkPart*>;

constexpr std::size_t piece_size = std::size_t{256} << 10U;

struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

MadeValue failed(std::uint16_t reason)
{
    MadeValue out;
    out.failure = reason;
    return out;
}

/// Gives the bytes of the file that are at `extents`.
mapping::SuppliedValue
value_at(std::shared_ptr<const ScratchFile> file, std::vector<Extent> extents)
{
    mapping::SuppliedValue out;
    for (const Extent& extent : extents)
        out.pieces.push_back(extent.length);
    out.give = [file = std::move(file), extents = std::move(extents)](
                   std::size_t piece, const mapping::SuppliedValue::Take& take
               ) -> Result<void> {
        std::vector<std::byte> buffer(piece_size);
        auto [at, left] = extents.at(piece);
        while (left != 0) {
            const auto want = std::min<std::uint64_t>(left, buffer.size());
            const auto got = file->read(at, std::span(buffer).first(want));
            if (!got)
                return got.error();
            if (*got == 0)
                return error(Errc::disk, "a scratch file became shorter");
            if (const auto taken = take(ConstBytes(buffer).first(*got)); !taken)
                return taken;
            at += *got;
            left -= *got;
        }
        return {};
    };
    return out;
}

std::vector<Extent> extents_of(const Parts& parts)
{
    std::vector<Extent> out;
    for (const BulkPart* part : parts)
        out.push_back({part->offset, part->length});
    return out;
}

std::uint32_t frames_of(DcmDataset& data_set)
{
    Sint32 frames = 1;
    if (data_set.findAndGetSint32(DCM_NumberOfFrames, frames).bad() || frames < 1)
        frames = 1;
    return static_cast<std::uint32_t>(frames);
}

/// The syntax of a media type that stands for one alone (PS3.18 table 8.7.3-4); empty: its bytes
/// say it. Nothing: none that is taken.
std::optional<std::string_view> syntax_of_type(const std::string& essence)
{
    struct Row {
        std::string_view type;
        std::string_view syntax;
    };

    constexpr Row rows[] = {
        {"image/jpeg", {}},
        {"image/jls", {}},
        {"image/x-jls", {}},
        {"image/jp2", {}},
        {"image/jpx", {}},
        {"image/j2c", {}},
        {"image/jph", {}},
        {"image/jphc", {}},
        {"image/dicom-rle", "1.2.840.10008.1.2.5"},
        {"image/x-dicom-rle", "1.2.840.10008.1.2.5"},
        {"image/jxl", "1.2.840.10008.1.2.4.112"},
        {"video/mpeg", "1.2.840.10008.1.2.4.100"},
        {"video/mpeg2", "1.2.840.10008.1.2.4.100"},
        {"video/mp4", "1.2.840.10008.1.2.4.102"},
        {"video/h265", "1.2.840.10008.1.2.4.107"},
    };
    const auto* const found = std::ranges::find(rows, essence, &Row::type);
    if (found == std::ranges::end(rows))
        return std::nullopt;
    return found->syntax;
}

/// Adds what the data set leaves out; false where it says something else.
bool describe(DcmDataset& data_set, const CodestreamHead& head)
{
    const auto agrees = [&](const DcmTagKey& tag, std::uint16_t value) {
        Uint16 said = 0;
        if (data_set.findAndGetUint16(tag, said).good())
            return said == value;
        (void)data_set.putAndInsertUint16(tag, value);
        return true;
    };
    const auto add = [&](const DcmTagKey& tag, std::uint16_t value) {
        if (!data_set.tagExistsWithValue(tag))
            (void)data_set.putAndInsertUint16(tag, value);
    };
    if (!agrees(DCM_Rows, head.rows) || !agrees(DCM_Columns, head.columns) ||
        !agrees(DCM_SamplesPerPixel, head.samples))
        return false;
    if (!data_set.tagExistsWithValue(DCM_PhotometricInterpretation))
        (void)data_set.putAndInsertString(
            DCM_PhotometricInterpretation, std::string(head.photometric).c_str()
        );
    if (head.samples > 1) // PS3.5 8.2: compressed colour is by pixel
        add(DCM_PlanarConfiguration, 0);
    add(DCM_BitsAllocated, head.bits <= 8 ? 8 : 16);
    add(DCM_BitsStored, head.bits);
    add(DCM_HighBit, static_cast<std::uint16_t>(head.bits - 1));
    add(DCM_PixelRepresentation, head.has_sign ? 1 : 0);
    return true;
}

/// Frames whose codestreams say how they are compressed.
MadeValue from_codestreams(
    const std::shared_ptr<const ScratchFile>& file, const Parts& parts, DcmDataset& into
)
{
    std::vector<Extent> extents = extents_of(parts);
    std::string syntax;
    std::vector<std::byte> first(mapping::codestream_head_size);
    for (Extent& extent : extents) {
        const auto size = std::min<std::uint64_t>(first.size(), extent.length);
        const auto got = file->read(extent.offset, std::span(first).first(size));
        if (!got)
            return failed(status::out_of_resources);
        const auto head = mapping::read_codestream_head(ConstBytes(first).first(*got));
        if (!head)
            return failed(
                head.error().code == make_error_code(mapping::Errc::unsupported)
                    ? status::syntax_not_supported
                    : status::cannot_understand
            );
        const std::uint64_t rest = extent.length - std::min(head->offset, extent.length);
        if (head->size > rest)
            return failed(status::cannot_understand);
        extent = {extent.offset + head->offset, head->size == 0 ? rest : head->size};
        if (!describe(into, *head))
            return failed(status::data_set_mismatch);
        // One frame that may have lost something makes the whole so.
        if (syntax.empty() || head->transfer_syntax > syntax)
            syntax = head->transfer_syntax;
    }
    MadeValue out{value_at(file, std::move(extents)), syntax, 0};
    out.value.encapsulated = true;
    return out;
}

MadeValue native(const std::shared_ptr<const ScratchFile>& file, const Parts& parts, DcmDataset& in)
{
    if (parts.size() != 1 && parts.size() != frames_of(in))
        return failed(status::cannot_understand);
    return {value_at(file, extents_of(parts)), std::string(transfer_syntax::explicit_le), 0};
}

MadeValue
pixels(const std::shared_ptr<const ScratchFile>& file, const Parts& parts, DcmDataset& data_set)
{
    const std::string essence = parts.front()->type.essence();
    const std::string said(parts.front()->type.parameter("transfer-syntax"));
    for (const BulkPart* part : parts)
        if (part->type.essence() != essence || part->type.parameter("transfer-syntax") != said)
            return failed(status::cannot_understand);
    const bool octets = essence == "application/octet-stream";
    if (octets && (said.empty() || said == transfer_syntax::explicit_le))
        return native(file, parts, data_set);
    const auto of_type = octets ? std::string_view() : syntax_of_type(essence);
    const bool known = said.empty() || (TransferSyntax::of(said).encapsulated &&
                                        !TransferSyntax::of(said).uid.empty());
    if (!of_type || !known)
        return failed(status::syntax_not_supported);
    const bool video = essence.starts_with("video/");
    if (video ? parts.size() != 1 : parts.size() != frames_of(data_set))
        return failed(status::cannot_understand);
    if (of_type->empty() && !octets) {
        MadeValue out = from_codestreams(file, parts, data_set);
        if (out.failure == 0 && !said.empty())
            out.transfer_syntax = said; // they know more than the head of a frame
        return out;
    }
    MadeValue out{value_at(file, extents_of(parts)), said, 0};
    if (said.empty())
        out.transfer_syntax = *of_type;
    out.value.encapsulated = true;
    return out;
}

} // namespace

MadeValue make_value(
    const std::shared_ptr<const ScratchFile>& file,
    const Parts& parts,
    const mapping::BulkReference& where,
    DcmDataset& data_set
)
{
    if (parts.empty()) // it is not with the request, and nothing is fetched
        return failed(status::cannot_understand);
    if (std::ranges::any_of(parts, &BulkPart::lost))
        return failed(status::out_of_resources);
    if (where.path == "7FE00010")
        return pixels(file, parts, data_set);
    if (parts.size() != 1)
        return failed(status::cannot_understand);
    return {value_at(file, extents_of(parts)), {}, 0};
}

} // namespace gantry::faces
