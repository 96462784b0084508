// What a coroutine on the loop and a test on its own thread tell each other. All waits have a
// deadline.
#pragma once

#include "gateway/loop/asio.h"
#include "support/scripted_peer.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

namespace gantry::tests {

class Signposts {
public:
    void reach(const std::string& name, std::size_t times = 1)
    {
        const std::lock_guard lock(mutex_);
        reached_[name] += times;
        changed_.notify_all();
    }

    std::size_t count(const std::string& name)
    {
        const std::lock_guard lock(mutex_);
        return reached_[name];
    }

    /// False at the deadline.
    bool wait(
        const std::string& name,
        std::size_t times = 1,
        std::chrono::milliseconds deadline = ScriptedPeer::deadline
    )
    {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, deadline, [&] { return reached_[name] >= times; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::size_t> reached_;
};

/// Reaches a signpost when it goes out of scope: how a coroutine tells its end.
class Farewell {
public:
    Farewell(Signposts& posts, std::string name) : posts_(&posts), name_(std::move(name)) {}

    Farewell(const Farewell&) = delete;
    Farewell& operator=(const Farewell&) = delete;

    ~Farewell() { posts_->reach(name_); }

private:
    Signposts* posts_;
    std::string name_;
};

/// Waits on the loop until it is cancelled, or `posts` reaches `name`.
// The test owns the signposts.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
inline asio::awaitable<void> until(Signposts& posts, std::string name)
{
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (posts.count(name) == 0) {
        timer.expires_after(std::chrono::milliseconds(2));
        co_await timer.async_wait(asio::use_awaitable);
    }
}

} // namespace gantry::tests
