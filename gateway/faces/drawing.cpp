#include "gateway/faces/drawing.h"

#include "gateway/faces/web_rendered_offer.h"
#include "mapping/data_set_access.h"
#include "mapping/report_html.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace gantry::faces {

namespace {

constexpr std::uint32_t piece = 256U << 10U;
constexpr double usual_pause = 10;    // 100 ms
constexpr double shortest_pause = 2;  // browsers slow down below it
constexpr double longest_pause = 500; // nobody waits longer for a frame

// Palettes, tables and functional groups are all there is.
constexpr mapping::DataSetAccess of_images{256U << 10U, {64ULL << 20U}};
constexpr mapping::DataSetAccess of_reports{4096, {32ULL << 20U}};

double positive(DcmItem& item, const DcmTagKey& tag)
{
    double value = 0;
    return item.findAndGetFloat64(tag, value).good() && std::isfinite(value) && value > 0 ? value
                                                                                          : 0;
}

/// What may leave under its own name: nothing that a browser would run.
std::string media_of(DcmItem& item)
{
    struct Row {
        std::string_view said;
        const char* given;
    };

    static constexpr Row rows[] = {
        {"application/pdf", "application/pdf"},
        {"text/xml", "text/xml"},
        {"application/xml", "text/xml"},
        {"model/stl", "model/stl"},
        {"application/sla", "model/stl"},
        {"model/obj", "model/obj"},
        {"model/mtl", "model/mtl"},
    };
    OFString said;
    (void)item.findAndGetOFString(DCM_MIMETypeOfEncapsulatedDocument, said);
    std::string name(said.c_str());
    name = name.substr(0, name.find_first_of("; "));
    std::ranges::transform(name, name.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    });
    const auto* found = std::ranges::find(rows, name, &Row::said);
    return found == std::end(rows) ? std::string() : found->given;
}

Result<std::unique_ptr<DcmDataset>>
read_attributes(const OpenInstance& instance, const mapping::DataSetAccess& how)
{
    const std::string& syntax = instance.key.transfer_syntax.str();
    return mapping::read_data_set(instance.data_set, syntax, how);
}

} // namespace

Drawing::Drawing(OpenInstance instance, std::shared_ptr<const mapping::ImageFrames> frames)
    : instance_(std::move(instance)), frames_(std::move(frames))
{
}

Drawing::~Drawing() = default;

Result<void> Drawing::read()
{
    if (attributes_)
        return {};
    auto attributes = read_attributes(instance_, of_images);
    if (!attributes)
        return attributes.error();
    attributes_ = std::move(*attributes);
    return {};
}

Result<mapping::Picture>
Drawing::picture(std::uint32_t number, const mapping::RenderOptions& options)
{
    if (const auto there = read(); !there)
        return there.error();
    const auto native = mapping::native_frame(*instance_.data_set, *frames_, number);
    if (!native)
        return native.error();
    mapping::DecodedFrame frame;
    frame.shape = native->shape;
    frame.bytes = native->bytes;
    frame.photometric = native->photometric;
    frame.planar = native->planar;
    frame.floating = native->floating;
    frame.number = number;
    return mapping::render_frame(*attributes_, frame, options);
}

Result<std::uint32_t> Drawing::representative_frame()
{
    if (const auto there = read(); !there)
        return there.error();
    Uint16 named = 0;
    if (attributes_->findAndGetUint16(DCM_RepresentativeFrameNumber, named).good() && named > 0 &&
        named <= frames_->count())
        return named;
    return (frames_->count() + 1) / 2;
}

Result<std::uint16_t> Drawing::pause()
{
    if (const auto there = read(); !there)
        return there.error();
    double pause = positive(*attributes_, DCM_FrameTime) / 10;
    for (const DcmTagKey& rate : {DCM_RecommendedDisplayFrameRate, DCM_CineRate})
        if (const double frames = positive(*attributes_, rate); pause == 0 && frames > 0)
            pause = 100 / frames;
    pause = std::clamp(pause == 0 ? usual_pause : pause, shortest_pause, longest_pause);
    return static_cast<std::uint16_t>(std::lround(pause));
}

Result<std::vector<std::byte>>
encode_picture(const mapping::Picture& picture, std::string_view media, unsigned quality)
{
    if (media == "image/jpeg")
        return mapping::encode_jpeg(picture, quality);
    if (media == "image/png")
        return mapping::encode_png(picture);
    mapping::GifEncoder encoder(0, false);
    auto bytes = encoder.add(picture);
    if (!bytes)
        return bytes;
    const auto end = encoder.finish();
    if (!end)
        return end.error();
    bytes->insert(bytes->end(), end->begin(), end->end());
    return bytes;
}

Result<std::string> page_of(const OpenInstance& instance)
{
    const auto report = read_attributes(instance, of_reports);
    return report ? mapping::report_html(**report) : report.error();
}

Result<std::shared_ptr<Document>> Document::open(const OpenInstance& instance)
{
    auto data_set = read_attributes(instance, of_reports);
    if (!data_set)
        return data_set.error();
    DcmElement* value = nullptr;
    std::string media = media_of(**data_set);
    if (media.empty() || (*data_set)->findAndGetElement(DCM_EncapsulatedDocument, value).bad() ||
        value->getLengthField() == 0)
        return mapping::error(mapping::Errc::unsupported, "such a document");
    std::uint32_t length = value->getLengthField();
    Uint32 said = 0; // without the padding
    if ((*data_set)->findAndGetUint32(DCM_EncapsulatedDocumentLength, said).good() && said > 0 &&
        said + 1 == length)
        length = said;
    return std::make_shared<Document>(std::move(*data_set), std::move(media), length);
}

Document::Document(std::unique_ptr<DcmDataset> data_set, std::string media, std::uint32_t length)
    : data_set_(std::move(data_set)), media_(std::move(media)), length_(length)
{
}

Document::~Document() = default;

Result<std::vector<std::byte>> Document::read(std::uint32_t offset) const
{
    std::vector<std::byte> bytes(std::min(piece, length_ - std::min(length_, offset)));
    DcmElement* value = nullptr;
    if (bytes.empty() || data_set_->findAndGetElement(DCM_EncapsulatedDocument, value).bad())
        return bytes;
    const auto count = static_cast<Uint32>(bytes.size());
    const OFCondition read = value->getPartialValue(bytes.data(), offset, count);
    if (read.bad())
        return mapping::error(mapping::Errc::truncated, read.text());
    return bytes;
}

} // namespace gantry::faces
