#include "dimse/store_line.h"

#include "dimse/error.h"
#include "dimse/log.h"
#include "dimse/requestor_association.h"
#include "dimse/requestor_state.h"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace gantry::dimse {

namespace {

// Between two instances nothing is owed: whoever opened the association says when it ends.
constexpr std::chrono::hours no_deadline{24};

} // namespace

StoreLine::StoreLine(asio::any_io_executor loop)
    : changed_(loop),
      wake_(std::make_shared<WakeSignal>()),
      handover_(std::make_shared<StoreHandover>(std::move(loop), wake_, [stop = stop_]() mutable {
          stop.request_stop();
      }))
{
}

void StoreLine::run(
    RequestorState& requestor, std::vector<ProposedContext> proposals, std::stop_token pool_stop
)
{
    const std::stop_callback forward(std::move(pool_stop), [this] { stop_.request_stop(); });
    const StopSignal stop(stop_.get_token());
    const auto talk = [this](RequestorAssociation& association) {
        auto contexts = association.accepted();
        if (contexts.empty())
            return open(error(Errc::no_context, "none of those proposed"));
        open(std::move(contexts));
        serve(association);
    };
    if (const auto talked = requestor.converse_anew({.contexts = std::move(proposals)}, stop, talk);
        !talked)
        open(talked.error());
    end();
}

void StoreLine::serve(RequestorAssociation& association)
{
    while (association.usable()) {
        auto instance = handover_->take();
        if (!instance) {
            if (release_wanted()) {
                association.release();
                handover_->close(error(Errc::released));
                return;
            }
            if (Error lost = wait(association); lost.code) {
                handover_->close(std::move(lost));
                return; // the association's end says A-ABORT where one is owed
            }
            continue;
        }
        auto answer = association.store(*instance);
        if (association.usable())
            handover_->answer(std::move(answer));
        else
            handover_->close(answer ? error(Errc::closed) : answer.error());
    }
}

/// No error: something has come from the loop.
Error StoreLine::wait(RequestorAssociation& association)
{
    const Readiness ready = association.wait_any(wake_->fd(), no_deadline);
    if (ready.stopped)
        return error(Errc::stopped);
    if (ready.input)
        return association.hear_idle();
    if (ready.event)
        wake_->clear();
    return {};
}

bool StoreLine::release_wanted() const
{
    const std::lock_guard lock(mutex_);
    return release_;
}

void StoreLine::open(Result<std::vector<Negotiation::Context>> result)
{
    const std::lock_guard lock(mutex_);
    opened_ = std::move(result);
    notify();
}

void StoreLine::end()
{
    handover_->close(error(Errc::closed));
    const std::lock_guard lock(mutex_);
    ended_ = true;
    notify();
}

void StoreLine::notify()
{
    asio::post(changed_.executor(), [self = shared_from_this()] { self->changed_.notify(); });
}

asio::awaitable<Result<std::vector<Negotiation::Context>>> StoreLine::opened()
{
    const auto self = shared_from_this();
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            if (opened_)
                co_return std::move(*opened_);
        }
        co_await changed_.wait();
    }
}

asio::awaitable<void> StoreLine::release()
{
    const auto self = shared_from_this();
    {
        const std::lock_guard lock(mutex_);
        release_ = true;
    }
    wake_->wake();
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            if (ended_)
                co_return;
        }
        co_await changed_.wait();
    }
}

} // namespace gantry::dimse
