// The deadline of a connection's reads and writes: one timer that is armed by storing a time, so
// that a deadline per chunk costs nothing. Internal to web/; loop only.
#pragma once

#include "gateway/loop/asio.h"

#include <array>
#include <chrono>
#include <functional>
#include <memory>

namespace gantry::web {

class Watchdog {
public:
    enum class Side : unsigned char { read, write };

    /// `bite` is called when a deadline passes; it must make the operations under way end. Never
    /// called after the watchdog's destruction.
    Watchdog(asio::any_io_executor loop, std::function<void()> bite);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    /// Arms one side; milliseconds::max() is no deadline.
    void arm(Side side, std::chrono::milliseconds longest);

    /// Disarms it; true where the deadline passed since arm().
    bool disarm(Side side) noexcept;

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace gantry::web
