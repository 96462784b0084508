#include "gateway/origins/data_set_comparison.h"

#include "gateway/error.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfcache.h>
#include <dcmtk/dcmdata/dcistrmf.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcxfer.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace gantry {

namespace {

constexpr Uint32 left_in_file = 65'536; // longer values are read when asked for
constexpr Uint32 piece = 1U << 20U;     // of a value, compared at once

struct LoadedDataSet {
    DcmDataset attributes;
    E_TransferSyntax syntax = EXS_Unknown;
};

Result<std::unique_ptr<LoadedDataSet>> load(const DataSetFile& file)
{
    auto loaded = std::make_unique<LoadedDataSet>();
    loaded->syntax = DcmXfer(file.transfer_syntax.str().c_str()).getXfer();
    if (loaded->syntax == EXS_Unknown)
        return error(Errc::unsupported, "transfer syntax " + file.transfer_syntax.str());
    DcmInputFileStream stream(
        OFFilename(file.path.string().c_str()), static_cast<offile_off_t>(file.offset)
    );
    if (stream.status().bad())
        return error(Errc::disk, stream.status().text());
    loaded->attributes.transferInit();
    const OFCondition read =
        loaded->attributes.read(stream, loaded->syntax, EGL_noChange, left_in_file);
    loaded->attributes.transferEnd();
    if (read.bad() && read != EC_EndOfStream)
        return error(Errc::damaged, read.text());
    return loaded;
}

// Depends on how the data set is written, not on what it says (PS3.5 7.2, PS3.10 7.2).
bool is_framing(const DcmElement& element)
{
    const DcmTagKey tag = element.getTag().getXTag();
    return tag.getElement() == 0 || tag == DCM_DataSetTrailingPadding;
}

std::vector<DcmElement*> attributes_of(DcmDataset& data_set)
{
    std::vector<DcmElement*> elements;
    for (DcmObject* next = data_set.nextInContainer(nullptr); next != nullptr;
         next = data_set.nextInContainer(next)) {
        auto* element = dynamic_cast<DcmElement*>(next);
        if (element != nullptr && !is_framing(*element))
            elements.push_back(element);
    }
    return elements;
}

// Piece by piece, so that the values of large ones are never in memory whole.
bool same_bytes(DcmElement& a, DcmElement& b)
{
    const Uint32 length = a.getLength();
    if (length != b.getLength())
        return false;
    DcmFileCache cache_a;
    DcmFileCache cache_b;
    std::vector<Uint8> of_a(std::min(length, piece));
    std::vector<Uint8> of_b(of_a.size());
    for (Uint32 at = 0; at < length; at += piece) {
        const Uint32 size = std::min(piece, length - at);
        if (a.getPartialValue(of_a.data(), at, size, &cache_a).bad() ||
            b.getPartialValue(of_b.data(), at, size, &cache_b).bad())
            return false;
        if (!std::equal(of_a.begin(), of_a.begin() + size, of_b.begin()))
            return false;
    }
    return true;
}

DcmPixelSequence* fragments_of(DcmElement& element, E_TransferSyntax syntax)
{
    DcmPixelSequence* fragments = nullptr;
    auto* pixels = dynamic_cast<DcmPixelData*>(&element);
    if (pixels == nullptr ||
        pixels->getEncapsulatedRepresentation(syntax, nullptr, fragments).bad())
        return nullptr;
    return fragments;
}

bool same_fragments(DcmPixelSequence& a, DcmPixelSequence& b)
{
    if (a.card() != b.card())
        return false;
    for (unsigned long i = 0; i < a.card(); ++i) {
        DcmPixelItem* of_a = nullptr;
        DcmPixelItem* of_b = nullptr;
        if (a.getItem(of_a, i).bad() || b.getItem(of_b, i).bad() || !same_bytes(*of_a, *of_b))
            return false;
    }
    return true;
}

bool same_pixel_data(
    DcmElement& a, const LoadedDataSet& from_a, DcmElement& b, const LoadedDataSet& from_b
)
{
    DcmPixelSequence* of_a = fragments_of(a, from_a.syntax);
    DcmPixelSequence* of_b = fragments_of(b, from_b.syntax);
    if (of_a == nullptr && of_b == nullptr)
        return same_bytes(a, b);
    if (from_a.syntax != from_b.syntax)
        return true; // only a decoder could tell
    return of_a != nullptr && of_b != nullptr && same_fragments(*of_a, *of_b);
}

bool same_element(
    DcmElement& a, const LoadedDataSet& from_a, DcmElement& b, const LoadedDataSet& from_b
)
{
    if (a.getTag() != b.getTag())
        return false;
    if (a.getTag() == DCM_PixelData)
        return same_pixel_data(a, from_a, b, from_b);
    if (a.isLeaf() && a.getLength() > left_in_file)
        return same_bytes(a, b);
    return a.compare(b) == 0;
}

} // namespace

Result<bool> same_attributes(const DataSetFile& a, const DataSetFile& b)
{
    const auto of_a = load(a);
    if (!of_a)
        return of_a.error();
    const auto of_b = load(b);
    if (!of_b)
        return of_b.error();
    const auto elements_a = attributes_of((*of_a)->attributes);
    const auto elements_b = attributes_of((*of_b)->attributes);
    return std::ranges::equal(elements_a, elements_b, [&](DcmElement* x, DcmElement* y) {
        return same_element(*x, **of_a, *y, **of_b);
    });
}

} // namespace gantry
