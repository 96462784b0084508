// A raw TCP peer that does what a test tells it, right or wrong: send, receive, wait, reset. Every
// receive has a deadline: a hang is a failed test.
#pragma once

#include "dimse/connection.h"
#include "mapping/vocabulary/bytes.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gantry::tests {

using ByteVector = std::vector<std::byte>;

/// "04 00 0000000c": hexadecimal digits, blanks ignored.
ByteVector hex(const char* digits);

class ScriptedPeer {
public:
    static constexpr std::chrono::seconds deadline{20};

    /// Connects to 127.0.0.1.
    static ScriptedPeer connect(std::uint16_t port);

    explicit ScriptedPeer(dimse::FileDescriptor socket) : socket_(std::move(socket)) {}

    /// Sends all; false where the other side does not take it any more.
    bool send(ConstBytes bytes);

    /// Exactly `count` bytes; throws std::runtime_error at the end of the stream or the deadline.
    ByteVector receive(std::size_t count);

    /// One PDU with its head.
    ByteVector receive_pdu();

    /// True when the other side closes, with or without a reset, before it sends anything.
    bool closed();

    /// Nothing has come and the connection stands.
    bool silent();

    /// Waits at most `time` for something to arrive (or the end).
    bool wait(std::chrono::milliseconds time);

    /// Says that no more comes; still receives.
    void half_close();

    /// Ends the connection with a TCP reset.
    void reset();

    int fd() const noexcept { return socket_.get(); }

private:
    dimse::FileDescriptor socket_;
};

/// Listens on a free port of 127.0.0.1.
class ScriptedListener {
public:
    ScriptedListener();

    std::uint16_t port() const noexcept { return port_; }

    ScriptedPeer accept();

private:
    dimse::FileDescriptor socket_;
    std::uint16_t port_ = 0;
};

} // namespace gantry::tests
