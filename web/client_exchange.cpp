#include "web/client_exchange.h"

#include "web/connect.h"
#include "web/error.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <array>
#include <variant>

namespace gantry::web {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using HeadResult = Result<MessageHead*>;

constexpr std::size_t max_head = 65'536;
constexpr std::size_t small_piece = 16'384;  // gathered with the next one
constexpr milliseconds continue_wait{1'000}; // RFC 9110 10.1.1: do not wait for ever
constexpr milliseconds last_words{2'000};    // for an answer after the connection broke

ConstBytes as_bytes(const std::string& text)
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

// References below name objects in the frame of exchange(), which awaits all of this.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

// The head of the final answer; 1xx are passed over.
asio::awaitable<HeadResult> read_answer(Wire& wire, Exchange& state, milliseconds longest)
{
    const auto kind = state.head_request ? MessageKind::bodiless_response : MessageKind::response;
    const auto whole = longest == Connection::no_deadline ? state.timeout : longest;
    const HeadLimits limits{max_head, max_head, longest, whole, true};
    for (;;) {
        const HeadResult head = co_await wire.reader.read_head(kind, limits);
        state.answered = state.answered || !wire.reader.nothing_came();
        if (!head)
            co_return head;
        const auto status = (*head)->status;
        if (status == 101)
            co_return error(Errc::malformed, "switched to a protocol that was not asked for");
        if (status / 100 != 1)
            co_return head;
    }
}

// What has not been written yet: the head, small pieces of the body.
struct Pending {
    std::string bytes;

    asio::awaitable<Result<void>> flush(Wire& wire, ConstBytes piece, milliseconds timeout)
    {
        std::array<ConstBytes, 2> pieces{as_bytes(bytes), piece};
        const auto used = std::span(pieces).first(piece.empty() ? 1 : 2);
        Result<void> written = co_await wire.connection->write(used, timeout);
        bytes.clear();
        co_return written;
    }
};

asio::awaitable<Result<void>> send_body(Wire& wire, Exchange& state, Pending& pending)
{
    std::uint64_t left = state.body->size();
    for (;;) {
        const Result<ConstBytes> piece = co_await state.body->next();
        if (!piece)
            co_return error(Errc::bad_source, piece.error().text());
        if (piece->empty())
            break;
        if (piece->size() > left)
            co_return error(Errc::bad_source, "longer than promised");
        left -= piece->size();
        if (left != 0 && pending.bytes.size() + piece->size() < small_piece) {
            pending.bytes.append(
                reinterpret_cast<const char*>(piece->data()), piece->size() // bytes are bytes
            );
            continue;
        }
        Result<void> written = co_await pending.flush(wire, *piece, state.timeout);
        if (!written)
            co_return written;
        if (left == 0)
            break;
    }
    if (left != 0)
        co_return error(Errc::bad_source, "shorter than promised");
    if (!pending.bytes.empty()) {
        Result<void> written = co_await pending.flush(wire, {}, state.timeout);
        if (!written)
            co_return written;
    }
    state.body_sent = true;
    co_return Result<void>{};
}

using Answer = boost::system::result<MessageHead*, ClientFailure>;

Answer answer_or(Phase phase, const HeadResult& head, const Exchange& state)
{
    if (head)
        return *head;
    ClientFailure failure = failed(phase, head.error());
    failure.body_sent = state.body_sent;
    return failure;
}

Phase waiting_phase(const Exchange& state)
{
    return state.answered ? Phase::receive : Phase::wait;
}

// Writing failed: the server may have said why before it closed.
asio::awaitable<Answer> last_answer(Wire& wire, Exchange& state, Error reason)
{
    ClientFailure failure = failed(Phase::send, std::move(reason));
    if (failure.error.code != Errc::cut_off)
        co_return failure;
    const HeadResult head = co_await read_answer(wire, state, last_words);
    if (head)
        co_return *head;
    co_return failure;
}

// Looks out for an answer while the request is sent. What it has taken from the connection is kept
// in `found` also where the sending ends at the same moment and wins the race.
asio::awaitable<void> look_out(Wire& wire, Exchange& state, std::optional<HeadResult>& found)
{
    HeadResult head = co_await read_answer(wire, state, Connection::no_deadline);
    if (head || head.error().code != asio::error::operation_aborted)
        found = std::move(head);
}

// Sends, unless an answer comes early (413, 401 ...).
asio::awaitable<Answer> send_and_read(Wire& wire, Exchange& state, Pending& pending)
{
    using namespace asio::experimental::awaitable_operators;
    std::optional<HeadResult> found;
    auto first = co_await (send_body(wire, state, pending) || look_out(wire, state, found));
    if (found && (*found || first.index() == 1))
        co_return answer_or(state.body_sent ? waiting_phase(state) : Phase::send, *found, state);
    if (first.index() == 1)
        co_return failed(Phase::send, {asio::error::operation_aborted, "sending"});
    Result<void>& sent = std::get<0>(first);
    if (!sent)
        co_return co_await last_answer(wire, state, sent.error());
    const HeadResult head = found ? *found : co_await read_answer(wire, state, state.timeout);
    co_return answer_or(waiting_phase(state), head, state);
}

// RFC 9110 10.1.1: empty where the body is to be sent.
asio::awaitable<std::optional<Answer>> ask_first(Wire& wire, Exchange& state, Pending& pending)
{
    const Result<void> asked = co_await pending.flush(wire, {}, state.timeout);
    if (!asked)
        co_return co_await last_answer(wire, state, asked.error());
    const HeadLimits limits{max_head, max_head, continue_wait, state.timeout, true};
    const HeadResult head = co_await wire.reader.read_head(MessageKind::response, limits);
    state.answered = !wire.reader.nothing_came();
    if (!head && head.error().code == Errc::timeout && !state.answered)
        co_return std::nullopt;
    if (head && (*head)->status / 100 == 1)
        co_return std::nullopt;
    co_return answer_or(state.answered ? Phase::receive : Phase::send, head, state);
}

} // namespace

asio::awaitable<Answer> exchange(Wire& wire, Exchange& state)
{
    Pending pending{std::move(state.head)};
    if (state.body != nullptr && state.body->size() != 0) {
        if (state.expect_continue) {
            auto answer = co_await ask_first(wire, state, pending);
            if (answer)
                co_return std::move(*answer);
        }
        co_return co_await send_and_read(wire, state, pending);
    }
    const Result<void> sent = co_await pending.flush(wire, {}, state.timeout);
    if (!sent)
        co_return co_await last_answer(wire, state, sent.error());
    state.body_sent = true;
    const HeadResult head = co_await read_answer(wire, state, state.timeout);
    co_return answer_or(waiting_phase(state), head, state);
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry::web
