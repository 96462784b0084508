#include "mapping/codestream_head.h"

#include <algorithm>
#include <optional>
#include <string>

namespace gantry::mapping {

namespace {

Error malformed()
{
    return error(Errc::malformed, "head of a codestream");
}

/// Big endian numbers from the front; 0 and `short_of` at the end.
class Reader {
public:
    explicit Reader(ConstBytes bytes) : bytes_(bytes) {}

    std::uint32_t number(std::size_t size)
    {
        std::uint32_t value = 0;
        if (bytes_.size() < size) {
            short_of_ = true;
            return 0;
        }
        for (std::size_t i = 0; i < size; ++i)
            value = value << 8U | std::to_integer<std::uint32_t>(bytes_[i]);
        bytes_ = bytes_.subspan(size);
        return value;
    }

    /// The next `size` bytes as a reader of their own.
    Reader part(std::size_t size)
    {
        short_of_ = short_of_ || bytes_.size() < size;
        const auto n = std::min(size, bytes_.size());
        Reader out(bytes_.first(n));
        bytes_ = bytes_.subspan(n);
        return out;
    }

    void skip(std::size_t size) { (void)part(size); }

    bool short_of() const noexcept { return short_of_; }

private:
    ConstBytes bytes_;
    bool short_of_ = false;
};

// ISO 10918-1 B.1.1.3.
constexpr std::uint32_t start_of_image = 0xffd8;
constexpr std::uint32_t start_of_scan = 0xffda;
constexpr std::uint32_t app14 = 0xffee;
constexpr std::uint32_t jpeg_ls_frame = 0xfff7;

struct JpegImage {
    CodestreamHead head;
    std::uint32_t frame = 0; // marker
    bool named_rgb = false;  // components are called R, G and B
    std::optional<std::uint32_t> adobe_transform;
};

bool is_frame(std::uint32_t marker)
{
    const bool process = marker >= 0xffc0 && marker <= 0xffcf;
    const bool table = marker == 0xffc4 || marker == 0xffc8 || marker == 0xffcc;
    return marker == jpeg_ls_frame || (process && !table);
}

void read_frame(Reader segment, std::uint32_t marker, JpegImage& image)
{
    image.frame = marker;
    image.head.bits = static_cast<std::uint16_t>(segment.number(1));
    image.head.rows = static_cast<std::uint16_t>(segment.number(2));
    image.head.columns = static_cast<std::uint16_t>(segment.number(2));
    image.head.samples = static_cast<std::uint16_t>(segment.number(1));
    std::string names;
    for (unsigned i = 0; i < image.head.samples && !segment.short_of(); ++i) {
        names.push_back(static_cast<char>(segment.number(1)));
        segment.skip(2);
    }
    image.named_rgb = names == "RGB";
}

void read_app14(Reader segment, JpegImage& image)
{
    constexpr std::uint32_t adobe = 0x41646f62; // "Adob"
    if (segment.number(4) != adobe)
        return;
    segment.skip(7);
    image.adobe_transform = segment.number(1);
}

/// What stands after the components of a scan: the predictor of lossless JPEG, NEAR of JPEG-LS.
std::uint32_t scan_parameter(Reader segment)
{
    segment.skip(std::size_t{2} * segment.number(1));
    return segment.number(1);
}

std::string_view jpeg_syntax(std::uint32_t frame, std::uint32_t parameter)
{
    switch (frame) {
    case 0xffc0: return "1.2.840.10008.1.2.4.50";
    case 0xffc1: return "1.2.840.10008.1.2.4.51";
    case 0xffc3: return parameter == 1 ? "1.2.840.10008.1.2.4.70" : "1.2.840.10008.1.2.4.57";
    case jpeg_ls_frame: return parameter == 0 ? "1.2.840.10008.1.2.4.80" : "1.2.840.10008.1.2.4.81";
    default: return {};
    }
}

std::string_view jpeg_photometric(const JpegImage& image)
{
    if (image.head.samples == 1)
        return "MONOCHROME2";
    const bool lossy = image.frame == 0xffc0 || image.frame == 0xffc1;
    if (image.named_rgb || image.adobe_transform == 0 || (!lossy && !image.adobe_transform))
        return "RGB";
    return lossy ? "YBR_FULL_422" : "YBR_FULL";
}

Result<CodestreamHead> read_jpeg(Reader bytes)
{
    JpegImage image;
    bytes.skip(2);
    while (!bytes.short_of()) {
        std::uint32_t marker = bytes.number(2);
        while (marker == 0xffff) // fill bytes
            marker = 0xff00U | bytes.number(1);
        if (marker < 0xffc0)
            return malformed();
        const std::uint32_t length = bytes.number(2);
        Reader segment = bytes.part(std::max(length, 2U) - 2);
        if (marker == app14)
            read_app14(segment, image);
        else if (is_frame(marker))
            read_frame(segment, marker, image);
        if (marker != start_of_scan)
            continue;
        image.head.transfer_syntax = jpeg_syntax(image.frame, scan_parameter(segment));
        if (image.frame == 0 || bytes.short_of())
            return malformed();
        if (image.head.transfer_syntax.empty())
            return error(Errc::unsupported, "a JPEG process without a transfer syntax");
        image.head.photometric = jpeg_photometric(image);
        return image.head;
    }
    return malformed();
}

// ISO 15444-1 A.2.
constexpr std::uint32_t start_of_codestream = 0xff4f;
constexpr std::uint32_t capabilities = 0xff50;
constexpr std::uint32_t image_size = 0xff51;
constexpr std::uint32_t coding_style = 0xff52;
constexpr std::uint32_t start_of_tile = 0xff90;

void read_size(Reader segment, CodestreamHead& head)
{
    segment.skip(2);
    const std::uint32_t width = segment.number(4);
    const std::uint32_t height = segment.number(4);
    const std::uint32_t left = segment.number(4);
    const std::uint32_t top = segment.number(4);
    segment.skip(16); // of tiles
    head.samples = static_cast<std::uint16_t>(segment.number(2));
    const std::uint32_t depth = segment.number(1);
    head.columns = static_cast<std::uint16_t>(width - left);
    head.rows = static_cast<std::uint16_t>(height - top);
    head.has_sign = (depth & 0x80U) != 0;
    head.bits = static_cast<std::uint16_t>((depth & 0x7fU) + 1);
}

Result<CodestreamHead> read_jpeg_2000(Reader bytes)
{
    CodestreamHead head;
    bool high_throughput = false;
    bytes.skip(2);
    while (!bytes.short_of()) {
        const std::uint32_t marker = bytes.number(2);
        if (marker == start_of_tile || marker < 0xff00)
            return malformed(); // no coding style
        const std::uint32_t length = bytes.number(2);
        Reader segment = bytes.part(std::max(length, 2U) - 2);
        if (marker == image_size)
            read_size(segment, head);
        high_throughput = high_throughput || marker == capabilities; // part 15 alone has it here
        if (marker != coding_style)
            continue;
        segment.skip(4);
        const bool transforms = segment.number(1) == 1;
        segment.skip(4);
        const bool reversible = segment.number(1) == 1;
        if (segment.short_of() || bytes.short_of() || head.samples == 0)
            return malformed();
        if (high_throughput)
            head.transfer_syntax =
                reversible ? "1.2.840.10008.1.2.4.201" : "1.2.840.10008.1.2.4.203";
        else
            head.transfer_syntax = reversible ? "1.2.840.10008.1.2.4.90" : "1.2.840.10008.1.2.4.91";
        const std::string_view colour = transforms ? (reversible ? "YBR_RCT" : "YBR_ICT") : "RGB";
        head.photometric = head.samples == 1 ? "MONOCHROME2" : colour;
        return head;
    }
    return malformed();
}

// ISO 15444-1 I.4: boxes around a codestream.
constexpr std::uint32_t signature_box = 0x6a502020;
constexpr std::uint32_t codestream_box = 0x6a703263;

Result<CodestreamHead> read_jp2(ConstBytes first)
{
    std::uint64_t at = 0;
    while (at < first.size()) {
        Reader box(first.subspan(at));
        std::uint64_t length = box.number(4);
        const std::uint32_t type = box.number(4);
        std::uint64_t head_size = 8;
        if (length == 1) {
            length = static_cast<std::uint64_t>(box.number(4)) << 32U;
            length |= box.number(4);
            head_size = 16;
        }
        const bool broken = box.short_of() || (length != 0 && length < head_size);
        if (broken || (length == 0 && type != codestream_box))
            return malformed();
        if (type == codestream_box) {
            auto head = read_jpeg_2000(Reader(first.subspan(at + head_size)));
            if (head) {
                head->offset = at + head_size;
                head->size = length == 0 ? 0 : length - head_size;
            }
            return head;
        }
        if (length > first.size())
            return malformed();
        at += length;
    }
    return malformed();
}

} // namespace

Result<CodestreamHead> read_codestream_head(ConstBytes first)
{
    Reader begin(first);
    const std::uint32_t marker = begin.number(2);
    if (marker == start_of_image)
        return read_jpeg(Reader(first));
    if (marker == start_of_codestream)
        return read_jpeg_2000(Reader(first));
    begin.skip(2);
    if (begin.number(4) == signature_box)
        return read_jp2(first);
    return malformed();
}

} // namespace gantry::mapping
