// Brings C-STOREs from the loop to an association's thread, and the answers back: one at a time
// (PS3.7 D.3.3.3, no asynchronous operations). store() runs on the loop, the rest on any thread.
#pragma once

#include "dimse/connection.h"
#include "dimse/store_channel.h"
#include "gateway/loop/change.h"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

namespace gantry::dimse {

class StoreHandover : public std::enable_shared_from_this<StoreHandover> {
public:
    /// `wake` calls the thread. `abandoned` is called on the loop where a coroutine that waits in
    /// store() is cancelled; without it, what is under way goes on and its answer is dropped.
    StoreHandover(
        asio::any_io_executor loop,
        std::shared_ptr<WakeSignal> wake,
        std::function<void()> abandoned = {}
    );

    asio::awaitable<Result<DimseStatus>> store(OutgoingInstance instance);

    /// The next one to send.
    std::optional<OutgoingInstance> take();

    /// Of the one that was taken.
    void answer(Result<DimseStatus> result);

    /// No more: `reason` answers what is under way and whatever comes.
    void close(Error reason);

    bool usable() const;

private:
    class Turn;

    std::optional<Error> begin(OutgoingInstance instance);
    std::optional<Result<DimseStatus>> take_answer();
    void end();
    void settle(Result<DimseStatus> result);

    Change turn_;     // loop only: one has ended
    Change answered_; // loop only
    std::shared_ptr<WakeSignal> wake_;
    std::function<void()> abandoned_;
    bool busy_ = false; // loop only

    mutable std::mutex mutex_;
    std::optional<OutgoingInstance> waiting_;
    bool sending_ = false;  // taken, not answered
    bool forsaken_ = false; // nobody waits for the answer
    std::optional<Result<DimseStatus>> answer_;
    std::optional<Error> closed_;
};

} // namespace gantry::dimse
