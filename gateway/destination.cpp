#include "gateway/destination.h"

#include "gateway/error.h"
#include "gateway/origins/web_origin.h"

#include <algorithm>
#include <utility>

namespace gantry {

namespace {

custody::DeliveryOptions delivery_options(const config::Origin& configured)
{
    custody::DeliveryOptions options;
    options.concurrent = configured.web.connections;
    options.max_instances = configured.delivery.batch_instances;
    options.max_bytes = configured.delivery.batch_bytes;
    options.min_backoff = configured.delivery.min_backoff;
    options.max_backoff = configured.delivery.max_backoff;
    return options;
}

WebOriginOptions web_origin_options(const config::Origin& configured)
{
    using Policy = config::AcceptedSyntaxes::Policy;
    WebOriginOptions options;
    // One connection is left to those who ask and store.
    const std::size_t connections = configured.web.connections;
    options.retrieve.requests = std::max<std::size_t>(connections, 2) - 1;
    options.pass_as_is = configured.transfer_syntaxes.policy == Policy::as_they_are;
    if (configured.transfer_syntaxes.policy == Policy::listed)
        options.transfer_syntaxes = configured.transfer_syntaxes.listed;
    return options;
}

} // namespace

Result<std::unique_ptr<Destination>>
Destination::open(const config::Origin& configured, const Ground& ground)
{
    auto destination = std::make_unique<Destination>();
    destination->name_ = configured.name;
    destination->delivery_ = delivery_options(configured);
    if (configured.kind == config::Origin::Kind::local) {
        destination->reached_by_ = "this machine";
        LocalOriginOptions options;
        options.name = configured.name;
        options.folder = ground.state_dir / "archive";
        options.min_free = ground.min_free;
        auto local = LocalOrigin::open(std::move(options), ground.disk, ground.clock);
        if (!local)
            return local.error();
        destination->local_ = std::move(*local);
        return destination;
    }
    destination->reached_by_ = configured.web.url;
    WebOriginOptions options = web_origin_options(configured);
    options.retrieve.memory = ground.retrieve_memory;
    if (!configured.profile.empty()) {
        auto profile = load_origin_profile(configured.profile);
        if (!profile)
            return profile.error();
        options.profile = std::move(*profile);
    }
    destination->client_ = std::make_unique<web::Client>(ground.loop, configured.web);
    destination->web_ = std::make_unique<WebOrigin>(
        configured.name,
        *destination->client_,
        std::move(options),
        ground.disk,
        ground.state_dir / "scratch"
    );
    return destination;
}

custody::DeliveryRunner&
Destination::deliver(custody::DeliveryQueue& queue, custody::Spool& spool, const Ground& ground)
{
    runner_ = std::make_unique<custody::DeliveryRunner>(
        origin(), queue, spool, ground.disk, ground.clock, delivery_
    );
    return *runner_;
}

} // namespace gantry
