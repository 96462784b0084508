#include "gateway/origins/qido_search.h"

#include <dcmtk/config/osconfig.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <dcmtk/dcmdata/dcdatset.h>

#include <algorithm>
#include <utility>

namespace gantry {

using Kind = SearchProblem::Kind;
using Took = QidoMatches::Took;

/// A page that ends otherwise than full makes the next one, asked for already, worthless.
struct QidoSearch::StopsBoth {
    using Cancel = asio::cancellation_type;

    Cancel operator()(const std::exception_ptr& fault, const PageEnd& end) const noexcept
    {
        return fault || !end.full || end.stop ? Cancel::terminal : Cancel::none;
    }

    Cancel operator()(const std::exception_ptr& fault, const OpenedPage&) const noexcept
    {
        return fault ? Cancel::terminal : Cancel::none;
    }
};

QidoSearch::QidoSearch(
    SearchRoom room,
    mapping::QidoRequest request,
    QidoMatches& matches,
    std::optional<std::uint64_t> wanted,
    std::uint64_t offset
)
    : room_(room),
      request_(std::move(request)),
      matches_(matches),
      paging_(room.learned, room.limits, wanted, offset)
{
}

asio::awaitable<OpenedPage> QidoSearch::open(QidoPaging paging)
{
    const std::uint64_t limit = paging.limit();
    const std::uint64_t offset = paging.offset();
    OpenedPage opened = co_await open_page(room_, request_.target(limit, offset));
    opened.limit = limit;
    opened.offset = offset;
    co_return opened;
}

// References below name objects in the frame of run(), which awaits all of this.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

asio::awaitable<QidoSearch::PageEnd> QidoSearch::drain(OpenedPage& opened)
{
    PageEnd end;
    if (!opened.page)
        co_return end; // no content
    const Beyond beyond = opened.page->beyond();
    end.count.more = beyond.more;
    while (true) {
        auto match = co_await opened.page->next();
        if (!match) {
            end.problem = match.error();
            co_return end;
        }
        if (*match == nullptr || end.stop) {
            end.full = end.count.results >= opened.limit;
            co_return end;
        }
        ++end.count.results;
        const Took took = co_await matches_.take(std::move(*match), request_);
        end.count.fresh += took == Took::repeated ? 0 : 1;
        if (took == Took::fresh || took == Took::repeated) {
            if (matches_.seen() <= room_.limits.max_matches)
                continue;
            end.problem = SearchProblem{Kind::final, Shortfall::limit, "too many matches"};
            co_return end;
        }
        end.stop = took;
        // so that the connection can be kept: after the last result only its end is to come
        if (took != Took::enough || end.count.results < opened.limit)
            co_return end;
    }
}

asio::awaitable<QidoSearch::PageEnd> QidoSearch::read(OpenedPage& opened)
{
    ahead_.reset();
    const auto next = room_.learned.honours_offset ? paging_.after_full_page() : std::nullopt;
    if (!next || !opened.page)
        co_return co_await drain(opened);
    const auto executor = co_await asio::this_coro::executor;
    auto both = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, drain(opened), asio::deferred),
        asio::co_spawn(executor, open(*next), asio::deferred)
    );
    StopsBoth condition;
    auto [order, fault, end, ahead_fault, ahead] =
        co_await both.async_wait(std::move(condition), asio::use_awaitable);
    if (fault)
        std::rethrow_exception(fault);
    if (!ahead_fault && end.full)
        ahead_ = std::move(ahead);
    co_return std::move(end);
}

/// A page that is short may have been cut. Once for each origin it is found out how large a page of
/// it can be, so that most searches end with what they have.
asio::awaitable<void> QidoSearch::probe(const PageEnd& end, std::uint64_t limit)
{
    SearchMemory& learned = room_.learned;
    const bool doubtful = end.count.results > 0 && end.count.results < limit && !end.count.more &&
                          end.count.results >= learned.page_size;
    if (!doubtful || learned.probed)
        co_return;
    learned.probed = true;
    mapping::QidoRequest all;
    all.path = "/studies";
    OpenedPage opened = co_await open_page(room_, all.target(room_.limits.first_page));
    std::uint32_t results = 0;
    while (opened.page) {
        const auto match = co_await opened.page->next();
        if (!match || *match == nullptr)
            break;
        ++results;
    }
    learned.page_size = std::max(learned.page_size, results);
}

/// Whether the same is asked again, or otherwise, after a problem.
asio::awaitable<bool> QidoSearch::may_go_on(SearchProblem& problem)
{
    switch (problem.kind) {
    case Kind::limit:
        if (paging_.growing())
            problem.shortfall = Shortfall::limit;
        co_return paging_.refused(problem.too_large);
    case Kind::media_type:
        room_.learned.xml_only = !std::exchange(tried_xml_, true) && !room_.learned.xml_only;
        co_return room_.learned.xml_only;
    case Kind::later: co_return co_await wait_for_it(problem);
    default: co_return false;
    }
}

asio::awaitable<bool> QidoSearch::wait_for_it(SearchProblem& problem)
{
    using std::chrono::milliseconds;
    if (++attempts_ >= room_.limits.attempts)
        co_return false;
    milliseconds delay = room_.limits.retry_delay * (1U << (attempts_ - 1));
    if (problem.retry_after)
        delay = *problem.retry_after;
    if (delay > room_.limits.longest_delay) {
        problem.reason += ": asks to wait " + std::to_string(problem.retry_after->count()) + " s";
        co_return false;
    }
    asio::steady_timer timer(co_await asio::this_coro::executor, delay);
    (void)co_await timer.async_wait(use_tuple);
    co_return true;
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

SearchEnd QidoSearch::stopped(const PageEnd& end, const OpenedPage& opened) const
{
    if (end.stop == Took::nameless)
        return {
            SearchEnd::Kind::problem,
            {Kind::final, Shortfall::failed, "a match without its unique key"},
            std::nullopt
        };
    SearchEnd stop{SearchEnd::Kind::enough, {}, std::nullopt};
    const Beyond beyond = opened.page->beyond();
    if (beyond.count)
        stop.remaining = *beyond.count + opened.limit - std::min(end.count.results, opened.limit);
    return stop;
}

asio::awaitable<SearchEnd> QidoSearch::run()
{
    using Next = QidoPaging::Next;
    matches_.begin_request();
    OpenedPage opened = co_await open(paging_);
    while (true) {
        PageEnd end;
        if (opened.problem)
            end.problem = std::move(opened.problem);
        else
            end = co_await read(opened);
        if (end.stop)
            co_return stopped(end, opened);
        if (end.count.fresh > 0 || !end.problem)
            attempts_ = 0;
        if (end.problem) {
            paging_.page_cut(end.count);
            if (any_ && end.problem->kind == Kind::no_resource)
                end.problem->kind = Kind::final;
            if (!co_await may_go_on(*end.problem))
                co_return SearchEnd{SearchEnd::Kind::problem, *end.problem, std::nullopt};
            opened = co_await open(paging_);
            continue;
        }
        any_ = true;
        co_await probe(end, opened.limit);
        const Next next = paging_.page_read(end.count);
        if (next == Next::done)
            co_return SearchEnd{};
        if (next == Next::lost)
            co_return SearchEnd{
                SearchEnd::Kind::problem,
                {Kind::final, Shortfall::limit, "the origin does not give all pages"},
                std::nullopt
            };
        const bool fits =
            ahead_ && ahead_->limit == paging_.limit() && ahead_->offset == paging_.offset();
        if (fits)
            opened = std::move(*ahead_);
        else
            opened = co_await open(paging_);
        ahead_.reset();
    }
}

} // namespace gantry
