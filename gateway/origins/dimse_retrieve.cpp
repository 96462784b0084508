#include "gateway/origins/dimse_retrieve.h"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace gantry {

namespace {

using Next = DimseVerdict::Next;

RetrieveEnd not_told(FindEnd end)
{
    RetrieveEnd out;
    out.shortfall = end.shortfall == Shortfall::none ? Shortfall::failed : end.shortfall;
    out.reason = std::move(end.reason);
    return out;
}

RetrieveEnd refused(const std::vector<InstanceKey>& expected, const Error& by)
{
    RetrieveEnd out;
    out.shortfall = Shortfall::failed;
    out.reason = by.text();
    for (const InstanceKey& key : expected)
        out.missing.push_back(key.sop);
    return out;
}

} // namespace

DimseRetrieve::DimseRetrieve(DimseRetrieveRoom room, AskFind find, RetrieveSink& sink)
    : room_(room), find_(std::move(find)), sink_(sink)
{
}

asio::awaitable<RetrieveEnd> DimseRetrieve::run(RetrieveQuestion question)
{
    ExpectedInstances expected = co_await expected_instances(find_, question);
    if (!expected.end.complete)
        co_return not_told(std::move(expected.end));
    std::vector<InstanceKey> list = expected.instances;
    const auto taken = co_await sink_.expect(std::move(expected.instances));
    if (!taken)
        co_return refused(list, taken.error());
    auto plan = std::make_unique<DimsePlan>(std::move(list), std::move(question), sink_);
    DimsePassage::Ground ground{
        room_.name,
        room_.options.ae_title,
        {room_.learned.memory, room_.options.in_memory},
        room_.means.scratch,
        room_.means.disk
    };
    const auto loop = co_await asio::this_coro::executor;
    passage_ = std::make_shared<DimsePassage>(loop, sink_, std::move(plan), std::move(ground));
    std::exception_ptr fault;
    try {
        co_await fetch();
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
    } catch (...) {
        fault = std::current_exception();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    passage_->close();
    co_await passage_->left();
    if (fault)
        std::rethrow_exception(fault);
    RetrieveEnd end = passage_->plan().end();
    if (const auto& refusal = passage_->refusal()) {
        end.shortfall = Shortfall::failed;
        end.reason = refusal->text();
    }
    co_return end;
}

bool DimseRetrieve::may_get() const
{
    using By = DimseOriginOptions::RetrieveBy;
    if (room_.options.retrieve_by != By::automatic)
        return room_.options.retrieve_by == By::get;
    return !get_refused_ && !room_.learned.no_get;
}

// First as it was asked; what that leaves out, instance by instance.
asio::awaitable<void> DimseRetrieve::fetch()
{
    DimsePlan& plan = passage_->plan();
    const unsigned attempts = std::max(room_.options.attempts, 1U);
    for (unsigned attempt = 0; attempt < attempts && plan.open(); ++attempt) {
        const std::vector<DimseJob> jobs = attempt == 0 ? plan.as_asked() : plan.one_by_one();
        for (const DimseJob& job : jobs) {
            if (!plan.open(job))
                continue;
            const bool go_on = co_await pursue(job);
            if (!go_on)
                co_return;
        }
    }
}

// References name objects in the frame of who awaits.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

asio::awaitable<bool> DimseRetrieve::pursue(const DimseJob& job)
{
    using By = DimseOriginOptions::RetrieveBy;
    DimsePlan& plan = passage_->plan();
    for (bool getting = may_get();; getting = false) {
        const std::size_t before = plan.received();
        auto asked = getting ? get(job) : move(job);
        const Answer answer = co_await std::move(asked);
        if (passage_->refusal())
            co_return false;
        const std::size_t received = plan.received() - before;
        compare(job, answer, received);
        learn(getting, received);
        if (!plan.open(job))
            co_return true;
        const DimseVerdict follows = verdict(answer, received);
        plan.lose(follows.loss);
        spdlog::info(
            "retrieve fell short origin={} by={} study={} received={} of={} reason=\"{}\"",
            room_.name,
            getting ? "C-GET" : "C-MOVE",
            job.study.str(),
            received,
            job.brings.size(),
            follows.loss.reason
        );
        if (follows.next != Next::other_way)
            co_return follows.next == Next::go_on;
        if (!getting || room_.options.retrieve_by != By::automatic)
            co_return false;
        get_refused_ = !room_.learned.gets; // else it is for these classes only
    }
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

void DimseRetrieve::learn(bool getting, std::size_t received)
{
    DimseRetrieveMemory& learned = room_.learned;
    if (received == 0)
        return;
    learned.gets = learned.gets || getting;
    if (!getting && get_refused_ && !learned.no_get) {
        spdlog::info("archive takes C-MOVE and no C-GET origin={}", room_.name);
        learned.no_get = true;
    }
}

void DimseRetrieve::learn(const MoveArrivals::Expectation& coming, const Answer& answer)
{
    DimseRetrieveMemory& learned = room_.learned;
    if (const auto met = coming.met_by(); met && met != learned.rendezvous) {
        spdlog::info(
            "what the archive moves to us is told by origin={} by=\"{}\"",
            room_.name,
            met == Rendezvous::originator ? "move originator" : "calling AE title"
        );
        learned.rendezvous = met;
    }
    if (answer && answer->status.code == status::move_destination_unknown)
        spdlog::error(
            "archive does not know us as a move destination origin={} title={}",
            room_.name,
            room_.options.own_ae_title.str()
        );
}

// The counts decide nothing: what came is known here. But they tell of an archive's mistakes.
void DimseRetrieve::compare(const DimseJob& job, const Answer& answer, std::size_t received) const
{
    if (!answer)
        return;
    const std::size_t told = std::size_t{answer->counts.completed} + answer->counts.warning;
    if (told == received ||
        (told == 0 && status_class(answer->status.code) == StatusClass::success))
        return;
    spdlog::warn(
        "archive counts otherwise origin={} study={} told={} received={} status={:04x}",
        room_.name,
        job.study.str(),
        told,
        received,
        answer->status.code
    );
}

} // namespace gantry
