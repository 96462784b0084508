#include "gateway/destination.h"

#include "gateway/face_options.h"
#include "gateway/origins/dimse_origin.h"
#include "gateway/origins/web_origin.h"

#include <algorithm>
#include <fmt/format.h>
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

DimseOriginOptions::RetrieveBy retrieve_by(config::Origin::RetrieveBy configured)
{
    using By = DimseOriginOptions::RetrieveBy;
    switch (configured) {
    case config::Origin::RetrieveBy::get: return By::get;
    case config::Origin::RetrieveBy::move: return By::move;
    case config::Origin::RetrieveBy::automatic: break;
    }
    return By::automatic;
}

DimseOriginOptions dimse_origin_options(const config::Origin& configured, const Config& config)
{
    using Policy = config::AcceptedSyntaxes::Policy;
    DimseOriginOptions options;
    options.ae_title = configured.peer;
    options.own_ae_title = config.dimse.acceptor.ae_title;
    options.retrieve_by = retrieve_by(configured.retrieve_by);
    options.character_set = config.peer(configured.peer)->character_set;
    options.complete_answers = configured.complete_answers;
    if (configured.transfer_syntaxes.policy == Policy::listed)
        options.transfer_syntaxes = configured.transfer_syntaxes.listed;
    return options;
}

dimse::RequestorOptions options_towards(const config::Origin& configured, const Config& config)
{
    dimse::RequestorOptions options = requestor_options(config);
    options.max_associations = configured.web.connections;
    options.keep_idle = configured.keep_idle;
    return options;
}

} // namespace

Result<std::unique_ptr<Destination>>
Destination::open(const config::Origin& configured, const Ground& ground)
{
    auto destination = std::make_unique<Destination>();
    destination->name_ = configured.name;
    destination->delivery_ = delivery_options(configured);
    Result<void> opened;
    switch (configured.kind) {
    case config::Origin::Kind::local: opened = destination->open_local(configured, ground); break;
    case config::Origin::Kind::dicomweb: opened = destination->open_web(configured, ground); break;
    case config::Origin::Kind::dimse: destination->open_dimse(configured, ground); break;
    }
    if (!opened)
        return opened.error();
    return destination;
}

Result<void> Destination::open_local(const config::Origin& configured, const Ground& ground)
{
    reached_by_ = "this machine";
    LocalOriginOptions options;
    options.name = configured.name;
    options.folder = ground.config.state_dir / "archive";
    options.min_free = ground.config.custody.min_free;
    auto local = LocalOrigin::open(std::move(options), ground.disk, ground.clock);
    if (!local)
        return local.error();
    local_ = local->get();
    origin_ = std::move(*local);
    return {};
}

Result<void> Destination::open_web(const config::Origin& configured, const Ground& ground)
{
    reached_by_ = configured.web.url;
    WebOriginOptions options = web_origin_options(configured);
    options.retrieve.memory = ground.retrieve_memory;
    if (!configured.profile.empty()) {
        auto profile = load_origin_profile(configured.profile);
        if (!profile)
            return profile.error();
        options.profile = std::move(*profile);
    }
    client_ = std::make_unique<web::Client>(ground.loop, configured.web);
    origin_ = std::make_unique<WebOrigin>(
        configured.name, *client_, std::move(options), ground.disk, ground.scratch()
    );
    return {};
}

void Destination::open_dimse(const config::Origin& configured, const Ground& ground)
{
    const dimse::PeerAddress& peer = ground.config.peer(configured.peer)->address; // checked
    reached_by_ = fmt::format("{} at {}:{}", peer.ae_title.str(), peer.host, peer.port);
    requestor_ = std::make_unique<dimse::Requestor>(
        peer, options_towards(configured, ground.config), ground.outbound
    );
    DimseOriginOptions options = dimse_origin_options(configured, ground.config);
    options.memory = ground.retrieve_memory;
    ground.arrivals.add_pacs(peer.ae_title);
    DimseOrigin::Means means{
        *requestor_, ground.arrivals, ground.disk, ground.transcoders, ground.scratch()
    };
    origin_ = std::make_unique<DimseOrigin>(configured.name, std::move(options), std::move(means));
}

asio::awaitable<void> Destination::tend()
{
    if (requestor_)
        co_await requestor_->tend();
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
