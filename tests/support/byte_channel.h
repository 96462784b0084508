// A blocking TCP or TLS stream for scripted peers: every wait has a deadline and ends when the test
// is over. Used on a peer's own thread, never on a loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace gantry::tests {

/// Ends all waits of the channels that know it. Any thread.
class StopFlag {
public:
    StopFlag();
    ~StopFlag();
    StopFlag(const StopFlag&) = delete;
    StopFlag& operator=(const StopFlag&) = delete;

    void raise();

    int fd() const noexcept { return fd_; }

private:
    int fd_;
};

class ByteChannel {
public:
    static constexpr std::chrono::seconds deadline{30};

    /// Owns `fd`; `stop` (may be null) outlives the channel.
    ByteChannel(int fd, const StopFlag* stop);
    ~ByteChannel();
    ByteChannel(const ByteChannel&) = delete;
    ByteChannel& operator=(const ByteChannel&) = delete;

    /// Connects to 127.0.0.1; throws where nobody listens.
    static std::unique_ptr<ByteChannel> connect(std::uint16_t port);

    /// The server's side of TLS; false where the handshake fails.
    bool accept_tls(ssl_ctx_st* context);

    /// Empty at the end, after a reset, at the deadline.
    std::string receive(std::size_t at_most);

    /// False where the other side does not take it any more.
    bool send(std::string_view bytes);

    /// False at the deadline.
    bool wait_readable(std::chrono::milliseconds longest);

    /// The test is over.
    bool stopped();

    /// Waits until the other side ends the connection or the test is over; what comes is dropped.
    void wait_for_end();

    void half_close();

    /// Closes with a TCP reset.
    void reset();

    void close();

    int fd() const noexcept { return fd_; }

private:
    bool wait(short events, std::chrono::milliseconds longest);

    int fd_;
    const StopFlag* stop_;
    ssl_st* tls_ = nullptr;
};

} // namespace gantry::tests
