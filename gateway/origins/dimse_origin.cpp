#include "gateway/origins/dimse_origin.h"

#include "gateway/origins/dimse_find.h"
#include "gateway/origins/dimse_origin_state.h"

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

} // namespace gantry
