#include "gateway/origins/dimse_passage.h"

#include "gateway/loop/worker_pool.h"
#include "gateway/origins/dimse_incoming.h"
#include "mapping/status.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

namespace gantry {

using mapping::store_status;
using mapping::StoreFailure;

/// Received to its end and forgotten: the PACS counts it as done (PS3.4 C.4.2.2.1).
class DimsePassage::Unneeded final : public dimse::IncomingInstance {
public:
    explicit Unneeded(std::shared_ptr<DimsePassage> passage) : passage_(std::move(passage)) {}

    Result<void> write(ConstBytes) override
    {
        passage_->touch();
        return {};
    }

    DimseStatus finish() override { return {status::success, {}}; }

private:
    std::shared_ptr<DimsePassage> passage_;
};

DimsePassage::DimsePassage(
    const asio::any_io_executor& loop,
    RetrieveSink& sink,
    std::unique_ptr<DimsePlan> plan,
    Ground ground
)
    : loop_(loop),
      sink_(&sink),
      plan_(std::move(plan)),
      ground_(std::move(ground)),
      changed_(loop),
      touched_(0)
{
    touch();
}

DimsePassage::Begun DimsePassage::take(const dimse::StoreRequest& request)
{
    touch();
    if (over_.stop_requested())
        return store_status(StoreFailure::not_awaited);
    std::size_t at = 0;
    switch (plan_->claim(request.sop.sop_instance, at)) {
    case DimsePlan::Claim::taken: break;
    case DimsePlan::Claim::duplicate: return std::make_unique<Unneeded>(shared_from_this());
    case DimsePlan::Claim::unexpected:
        spdlog::warn(
            "archive sent what was not asked for origin={} sop={}",
            ground_.origin,
            request.sop.sop_instance.str()
        );
        return store_status(StoreFailure::not_asked_for);
    }
    return std::make_unique<Incoming>(shared_from_this(), request, at);
}

bool DimsePassage::note(const dimse::SubOperations& counts)
{
    // Only what moves is a sign of life: some say Pending for ever.
    const std::uint64_t done = std::uint64_t{counts.completed} + counts.failed + counts.warning;
    if (last_counts_.exchange(done, std::memory_order_relaxed) != done)
        touch();
    return !over_.stop_requested();
}

// Blocks the association's thread for as long as the asker takes.
DimseStatus DimsePassage::hand_over(Arrived arrived)
{
    if (over_.stop_requested())
        return store_status(StoreFailure::not_awaited);
    bool given = false;
    try {
        given = block_on(loop_, give(shared_from_this(), std::move(arrived)), over_.get_token());
    } catch (const std::exception& fault) {
        spdlog::debug("instance not given origin={} reason=\"{}\"", ground_.origin, fault.what());
    }
    return given ? DimseStatus{status::success, {}} : store_status(StoreFailure::not_awaited);
}

asio::awaitable<bool> DimsePassage::give(std::shared_ptr<DimsePassage> self, Arrived arrived)
{
    if (self->over_.stop_requested())
        co_return false;

    struct Giving {
        explicit Giving(DimsePassage& of) : passage(of) { ++passage.giving_; }

        ~Giving()
        {
            --passage.giving_;
            passage.touch();
            passage.changed_.notify();
        }

        Giving(const Giving&) = delete;
        Giving& operator=(const Giving&) = delete;

        DimsePassage& passage;
    };

    const Giving counted(*self);
    const std::size_t at = arrived.at;
    const Result<void> taken = co_await self->sink_->instance(std::move(arrived.content));
    if (!taken) {
        self->refusal_ = taken.error();
        self->close();
        co_return false;
    }
    self->plan_->given(at);
    co_return true;
}

void DimsePassage::close()
{
    over_.request_stop();
    changed_.notify();
}

asio::awaitable<void> DimsePassage::left()
{
    while (giving_ > 0)
        co_await changed_.wait();
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): of who awaits
asio::awaitable<void> DimsePassage::trouble(std::chrono::milliseconds longest, const bool& answered)
{
    using namespace asio::experimental::awaitable_operators;

    struct Watch {
        Watch(DimsePassage& of, const bool& by) : passage(of), ended(by) {}

        ~Watch()
        {
            if (!ended && !found)
                passage.close();
        }

        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;

        DimsePassage& passage;
        const bool& ended;
        bool found = false;
    };

    Watch watch(*this, answered);
    asio::steady_timer timer(loop_);
    touch();
    while (!over_.stop_requested()) {
        const auto now = std::chrono::steady_clock::now();
        const auto until = (giving_ > 0 ? now : touched()) + longest;
        if (until <= now)
            break;
        timer.expires_at(until);
        auto either = changed_.wait() || timer.async_wait(use_tuple);
        co_await std::move(either);
    }
    watch.found = true;
}

void DimsePassage::touch() noexcept
{
    touched_.store(
        std::chrono::steady_clock::now().time_since_epoch().count(), std::memory_order_relaxed
    );
}

std::chrono::steady_clock::time_point DimsePassage::touched() const noexcept
{
    using Clock = std::chrono::steady_clock;
    return Clock::time_point(Clock::duration(touched_.load(std::memory_order_relaxed)));
}

} // namespace gantry
