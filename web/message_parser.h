// One HTTP/1.1 message, parsed from bytes as they come (RFC 9112); the library behind it stays in
// the .cpp. Internal to web/. Pure: no I/O, no copies of the body.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"
#include "web/message.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace gantry::web {

enum class MessageKind : unsigned char {
    request,
    response,
    bodiless_response, // to HEAD, whatever its fields say
};

struct MessageHead {
    std::string method; // of a request
    std::string target;
    std::uint16_t status = 0; // of a response
    bool http10 = false;
    Fields fields;
    bool keep_alive = false;
    bool until_close = false; // a response whose body ends with the connection
    std::optional<std::uint64_t> content_length;
    bool has_body = false; // one byte at least, or chunked
};

class MessageParser {
public:
    explicit MessageParser(MessageKind kind);
    ~MessageParser();
    MessageParser(const MessageParser&) = delete;
    MessageParser& operator=(const MessageParser&) = delete;
    MessageParser(MessageParser&&) noexcept;
    MessageParser& operator=(MessageParser&&) noexcept;

    /// Takes the whole head, to the empty line inclusive. Errors: malformed, unsupported (version).
    Result<void> take_head(std::string_view head);

    /// Takes body bytes; returns how many were used, 0 where more is needed at once.
    Result<std::size_t> take_body(ConstBytes input);

    /// The content in what take_body() used last: a view into it.
    ConstBytes content() const noexcept;

    /// The connection has ended: whether the message may end here.
    bool may_end() noexcept;

    /// The whole message has been taken.
    bool done() const noexcept;

    MessageHead& head() noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::web
