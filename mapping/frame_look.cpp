#include "mapping/frame_look.h"

#include "mapping/segmented_palette.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <memory>
#include <string>

namespace gantry::mapping {

namespace {

constexpr double largest_number = 1e12; // beyond: no image, a mistake

DcmItem* item_of(DcmItem& from, const DcmTagKey& sequence, std::uint32_t index)
{
    DcmItem* item = nullptr;
    const auto number = static_cast<signed long>(index);
    return from.findAndGetSequenceItem(sequence, item, number).good() ? item : nullptr;
}

bool has(DcmItem& item, const DcmTagKey& tag)
{
    return item.tagExistsWithValue(tag);
}

/// Where the functional group of a frame stands, or the data set where it has none.
DcmItem& group_of(DcmItem& attributes, const DcmTagKey& group, std::uint32_t frame)
{
    DcmItem* own =
        item_of(attributes, DCM_PerFrameFunctionalGroupsSequence, frame > 0 ? frame - 1 : 0);
    DcmItem* shared = item_of(attributes, DCM_SharedFunctionalGroupsSequence, 0);
    for (DcmItem* groups : {own, shared})
        if (groups != nullptr)
            if (DcmItem* found = item_of(*groups, group, 0))
                return *found;
    return attributes;
}

std::optional<double> number_in(DcmItem& item, const DcmTagKey& tag)
{
    double value = 0;
    if (item.findAndGetFloat64(tag, value).bad() || !std::isfinite(value) ||
        std::abs(value) > largest_number)
        return std::nullopt;
    return value;
}

Rescale rescale_of(DcmItem& item)
{
    Rescale rescale;
    const auto slope = number_in(item, DCM_RescaleSlope);
    const auto intercept = number_in(item, DCM_RescaleIntercept);
    if (!slope || !intercept || std::abs(*slope) < 1 / largest_number)
        return rescale;
    return {*slope, *intercept};
}

std::optional<VoiWindow> window_of(DcmItem& item)
{
    const auto center = number_in(item, DCM_WindowCenter);
    const auto width = number_in(item, DCM_WindowWidth);
    if (!center || !width)
        return std::nullopt;
    OFString function;
    (void)item.findAndGetOFString(DCM_VOILUTFunction, function);
    VoiWindow window{*center, *width};
    if (function == "SIGMOID")
        window.function = VoiFunction::sigmoid;
    else if (function == "LINEAR_EXACT")
        window.function = VoiFunction::linear_exact;
    return is_usable(window) ? std::optional(window) : std::nullopt;
}

void put(DcmDataset& flat, const DcmTagKey& tag, std::uint16_t value)
{
    (void)flat.putAndInsertUint16(tag, value);
}

void copy(DcmItem& from, DcmDataset& flat, std::initializer_list<DcmTagKey> tags)
{
    for (const DcmTagKey& tag : tags)
        (void)from.findAndInsertCopyOfElement(tag, &flat);
}

std::vector<std::uint16_t> words_of(DcmItem& item, const DcmTagKey& tag)
{
    const Uint16* words = nullptr;
    unsigned long count = 0;
    if (item.findAndGetUint16Array(tag, words, &count).bad() || words == nullptr)
        return {};
    return {words, words + count};
}

struct Palette {
    DcmTagKey descriptor;
    DcmTagKey data;
    DcmTagKey segmented;
};

Result<void> copy_palette(DcmItem& attributes, DcmDataset& flat, const Palette& palette)
{
    copy(attributes, flat, {palette.descriptor});
    if (has(attributes, palette.data)) {
        copy(attributes, flat, {palette.data});
        return {};
    }
    Uint16 entries = 0;
    if (attributes.findAndGetUint16(palette.descriptor, entries).bad())
        return error(Errc::malformed, "a palette without its descriptor");
    const auto plain = expand_palette(
        words_of(attributes, palette.segmented), entries == 0 ? std::size_t{65536} : entries
    );
    if (!plain)
        return plain.error();
    (void)flat.putAndInsertUint16Array(palette.data, plain->data(), plain->size());
    return {};
}

Result<void> copy_palettes(DcmItem& attributes, DcmDataset& flat)
{
    const Palette palettes[] = {
        {DCM_RedPaletteColorLookupTableDescriptor,
         DCM_RedPaletteColorLookupTableData,
         DCM_SegmentedRedPaletteColorLookupTableData},
        {DCM_GreenPaletteColorLookupTableDescriptor,
         DCM_GreenPaletteColorLookupTableData,
         DCM_SegmentedGreenPaletteColorLookupTableData},
        {DCM_BluePaletteColorLookupTableDescriptor,
         DCM_BluePaletteColorLookupTableData,
         DCM_SegmentedBluePaletteColorLookupTableData},
    };
    for (const Palette& palette : palettes)
        if (const auto copied = copy_palette(attributes, flat, palette); !copied)
            return copied.error();
    return {};
}

std::uint16_t high_bit_of(DcmItem& attributes, const FrameShape& shape)
{
    Uint16 high = 0;
    if (attributes.findAndGetUint16(DCM_HighBit, high).good() && high + 1 >= shape.bits_stored &&
        high < shape.bits_allocated)
        return high;
    return static_cast<std::uint16_t>(shape.bits_stored - 1);
}

} // namespace

bool is_usable(const VoiWindow& window)
{
    const double least = window.function == VoiFunction::linear ? 1 : 0;
    return std::isfinite(window.center) && std::abs(window.center) <= largest_number &&
           window.width <= largest_number && window.width >= least && window.width > 0;
}

VoiWindow over_stored_values(const VoiWindow& window, const Rescale& rescale)
{
    // LINEAR is LINEAR_EXACT of half a value less and one value narrower.
    const double shift = window.function == VoiFunction::linear ? 0.5 : 0;
    VoiWindow stored = window;
    stored.center = (window.center - shift - rescale.intercept) / rescale.slope;
    stored.width = (window.width - 2 * shift) / std::abs(rescale.slope);
    if (window.function == VoiFunction::linear)
        stored.function = VoiFunction::linear_exact;
    return stored;
}

FrameLook read_frame_look(DcmItem& attributes, std::uint32_t number)
{
    FrameLook look;
    DcmItem& meaning = group_of(attributes, DCM_PixelValueTransformationSequence, number);
    DcmItem& voi = group_of(attributes, DCM_FrameVOILUTSequence, number);
    look.modality_lut = item_of(meaning, DCM_ModalityLUTSequence, 0) != nullptr;
    if (!look.modality_lut)
        look.rescale = rescale_of(meaning);
    look.window = window_of(voi);
    look.voi_lut = item_of(voi, DCM_VOILUTSequence, 0) != nullptr;
    return look;
}

Result<void>
flatten(DcmItem& attributes, const DecodedFrame& frame, const FrameLook& look, DcmDataset& flat)
{
    const FrameShape& shape = frame.shape;
    put(flat, DCM_Rows, shape.rows);
    put(flat, DCM_Columns, shape.columns);
    put(flat, DCM_SamplesPerPixel, shape.samples);
    put(flat, DCM_BitsAllocated, shape.bits_allocated);
    put(flat, DCM_BitsStored, shape.bits_stored);
    put(flat, DCM_HighBit, high_bit_of(attributes, shape));
    put(flat, DCM_PixelRepresentation, shape.is_signed ? 1 : 0);
    if (shape.samples > 1)
        put(flat, DCM_PlanarConfiguration, frame.planar ? 1 : 0);
    const std::string photometric(frame.photometric);
    (void)flat.putAndInsertString(DCM_PhotometricInterpretation, photometric.c_str());
    if (photometric == "PALETTE COLOR")
        return copy_palettes(attributes, flat);
    copy(attributes, flat, {DCM_SOPClassUID, DCM_PresentationLUTShape});
    copy(attributes, flat, {DCM_PixelIntensityRelationship});
    DcmItem& meaning = group_of(attributes, DCM_PixelValueTransformationSequence, frame.number);
    copy(meaning, flat, {DCM_ModalityLUTSequence});
    if (look.window)
        return {};
    // A table of values of interest begins with what the modality transformation makes.
    if (look.voi_lut) {
        DcmItem& voi = group_of(attributes, DCM_FrameVOILUTSequence, frame.number);
        copy(voi, flat, {DCM_VOILUTSequence});
        copy(meaning, flat, {DCM_RescaleSlope, DCM_RescaleIntercept, DCM_RescaleType});
    }
    return {};
}

} // namespace gantry::mapping
