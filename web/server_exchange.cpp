#include "web/server_exchange.h"

#include "web/error.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <ctime>
#include <stdexcept>

namespace gantry::web {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t packed_at_once = 65'536; // a fraction of a millisecond
constexpr std::chrono::milliseconds packed_waits = 200ms;

ConstBytes as_bytes(std::string_view text)
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

// IMF-fixdate (RFC 9110 5.6.7).
std::string http_date()
{
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array months{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
    };
    std::array<char, 32> rest{}; // names of days and months must not depend on a locale
    (void)std::strftime(rest.data(), rest.size(), "%Y %H:%M:%S GMT", &utc);
    std::string day = std::to_string(utc.tm_mday);
    if (day.size() == 1)
        day.insert(0, "0");
    return std::string(days.at(static_cast<std::size_t>(utc.tm_wday))) + ", " + day + " " +
           months.at(static_cast<std::size_t>(utc.tm_mon)) + " " + rest.data();
}

bool is_ours(std::string_view name)
{
    constexpr std::array ours{
        "Content-Length", "Transfer-Encoding", "Connection", "Date", "Server", "X-Request-Id"
    };
    for (const char* field : ours)
        if (same_name(name, field))
            return true;
    return false;
}

bool never_has_body(std::uint16_t status)
{
    return status == 204 || status == 304;
}

} // namespace

ServerRequestBody::ServerRequestBody(Connection& connection, MessageReader& reader, Limits limits)
    : connection_(connection),
      reader_(reader),
      limits_(limits),
      end_(connection.executor()),
      at_end_(!limits.present)
{
}

Error ServerRequestBody::fail(Error reason)
{
    failure_ = reason;
    return reason;
}

// RFC 9110 10.1.1: the client waits for this before it sends.
asio::awaitable<Result<void>> ServerRequestBody::invite()
{
    limits_.asks_first = false;
    ConstBytes line = as_bytes("HTTP/1.1 100 Continue\r\n\r\n");
    const std::span<ConstBytes> pieces(&line, 1);
    co_return co_await connection_.write(pieces, limits_.silence);
}

asio::awaitable<Result<ConstBytes>> ServerRequestBody::read()
{
    if (failure_)
        co_return *failure_;
    if (at_end_)
        co_return ConstBytes{};
    if (limits_.asks_first) {
        const Result<void> invited = co_await invite();
        if (!invited)
            co_return fail(invited.error());
    }
    Result<ConstBytes> bytes = co_await reader_.read_body(limits_.silence);
    if (!bytes)
        co_return fail(bytes.error());
    received_ += bytes->size();
    if (received_ > limits_.max_body)
        co_return fail(error(Errc::too_large, "request body"));
    if (bytes->empty()) {
        at_end_ = true;
        end_.notify();
    }
    co_return bytes;
}

asio::awaitable<void> ServerRequestBody::ended()
{
    while (!at_end_)
        co_await end_.wait();
}

ServerResponse::ServerResponse(Connection& connection, Terms terms, std::function<bool()> keep)
    : connection_(connection), terms_(terms), keep_(std::move(keep))
{
}

void ServerResponse::reset() noexcept
{
    state_ = State::fresh;
    pending_.clear();
    encoder_.reset();
}

bool ServerResponse::may_pack(const ResponseHead& head, std::optional<std::uint64_t> length) const
{
    return terms_.gzip && !terms_.head_only && worth_gzip(head, length);
}

void ServerResponse::add_fields(const ResponseHead& head, bool packed)
{
    const auto add = [this](std::string_view name, std::string_view value) {
        if (!is_token(name) || !is_field_value(value))
            throw std::invalid_argument("response field");
        pending_.append(name).append(": ").append(value).append("\r\n");
    };
    for (const auto& [name, value] : head.fields) {
        if (is_ours(name))
            continue;
        // Other bytes mean the same: only a weak tag may stand for both (RFC 9110 8.8.3).
        const bool strong = packed && same_name(name, "ETag") && value.starts_with('"');
        add(name, strong ? "W/" + value : value);
    }
    for (const auto& [name, value] : always_)
        add(name, value);
    if (packed)
        add("Content-Encoding", "gzip");
    if (is_text(head.fields.find("Content-Type")))
        add("Vary", "Accept-Encoding");
}

void ServerResponse::make_head(
    const ResponseHead& head, std::optional<std::uint64_t> length, bool packed
)
{
    status_ = head.status;
    if (never_has_body(status_))
        framing_ = Framing::none;
    else if (length)
        framing_ = Framing::length;
    else
        framing_ = terms_.http10 ? Framing::until_close : Framing::chunked;
    keep_alive_ = keep_() && framing_ != Framing::until_close;
    pending_ = "HTTP/1.1 " + std::to_string(status_) + " " + std::string(reason_phrase(status_)) +
               "\r\nDate: " + http_date() +
               "\r\nServer: gantry\r\nX-Request-Id: " + std::to_string(terms_.id) +
               "\r\nX-Content-Type-Options: nosniff\r\n";
    if (!head.fields.has("Cache-Control"))
        pending_ += "Cache-Control: no-store\r\n";
    if (terms_.tls)
        pending_ += "Strict-Transport-Security: max-age=31536000\r\n";
    add_fields(head, packed);
    if (framing_ == Framing::length)
        pending_ += "Content-Length: " + std::to_string(*length) + "\r\n";
    else if (framing_ == Framing::chunked && !terms_.head_only)
        pending_ += "Transfer-Encoding: chunked\r\n";
    if (!keep_alive_)
        pending_ += "Connection: close\r\n";
    else if (terms_.http10)
        pending_ += "Connection: keep-alive\r\n";
    pending_ += "\r\n";
    if (terms_.head_only)
        framing_ = Framing::none;
}

asio::awaitable<Result<void>> ServerResponse::put(ConstBytes bytes, std::string_view after)
{
    std::array<ConstBytes, 3> pieces{as_bytes(pending_), bytes, as_bytes(after)};
    on_the_wire_ = true;
    Result<void> written = co_await connection_.write(pieces, terms_.silence);
    pending_.clear();
    last_put_ = std::chrono::steady_clock::now();
    if (!written)
        state_ = State::failed;
    co_return written;
}

asio::awaitable<Result<void>> ServerResponse::send(ResponseHead head, std::string body)
{
    if (begun())
        throw std::logic_error("response begun twice");
    const bool packed = may_pack(head, body.size());
    if (packed && body.size() > packed_at_once)
        co_return co_await send_packed(std::move(head), std::move(body));
    if (packed) {
        std::string smaller;
        GzipEncoder().put(as_bytes(body), GzipEncoder::Then::end, smaller);
        body = std::move(smaller);
    }
    make_head(head, body.size(), packed);
    state_ = State::begun;
    const bool silent = framing_ == Framing::none;
    Result<void> written = co_await put(silent ? ConstBytes{} : as_bytes(body), {});
    if (written) {
        sent_ = silent ? 0 : body.size();
        state_ = State::finished;
    }
    co_return written;
}

// In pieces, so that the loop is not held up by one long text.
asio::awaitable<Result<void>> ServerResponse::send_packed(ResponseHead head, std::string body)
{
    Result<void> done = co_await begin(std::move(head), body.size());
    for (ConstBytes left = as_bytes(body); done && !left.empty();) {
        const ConstBytes piece = left.first(std::min(left.size(), packed_at_once));
        left = left.subspan(piece.size());
        done = co_await write(piece);
    }
    if (done)
        done = co_await finish();
    co_return done;
}

// The head goes out with the first bytes of the body.
asio::awaitable<Result<void>>
ServerResponse::begin(ResponseHead head, std::optional<std::uint64_t> content_length)
{
    if (begun())
        throw std::logic_error("response begun twice");
    const bool packed = may_pack(head, content_length);
    make_head(head, packed ? std::nullopt : content_length, packed);
    left_ = content_length;
    if (packed)
        encoder_.emplace();
    last_put_ = std::chrono::steady_clock::now();
    state_ = State::begun;
    co_return Result<void>{};
}

// In the framing that the head has named.
asio::awaitable<Result<void>> ServerResponse::put_content(ConstBytes bytes, bool last)
{
    const bool chunked = framing_ == Framing::chunked;
    sent_ += bytes.size();
    if (!chunked || bytes.empty())
        co_return co_await put(bytes, chunked && last ? "0\r\n\r\n" : "");
    std::array<char, 20> size{};
    const int n = std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
    pending_.append(size.data(), static_cast<std::size_t>(n));
    co_return co_await put(bytes, last ? "\r\n0\r\n\r\n" : "\r\n");
}

asio::awaitable<Result<void>> ServerResponse::write(ConstBytes bytes)
{
    if (state_ == State::failed)
        co_return error(Errc::cut_off, "response");
    if (state_ != State::begun)
        throw std::logic_error("response not begun, or finished");
    if (bytes.empty() || framing_ == Framing::none)
        co_return Result<void>{};
    if (left_ && bytes.size() > *left_) {
        state_ = State::failed;
        co_return error(Errc::bad_source, "response longer than promised");
    }
    if (left_)
        *left_ -= bytes.size();
    if (!encoder_) {
        Result<void> written = co_await put_content(bytes, false);
        whole_ = written && framing_ == Framing::length && left_ == std::uint64_t{0};
        co_return written;
    }
    // A slow source is not kept from the client by the encoder's thrift.
    const bool slow = std::chrono::steady_clock::now() - last_put_ > packed_waits;
    packed_.clear();
    encoder_->put(bytes, slow ? GzipEncoder::Then::flush : GzipEncoder::Then::gather, packed_);
    if (packed_.empty())
        co_return Result<void>{};
    co_return co_await put_content(as_bytes(packed_), false);
}

asio::awaitable<Result<void>> ServerResponse::finish()
{
    if (state_ == State::failed)
        co_return error(Errc::cut_off, "response");
    if (state_ != State::begun)
        throw std::logic_error("response not begun, or finished");
    if (left_.value_or(0) != 0 && framing_ != Framing::none) {
        state_ = State::failed;
        co_return error(Errc::bad_source, "response shorter than promised");
    }
    packed_.clear();
    if (encoder_)
        encoder_->put({}, GzipEncoder::Then::end, packed_);
    if (framing_ == Framing::chunked || !pending_.empty()) {
        Result<void> written = co_await put_content(as_bytes(packed_), true);
        if (!written)
            co_return written;
    }
    state_ = State::finished;
    co_return Result<void>{};
}

} // namespace gantry::web
