// Reads the messages of one connection one after the other: heads within limits and deadlines,
// bodies piece by piece from one bounded buffer. What came too early waits in the buffer. Internal
// to web/. Runs on the loop.
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"
#include "web/connection.h"
#include "web/message_parser.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace gantry::web {

struct HeadLimits {
    std::size_t max_head = 65'536;
    std::size_t max_target = 65'536;         // of a request
    std::chrono::milliseconds first_byte{0}; // until the head begins
    std::chrono::milliseconds whole{0};      // from there to its end
    bool folding = false;                    // folded fields are taken
};

/// How a head failed, where a server has something to say about it.
enum class HeadFault : std::uint8_t {
    none,
    silent,
    malformed,
    target_too_long,
    head_too_large,
    version,
    coding
};

class MessageReader {
public:
    static constexpr std::size_t body_buffer = 262'144;

    /// `connection` outlives the reader.
    explicit MessageReader(Connection& connection) : connection_(connection) {}

    /// The next message's head. After an error fault() says more; nothing_came() whether the other
    /// side ended the connection, or was silent, before the first byte.
    asio::awaitable<Result<MessageHead*>> read_head(MessageKind kind, HeadLimits limits);

    /// The next bytes of the body, valid until the next call; empty at its end.
    asio::awaitable<Result<ConstBytes>> read_body(std::chrono::milliseconds longest_silence);

    /// Completes when the other side has ended the connection; bytes that come meanwhile are kept,
    /// as many as there is room for. Only where the body has been read to its end.
    asio::awaitable<void> watch_for_end();

    bool body_done() const noexcept { return !parser_ || parser_->done(); }

    bool buffered() const noexcept { return begin_ != end_; }

    HeadFault fault() const noexcept { return fault_; }

    bool nothing_came() const noexcept { return nothing_came_; }

private:
    /// What the bytes scanned so far say about the head.
    enum class Scan : std::uint8_t { whole, more, malformed };

    Scan scan_head(bool folding) noexcept;
    void skip_empty_lines() noexcept;
    void make_room(std::size_t capacity);
    Error fail(HeadFault fault, Error reason);
    Result<void> check_limits(const HeadLimits& limits, bool request);
    asio::awaitable<Result<void>>
    read_more(HeadLimits limits, std::optional<std::chrono::steady_clock::time_point>& began);
    Result<MessageHead*> parse_head(MessageKind kind);

    Result<std::size_t> use_buffered();
    asio::awaitable<Result<void>> fill_body(std::chrono::milliseconds longest_silence);
    std::string_view unread() const noexcept;

    Connection& connection_;
    std::unique_ptr<std::byte[]> buffer_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t scanned_ = 0; // of the unread bytes, in search of the head's end
    std::unique_ptr<MessageParser> parser_;
    HeadFault fault_ = HeadFault::none;
    bool nothing_came_ = true;
};

} // namespace gantry::web
