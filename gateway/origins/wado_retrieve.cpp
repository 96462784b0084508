#include "gateway/origins/wado_retrieve.h"

#include "gateway/loop/change.h"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

namespace gantry {

namespace {

constexpr std::size_t deliverers = 2;         // one may re-encode while another is sent
constexpr unsigned attempts_when_silent = 2;  // each lasts as long as the client's timeout
constexpr unsigned attempts_when_damaged = 2; // it was read whole, and will be the same again

bool was_aborted(const std::exception_ptr& fault)
{
    try {
        std::rethrow_exception(fault);
    } catch (const boost::system::system_error& error) {
        return error.code() == asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

} // namespace

/// From the moment that it is known what is expected.
struct WadoRetrieve::Work {
    Work(
        const asio::any_io_executor& on,
        WadoRoom& in,
        AskFind ask,
        RetrieveSink& to,
        const WadoPlan::Expected& list
    )
        : loop(on),
          room(in),
          find(std::move(ask)),
          sink(to),
          plan(list, sink),
          handover(on, sink, in.options.window, [this](std::size_t at) { plan.given(at); }),
          retrieve(in.permits.number()),
          changed(on)
    {
    }

    /// What becomes of a request.
    struct Next {
        bool again = false;
        std::chrono::milliseconds wait{};
        bool split = false; // what has not come of the series is asked for instance by instance
    };

    asio::awaitable<void> run();
    asio::awaitable<void> fetch();
    asio::awaitable<void> pursue(WadoJob job);
    asio::awaitable<void> split(WadoJob job);
    asio::awaitable<void> name(WadoJob job);
    asio::awaitable<void> name_unwanted();
    asio::awaitable<void> name_rest();
    Next decide(WadoJob& job, const WadoOutcome& outcome);
    Next missing_from_answer(WadoJob& job, const WadoOutcome& outcome);
    Next later(WadoJob& job, const WadoOutcome& outcome);
    Next give_up(const WadoJob& job, const WadoOutcome& outcome);
    std::chrono::milliseconds pause(unsigned attempts, const WadoOutcome& outcome) const;

    asio::any_io_executor loop;
    WadoRoom& room;
    AskFind find;
    RetrieveSink& sink;
    WadoPlan plan;
    Handover handover;
    std::uint64_t retrieve; // its number
    Change changed;         // a request has ended: there may be others now
    std::size_t busy = 0;
};

WadoRetrieve::WadoRetrieve(WadoRoom& room, AskFind find, RetrieveSink& sink)
    : room_(room), find_(std::move(find)), sink_(sink)
{
}

WadoRetrieve::~WadoRetrieve() = default;

asio::awaitable<RetrieveEnd> WadoRetrieve::run(RetrieveQuestion question)
{
    WadoPlan::Expected list;
    list.whole_series = question.instances.empty() && room_.profile.series_level.value_or(true);
    if (list.whole_series && sink_.takes_number())
        list.numbered = co_await count(question);
    RetrieveEnd end;
    if (list.numbered.empty()) {
        end = co_await name(std::move(question), list);
    } else {
        std::vector<InstanceKey> examples;
        std::uint64_t total = 0;
        for (const NumberedSeries& one : list.numbered) {
            examples.push_back(one.example);
            total += one.instances;
        }
        const auto taken = co_await sink_.expect_number(total, std::move(examples));
        if (!taken)
            co_return co_await name_what_is_refused(std::move(question), taken.error());
        end.complete = true;
    }
    if (!end.complete)
        co_return end;
    co_return co_await fetch(std::move(list));
}

/// The series, where their numbers will do; patients have become studies then.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): of run()
asio::awaitable<std::vector<NumberedSeries>> WadoRetrieve::count(RetrieveQuestion& question)
{
    ExpectedStudies found = co_await expected_studies(find_, question);
    if (!found.end.complete || found.studies.empty())
        co_return std::vector<NumberedSeries>{};
    question.studies = std::move(found.studies);
    question.patient_ids.clear();
    auto series = co_await numbered_series(find_, question);
    co_return series ? std::move(*series) : std::vector<NumberedSeries>{};
}

/// Lists all before the first is fetched.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): of run()
asio::awaitable<RetrieveEnd> WadoRetrieve::name(RetrieveQuestion question, WadoPlan::Expected& list)
{
    RetrieveEnd end;
    ExpectedInstances expected = co_await expected_instances(find_, std::move(question));
    if (!expected.end.complete) {
        end.shortfall = expected.end.shortfall;
        if (end.shortfall == Shortfall::none)
            end.shortfall = Shortfall::failed;
        end.reason = std::move(expected.end.reason);
        co_return end;
    }
    list.instances = expected.instances;
    const auto taken = co_await sink_.expect(std::move(expected.instances));
    end.complete = taken.has_value();
    if (!taken) {
        end.shortfall = Shortfall::failed;
        end.reason = taken.error().text();
        for (const InstanceKey& key : list.instances)
            end.missing.push_back(key.sop);
    }
    co_return end;
}

asio::awaitable<RetrieveEnd>
WadoRetrieve::name_what_is_refused(RetrieveQuestion question, Error refusal)
{
    const ExpectedInstances expected = co_await expected_instances(find_, std::move(question));
    RetrieveEnd end{false, Shortfall::failed, {}, refusal.text()};
    for (const InstanceKey& key : expected.instances)
        end.missing.push_back(key.sop);
    co_return end;
}

asio::awaitable<RetrieveEnd> WadoRetrieve::fetch(WadoPlan::Expected list)
{
    const auto loop = co_await asio::this_coro::executor;
    work_ = std::make_unique<Work>(loop, room_, find_, sink_, list);
    list = {};
    co_await work_->name_unwanted();
    co_await work_->run();
    const auto& refusal = work_->handover.refusal();
    if (refusal)
        co_await work_->name_rest();
    RetrieveEnd end = work_->plan.end();
    if (refusal) {
        end.shortfall = Shortfall::failed;
        end.reason = refusal->text();
    }
    co_return end;
}

// All of it ends before this does: with the first that fails, and where this is cancelled.
asio::awaitable<void> WadoRetrieve::Work::run()
{
    auto start = [this](asio::awaitable<void> task) {
        return asio::co_spawn(loop, std::move(task), asio::deferred);
    };
    std::vector<decltype(start(fetch()))> tasks;
    for (std::size_t i = 0; i < room.permits.for_one(); ++i)
        tasks.push_back(start(fetch()));
    for (std::size_t i = 0; i < deliverers; ++i)
        tasks.push_back(start(handover.deliver()));
    auto group = asio::experimental::make_parallel_group(std::move(tasks));
    const auto [order, faults] =
        co_await group.async_wait(asio::experimental::wait_for_one_error(), asio::use_awaitable);
    for (const std::exception_ptr& fault : faults)
        if (fault && !was_aborted(fault))
            std::rethrow_exception(fault);
    const bool aborted = std::ranges::any_of(faults, [](const auto& fault) { return !!fault; });
    if (aborted && !handover.refusal())
        throw boost::system::system_error(asio::error::operation_aborted);
}

asio::awaitable<void> WadoRetrieve::Work::fetch()
{
    /// While it lives, more requests may follow.
    struct Busy {
        explicit Busy(Work& of) : work(of) { ++work.busy; }

        ~Busy()
        {
            --work.busy;
            work.changed.notify();
        }

        Busy(const Busy&) = delete;
        Busy& operator=(const Busy&) = delete;

        Work& work;
    };

    for (;;) {
        if (auto job = plan.next()) {
            const Busy counted(*this);
            co_await pursue(*job);
        } else if (busy == 0) {
            handover.close();
            co_return;
        } else {
            co_await changed.wait();
        }
    }
}

asio::awaitable<void> WadoRetrieve::Work::pursue(WadoJob job)
{
    WadoFetch one({room, plan, handover, retrieve});
    while (plan.open(job)) {
        WadoOutcome outcome;
        bool ready = false;
        while (!ready) // no turn is taken by who could not use it
            ready = co_await handover.room(room.options.patience);
        {
            const FetchPermits::Turn permit = co_await room.permits.take(retrieve);
            outcome = co_await one.run(job);
        }
        if (outcome.verdict == WadoVerdict::content && !outcome.yielded)
            plan.settle(job);
        const Next next = decide(job, outcome);
        if (next.split)
            co_await split(job);
        changed.notify(); // there may be more for others to do
        if (!next.again)
            co_return;
        if (next.wait.count() == 0)
            continue;
        asio::steady_timer pause(loop, next.wait);
        (void)co_await pause.async_wait(use_tuple);
    }
}

asio::awaitable<void> WadoRetrieve::Work::split(WadoJob job)
{
    if (plan.nameless(job))
        co_await name(job);
    plan.split(job);
}

/// Now the names matter: some have not come, or more than there should be.
asio::awaitable<void> WadoRetrieve::Work::name(WadoJob job)
{
    const InstanceKey place = plan.place(job);
    RetrieveQuestion question;
    question.level = QueryLevel::series;
    question.studies = {place.study};
    question.series = {place.series};
    const ExpectedInstances expected = co_await expected_instances(find, std::move(question));
    if (!expected.end.complete) {
        const Shortfall why = expected.end.shortfall;
        const WadoLoss loss{why == Shortfall::none ? Shortfall::failed : why, expected.end.reason};
        plan.lose(job, loss);
        co_return;
    }
    plan.name(job, expected.instances, sink);
    (void)co_await sink.expect_number(plan.total(), {});
}

/// What the asker does not take is not fetched, and has failed by name.
asio::awaitable<void> WadoRetrieve::Work::name_unwanted()
{
    for (const WadoJob& job : plan.unwanted_jobs()) {
        co_await name(job);
        auto names = plan.names(job);
        (void)co_await sink.expect(std::move(names));
        plan.split(job); // others than the example may be wanted
    }
}

asio::awaitable<void> WadoRetrieve::Work::name_rest()
{
    for (const WadoJob& job : plan.nameless_jobs())
        co_await name(job);
}

WadoRetrieve::Work::Next WadoRetrieve::Work::decide(WadoJob& job, const WadoOutcome& outcome)
{
    const bool more_forms = job.form + 1 < accept_headers(plan.accepts(job), room.profile).size();
    switch (outcome.verdict) {
    case WadoVerdict::content: return missing_from_answer(job, outcome);
    case WadoVerdict::unacceptable:
        if (!more_forms)
            return give_up(job, outcome);
        ++job.form;
        return {true, {}};
    case WadoVerdict::later: return later(job, outcome);
    case WadoVerdict::denied:
        if (outcome.status == 403) // perhaps for this one only
            return give_up(job, outcome);
        plan.lose_all(outcome.loss);
        return {};
    case WadoVerdict::absent:
    case WadoVerdict::narrower:
    case WadoVerdict::refused: return give_up(job, outcome);
    }
    return {};
}

// A 200 does not prove that all of it came.
WadoRetrieve::Work::Next
WadoRetrieve::Work::missing_from_answer(WadoJob& job, const WadoOutcome& outcome)
{
    if (!plan.open(job))
        return {};
    if (outcome.yielded && job.instance)
        return {true, {}};
    if (job.instance && outcome.damaged && ++job.attempts < attempts_when_damaged)
        return {true, {}};
    WadoOutcome less = outcome;
    if (!less.damaged)
        less.loss.reason = "not in the answer";
    return give_up(job, less);
}

// A series is asked for instance by instance before any of it is lost.
WadoRetrieve::Work::Next WadoRetrieve::Work::give_up(const WadoJob& job, const WadoOutcome& outcome)
{
    Next next;
    next.split = !job.instance;
    if (job.instance)
        plan.lose(job, outcome.loss);
    return next;
}

WadoRetrieve::Work::Next WadoRetrieve::Work::later(WadoJob& job, const WadoOutcome& outcome)
{
    if (outcome.cut && !job.instance)
        return give_up(job, outcome);
    // Some answer with 500 to a syntax that they cannot make.
    const bool more_forms = job.form + 1 < accept_headers(plan.accepts(job), room.profile).size();
    if (outcome.status == 500 && job.form == 0 && plan.accepts(job) && more_forms) {
        ++job.form;
        return {true, {}};
    }
    ++job.attempts;
    unsigned most = room.options.attempts;
    if (outcome.silent)
        most = std::min(most, attempts_when_silent);
    if (job.attempts < most)
        return {true, pause(job.attempts, outcome)};
    if (outcome.loss.shortfall != Shortfall::unavailable)
        return give_up(job, outcome);
    plan.lose_all(outcome.loss); // the origin as a whole: each would take as long again
    return {};
}

std::chrono::milliseconds
WadoRetrieve::Work::pause(unsigned attempts, const WadoOutcome& outcome) const
{
    const WebRetrieveOptions& options = room.options;
    const auto doubled = options.min_backoff * (1U << std::min(attempts - 1, 16U));
    auto wait = std::min(doubled, options.max_backoff);
    if (outcome.retry_after)
        wait = std::max<std::chrono::milliseconds>(
            wait, std::min(*outcome.retry_after, options.longest_wait)
        );
    return wait;
}

} // namespace gantry
