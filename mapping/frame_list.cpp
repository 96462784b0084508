#include "mapping/frame_list.h"

#include <charconv>

namespace gantry::mapping {

namespace {

constexpr std::size_t most_frames = 100'000;

} // namespace

Result<std::vector<std::uint32_t>> parse_frame_list(std::string_view text)
{
    const Error wrong =
        error(Errc::malformed, "frames are numbers from 1, ascending, with commas between them");
    std::vector<std::uint32_t> frames;
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    for (;;) {
        std::uint32_t number = 0;
        const auto read = std::from_chars(at, end, number);
        if (read.ec != std::errc() || number <= (frames.empty() ? 0 : frames.back()) ||
            frames.size() == most_frames)
            return wrong;
        frames.push_back(number);
        if (read.ptr == end)
            return frames;
        if (*read.ptr != ',')
            return wrong;
        at = read.ptr + 1;
    }
}

} // namespace gantry::mapping
