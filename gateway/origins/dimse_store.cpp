#include "gateway/error.h"
#include "gateway/origins/dimse_origin_state.h"

#include <chrono>

namespace gantry {

asio::awaitable<std::vector<StoreOutcome>>
DimseOrigin::store(std::vector<std::unique_ptr<InstanceContent>> batch)
{
    StoreOutcome refused;
    refused.kind = StoreOutcome::Kind::refused;
    refused.answer = "storing in this origin is not offered";
    co_return std::vector<StoreOutcome>(batch.size(), refused);
}

asio::awaitable<Result<std::vector<bool>>> DimseOrigin::verify(std::vector<InstanceKey> instances)
{
    (void)instances;
    co_return error(Errc::unsupported, "verifying in this origin is not offered");
}

asio::awaitable<Health> DimseOrigin::health()
{
    const auto started = std::chrono::steady_clock::now();
    const auto answer = co_await state_->means.requestor.echo();
    Health health;
    health.reachable = answer.has_value();
    if (!answer)
        health.reason = answer.error().text();
    health.round_trip = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - started
    );
    co_return health;
}

} // namespace gantry
