#include "gateway/origins/dimse_origin.h"

#include "dimse/error.h"
#include "gateway/origins/dimse_find.h"
#include "gateway/origins/dimse_origin_state.h"
#include "gateway/origins/dimse_store.h"
#include "gateway/origins/dimse_verify.h"

#include <chrono>
#include <utility>

namespace gantry {

DimseOrigin::DimseOrigin(std::string name, DimseOriginOptions options, Means means)
    : state_(new State{std::move(name), std::move(options), means})
{
    means.arrivals.add_pacs(state_->options.ae_title);
    for (const AeTitle& title : state_->options.moves_as)
        means.arrivals.add_pacs(title);
}

DimseOrigin::~DimseOrigin() = default;

const std::string& DimseOrigin::name() const
{
    return state_->name;
}

Abilities DimseOrigin::abilities() const
{
    return {true, true, true, true, true};
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): see the contract
asio::awaitable<FindEnd> DimseOrigin::find(FindQuestion question, FindSink& matches)
{
    const DimseFindRoom room{state_->name, state_->means.requestor, state_->options, state_->find};
    co_return co_await find_by_dimse(room, std::move(question), matches);
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): see the contract
asio::awaitable<RetrieveEnd> DimseOrigin::retrieve(RetrieveQuestion question, RetrieveSink& sink)
{
    if (!state_->retrieve.memory)
        state_->retrieve.memory = state_->options.memory
                                      ? state_->options.memory
                                      : std::make_shared<MemoryBudget>(retrieve_memory);
    auto ask = [this](FindQuestion asked, FindSink& matches) {
        return find(std::move(asked), matches);
    };
    const DimseRetrieveRoom room{state_->name, state_->options, state_->means, state_->retrieve};
    DimseRetrieve one(room, std::move(ask), sink);
    co_return co_await one.run(std::move(question));
}

asio::awaitable<std::vector<StoreOutcome>>
DimseOrigin::store(std::vector<std::unique_ptr<InstanceContent>> batch)
{
    const Means& means = state_->means;
    auto open = [&means](std::vector<dimse::ProposedContext> proposals) {
        return means.requestor.open_store(std::move(proposals));
    };
    auto look_for = [this](std::vector<InstanceKey> instances) {
        return verify(std::move(instances));
    };
    DimseStore::Means with{
        state_->name,
        std::move(open),
        std::move(look_for),
        state_->options.transfer_syntaxes,
        {means.scratch, means.disk, means.transcoders}
    };
    DimseStore one(std::move(with), std::move(batch));
    co_return co_await one.run();
}

asio::awaitable<Result<std::vector<bool>>> DimseOrigin::verify(std::vector<InstanceKey> instances)
{
    auto ask = [this](FindQuestion asked, FindSink& matches) {
        return find(std::move(asked), matches);
    };
    co_return co_await verify_by_find(std::move(ask), std::move(instances));
}

asio::awaitable<Health> DimseOrigin::health()
{
    const auto started = std::chrono::steady_clock::now();
    const auto answer = co_await state_->means.requestor.echo();
    Health health;
    health.round_trip = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - started
    );
    // An association for nothing but verification, refused for that: it is there all the same.
    health.reachable =
        answer || answer.error().code == dimse::make_error_code(dimse::Errc::no_context);
    if (!health.reachable)
        health.reason = answer.error().text();
    co_return health;
}

} // namespace gantry
