// Which page of a search is asked for next, and when it was the last (PS3.18 8.3.4.4): servers cap
// pages without a word, ignore limit or offset, repeat what they gave. Pure; one search each.
#pragma once

#include "gateway/origins/qido_find.h"

#include <cstdint>
#include <optional>

namespace gantry {

/// What one page brought.
struct PageCount {
    std::uint64_t results = 0;
    std::uint64_t fresh = 0; // not seen before in this search
    bool more = false;       // the origin says that there are more
};

class QidoPaging {
public:
    /// `wanted`: results after which nothing more is needed. `offset`: of the first result, known
    /// to be honoured. `learned` outlives it.
    QidoPaging(
        SearchMemory& learned,
        const SearchLimits& limits,
        std::optional<std::uint64_t> wanted,
        std::uint64_t offset
    );

    std::uint64_t limit() const;

    std::uint64_t offset() const noexcept { return offset_; }

    enum class Next : std::uint8_t {
        page, // ask limit(), offset()
        done, // that was all
        lost  // there is or may be more, and the origin does not give it
    };

    /// A page was read to its end.
    Next page_read(PageCount page);

    /// A page broke off: goes on behind what came.
    void page_cut(PageCount page);

    /// The origin does not take such a limit. False: it was asked for little already.
    bool refused(bool too_large);

    /// Offset is ignored: the first page is asked for, larger and larger.
    bool growing() const noexcept { return growing_; }

    /// How the next page is asked for where this one is full; nothing where that cannot be told.
    std::optional<QidoPaging> after_full_page() const;

private:
    Next repeated(PageCount page, std::uint64_t asked);
    void keep_below_refused();
    void grow();

    SearchMemory* learned_;
    SearchLimits limits_;
    std::optional<std::uint64_t> wanted_;
    std::uint64_t start_;
    std::uint64_t offset_;
    std::uint64_t size_;      // of a page, as it is asked for
    std::uint64_t fresh_ = 0; // of all pages
    std::uint64_t pages_ = 0;
    std::uint64_t last_ = 0; // results of the last page
    std::uint64_t last_limit_ = 0;
    bool growing_ = false;
};

} // namespace gantry
