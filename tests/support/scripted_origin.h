// An HTTP server that does what a test tells it, right or wrong: answers early, late, in half or
// not at all, resets, stalls, and remembers what it was asked. It has threads of its own (one for
// each connection, joined by the destructor) and blocks them; every wait of it ends with the test.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "web/message.h"
#include "web/options.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::tests {

/// What stands for content that is not kept.
std::uint64_t content_hash(ConstBytes bytes);
std::uint64_t content_hash(std::string_view text);

struct ReceivedPart {
    web::Fields fields;
    std::uint64_t bytes = 0;
    std::uint64_t hash = 0; // content_hash() of the content
};

struct ReceivedRequest {
    std::string method;
    std::string target;
    web::Fields fields;
    std::uint64_t body_bytes = 0;
    std::uint64_t body_hash = 0;
    std::string body;                // its first 64 KiB
    std::vector<ReceivedPart> parts; // of a multipart body that was read to its end
    bool complete = false;           // the body was read to its end
    std::size_t connection = 0;      // counted from 1
};

/// What to do with one request. The default reads all of it and answers 200 without content.
struct Reply {
    /// Where in the request the answer is given.
    static constexpr std::uint64_t whole_body = UINT64_MAX;

    enum class End : unsigned char {
        keep,  // the connection stays for the next request
        close, // closed in order
        reset, // closed with a TCP reset
        stall, // nothing more is said until the client ends the connection
    };

    std::uint16_t status = 200;
    web::Fields fields;
    std::string body;
    std::function<std::string(const ReceivedRequest&)> body_of; // instead, once the request is read

    std::uint64_t read_body = whole_body; // answers after so many bytes of the body
    bool invite = true;                   // answers Expect: 100-continue with 100
    bool answer = true;                   // false: goes to `end` without a word
    bool interim = false;                 // a 103 before the answer
    bool chunked = false;                 // the body in two chunks
    bool until_close = false;             // no Content-Length: the body ends with the connection
    std::optional<std::size_t> cut_after; // sends only so many bytes of the answer, head included
    std::string raw;                      // sent instead of all this
    /// Sends more after that, piece by piece; `send` is false once the client is gone.
    std::function<void(const std::function<bool(std::string_view)>& send)> pour;
    std::uint16_t tunnel_to = 0;  // as a proxy: 200, then passes bytes to that port
    std::function<void()> before; // runs before the answer, on the connection's thread
    End end = End::keep;

    static Reply with(std::uint16_t status, std::string body = {});
    static Reply json(std::uint16_t status, std::string body);
    static Reply only(End end); // reads all, then ends without an answer
    static Reply early(std::uint16_t status, std::uint64_t after_bytes); // then closes
    static Reply cut(std::size_t after_bytes, End end = End::close);     // half a response
};

class ScriptedOrigin {
public:
    /// Chosen when a request's head has been read. Called on a connection's thread, one at a time.
    using Choose = std::function<Reply(const ReceivedRequest&)>;

    /// Listens on a free port of 127.0.0.1. `tls.ca`: asks clients for a certificate.
    ScriptedOrigin();
    explicit ScriptedOrigin(const web::TlsFiles& tls);
    ~ScriptedOrigin();
    ScriptedOrigin(const ScriptedOrigin&) = delete;
    ScriptedOrigin& operator=(const ScriptedOrigin&) = delete;

    /// The next requests get these, in order of arrival; those beyond get what otherwise() says.
    ScriptedOrigin& then(Reply reply);
    ScriptedOrigin& otherwise(Reply reply);
    ScriptedOrigin& otherwise(Choose choose);

    std::uint16_t port() const noexcept;

    /// "http://127.0.0.1:port" + path, or https.
    std::string url(std::string_view path = {}) const;

    /// So far; the last ones may not be complete.
    std::vector<ReceivedRequest> requests() const;

    std::size_t connections() const;

    /// False where fewer have been answered after `longest`.
    bool wait_for_requests(std::size_t count, std::chrono::milliseconds longest) const;

    /// Stops listening and resets what is connected: the archive is down.
    void go_down();
    /// Listens on the same port again.
    void come_back();

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::tests
