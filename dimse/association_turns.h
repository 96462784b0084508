// How many conversations with one peer run at once: who comes first is served first, and those that
// take long leave a place to the others where there are several. Waiting takes no thread.
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/result.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

namespace gantry::dimse {

enum class Length : std::uint8_t {
    brief,  // questions
    lengthy // retrieves, stores
};

class AssociationTurns : public std::enable_shared_from_this<AssociationTurns> {
public:
    /// Ends when it dies, on any thread.
    class Turn {
    public:
        Turn() = default;

        Turn(std::shared_ptr<AssociationTurns> owner, Length length)
            : owner_(std::move(owner)), length_(length)
        {
        }

        Turn(Turn&&) noexcept = default;
        Turn& operator=(Turn&&) = delete;
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

        ~Turn()
        {
            if (owner_)
                owner_->end(length_);
        }

    private:
        std::shared_ptr<AssociationTurns> owner_;
        Length length_ = Length::brief;
    };

    /// `most`: 0 is no bound.
    AssociationTurns(std::size_t most, std::chrono::milliseconds patience)
        : most_(most), patience_(patience)
    {
    }

    /// Loop. Errors: busy, where none came in time; stopped, where it was cancelled.
    asio::awaitable<Result<Turn>> take(Length length);

private:
    class Queued;

    struct Waiter {
        Waiter(asio::any_io_executor loop, Length l) : timer(std::move(loop)), length(l) {}

        asio::steady_timer timer; // its loop only; cancelled when it is granted
        Length length;
        bool granted = false;
    };

    void enter(const std::shared_ptr<Waiter>& waiter);
    void leave(const std::shared_ptr<Waiter>& waiter);
    bool granted(const Waiter& waiter) const;
    void end(Length length);
    void grant_what_fits();
    bool fits(Length length) const;
    void count_out(Length length);

    std::size_t most_;
    std::chrono::milliseconds patience_;
    mutable std::mutex mutex_;
    std::size_t taken_ = 0;
    std::size_t lengthy_ = 0; // of these
    std::list<std::shared_ptr<Waiter>> waiting_;
};

} // namespace gantry::dimse
