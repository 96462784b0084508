// A data set of a stranger, looked through for its frames, its values and its attributes: nothing
// is found outside of it. The first byte says in which syntax it is.
#include "mapping/data_set_access.h"
#include "mapping/data_set_value.h"
#include "mapping/image_frames.h"
#include "support/memory_access.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/oflog/oflog.h>

#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>

using namespace gantry;
using namespace gantry::mapping;

namespace {

constexpr const char* syntaxes[] = {
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.102",
};

void demand(bool holds)
{
    if (!holds)
        std::abort();
}

bool lies_within(const Extent& extent, std::uint64_t size)
{
    return extent.offset <= size && extent.length <= size - extent.offset;
}

void try_frames(const RandomAccess& bytes, const char* syntax)
{
    constexpr Bytes most{1U << 20U};
    const std::uint64_t size = bytes.size().count;
    const auto frames = ImageFrames::read(bytes, syntax);
    if (!frames)
        return;
    demand(frames->footprint() < 1024 + 64 * size);
    for (const std::uint32_t number : {1U, 2U, 3U, frames->count(), frames->count() + 1}) {
        const auto extent = frames->frame(bytes, number);
        if (!extent)
            continue;
        demand(number >= 1 && number <= frames->count() && extent->first_bit < 8);
        for (const Extent& piece : extent->pieces)
            demand(lies_within(piece, size));
        const auto stored = stored_frame(bytes, *frames, number, most);
        demand(!stored || stored->size() <= extent->length());
        (void)native_frame(bytes, *frames, number, most);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    if (size == 0)
        return 0;
    const char* syntax = syntaxes[data[0] % std::size(syntaxes)];
    const auto bytes =
        tests::memory_access(std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
    try_frames(*bytes, syntax);
    for (const char* text : {"7FE00010", "00880200/0/7FE00010", "54000100/1/54001010"}) {
        const auto place = find_value(*bytes, syntax, ValuePath::parse(text).value());
        if (place && *place)
            demand(lies_within((*place)->bytes, size));
    }
    (void)read_data_set(bytes, syntax, {64, Bytes{1U << 20U}});
    return 0;
}
