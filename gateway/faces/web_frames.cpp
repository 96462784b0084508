#include "gateway/faces/web_frames.h"

#include "gateway/faces/web_pieces.h"
#include "mapping/frame_list.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <numeric>
#include <utility>

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller awaits, with
// request and response in its frame

namespace gantry::faces {

namespace {

using mapping::ImageFrames;

constexpr std::uint32_t most_at_once = 1U << 19U; // frames of one request

/// Where a frame, or all of it, is to be had.
Result<void> add_frame(Part& part, const PartedContent& content, std::uint32_t number)
{
    const ImageFrames& frames = *content.frames;
    const auto& shape = frames.image().shape;
    const bool shares_bytes = !frames.encapsulated() && shape.bits_allocated == 1;
    const bool encodes = mapping::is_encoded_here(content.offer.syntax);
    if (!content.offer.stored) {
        const auto kind = encodes ? Piece::Kind::encoded_frame : Piece::Kind::native_frame;
        part.pieces.push_back({kind, {}, number});
        if (encodes)
            part.length.reset();
        else
            part.length = part.length.value_or(0) + shape.bytes();
        return {};
    }
    if (shares_bytes) {
        part.pieces.push_back({Piece::Kind::stored_frame, {}, number});
        part.length = part.length.value_or(0) + frames.frame_bytes();
        return {};
    }
    const auto extent = frames.frame(*content.instance.data_set, number);
    if (!extent)
        return extent.error();
    for (const mapping::Extent& piece : extent->pieces)
        part.add(piece);
    part.length = part.length.value_or(0) + extent->length();
    return {};
}

/// Frame by frame. On a worker: offset tables lead into the data set.
Result<PartedContent>
framed(PartedContent content, std::string url, const std::vector<std::uint32_t>& numbers)
{
    for (const std::uint32_t number : numbers) {
        Part part;
        part.location = url + "/frames/" + std::to_string(number);
        if (const auto added = add_frame(part, content, number); !added)
            return added.error();
        content.parts.push_back(std::move(part));
    }
    return content;
}

/// All frames in one part, not compressed.
Result<PartedContent> in_one(PartedContent content, std::string location)
{
    Part part;
    part.location = std::move(location);
    const ImageFrames& frames = *content.frames;
    if (!frames.encapsulated()) {
        part.add(frames.value());
        part.length = frames.value().length;
    } else {
        for (std::uint32_t number = 1; number <= frames.count(); ++number)
            if (const auto added = add_frame(part, content, number); !added)
                return added.error();
    }
    content.parts.push_back(std::move(part));
    return content;
}

std::vector<std::uint32_t> all_of(const ImageFrames& frames)
{
    std::vector<std::uint32_t> out(std::min(frames.count(), most_at_once));
    std::iota(out.begin(), out.end(), 1U);
    return out;
}

std::string parameter(const web::Request& request, const char* name)
{
    const auto found = request.parameters.find(name);
    return found == request.parameters.end() ? std::string() : found->second;
}

Problem not_acceptable(std::span<const Offer> offers)
{
    return {406, "on offer, as parts of multipart/related or by itself: " + on_offer(offers)};
}

} // namespace

Answer<InstanceKey> instance_of_route(const web::Request& request)
{
    const auto study = path_uid(request, "study");
    const auto series = path_uid(request, "series");
    const auto instance = path_uid(request, "instance");
    if (!study.uid || !series.uid || !instance.uid)
        return Problem{400, "the path holds what is no UID"};
    InstanceKey key;
    key.study = *study.uid;
    key.series = *series.uid;
    key.sop.sop_instance = *instance.uid;
    return key;
}

FrameService::FrameService(const WebFaceOptions& options, WebPools pools, const InstanceDesk& desk)
    : options_(options), pools_(pools), desk_(desk)
{
}

asio::awaitable<void>
FrameService::frames(const web::Request& request, web::Response& response) const
{
    const auto numbers = mapping::parse_frame_list(parameter(request, "frames"));
    auto which = instance_of_route(request);
    if (which && !numbers)
        which = Problem{400, "frames are numbers from 1, ascending, with commas between them"};
    if (!which)
        co_return co_await send_problem(which.error(), options_.retry_after, response);
    auto opened = co_await desk_.open(*which);
    if (!opened)
        co_return co_await send_problem(opened.error(), options_.retry_after, response);
    const auto frames = co_await desk_.frames(*opened);
    if (!frames)
        co_return co_await send_problem(frames.error(), options_.retry_after, response);
    std::vector<std::uint32_t> there = *numbers;
    std::erase_if(there, [&](std::uint32_t number) { return number > (*frames)->count(); });
    const auto offers =
        frame_offers(opened->key.transfer_syntax, mapping::may_be_encoded(**frames));
    const auto agreed = agree(offers, accept_of(request), there.size() == 1);
    if (there.empty() || !agreed) {
        auto problem =
            there.empty() ? Problem{404, "the image has no such frame"} : not_acceptable(offers);
        co_return co_await send_problem(std::move(problem), options_.retry_after, response);
    }
    PartedContent content;
    content.instance = std::move(*opened);
    content.frames = *frames;
    content.offer = offers[agreed->offer];
    content.packaging = agreed->packaging;
    content.status = there.size() == numbers->size() ? 200 : 206;
    content.name = "frames " + parameter(request, "frames");
    std::string url =
        resource_url(service_url(options_, request), content.instance.key, QueryLevel::image);
    auto plan = [content = std::move(content),
                 url = std::move(url),
                 there = std::move(there)](const std::stop_token&) mutable {
        return framed(std::move(content), std::move(url), there);
    };
    auto planned = co_await offload(pools_.disk, std::move(plan));
    if (!planned) {
        auto problem = problem_of(planned.error());
        co_return co_await send_problem(std::move(problem), options_.retry_after, response);
    }
    co_await send_parts(std::move(*planned), pools_, options_.retry_after, request, response);
}

asio::awaitable<void>
FrameService::pixel_data(const web::Request& request, web::Response& response) const
{
    const auto which = instance_of_route(request);
    if (!which)
        co_return co_await send_problem(which.error(), options_.retry_after, response);
    auto opened = co_await desk_.open(*which);
    if (!opened)
        co_return co_await send_problem(opened.error(), options_.retry_after, response);
    std::string url = resource_url(service_url(options_, request), opened->key, QueryLevel::image);
    co_await send_pixels(std::move(*opened), url + "/pixeldata", request, response);
}

asio::awaitable<void> FrameService::send_pixels(
    OpenInstance instance,
    std::string location,
    const web::Request& request,
    web::Response& response
) const
{
    const auto frames = co_await desk_.frames(instance);
    if (!frames)
        co_return co_await send_problem(frames.error(), options_.retry_after, response);
    const auto offers =
        frame_offers(instance.key.transfer_syntax, mapping::may_be_encoded(**frames));
    const bool one_frame = (*frames)->count() == 1;
    // Of several frames only what is not compressed makes one part.
    std::vector<Offer> whole;
    for (const Offer& offer : offers)
        if (one_frame || offer.syntax == transfer_syntax::explicit_le)
            whole.push_back(offer);
    const std::string accept = accept_of(request);
    const Liking several = best_offer(offers, accept, Packaging::multipart);
    const Liking single = best_offer(whole, accept, Packaging::single);
    if (several.quality == 0 && single.quality == 0) {
        auto problem = not_acceptable(offers);
        co_return co_await send_problem(std::move(problem), options_.retry_after, response);
    }
    PartedContent content;
    content.packaging = single.quality > several.quality ? Packaging::single : Packaging::multipart;
    content.offer =
        content.packaging == Packaging::single ? whole[single.offer] : offers[several.offer];
    content.frames = *frames;
    content.name = "pixels";
    std::string url = resource_url(service_url(options_, request), instance.key, QueryLevel::image);
    content.instance = std::move(instance);
    const bool as_one = content.offer.syntax == transfer_syntax::explicit_le;
    auto plan = [content = std::move(content),
                 url = std::move(url),
                 location = std::move(location),
                 as_one](const std::stop_token&) mutable {
        if (as_one)
            return in_one(std::move(content), std::move(location));
        const auto numbers = all_of(*content.frames);
        return framed(std::move(content), std::move(url), numbers);
    };
    auto planned = co_await offload(pools_.disk, std::move(plan));
    if (!planned) {
        auto problem = problem_of(planned.error());
        co_return co_await send_problem(std::move(problem), options_.retry_after, response);
    }
    co_await send_parts(std::move(*planned), pools_, options_.retry_after, request, response);
}

} // namespace gantry::faces

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
