#include "gateway/faces/web_bulk.h"

#include "gateway/faces/web_pieces.h"
#include "mapping/data_set_value.h"

#include <utility>

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller awaits, with
// request and response in its frame

namespace gantry::faces {

namespace {

std::string path_of(const web::Request& request)
{
    const auto found = request.parameters.find("path");
    return found == request.parameters.end() ? std::string() : found->second;
}

bool is_pixels(const mapping::ValuePath& path)
{
    namespace tag = mapping::tag;
    const Tag first = path.tags.front();
    return path.tags.size() == 1 && (first == tag::pixel_data || first == tag::float_pixel_data ||
                                     first == tag::double_pixel_data);
}

} // namespace

BulkService::BulkService(
    const WebFaceOptions& options,
    WebPools pools,
    const InstanceDesk& desk,
    const FrameService& frames
)
    : options_(options), pools_(pools), desk_(desk), frames_(frames)
{
}

asio::awaitable<void>
BulkService::bulk_data(const web::Request& request, web::Response& response) const
{
    const std::string text = path_of(request);
    const auto path = mapping::ValuePath::parse(text);
    auto which = instance_of_route(request);
    if (which && !path)
        which = Problem{400, "bulk data are named by tags, with item numbers between them"};
    if (!which)
        co_return co_await send_problem(which.error(), options_.retry_after, response);
    auto opened = co_await desk_.open(*which);
    if (!opened)
        co_return co_await send_problem(opened.error(), options_.retry_after, response);
    std::string location =
        resource_url(service_url(options_, request), opened->key, QueryLevel::image) +
        "/bulkdata/" + text;
    if (is_pixels(*path))
        co_return co_await frames_.send_pixels(
            std::move(*opened), std::move(location), request, response
        );
    auto find = [data_set = opened->data_set,
                 syntax = opened->key.transfer_syntax,
                 path = *path](const std::stop_token&) {
        return mapping::find_value(*data_set, syntax.str(), path);
    };
    const auto found = co_await offload(pools_.disk, std::move(find));
    const auto offers = bulk_offers();
    const auto agreed = agree(offers, accept_of(request), true, Packaging::single);
    std::optional<Problem> problem;
    if (!found)
        problem = problem_of(found.error());
    else if (!*found || (*found)->fragments || (*found)->bytes.length == 0)
        problem = Problem{404, "the instance has no such value"};
    else if (!agreed)
        problem = Problem{406, "on offer: " + on_offer(offers)};
    if (problem)
        co_return co_await send_problem(std::move(*problem), options_.retry_after, response);
    PartedContent content;
    content.instance = std::move(*opened);
    content.offer = offers[agreed->offer];
    content.packaging = agreed->packaging;
    content.name = "bulk " + text;
    Part part;
    part.location = std::move(location);
    part.add((*found)->bytes);
    part.length = (*found)->bytes.length;
    content.parts.push_back(std::move(part));
    co_await send_parts(std::move(content), pools_, options_.retry_after, request, response);
}

} // namespace gantry::faces

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
