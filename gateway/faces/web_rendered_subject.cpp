// What an instance is, and what can be made of it.
#include "gateway/faces/web_rendered_answer.h"

#include <array>
#include <utility>

namespace gantry::faces {

namespace {

/// PS3.5 8.2.5 to 8.2.12: the media type of a stored stream.
std::string_view video_type(std::string_view syntax)
{
    constexpr std::string_view family = "1.2.840.10008.1.2.4.10";
    if (!syntax.starts_with(family) || syntax.size() <= family.size())
        return {};
    const char which = syntax[family.size()];
    if (which == '0' || which == '1')
        return "video/mpeg";
    return which >= '2' && which <= '6' ? std::string_view("video/mp4") : std::string_view();
}

/// MP4 as opposed to a transport stream: the first box says so (ISO 14496-12 4.3).
bool is_mp4(const RandomAccess& data_set, const mapping::ImageFrames& frames)
{
    const auto stream = frames.frame(data_set, 1);
    std::array<std::byte, 8> first{};
    if (!stream || stream->pieces.empty())
        return false;
    const auto got = data_set.read(stream->pieces.front().offset, first);
    const std::string_view text(reinterpret_cast<const char*>(first.data()), first.size());
    return got && *got == first.size() && text.substr(4) == "ftyp";
}

} // namespace

asio::awaitable<Answer<RenderAnswer::Subject>> RenderAnswer::subject_of(InstanceKey key) const
{
    auto opened = co_await tools_.desk.open(std::move(key));
    if (!opened)
        co_return opened.error();
    Subject subject;
    subject.instance = std::move(*opened);
    subject.location = resource_url(service_, subject.instance.key, QueryLevel::image);
    const auto by_class = material_of(subject.instance.key.sop.sop_class);
    subject.material = by_class.value_or(Material::picture);
    if (const Problems problem = co_await make_ready(subject))
        co_return *problem;
    co_return subject;
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller awaits
asio::awaitable<RenderAnswer::Problems> RenderAnswer::make_ready(Subject& subject) const
{
    if (subject.material == Material::presentation)
        co_return Problem{501, "presentation states are not rendered here"};
    if (subject.material == Material::report) {
        subject.offers = {"text/html"};
        co_return std::nullopt;
    }
    if (subject.material == Material::document) {
        auto open = [instance = subject.instance](const std::stop_token&) {
            return Document::open(instance);
        };
        auto opened = co_await offload(tools_.pools.transcoders, std::move(open));
        if (!opened && opened.error().code == make_error_code(mapping::Errc::unsupported))
            co_return std::nullopt; // and nothing is on offer
        if (!opened)
            co_return problem_of(opened.error());
        subject.document = std::move(*opened);
        subject.offers = {subject.document->media()};
        co_return std::nullopt;
    }
    if (subject.material == Material::nothing)
        co_return std::nullopt;
    auto frames = co_await tools_.desk.frames(subject.instance);
    if (!frames && frames.error().status == 404) { // it has no pixels
        subject.material = Material::nothing;
        co_return std::nullopt;
    }
    if (!frames)
        co_return frames.error();
    subject.frames = std::move(*frames);
    if (!subject.frames->video()) {
        const bool several = subject.frames->count() > 1;
        subject.material = several ? Material::pictures : Material::picture;
        subject.drawing = std::make_shared<Drawing>(subject.instance, subject.frames);
        subject.offers.assign(picture_types().begin(), picture_types().end());
        co_return std::nullopt;
    }
    subject.material = Material::video;
    const std::string_view type = video_type(subject.instance.key.transfer_syntax.str());
    auto look = [instance = subject.instance, frames = subject.frames](const std::stop_token&) {
        return is_mp4(*instance.data_set, *frames);
    };
    const bool mp4 = co_await offload(tools_.pools.disk, std::move(look));
    if (type == "video/mpeg" || (type == "video/mp4" && mp4))
        subject.offers = {type};
    co_return std::nullopt;
}

} // namespace gantry::faces
