// Images and reports as a peer may send them: attributes of any kind around a frame of any kind.
// The first bytes are the frame, the rest is a data set.
#include "mapping/data_set_access.h"
#include "mapping/image_frames.h"
#include "mapping/render.h"
#include "mapping/report_html.h"
#include "support/memory_access.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/oflog/oflog.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

using namespace gantry;
using namespace gantry::mapping;

namespace {

constexpr std::size_t head = 12;
constexpr std::size_t most_pixels = std::size_t{1} << 14U; // of a frame: it is to be quick

void must(bool holds)
{
    if (!holds)
        std::abort();
}

constexpr std::array<std::uint16_t, 6> widths{8, 16, 1, 32, 64, 24};
constexpr std::array<std::string_view, 8> spaces{
    "MONOCHROME2", "MONOCHROME1", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "HSV", ""
};

DecodedFrame frame_of(const std::uint8_t* data, std::vector<std::byte>& bytes)
{
    DecodedFrame frame;
    frame.shape.rows = static_cast<std::uint16_t>(data[0] + 1);
    frame.shape.columns = static_cast<std::uint16_t>(data[1] + 1);
    frame.shape.samples = (data[2] & 1U) != 0 ? 3 : 1;
    frame.shape.bits_allocated = widths.at(data[3] % widths.size());
    frame.shape.bits_stored = data[4] % 65;
    frame.shape.is_signed = (data[2] & 2U) != 0;
    frame.planar = (data[2] & 4U) != 0;
    frame.floating = (data[2] & 8U) != 0;
    frame.photometric = spaces.at(data[5] % spaces.size());
    frame.number = data[6];
    std::size_t size = frame.shape.bytes();
    if (frame.photometric == "YBR_FULL_422")
        size = frame.shape.pixels() * 2 * frame.shape.bytes_per_value();
    bytes.resize(size);
    std::uint32_t value = data[7];
    for (std::byte& byte : bytes) {
        value = value * 1103515245U + 12345U;
        byte = static_cast<std::byte>(value >> 16U);
    }
    frame.bytes = bytes;
    return frame;
}

RenderOptions options_of(const std::uint8_t* data)
{
    RenderOptions options;
    if ((data[2] & 16U) != 0)
        options.window = VoiWindow{
            static_cast<double>(data[8]),
            static_cast<double>(data[9]),
            static_cast<VoiFunction>(data[8] % 3)
        };
    if ((data[2] & 32U) != 0)
        options.max_width = options.max_height = data[10] + 1U;
    if ((data[2] & 64U) != 0)
        options.pixels = PixelRegion{static_cast<double>(data[10]), 1, -double{20}, {}};
    return options;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const bool quiet = [] {
        OFLog::configure(OFLogger::OFF_LOG_LEVEL);
        return true;
    }();
    (void)quiet;
    if (size < head)
        return 0;
    const std::string text(reinterpret_cast<const char*>(data) + head, size - head);
    const auto bytes = std::make_shared<tests::MemoryAccess>(text);
    const auto data_set = read_data_set(bytes, "1.2.840.10008.1.2.1", {1U << 16U, {1U << 22U}});
    if (!data_set)
        return 0;
    std::vector<std::byte> pixels;
    const DecodedFrame frame = frame_of(data, pixels);
    if (frame.shape.pixels() > most_pixels)
        return 0;
    const auto picture = render_frame(**data_set, frame, options_of(data));
    if (picture) {
        const std::size_t made = std::size_t{picture->width} * picture->height * picture->samples;
        must(made > 0 && picture->values.size() == made);
        must(encode_png(*picture).has_value());
    }
    const auto page = report_html(**data_set);
    must(!page || page->find("<script") == std::string::npos);
    return 0;
}
