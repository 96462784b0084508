#include "mapping/fragment_gatherer.h"

#include <algorithm>

namespace gantry::mapping {

namespace {

constexpr std::uint32_t item_header = 8;
constexpr std::uint32_t largest_table = 64U << 20U;

} // namespace

Result<void> FragmentGatherer::begin_fragment(std::uint32_t length)
{
    if (!table_read_)
        return length <= largest_table ? Result<void>()
                                       : error(Errc::too_large, "a basic offset table");
    if (length > what_.largest)
        return error(Errc::too_large, "the codestream of one frame");
    fragment_ = gathered_.size();
    offset_ = next_offset_;
    next_offset_ += item_header + length;
    return {};
}

Result<void> FragmentGatherer::value(ConstBytes piece)
{
    gathered_.insert(gathered_.end(), piece.begin(), piece.end());
    return {};
}

Result<void> FragmentGatherer::end_fragment()
{
    if (!table_read_) {
        table_read_ = true;
        read_offsets();
        gathered_.clear();
        return {};
    }
    if (fragment_ > 0 && begins_frame())
        return give(fragment_);
    return gathered_.size() <= what_.largest
               ? Result<void>()
               : error(Errc::too_large, "the codestream of one frame");
}

/// PS3.5 A.4: one offset for each frame, rising from 0. What is anything else is not gone by.
void FragmentGatherer::read_offsets()
{
    if (gathered_.size() != std::size_t{what_.frames} * 4)
        return;
    for (std::size_t at = 0; at < gathered_.size(); at += 4) {
        std::uint32_t offset = 0;
        for (std::size_t i = 0; i < 4; ++i)
            offset |= std::to_integer<std::uint32_t>(gathered_[at + i]) << (8 * i);
        offsets_.push_back(offset);
    }
    if (offsets_.front() != 0 ||
        std::ranges::adjacent_find(offsets_, std::greater_equal<>()) != offsets_.end())
        offsets_.clear();
}

bool FragmentGatherer::begins_frame() const
{
    if (what_.frames == 1)
        return false;
    if (!offsets_.empty())
        return std::ranges::binary_search(offsets_, offset_);
    return begins_codestream(what_.codec, ConstBytes(gathered_).subspan(fragment_));
}

Result<void> FragmentGatherer::give(std::size_t size)
{
    if (given_ == what_.frames)
        return error(Errc::malformed, "more frames than the image has");
    if (const auto taken = out_(ConstBytes(gathered_).first(size)); !taken)
        return taken.error();
    ++given_;
    gathered_.erase(gathered_.begin(), gathered_.begin() + static_cast<std::ptrdiff_t>(size));
    fragment_ = 0;
    return {};
}

Result<void> FragmentGatherer::finish()
{
    if (!gathered_.empty()) {
        if (const auto given = give(gathered_.size()); !given)
            return given.error();
    }
    return given_ == what_.frames ? Result<void>()
                                  : error(Errc::malformed, "fewer frames than the image has");
}

} // namespace gantry::mapping
