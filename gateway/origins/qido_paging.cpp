#include "gateway/origins/qido_paging.h"

#include <algorithm>

namespace gantry {

namespace {

constexpr std::uint64_t least_page = 10;
constexpr std::uint64_t safe_page = 100; // no server is known that refuses it
constexpr std::uint64_t growth = 4;
constexpr std::uint64_t page_growth = 10;
constexpr std::uint64_t most_grown = 100'000;
constexpr std::uint64_t least_cap = 50;

/// 50, 100, 200, 250, 500, 1000 and so on: what people choose for a cap.
bool looks_like_cap(std::uint64_t results)
{
    if (results < least_cap)
        return false;
    while (results % 10 == 0)
        results /= 10;
    return results == 1 || results == 2 || results == 25 || results == 5;
}

std::uint32_t bounded(std::uint64_t number)
{
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(number, UINT32_MAX));
}

} // namespace

QidoPaging::QidoPaging(
    SearchMemory& learned,
    const SearchLimits& limits,
    std::optional<std::uint64_t> wanted,
    std::uint64_t offset
)
    : learned_(&learned),
      limits_(limits),
      wanted_(wanted),
      start_(offset),
      offset_(offset),
      size_(limits.first_page)
{
    keep_below_refused();
}

void QidoPaging::keep_below_refused()
{
    const std::uint64_t refused = learned_->refused_limit;
    if (refused == 0 || size_ < refused)
        return;
    const std::uint64_t accepted = learned_->accepted_limit;
    if (accepted > 0 && accepted < refused)
        size_ = accepted;
    else
        size_ = refused > safe_page ? safe_page : std::max(refused / growth, least_page);
}

/// The next page after a full one: few requests, as an offset is costly for many origins.
void QidoPaging::grow()
{
    size_ = std::max(size_, std::min<std::uint64_t>(size_ * page_growth, limits_.page));
    keep_below_refused();
}

std::uint64_t QidoPaging::limit() const
{
    if (!wanted_ || growing_)
        return size_;
    return std::clamp<std::uint64_t>(*wanted_ - std::min(*wanted_, fresh_), 1, size_);
}

QidoPaging::Next QidoPaging::page_read(PageCount page)
{
    const std::uint64_t asked = limit();
    learned_->accepted_limit = std::max(learned_->accepted_limit, bounded(asked));
    const bool first = pages_++ == 0;
    const bool capped = !first && page.fresh > 0 && !growing_ && last_ > 0 && last_ < last_limit_;
    if (!first && page.fresh > 0 && page.fresh == page.results && !growing_)
        learned_->honours_offset = true;
    const std::uint64_t known_size = learned_->page_size;
    learned_->page_size = std::max(learned_->page_size, bounded(page.results));
    fresh_ += page.fresh;
    if (wanted_ && fresh_ >= *wanted_)
        return Next::done;
    if (page.results == 0)
        return page.more ? Next::lost : Next::done;
    if (page.fresh == 0)
        return repeated(page, asked);
    if (growing_)
        return page.results < asked && !page.more ? Next::done : repeated(page, asked);
    if (!page.more && page.results < asked && page.results < known_size)
        return Next::done;
    offset_ += page.results;
    if (capped)
        size_ = last_; // no larger page comes
    else if (page.results >= asked)
        grow();
    last_ = page.results;
    last_limit_ = asked;
    return Next::page;
}

/// Nothing new: an origin that has shown that it honours an offset is at its end. Else it may
/// always give the same first results, and more of them only where it is asked for more.
QidoPaging::Next QidoPaging::repeated(PageCount page, std::uint64_t asked)
{
    const bool honest = learned_->honours_offset && !growing_;
    if (honest)
        return page.more ? Next::lost : Next::done;
    const bool full = page.results >= asked || (!growing_ && last_ >= last_limit_);
    const bool may_be_cut = page.more || full || looks_like_cap(page.results);
    if (!may_be_cut)
        return Next::done;
    const bool grew = page.fresh > 0 || !growing_;
    if (!grew || asked >= most_grown)
        return Next::lost;
    growing_ = true;
    offset_ = start_;
    size_ = std::max({asked, page.results, fresh_}) * growth;
    return Next::page;
}

void QidoPaging::page_cut(PageCount page)
{
    fresh_ += page.fresh;
    offset_ += growing_ ? 0 : page.results;
}

bool QidoPaging::refused(bool too_large)
{
    const std::uint64_t asked = limit();
    if (asked <= (too_large ? least_page : safe_page) || growing_)
        return false;
    learned_->refused_limit = bounded(asked);
    const std::uint64_t accepted = learned_->accepted_limit;
    size_ = too_large ? std::max(asked / growth, least_page) : safe_page;
    if (accepted < asked)
        size_ = std::max(size_, accepted);
    return true;
}

std::optional<QidoPaging> QidoPaging::after_full_page() const
{
    // small answers stay one request: only a search that had a full page looks ahead
    if (pages_ == 0 || growing_ || last_ < last_limit_)
        return std::nullopt;
    const std::uint64_t asked = limit();
    if (wanted_ && *wanted_ <= fresh_ + asked)
        return std::nullopt;
    QidoPaging next = *this;
    next.offset_ += asked;
    next.fresh_ += asked;
    next.grow();
    return next;
}

} // namespace gantry
