#include "gateway/faces/retrieve_job.h"

#include "gateway/error.h"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <functional>
#include <utility>

namespace gantry::faces {

using mapping::retrieve_status;
using mapping::RetrieveFailure;
using Outcome = SubOperationTally::Outcome;

namespace {

constexpr std::chrono::seconds release_patience{1}; // the final response waits for it
constexpr std::chrono::seconds naming_patience{5};  // and for this, where instances have no names

/// Says that something has ended, however it ends.
class AtEnd {
public:
    explicit AtEnd(std::function<void()> call) : call_(std::move(call)) {}

    AtEnd(const AtEnd&) = delete;
    AtEnd& operator=(const AtEnd&) = delete;

    ~AtEnd() { call_(); }

private:
    std::function<void()> call_;
};

} // namespace

RetrieveJob::RetrieveJob(
    const RetrievalOptions& options,
    const Retrieval::Means& means,
    Turns& at_origin,
    Task task,
    dimse::RetrieveSession& session
)
    : options_(options),
      means_(means),
      at_origin_(at_origin),
      task_(std::move(task)),
      session_(session),
      changed_(means.loop),
      grace_(means.loop),
      naming_(means.loop),
      working_(means.loop, "retrieve"),
      upstream_(means.loop, "retrieve from origin"),
      preparing_(means.loop, "retrieve transcoding")
{
}

asio::awaitable<dimse::RetrieveOutcome> RetrieveJob::run()
{
    session_.on_cancel([weak = weak_from_this()] {
        if (const auto job = weak.lock())
            job->cancel();
    });
    std::exception_ptr vanished; // the peer
    try {
        working_.spawn(work());
        co_await until_ended();
    } catch (...) {
        vanished = std::current_exception();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await stop();
    if (vanished) {
        task_.route.reset(); // A-ABORT
        std::rethrow_exception(vanished);
    }
    co_await release();
    co_return outcome();
}

/// After a C-CANCEL, a C-STORE under way may end: what it would leave behind is uncertain, and a
/// C-GET's association would be gone.
asio::awaitable<void> RetrieveJob::until_ended()
{
    while (!worked_ && !cancelled_)
        co_await changed_.wait();
    const bool bounded = task_.at_destination != nullptr;
    const auto now = std::chrono::steady_clock::now();
    grace_.expires_at(
        bounded ? now + options_.cancel_grace : asio::steady_timer::time_point::max()
    );
    while (!worked_ && sending_ && grace_.expiry() > std::chrono::steady_clock::now())
        (void)co_await grace_.async_wait(use_tuple);
}

asio::awaitable<void> RetrieveJob::stop()
{
    closed_ = true;
    notify();
    upstream_.cancel();
    working_.cancel();
    preparing_.cancel();
    co_await working_.drained();
    co_await upstream_.drained();
    co_await preparing_.drained();
    if (sending_) // in its middle: nobody knows
        tally_.count(*sending_, Outcome::failed);
    origin_turn_.reset();
}

/// The final response waits for it, but not for long.
asio::awaitable<void> RetrieveJob::release()
{
    TaskGroup releasing(means_.loop, "retrieve release");
    released_ = false;
    grace_.expires_after(release_patience);
    releasing.spawn(release_route());
    while (!released_ && grace_.expiry() > std::chrono::steady_clock::now())
        (void)co_await grace_.async_wait(use_tuple);
    releasing.cancel();
    co_await releasing.drained();
    task_.route.reset();
    destination_turn_.reset();
}

asio::awaitable<void> RetrieveJob::release_route()
{
    const AtEnd ended([this] {
        released_ = true;
        notify();
    });
    co_await task_.route->close();
}

void RetrieveJob::cancel()
{
    cancelled_ = true;
    closed_ = true;
    upstream_.cancel();
    preparing_.cancel();
    notify();
}

asio::awaitable<void> RetrieveJob::work()
{
    const AtEnd ended([this] {
        worked_ = true;
        notify();
    });
    const bool may = co_await take_turns();
    if (!may)
        co_return;
    upstream_.spawn(fetch());
    co_await send_all();
    if (broken_ && tally_.by_number())
        co_await await_names();
}

/// First at the destination: who waits for a slow one holds nothing that others need.
asio::awaitable<bool> RetrieveJob::take_turns()
{
    if (task_.at_destination != nullptr) {
        destination_turn_ = co_await take_turn(*task_.at_destination);
        if (!destination_turn_) {
            give_up(RetrieveFailure::destination_busy, {});
            co_return false;
        }
    }
    origin_turn_ = co_await take_turn(at_origin_);
    if (!origin_turn_)
        give_up(RetrieveFailure::origin_busy, {});
    co_return origin_turn_.has_value();
}

// Both belong to the retrieval.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<std::optional<Turns::Turn>> RetrieveJob::take_turn(Turns& turns)
{
    auto now = turns.try_take(task_.peer.calling);
    if (now)
        co_return now;
    session_.pending({}); // says that it is alive; there is nothing to count yet
    co_return co_await turns.take(task_.peer.calling, options_.longest_wait);
}

asio::awaitable<void> RetrieveJob::fetch()
{
    const AtEnd ended([this] {
        fetched_ = true;
        notify();
    });
    end_.shortfall = Shortfall::failed; // what stays where it ends by exception
    end_ = co_await means_.origin.retrieve(task_.question, *this);
    std::vector<InstanceKey> missing;
    for (const SopReference& sop : end_.missing)
        missing.push_back({{}, {}, sop, {}});
    tally_.expect(missing);
}

asio::awaitable<void>
RetrieveJob::prepare_entry(std::shared_ptr<Entry> entry, std::unique_ptr<InstanceContent> content)
{
    const AtEnd ended([this, entry] {
        if (!entry->prepared)
            entry->prepared = error(Errc::closed);
        notify();
    });
    std::vector<Uid> accepted = task_.route->accepted(entry->key.sop.sop_class);
    if (accepted.empty()) {
        co_await task_.route->open_also(entry->key);
        accepted = task_.route->accepted(entry->key.sop.sop_class);
    }
    PreparationMeans means{options_.scratch, means_.disk, means_.transcoders};
    entry->prepared = co_await prepare(std::move(content), std::move(accepted), std::move(means));
}

asio::awaitable<void> RetrieveJob::send_all()
{
    for (;;) {
        while (!closed_ && (window_.empty() ? !fetched_ : !window_.front()->prepared))
            co_await changed_.wait();
        if (closed_)
            co_return;
        if (window_.empty()) {
            complete_ = true;
            co_return;
        }
        const std::shared_ptr<Entry> entry = window_.front();
        co_await send(entry);
        window_.pop_front();
        window_bytes_ -= entry->bytes;
        if (task_.route->lost())
            give_up(RetrieveFailure::destination_unreachable, "Association to destination lost");
        report();
        notify();
    }
}

asio::awaitable<void> RetrieveJob::send(std::shared_ptr<Entry> entry)
{
    const Uid& sop_instance = entry->key.sop.sop_instance;
    if (!*entry->prepared) {
        fail(sop_instance, entry->prepared->error().text());
        co_return;
    }
    dimse::OutgoingInstance outgoing;
    outgoing.key = (*entry->prepared)->key;
    outgoing.data_set = std::move((*entry->prepared)->data_set);
    outgoing.priority = task_.request.priority;
    if (task_.at_destination != nullptr)
        outgoing.originator = dimse::MoveOriginator{task_.peer.calling, task_.request.message_id};
    sending_ = sop_instance;
    const auto stored = co_await task_.route->store(std::move(outgoing));
    sending_.reset();
    if (!stored)
        fail(sop_instance, stored.error().text());
    else if (status_class(stored->code) == StatusClass::success)
        tally_.count(sop_instance, Outcome::completed);
    else if (status_class(stored->code) == StatusClass::warning)
        tally_.count(sop_instance, Outcome::warning);
    else
        fail(sop_instance, fmt::format("status {:04x}", stored->code));
}

/// The origin ends with its next instance, which is refused, and says what is missing.
asio::awaitable<void> RetrieveJob::await_names()
{
    naming_.expires_after(naming_patience);
    while (!fetched_ && !cancelled_ && naming_.expiry() > std::chrono::steady_clock::now())
        (void)co_await naming_.async_wait(use_tuple);
}

void RetrieveJob::give_up(RetrieveFailure why, std::string detail)
{
    spdlog::warn("retrieve given up assoc={} reason=\"{}\"", task_.peer.id, detail);
    broken_ = {why, std::move(detail)};
    closed_ = true;
    if (!tally_.by_number())
        upstream_.cancel();
    notify();
}

void RetrieveJob::fail(const Uid& sop_instance, const std::string& reason)
{
    spdlog::warn(
        "sub-operation failed assoc={} instance={} reason=\"{}\"",
        task_.peer.id,
        sop_instance.str(),
        reason
    );
    tally_.count(sop_instance, Outcome::failed);
}

/// While the number of instances may be too small, none is said to remain only when it is so.
void RetrieveJob::report()
{
    const dimse::SubOperations counts = tally_.counts();
    const bool may_rise = tally_.by_number() && !fetched_;
    if (counts.remaining > 0 || !may_rise)
        session_.pending(counts);
}

void RetrieveJob::notify()
{
    changed_.notify();
    grace_.cancel();
    naming_.cancel();
}

dimse::RetrieveOutcome RetrieveJob::outcome()
{
    dimse::RetrieveOutcome made;
    const bool cancelled = cancelled_ && !complete_;
    if (!cancelled && !broken_ && !end_.complete)
        spdlog::warn(
            "retrieve fell short assoc={} missing={} reason=\"{}\"",
            task_.peer.id,
            tally_.counts().remaining,
            end_.reason
        );
    if (!cancelled)
        tally_.fail_rest(); // expected, and never received
    made.status = cancelled ? DimseStatus{status::cancelled, {}} : status();
    made.counts = tally_.counts();
    made.failed = tally_.failed();
    return made;
}

DimseStatus RetrieveJob::status() const
{
    const auto& [remaining, completed, failed, warning] = tally_.counts();
    const bool nothing = completed == 0 && warning == 0;
    if (broken_ && nothing)
        return retrieve_status(broken_->why, broken_->detail);
    const bool short_list = !end_.complete && failed == 0; // what is missing, nobody can say
    if (short_list || (nothing && failed > 0)) {
        switch (end_.shortfall) {
        case Shortfall::unauthorised: return retrieve_status(RetrieveFailure::not_authorised);
        case Shortfall::question: return retrieve_status(RetrieveFailure::question_refused);
        case Shortfall::limit:
            if (short_list)
                return retrieve_status(RetrieveFailure::matches_limited);
            break;
        default: break;
        }
        if (short_list)
            return retrieve_status(RetrieveFailure::matches_unknown);
    }
    return retrieve_status(completed, failed, warning);
}

} // namespace gantry::faces
