#include "dimse/store_handover.h"

#include <boost/asio/post.hpp>

#include <utility>

namespace gantry::dimse {

/// One call of store() from its turn to its end, however that comes.
class StoreHandover::Turn {
public:
    explicit Turn(StoreHandover& owner) : owner_(&owner) { owner_->busy_ = true; }

    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    Turn(Turn&&) = delete;
    Turn& operator=(Turn&&) = delete;

    ~Turn() { owner_->end(); }

private:
    StoreHandover* owner_;
};

StoreHandover::StoreHandover(
    asio::any_io_executor loop, std::shared_ptr<WakeSignal> wake, std::function<void()> abandoned
)
    : turn_(loop),
      answered_(std::move(loop)),
      wake_(std::move(wake)),
      abandoned_(std::move(abandoned))
{
}

asio::awaitable<Result<DimseStatus>> StoreHandover::store(OutgoingInstance instance)
{
    const auto self = shared_from_this();
    while (busy_)
        co_await turn_.wait();
    const Turn turn(*this);
    if (const auto refused = begin(std::move(instance)))
        co_return *refused;
    for (;;) {
        if (auto answer = take_answer())
            co_return std::move(*answer);
        co_await answered_.wait();
    }
}

std::optional<Error> StoreHandover::begin(OutgoingInstance instance)
{
    const std::lock_guard lock(mutex_);
    if (closed_)
        return closed_;
    waiting_ = std::move(instance);
    answer_.reset();
    wake_->wake();
    return std::nullopt;
}

std::optional<Result<DimseStatus>> StoreHandover::take_answer()
{
    const std::lock_guard lock(mutex_);
    return std::exchange(answer_, std::nullopt);
}

/// The turn of a cancelled coroutine lasts until its answer has come: the association is not free.
void StoreHandover::end()
{
    bool abandoned = false;
    {
        const std::lock_guard lock(mutex_);
        abandoned = waiting_ || sending_;
        waiting_.reset();
        answer_.reset();
        forsaken_ = sending_;
        busy_ = sending_;
    }
    if (!busy_)
        turn_.notify();
    if (abandoned && abandoned_)
        abandoned_();
}

std::optional<OutgoingInstance> StoreHandover::take()
{
    const std::lock_guard lock(mutex_);
    if (!waiting_)
        return std::nullopt;
    sending_ = true;
    auto taken = std::move(waiting_);
    waiting_.reset();
    return taken;
}

void StoreHandover::answer(Result<DimseStatus> result)
{
    const std::lock_guard lock(mutex_);
    settle(std::move(result));
}

void StoreHandover::close(Error reason)
{
    const std::lock_guard lock(mutex_);
    if (closed_)
        return;
    closed_ = reason;
    if (waiting_ || sending_)
        settle(std::move(reason));
    waiting_.reset();
}

void StoreHandover::settle(Result<DimseStatus> result)
{
    sending_ = false;
    if (!std::exchange(forsaken_, false)) {
        answer_ = std::move(result);
        asio::post(answered_.executor(), [self = shared_from_this()] { self->answered_.notify(); });
        return;
    }
    asio::post(turn_.executor(), [self = shared_from_this()] {
        self->busy_ = false;
        self->turn_.notify();
    });
}

bool StoreHandover::usable() const
{
    const std::lock_guard lock(mutex_);
    return !closed_;
}

} // namespace gantry::dimse
