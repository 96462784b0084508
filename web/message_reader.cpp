#include "web/message_reader.h"

#include "web/error.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cstring>

namespace gantry::web {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t first_buffer = 8'192;
constexpr std::size_t max_kept = 65'536;     // bytes of later requests taken while one is answered
constexpr std::size_t max_overhead = 32'768; // chunk extensions, trailers

// One coding, and it is chunked: anything else would make the body's end a matter of opinion.
HeadFault check_coding(const MessageHead& head)
{
    const auto codings = head.fields.count("Transfer-Encoding");
    if (codings == 0)
        return HeadFault::none;
    if (codings > 1 || head.http10)
        return HeadFault::malformed;
    const bool chunked = same_name(head.fields.find("Transfer-Encoding"), "chunked");
    return chunked ? HeadFault::none : HeadFault::coding;
}

} // namespace

std::string_view MessageReader::unread() const noexcept
{
    return {
        reinterpret_cast<const char*>(buffer_.get()) + begin_, end_ - begin_
    }; // bytes are bytes
}

// At least `capacity` bytes from the first unread one on; what is unread moves to the front.
void MessageReader::make_room(std::size_t capacity)
{
    const std::size_t kept = end_ - begin_;
    if (capacity <= capacity_) {
        if (begin_ != 0 && kept != 0)
            std::memmove(buffer_.get(), buffer_.get() + begin_, kept);
    } else {
        auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity);
        if (kept != 0)
            std::memcpy(larger.get(), buffer_.get() + begin_, kept);
        buffer_ = std::move(larger);
        capacity_ = capacity;
    }
    begin_ = 0;
    end_ = kept;
}

Error MessageReader::fail(HeadFault fault, Error reason)
{
    fault_ = fault;
    return reason;
}

// RFC 9112 2.2: empty lines before a request are ignored.
void MessageReader::skip_empty_lines() noexcept
{
    while (unread().starts_with("\r\n")) {
        begin_ += 2;
        scanned_ = 0;
    }
}

// Looks for the empty line. A line end without CR, and a folded field (RFC 9112 5.2), are refused
// as soon as they are seen: different readings of them are how requests are smuggled.
MessageReader::Scan MessageReader::scan_head(bool folding) noexcept
{
    const auto text = unread();
    for (;;) {
        const auto newline = text.find('\n', scanned_);
        if (newline == std::string_view::npos) {
            scanned_ = text.size();
            return Scan::more;
        }
        if (newline == 0 || text[newline - 1] != '\r')
            return Scan::malformed;
        if (newline >= 3 && text[newline - 2] == '\n') {
            scanned_ = newline + 1;
            return Scan::whole;
        }
        if (newline + 1 == text.size()) {
            scanned_ = newline; // the next byte decides about folding
            return Scan::more;
        }
        const char next = text[newline + 1];
        if (!folding && (next == ' ' || next == '\t'))
            return Scan::malformed;
        scanned_ = newline + 1;
    }
}

Result<void> MessageReader::check_limits(const HeadLimits& limits, bool request)
{
    const auto text = unread();
    const auto line = std::min(text.find("\r\n"), text.size());
    constexpr std::size_t around_target = 32; // method, version, spaces
    if (request && line > limits.max_target + around_target)
        return fail(HeadFault::target_too_long, error(Errc::too_large, "request target"));
    if (scanned_ > limits.max_head)
        return fail(HeadFault::head_too_large, error(Errc::too_large, "head"));
    return {};
}

// `began` lives in the frame of read_head(), which awaits this.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

asio::awaitable<Result<void>>
MessageReader::read_more(HeadLimits limits, std::optional<steady_clock::time_point>& began)
{
    const bool empty = !buffered() && !began;
    milliseconds longest = limits.first_byte;
    if (!empty) {
        if (!began)
            began = steady_clock::now();
        const auto spent = std::chrono::duration_cast<milliseconds>(steady_clock::now() - *began);
        longest = std::max(limits.whole - spent, milliseconds(0));
    }
    if (begin_ == end_ || end_ == capacity_)
        make_room(
            std::max(first_buffer, std::min(2 * (end_ - begin_), limits.max_head + first_buffer))
        );
    const auto room = MutableBytes(buffer_.get() + end_, capacity_ - end_);
    const Result<std::size_t> n = co_await connection_.read_some(room, longest);
    if (!n)
        co_return fail(HeadFault::silent, n.error());
    if (*n == 0)
        co_return error(Errc::cut_off, empty ? "connection closed" : "head");
    nothing_came_ = false;
    end_ += *n;
    if (!began)
        began = steady_clock::now();
    co_return Result<void>{};
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

Result<MessageHead*> MessageReader::parse_head(MessageKind kind)
{
    parser_ = std::make_unique<MessageParser>(kind);
    const Result<void> taken = parser_->take_head(unread().substr(0, scanned_));
    begin_ += scanned_;
    scanned_ = 0;
    if (!taken) {
        const bool version = taken.error().code == Errc::unsupported;
        if (version && kind == MessageKind::request)
            return fail(HeadFault::version, taken.error());
        return fail(HeadFault::malformed, error(Errc::malformed, taken.error().detail));
    }
    MessageHead& head = parser_->head();
    if (const auto coding = check_coding(head); coding != HeadFault::none)
        return fail(coding, error(Errc::malformed, "transfer coding"));
    return &head;
}

asio::awaitable<Result<MessageHead*>> MessageReader::read_head(MessageKind kind, HeadLimits limits)
{
    const bool request = kind == MessageKind::request;
    fault_ = HeadFault::none;
    nothing_came_ = !buffered();
    scanned_ = 0;
    parser_.reset();
    if (!buffered() && capacity_ > first_buffer) { // idle connections keep little
        buffer_.reset();
        capacity_ = begin_ = end_ = 0;
    }
    std::optional<steady_clock::time_point> began;
    for (;;) {
        if (request && scanned_ <= 1)
            skip_empty_lines();
        const Scan scan = scan_head(limits.folding || !request);
        if (scan == Scan::malformed)
            co_return fail(HeadFault::malformed, error(Errc::malformed, "line end"));
        if (const auto within = check_limits(limits, request); !within)
            co_return within.error();
        if (scan == Scan::whole)
            co_return parse_head(kind);
        if (const auto more = co_await read_more(limits, began); !more)
            co_return more.error();
    }
}

// Parses what is there; how much of it was used.
Result<std::size_t> MessageReader::use_buffered()
{
    const auto input = ConstBytes(buffer_.get() + begin_, end_ - begin_);
    Result<std::size_t> used = parser_->take_body(input);
    if (!used)
        return used;
    begin_ += *used;
    if (*used == 0 && input.size() > max_overhead)
        return error(Errc::malformed, "chunk");
    return used;
}

asio::awaitable<Result<void>> MessageReader::fill_body(milliseconds longest_silence)
{
    const auto length = parser_->head().content_length.value_or(body_buffer);
    make_room(std::max<std::size_t>(first_buffer, std::min<std::uint64_t>(length, body_buffer)));
    const auto room = MutableBytes(buffer_.get() + end_, capacity_ - end_);
    const Result<std::size_t> n = co_await connection_.read_some(room, longest_silence);
    if (!n)
        co_return n.error();
    end_ += *n;
    if (*n == 0 && !parser_->may_end())
        co_return error(Errc::cut_off, "body");
    co_return Result<void>{};
}

asio::awaitable<Result<ConstBytes>> MessageReader::read_body(milliseconds longest_silence)
{
    while (!body_done()) {
        if (buffered()) {
            const Result<std::size_t> used = use_buffered();
            if (!used)
                co_return used.error();
            if (!parser_->content().empty())
                co_return parser_->content();
            if (*used != 0)
                continue;
        }
        if (const auto filled = co_await fill_body(longest_silence); !filled)
            co_return filled.error();
    }
    co_return ConstBytes{};
}

asio::awaitable<void> MessageReader::watch_for_end()
{
    if (capacity_ - (end_ - begin_) < first_buffer || begin_ == end_)
        make_room(std::max(capacity_, first_buffer));
    while (end_ < capacity_ && end_ - begin_ < max_kept) {
        const auto room = MutableBytes(buffer_.get() + end_, capacity_ - end_);
        const Result<std::size_t> n = co_await connection_.read_some(room, Connection::no_deadline);
        if (!n || *n == 0)
            co_return;
        end_ += *n;
    }
    // No room for more: the end will be seen when the next request is read.
    asio::steady_timer never(
        co_await asio::this_coro::executor, asio::steady_timer::time_point::max()
    );
    (void)co_await never.async_wait(use_tuple);
}

} // namespace gantry::web
