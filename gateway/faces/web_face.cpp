#include "gateway/faces/web_face.h"

#include "gateway/faces/web_bulk.h"
#include "gateway/faces/web_capabilities.h"
#include "gateway/faces/web_frames.h"
#include "gateway/faces/web_instance.h"
#include "gateway/faces/web_metadata.h"
#include "gateway/faces/web_rendered.h"
#include "gateway/faces/web_retrieve.h"
#include "gateway/faces/web_search.h"
#include "gateway/faces/web_store.h"
#include "gateway/faces/web_uri.h"

#include <array>
#include <string>

namespace gantry::faces {

namespace {

enum class Action : std::uint8_t {
    store,
    search,
    retrieve,
    metadata,
    frames,
    pixel_data,
    bulk_data,
    rendered,
    thumbnail,
    uri
};

struct Route {
    web::Method method;
    const char* pattern;
    Action action;
    QueryLevel level = QueryLevel::study; // of a search
};

constexpr auto get = web::Method::get;
constexpr auto post = web::Method::post;

// PS3.18 tables 10.3-1, 10.4.1-1, 10.5.1-1, 10.6.1-1.
constexpr auto routes = std::to_array<Route>({
    {post, "/studies", Action::store},
    {post, "/studies/{study}", Action::store},
    {get, "/studies", Action::search},
    {get, "/series", Action::search, QueryLevel::series},
    {get, "/instances", Action::search, QueryLevel::image},
    {get, "/studies/{study}/series", Action::search, QueryLevel::series},
    {get, "/studies/{study}/instances", Action::search, QueryLevel::image},
    {get, "/studies/{study}/series/{series}/instances", Action::search, QueryLevel::image},
    {get, "/studies/{study}", Action::retrieve},
    {get, "/studies/{study}/series/{series}", Action::retrieve},
    {get, "/studies/{study}/series/{series}/instances/{instance}", Action::retrieve},
    {get, "/studies/{study}/metadata", Action::metadata},
    {get, "/studies/{study}/series/{series}/metadata", Action::metadata},
    {get, "/studies/{study}/series/{series}/instances/{instance}/metadata", Action::metadata},
    {get, "/wado", Action::uri}, // PS3.18 9.1: the path is ours to choose
    {get, "", Action::uri},
    {get, "/studies/{study}/rendered", Action::rendered},
    {get, "/studies/{study}/series/{series}/rendered", Action::rendered},
    {get, "/studies/{study}/series/{series}/instances/{instance}/rendered", Action::rendered},
    {get,
     "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered",
     Action::rendered},
    {get, "/studies/{study}/thumbnail", Action::thumbnail},
    {get, "/studies/{study}/series/{series}/thumbnail", Action::thumbnail},
    {get, "/studies/{study}/series/{series}/instances/{instance}/thumbnail", Action::thumbnail},
    {get,
     "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail",
     Action::thumbnail},
    {get, "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}", Action::frames},
    {get, "/studies/{study}/series/{series}/instances/{instance}/pixeldata", Action::pixel_data},
    {get,
     "/studies/{study}/series/{series}/instances/{instance}/bulkdata/{path*}",
     Action::bulk_data},
});

} // namespace

struct WebFace::State {
    WebFaceOptions options;
    WebTargets targets;
    StoreService store;
    SearchService search;
    RetrieveService retrieve;
    MetadataService metadata;
    InstanceDesk desk;
    FrameService frames;
    BulkService bulk;
    RenderedService rendered;
    UriService uri;
    CapabilitiesService capabilities;

    State(WebFaceOptions given, WebTargets to, WebPools pools)
        : options(std::move(given)),
          targets(to),
          store(options, targets, pools.disk),
          search(options, targets),
          retrieve(options, targets, pools),
          metadata(options, targets, pools),
          desk(options, targets, pools),
          frames(options, pools, desk),
          bulk(options, pools, desk, frames),
          rendered(options, targets, pools, desk),
          uri(options, retrieve, rendered),
          capabilities(options, targets)
    {
    }

    web::Handler handler(const Route& route) const;
};

web::Handler WebFace::State::handler(const Route& route) const
{
    switch (route.action) {
    case Action::store:
        return [this](const auto& request, auto& body, auto& response) {
            return store.store(request, body, response);
        };
    case Action::search:
        return [this, level = route.level](const auto& request, auto&, auto& response) {
            return search.search(level, request, response);
        };
    case Action::metadata:
        return [this](const auto& request, auto&, auto& response) {
            return metadata.metadata(request, response);
        };
    case Action::rendered:
        return [this](const auto& request, auto&, auto& response) {
            return rendered.rendered(request, response);
        };
    case Action::thumbnail:
        return [this](const auto& request, auto&, auto& response) {
            return rendered.thumbnail(request, response);
        };
    case Action::frames:
        return [this](const auto& request, auto&, auto& response) {
            return frames.frames(request, response);
        };
    case Action::pixel_data:
        return [this](const auto& request, auto&, auto& response) {
            return frames.pixel_data(request, response);
        };
    case Action::bulk_data:
        return [this](const auto& request, auto&, auto& response) {
            return bulk.bulk_data(request, response);
        };
    case Action::uri:
        return [this](const auto& request, auto&, auto& response) {
            return uri.wado(request, response);
        };
    case Action::retrieve: break;
    }
    return [this](const auto& request, auto&, auto& response) {
        return retrieve.retrieve(request, response);
    };
}

WebFace::WebFace(WebFaceOptions options, WebTargets targets, WebPools pools)
    : state_(std::make_unique<State>(std::move(options), targets, pools))
{
}

WebFace::~WebFace() = default;

void WebFace::register_routes(web::Router& router)
{
    const std::string& root = state_->options.root;
    for (const Route& route : routes)
        router.add(route.method, root + route.pattern, state_->handler(route));
    const auto tell = [state = state_.get(), &router](const auto& request, auto&, auto& response) {
        return state->capabilities.tell(router, request, response);
    };
    router.add(web::Method::options, root.empty() ? "/" : root, tell); // PS3.18 8.9
    router.add(get, root + "/capabilities", tell);
}

} // namespace gantry::faces
