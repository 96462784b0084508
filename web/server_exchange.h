// One request's body and one response on the server's side of a connection. Internal to web/. Runs
// on the loop.
#pragma once

#include "gateway/loop/asio.h"
#include "gateway/loop/change.h"
#include "web/gzip.h"
#include "web/message_reader.h"
#include "web/server.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace gantry::web {

class ServerRequestBody final : public RequestBody {
public:
    struct Limits {
        std::uint64_t max_body;
        std::chrono::milliseconds silence;
        bool asks_first; // Expect: 100-continue
        bool present;    // there is a body at all
    };

    ServerRequestBody(Connection& connection, MessageReader& reader, Limits limits);

    asio::awaitable<Result<ConstBytes>> read() override;

    /// Completes when the body has been read to its end.
    asio::awaitable<void> ended();

    bool at_end() const noexcept { return at_end_; }

    std::uint64_t received() const noexcept { return received_; }

    const std::optional<Error>& failure() const noexcept { return failure_; }

private:
    asio::awaitable<Result<void>> invite();
    Error fail(Error reason);

    Connection& connection_;
    MessageReader& reader_;
    Limits limits_;
    Change end_;
    std::uint64_t received_ = 0;
    bool at_end_;
    std::optional<Error> failure_;
};

class ServerResponse final : public Response {
public:
    struct Terms {
        std::uint64_t id = 0;
        std::chrono::milliseconds silence{0};
        bool http10 = false;
        bool head_only = false; // the request was HEAD
        bool tls = false;
        bool gzip = false; // the client takes it
    };

    /// `keep` says, when the head is made, whether the connection may stay.
    ServerResponse(Connection& connection, Terms terms, std::function<bool()> keep);

    /// Fields of every head from now on.
    void carry(Fields always) { always_ = std::move(always); }

    asio::awaitable<Result<void>> send(ResponseHead head, std::string body) override;
    asio::awaitable<Result<void>>
    begin(ResponseHead head, std::optional<std::uint64_t> content_length) override;
    asio::awaitable<Result<void>> write(ConstBytes bytes) override;
    asio::awaitable<Result<void>> finish() override;

    bool begun() const noexcept override { return state_ != State::fresh; }

    bool finished() const noexcept { return state_ == State::finished; }

    /// The client has all that it needs, whether or not its handler has said so.
    bool whole() const noexcept { return finished() || whole_; }

    /// Something has been handed to the operating system.
    bool on_the_wire() const noexcept { return on_the_wire_; }

    bool keeps_connection() const noexcept { return keep_alive_ && finished(); }

    /// Cut off here, the client could take it for whole.
    bool ends_with_connection() const noexcept { return framing_ == Framing::until_close; }

    /// Forgets a response of which nothing has been sent.
    void reset() noexcept;

    std::uint16_t status() const noexcept { return status_; }

    std::uint64_t sent() const noexcept { return sent_; }

private:
    enum class State : std::uint8_t { fresh, begun, finished, failed };
    enum class Framing : std::uint8_t { none, length, chunked, until_close };

    /// The one place where a head is made; `packed`: the body is in gzip.
    void make_head(const ResponseHead& head, std::optional<std::uint64_t> length, bool packed);
    void add_fields(const ResponseHead& head, bool packed);
    bool may_pack(const ResponseHead& head, std::optional<std::uint64_t> length) const;
    asio::awaitable<Result<void>> send_packed(ResponseHead head, std::string body);
    asio::awaitable<Result<void>> put_content(ConstBytes bytes, bool last);
    asio::awaitable<Result<void>> put(ConstBytes bytes, std::string_view after);

    Connection& connection_;
    Terms terms_;
    Fields always_;
    std::optional<GzipEncoder> encoder_;
    std::string packed_; // what the encoder made of the last bytes
    std::chrono::steady_clock::time_point last_put_;
    std::function<bool()> keep_;
    State state_ = State::fresh;
    Framing framing_ = Framing::none;
    std::string pending_;               // head, chunk size: goes out with the next bytes
    std::optional<std::uint64_t> left_; // of the length that was promised
    std::uint64_t sent_ = 0;
    std::uint16_t status_ = 0;
    bool keep_alive_ = false;
    bool whole_ = false; // as long as promised
    bool on_the_wire_ = false;
};

} // namespace gantry::web
