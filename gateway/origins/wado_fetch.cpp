#include "gateway/origins/wado_fetch.h"

#include "gateway/loop/clock.h"
#include "gateway/origins/instance_intake.h"
#include "gateway/origins/retry_after.h"
#include "gateway/origins/wado_answer.h"
#include "web/error.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace gantry {

namespace {

constexpr Bytes max_refusal{64U << 10U}; // of an answer that nobody reads, to keep the connection

/// An instance that is being received; it is free for others again unless it was kept.
class Claimed {
public:
    explicit Claimed(WadoPlan& plan) : plan_(plan) {}

    ~Claimed() { drop(); }

    Claimed(const Claimed&) = delete;
    Claimed& operator=(const Claimed&) = delete;

    WadoPlan::Claim claim(const Uid& sop_instance)
    {
        std::size_t at = 0;
        return keep_if_taken(plan_.claim(sop_instance, at), at);
    }

    /// By its name, or as one of a series whose instances have none.
    WadoPlan::Claim claim(const WadoJob& job, const InstanceKey& key)
    {
        const auto claim = this->claim(key.sop.sop_instance);
        if (claim != WadoPlan::Claim::unexpected)
            return claim;
        std::size_t at = 0;
        return keep_if_taken(plan_.adopt(job, key, at), at);
    }

    bool is(const Uid& sop_instance) const
    {
        return at_ && plan_.key(*at_).sop.sop_instance == sop_instance;
    }

    std::size_t keep() noexcept { return *std::exchange(at_, std::nullopt); }

    InstanceKey key() const { return plan_.key(*at_); }

private:
    WadoPlan::Claim keep_if_taken(WadoPlan::Claim claim, std::size_t at)
    {
        if (claim == WadoPlan::Claim::taken) {
            drop();
            at_ = at;
        }
        return claim;
    }

    void drop()
    {
        if (at_)
            plan_.release(*at_);
    }

    WadoPlan& plan_;
    std::optional<std::size_t> at_;
};

WadoOutcome no_answer(const web::ClientFailure& failure)
{
    WadoOutcome outcome;
    const bool credentials = failure.error.code == web::make_error_code(web::Errc::no_token);
    outcome.verdict = credentials ? WadoVerdict::denied : WadoVerdict::later;
    outcome.loss.shortfall = credentials ? Shortfall::unauthorised : Shortfall::unavailable;
    outcome.loss.reason = std::string(web::to_string(failure.phase)) + ": " + failure.error.text();
    outcome.silent = failure.error.code == web::make_error_code(web::Errc::timeout);
    return outcome;
}

} // namespace

struct WadoFetch::Answer {
    explicit Answer(std::unique_ptr<WadoAnswer> opened) : parts(std::move(opened)) {}

    // One part is not as it should be; the next may be.
    void spoilt(const Error& why)
    {
        outcome.damaged = true;
        outcome.loss = {Shortfall::failed, why.text()};
    }

    void dropped(WadoPlan::Claim claim)
    {
        ++(claim == WadoPlan::Claim::duplicate ? duplicate : unexpected);
    }

    std::unique_ptr<WadoAnswer> parts;
    WadoOutcome outcome;
    Bytes guess{};
    std::size_t unexpected = 0;
    std::size_t duplicate = 0;
};

WadoFetch::WadoFetch(const Means& means)
    : room_(means.room), plan_(means.plan), handover_(means.handover), retrieve_(means.retrieve)
{
}

asio::awaitable<WadoOutcome> WadoFetch::run(WadoJob job)
{
    web::ClientRequest request;
    request.target = plan_.target(job);
    request.fields.add("Accept", accept_headers(plan_.accepts(job), room_.profile).at(job.form));
    web::ClientResult response = co_await room_.client.request(std::move(request));
    if (!response)
        co_return no_answer(response.error());
    const std::uint16_t status = (*response)->head().status;
    if (verdict_of(status) != WadoVerdict::content)
        co_return co_await refused(std::move(*response));
    auto opened = WadoAnswer::open(std::move(*response));
    if (!opened) {
        WadoOutcome outcome;
        outcome.verdict = WadoVerdict::refused;
        outcome.status = status;
        outcome.loss = {Shortfall::failed, opened.error().text()};
        co_return outcome;
    }
    Answer answer(std::move(*opened));
    answer.outcome.status = status;
    co_await read_parts(answer, job);
    if (answer.unexpected + answer.duplicate != 0)
        spdlog::warn(
            "archive sent what was not asked for origin={} unexpected={} duplicate={}",
            room_.origin,
            answer.unexpected,
            answer.duplicate
        );
    co_return answer.outcome;
}

asio::awaitable<WadoOutcome> WadoFetch::refused(std::unique_ptr<web::ClientResponse> response)
{
    WadoOutcome outcome;
    outcome.status = response->head().status;
    outcome.verdict = verdict_of(outcome.status);
    outcome.loss.shortfall = shortfall_of(outcome.status);
    outcome.loss.reason = "HTTP " + std::to_string(outcome.status);
    outcome.retry_after = retry_after(response->head().fields, SystemClock().wall());
    (void)co_await response->read_all(max_refusal);
    co_return outcome;
}

// References name objects in the frame of run(), which awaits all of this.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

// Waits for room where there is more to come. False: the asker is slow, and others wait whose asker
// may not be.
asio::awaitable<bool> WadoFetch::may_go_on(WadoJob job)
{
    while (plan_.open(job)) {
        const bool room = co_await handover_.room(room_.options.patience);
        if (room)
            break;
        if (room_.permits.wanted_by_others(retrieve_))
            co_return false;
    }
    co_return true;
}

asio::awaitable<void> WadoFetch::read_parts(Answer& answer, WadoJob job)
{
    Result<bool> more{true};
    for (;;) {
        const bool go_on = co_await may_go_on(job);
        if (!go_on) {
            answer.outcome.yielded = true;
            break;
        }
        more = co_await answer.parts->next_part();
        if (!more || !*more)
            break;
        if (!answer.parts->dicom()) {
            ++answer.unexpected;
            continue;
        }
        const Result<void> read = co_await take_part(answer, job);
        if (!read) {
            more = read.error();
            break;
        }
    }
    if (more)
        co_return;
    answer.outcome.verdict = WadoVerdict::later;
    answer.outcome.cut = true;
    answer.outcome.loss = {Shortfall::failed, "the answer broke off: " + more.error().text()};
}

// One part. An error is that of the stream: nothing more can be read of it.
asio::awaitable<Result<void>> WadoFetch::take_part(Answer& answer, WadoJob job)
{
    const InstanceIntake::Ground ground{
        room_.disk, room_.scratch, room_.memory, room_.options.in_memory
    };
    InstanceIntake intake(ground, answer.parts->length(), answer.guess);
    Claimed claimed(plan_);
    bool tried = false;
    using Claim = WadoPlan::Claim;
    for (;;) {
        const auto bytes = co_await answer.parts->read();
        if (!bytes)
            co_return bytes.error();
        if (bytes->empty())
            break;
        const auto added = co_await intake.add(*bytes);
        if (!added) {
            answer.spoilt(added.error());
            co_return Result<void>{};
        }
        const mapping::FileHead* head = intake.head();
        if (tried || head == nullptr || head->sop.sop_instance.empty())
            continue;
        // Early, so that nobody else fetches it meanwhile; whether it is so, the data set says.
        tried = true;
        claimed.claim(head->sop.sop_instance);
    }
    if (const auto whole = co_await intake.finish(); !whole) {
        answer.spoilt(whole.error());
        co_return Result<void>{};
    }
    const InstanceKey key{intake.study(), intake.series(), intake.sop(), {}};
    if (!claimed.is(key.sop.sop_instance))
        if (const Claim claim = claimed.claim(job, key); claim != Claim::taken) {
            answer.dropped(claim);
            co_return Result<void>{};
        }
    answer.guess = {intake.size().count + intake.size().count / 8};
    const Bytes weight = intake.weight();
    auto content = intake.content(claimed.key(), answer.parts->transfer_syntax());
    const std::size_t at = claimed.keep();
    plan_.received(at);
    handover_.put({std::move(content), weight, at});
    co_return Result<void>{};
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry
