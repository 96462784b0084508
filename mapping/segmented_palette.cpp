#include "mapping/segmented_palette.h"

#include <cmath>
#include <optional>

namespace gantry::mapping {

namespace {

enum Segment : std::uint16_t { discrete = 0, linear = 1, indirect = 2 };

class Expander {
public:
    Expander(std::span<const std::uint16_t> segments, std::size_t entries)
        : segments_(segments), entries_(entries)
    {
    }

    /// `count` segments from `at` on, where it is reached by an indirect one; else all.
    Result<void> run(std::size_t at, std::optional<std::size_t> count);

    std::vector<std::uint16_t> out;

private:
    static Error broken() { return error(Errc::malformed, "a segmented palette that is broken"); }

    Result<void> ramp(std::size_t length, std::uint16_t to);

    std::span<const std::uint16_t> segments_;
    std::size_t entries_;
};

Result<void> Expander::ramp(std::size_t length, std::uint16_t to)
{
    if (out.empty())
        return broken();
    const double from = out.back();
    for (std::size_t i = 1; i <= length; ++i) {
        const double part = static_cast<double>(i) / static_cast<double>(length);
        out.push_back(static_cast<std::uint16_t>(std::lround(from + (to - from) * part)));
    }
    return {};
}

Result<void> Expander::run(std::size_t at, std::optional<std::size_t> count)
{
    for (std::size_t done = 0; count ? done < *count : at < segments_.size(); ++done) {
        if (out.size() == entries_)
            return {}; // padding
        if (segments_.size() < 3 || at > segments_.size() - 3)
            return broken();
        const std::uint16_t kind = segments_[at];
        const std::size_t length = segments_[at + 1];
        if (length == 0 || (kind != indirect && length > entries_ - out.size()))
            return broken();
        if (kind == discrete && length <= segments_.size() - at - 2) {
            const auto values = segments_.subspan(at + 2, length);
            out.insert(out.end(), values.begin(), values.end());
            at += 2 + length;
        } else if (kind == linear) {
            if (const auto ramped = ramp(length, segments_[at + 2]); !ramped)
                return ramped.error();
            at += 3;
        } else if (kind == indirect && !count && segments_.size() - at >= 4) {
            const std::size_t offset = segments_[at + 2] | std::size_t{segments_[at + 3]} << 16U;
            if (const auto copied = run(offset / 2, length); !copied)
                return copied.error();
            at += 4;
        } else {
            return broken();
        }
    }
    return {};
}

} // namespace

Result<std::vector<std::uint16_t>>
expand_palette(std::span<const std::uint16_t> segments, std::size_t entries)
{
    Expander expander(segments, entries);
    if (const auto expanded = expander.run(0, std::nullopt); !expanded)
        return expanded.error();
    if (expander.out.size() != entries)
        return error(Errc::malformed, "a segmented palette of another length than it says");
    return std::move(expander.out);
}

} // namespace gantry::mapping
