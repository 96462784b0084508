// Pictures that were asked for last, encoded: viewers ask for the same thumbnails again. On the
// loop.
#pragma once

#include "mapping/vocabulary/bytes.h"

#include <algorithm>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::faces {

class PictureCache {
public:
    using Encoded = std::shared_ptr<const std::vector<std::byte>>;

    explicit PictureCache(Bytes capacity) : capacity_(capacity.count) {}

    /// Null where it is not there.
    Encoded find(std::string_view tag)
    {
        const auto found = std::ranges::find(kept_, tag, &Kept::first);
        if (found == kept_.end())
            return nullptr;
        kept_.splice(kept_.begin(), kept_, found);
        return found->second;
    }

    /// Larger ones than a hundredth of all are not kept.
    void keep(std::string tag, Encoded picture)
    {
        if (picture->size() > capacity_ / 100 || find(tag))
            return;
        size_ += picture->size();
        kept_.emplace_front(std::move(tag), std::move(picture));
        while (size_ > capacity_) {
            size_ -= kept_.back().second->size();
            kept_.pop_back();
        }
    }

private:
    using Kept = std::pair<std::string, Encoded>; // by entity tag

    std::size_t capacity_;
    std::size_t size_ = 0;
    std::list<Kept> kept_; // the last one asked for first
};

} // namespace gantry::faces
