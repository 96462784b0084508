#include "dimse/find_operation.h"

#include "dimse/data_set.h"
#include "dimse/log.h"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

namespace gantry::dimse {

namespace {

// Encoded ahead of the peer: enough for the loop and the thread to work at the same time.
constexpr std::size_t max_ahead = 16;
constexpr std::size_t max_bytes_ahead = 256U << 10U;

// A peer that asked and waits owes us nothing, however long it takes.
constexpr std::chrono::hours no_deadline{24};

constexpr std::uint16_t pending_with_warning = 0xff01; // PS3.4 table C.4-1

wire::Buffer pending_command(const RequestHead& request, std::uint16_t code)
{
    wire::Buffer command;
    write_response(command, request, {.status = {code, {}}, .data_set = true});
    return command;
}

} // namespace

MatchQueue::MatchQueue(asio::any_io_executor loop, std::shared_ptr<WakeSignal> wake)
    : room_(std::move(loop)), wake_(std::move(wake))
{
}

asio::awaitable<Result<void>>
MatchQueue::push(std::unique_ptr<DcmDataset> match, bool all_keys_supported)
{
    const auto self = shared_from_this(); // whoever cancels us may let go of us
    const std::size_t size = match->calcElementLength(EXS_LittleEndianExplicit, EET_ExplicitLength);
    while (!try_push(match, all_keys_supported, size)) {
        if (match == nullptr)
            co_return error(Errc::closed, "nobody waits for more matches");
        co_await room_.wait();
    }
    co_return Result<void>{};
}

/// False: no room yet; or closed, and then `match` is gone.
bool MatchQueue::try_push(
    std::unique_ptr<DcmDataset>& match, bool all_keys_supported, std::size_t size
)
{
    const std::lock_guard lock(mutex_);
    if (closed_) {
        match.reset();
        return false;
    }
    const bool room = matches_.size() < max_ahead && bytes_ + size <= max_bytes_ahead;
    if (!room && !matches_.empty()) {
        waiting_ = true;
        return false;
    }
    if (matches_.empty())
        wake_->wake();
    matches_.push_back({std::move(match), size, all_keys_supported});
    bytes_ += size;
    return true;
}

std::vector<MatchQueue::Match> MatchQueue::take()
{
    std::vector<Match> taken;
    const std::lock_guard lock(mutex_);
    taken.swap(matches_);
    bytes_ = 0;
    make_room();
    return taken;
}

void MatchQueue::close()
{
    const std::lock_guard lock(mutex_);
    matches_.clear();
    closed_ = true;
    make_room();
}

void MatchQueue::make_room()
{
    if (std::exchange(waiting_, false))
        asio::post(room_.executor(), [self = shared_from_this()] { self->room_.notify(); });
}

FindOperation::FindOperation(AssociationSide& side, RequestHead head)
    : Operation(side, std::move(head)),
      queue_(std::make_shared<MatchQueue>(side.loop, wake())),
      task_(side.loop, wake()),
      pending_(pending_command(request(), status::pending)),
      pending_partial_(pending_command(request(), pending_with_warning))
{
}

Interruption FindOperation::run(FindRequest find)
{
    task_.start(
        [&provider = side().provider, info = side().info, find = std::move(find), queue = queue_](
        ) mutable { return provider.on_find(std::move(info), std::move(find), *queue); }
    );
    const Interruption met = pump();
    if (met != Interruption::none || cancelled() || unwritable_) {
        queue_->close();
        task_.cancel();
    }
    // FE00 goes out before the coroutine has ended; the next request waits for it.
    const Interruption answered = met == Interruption::none ? answer() : met;
    task_.wait();
    log().debug("find ended assoc={} matches={}", side().info.id, matches_);
    return answered;
}

void FindOperation::on_cancel()
{
    queue_->close();
    task_.cancel();
}

Interruption FindOperation::pump()
{
    for (;;) {
        const bool ended = task_.ended(); // before looking: all that it pushed is there then
        bool sent = false;
        if (const Interruption met = send_matches(sent); met != Interruption::none)
            return met;
        if (ended || cancelled() || unwritable_)
            return Interruption::none;
        const std::chrono::milliseconds time = sent ? std::chrono::milliseconds{0} : no_deadline;
        if (const Interruption met = await(time); met != Interruption::none)
            return met;
        if (cancelled())
            return Interruption::none;
    }
}

Interruption FindOperation::send_matches(bool& sent)
{
    std::vector<MatchQueue::Match> matches = queue_->take();
    sent = !matches.empty();
    for (MatchQueue::Match& match : matches) {
        if (const Interruption met = add(std::move(match)); met != Interruption::none)
            return met;
        if (cancelled() || unwritable_)
            break;
    }
    return sent ? outcome_of(side().writer.flush()) : Interruption::none;
}

Interruption FindOperation::add(MatchQueue::Match match)
{
    data_set_.clear();
    if (const auto encoded = encode_data_set(*match.data_set, request().transfer_syntax, data_set_);
        !encoded) {
        log().error(
            "match not encodable assoc={} reason=\"{}\"", side().info.id, encoded.error().text()
        );
        unwritable_ = true;
        return Interruption::none;
    }
    const wire::Buffer& command = match.all_keys_supported ? pending_ : pending_partial_;
    MessageWriter& writer = side().writer;
    if (const Transfer added = writer.add_command(request().context, command);
        added != Transfer::done)
        return outcome_of(added);
    ++matches_;
    return outcome_of(writer.add_data(request().context, data_set_));
}

Interruption FindOperation::answer()
{
    return send_final({.status = final_status()});
}

DimseStatus FindOperation::final_status()
{
    if (cancelled())
        return {status::cancelled, {}};
    if (unwritable_)
        return {status::cannot_understand, "match not encodable"};
    try {
        return task_.take();
    } catch (const std::exception& fault) {
        log().error("find failed assoc={} reason=\"{}\"", side().info.id, fault.what());
        return {status::cannot_understand, "unable to process"};
    }
}

} // namespace gantry::dimse
