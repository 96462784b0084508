#include "gateway/faces/web_rendered_answer.h"

#include "gateway/faces/web_conditions.h"
#include "gateway/origins/expected_instances.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace gantry::faces {

namespace {

constexpr std::string_view cache_control = "private, no-cache";
constexpr unsigned usual_quality = 90;
constexpr std::uint32_t thumbnail_side = 256; // where no viewport is given

std::string listed(std::span<const std::string_view> offers)
{
    std::string out;
    for (const std::string_view offer : offers)
        out += (out.empty() ? "" : ", ") + std::string(offer);
    return out;
}

Problem not_acceptable(std::span<const std::string_view> offers)
{
    if (offers.empty())
        return {406, "there is nothing to render in it"};
    return {406, "on offer as " + listed(offers)};
}

} // namespace

RenderAnswer::RenderAnswer(
    RenderTools tools, RenderQuestion question, const web::Request& request, web::Response& response
)
    : tools_(tools),
      question_(std::move(question)),
      request_(request),
      response_(response),
      service_(service_url(tools.options, request))
{
}

asio::awaitable<void> RenderAnswer::run()
{
    const Problems problem = co_await answer();
    // After the first byte only a connection that is cut can say it.
    if (problem && !response_.begun())
        co_await send_problem(*problem, tools_.options.retry_after, response_);
}

asio::awaitable<RenderAnswer::Problems> RenderAnswer::answer()
{
    if (mixes_types(question_.accept))
        co_return Problem{400, "Accept names DICOM and rendered media types at once"};
    if (question_.series && question_.instance) {
        InstanceKey key;
        key.study = question_.study;
        key.series = *question_.series;
        key.sop.sop_instance = *question_.instance;
        co_return co_await one(std::move(key));
    }
    auto keys = co_await list();
    if (!keys)
        co_return keys.error();
    if (!is_thumbnail())
        co_return co_await many(std::move(*keys));
    std::erase_if(*keys, [](const InstanceKey& key) { return material_of(key.sop.sop_class); });
    if (keys->empty())
        co_return Problem{404, "there is no image in it"};
    const Uid series = keys->front().series;
    std::erase_if(*keys, [&](const InstanceKey& key) { return key.series != series; });
    co_return co_await one((*keys)[keys->size() / 2]);
}

asio::awaitable<Answer<std::vector<InstanceKey>>> RenderAnswer::list() const
{
    Origin* origin = tools_.targets.retrieve;
    if (origin == nullptr)
        co_return Problem{501, "nothing can be retrieved here"};
    AskFind find = [origin](FindQuestion question, FindSink& sink) {
        return origin->find(std::move(question), sink);
    };
    RetrieveQuestion question;
    question.level = question_.series ? QueryLevel::series : QueryLevel::study;
    question.studies = {question_.study};
    if (question_.series)
        question.series = {*question_.series};
    ExpectedInstances expected = co_await expected_instances(std::move(find), std::move(question));
    if (!expected.end.complete) {
        RetrieveEnd end;
        end.shortfall = expected.end.shortfall;
        co_return problem_of(end);
    }
    if (expected.instances.empty())
        co_return Problem{404, "nothing of that is here"};
    co_return std::move(expected.instances);
}

asio::awaitable<RenderAnswer::Problems> RenderAnswer::one(InstanceKey key)
{
    auto found = co_await subject_of(std::move(key));
    if (!found)
        co_return found.error();
    Subject subject = std::move(*found);
    if (is_thumbnail() && !subject.drawing)
        co_return Problem{406, "it is no image: it has no thumbnail"};
    if (!subject.drawing && !question_.frames.empty())
        co_return Problem{404, "it has no frames that are rendered one by one"};
    const bool plural = question_.frames.size() > 1 && !is_thumbnail();
    const auto type = choose_rendered(subject.offers, plural, question_.accept);
    if (!type)
        co_return not_acceptable(subject.offers);
    if (const Problems problem = check(subject, *type))
        co_return problem;
    if (const Problems problem = co_await choose_frames(subject, *type))
        co_return problem;
    std::string tag = tag_of(subject, *type);
    if (is_known(request_, tag)) {
        (void)co_await response_.send(not_modified(tag, cache_control), {});
        co_return std::nullopt;
    }
    say_first_of_many(subject);
    const bool head_only = request_.method == web::Method::head;
    RenderedBody body(head(std::move(tag), type->media), type->multipart, head_only, response_);
    if (const Problems problem = co_await put(subject, *type, body))
        co_return problem;
    if (!head_only)
        (void)co_await body.finish();
    co_return std::nullopt;
}

asio::awaitable<RenderAnswer::Problems> RenderAnswer::many(std::vector<InstanceKey> keys)
{
    const bool head_only = request_.method == web::Method::head;
    RenderedBody body(head({}, {}), true, head_only, response_);
    for (InstanceKey& key : keys) {
        const auto by_class = material_of(key.sop.sop_class);
        if (by_class == Material::nothing || by_class == Material::presentation)
            continue;
        auto found = co_await subject_of(std::move(key));
        if (!found)
            co_return found.error();
        Subject subject = std::move(*found);
        const auto type = choose_rendered(subject.offers, true, question_.accept);
        if (!type)
            continue; // nothing of it that this client takes
        if (const Problems problem = check(subject, *type))
            co_return problem;
        if (const Problems problem = co_await choose_frames(subject, *type))
            co_return problem;
        if (const Problems problem = co_await put(subject, *type, body))
            co_return problem;
        if (head_only)
            co_return std::nullopt;
    }
    if (!response_.begun())
        co_return Problem{406, "there is nothing in it to render in a media type of Accept"};
    (void)co_await body.finish();
    co_return std::nullopt;
}

RenderAnswer::Problems RenderAnswer::check(const Subject& subject, const RenderedType& type) const
{
    if (!subject.drawing)
        return std::nullopt;
    if (question_.colour_profile && type.media == "image/gif")
        return Problem{400, "image/gif has no colour profiles"};
    const mapping::FrameShape& shape = subject.frames->image().shape;
    if (const auto checked = mapping::check_options(shape, question_.options); !checked)
        return Problem{400, checked.error().detail};
    return std::nullopt;
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller awaits
asio::awaitable<RenderAnswer::Problems>
RenderAnswer::choose_frames(Subject& subject, const RenderedType& type)
{
    if (!subject.drawing)
        co_return std::nullopt;
    const std::uint32_t count = subject.frames->count();
    subject.wanted = question_.frames;
    if (!subject.wanted.empty()) {
        std::erase_if(subject.wanted, [count](std::uint32_t frame) { return frame > count; });
        if (subject.wanted.empty())
            co_return Problem{404, "it has " + std::to_string(count) + " frames"};
        if (is_thumbnail())
            subject.wanted.resize(1);
        else if (subject.wanted.size() < question_.frames.size())
            status_ = 206; // PS3.18 10.4.1.1.3: some of them are there
        co_return std::nullopt;
    }
    const bool whole_study = !question_.instance;
    const bool all = type.media == "image/gif" || (type.multipart && !whole_study);
    subject.wanted.resize(is_thumbnail() || !all ? 1 : count);
    std::iota(subject.wanted.begin(), subject.wanted.end(), 1U);
    if (!is_thumbnail())
        co_return std::nullopt;
    auto find = [drawing = subject.drawing](const std::stop_token&) {
        return drawing->representative_frame();
    };
    const auto frame = co_await offload(tools_.pools.transcoders, std::move(find));
    if (!frame)
        co_return problem_of(frame.error());
    subject.wanted = {*frame};
    co_return std::nullopt;
}

/// A client that did not name frames hears that there are more than it is given.
void RenderAnswer::say_first_of_many(const Subject& subject)
{
    const bool partly = subject.material == Material::pictures && question_.frames.empty() &&
                        subject.wanted.size() == 1 && !is_thumbnail();
    if (partly)
        question_.warnings.push_back(
            "this is frame 1 of " + std::to_string(subject.frames->count()) +
            "; image/gif or multipart/related has all of them"
        );
}

/// Changes when any bit of the answer would.
std::string RenderAnswer::tag_of(const Subject& subject, const RenderedType& type) const
{
    std::string what = subject.instance.fingerprint + ' ' + type.media;
    what += type.multipart ? " m" : " s";
    what += is_thumbnail() ? " t" : " r";
    for (const std::uint32_t frame : subject.wanted)
        what += ' ' + std::to_string(frame);
    const mapping::RenderOptions& options = question_.options;
    what += " q" + std::to_string(question_.quality.value_or(usual_quality));
    what += " v" + std::to_string(options.max_width) + 'x' + std::to_string(options.max_height);
    if (const auto& window = options.window)
        what += " w" + std::to_string(window->center) + ',' + std::to_string(window->width) + ',' +
                std::to_string(static_cast<int>(window->function));
    if (const auto& region = options.pixels)
        what += " p" + std::to_string(region->left) + ',' + std::to_string(region->top) + ',' +
                std::to_string(region->width.value_or(0)) + ',' +
                std::to_string(region->height.value_or(0));
    if (const auto& region = options.fraction)
        what += " f" + std::to_string(region->left) + ',' + std::to_string(region->top) + ',' +
                std::to_string(region->right) + ',' + std::to_string(region->bottom);
    return entity_tag(what);
}

web::ResponseHead RenderAnswer::head(std::string tag, std::string_view media) const
{
    web::ResponseHead head;
    head.status = status_;
    if (!tag.empty())
        head.fields.add("ETag", std::move(tag));
    head.fields.add("Cache-Control", std::string(cache_control));
    head.fields.add("Vary", "Accept");
    head.fields.add("X-Content-Type-Options", "nosniff");
    // A page is made of what somebody else wrote: nothing of it runs.
    if (media.starts_with("text/"))
        head.fields.add(
            "Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'"
        );
    for (const std::string& warning : question_.warnings)
        head.fields.add("Warning", "299 " + service_ + ": " + warning);
    return head;
}

mapping::RenderOptions RenderAnswer::options_for(const mapping::FrameShape& shape) const
{
    mapping::RenderOptions options = question_.options;
    const bool large = shape.columns > thumbnail_side || shape.rows > thumbnail_side;
    if (is_thumbnail() && options.max_width == 0 && large)
        options.max_width = options.max_height = thumbnail_side;
    return options;
}

asio::awaitable<Answer<PictureCache::Encoded>> RenderAnswer::picture(
    const Subject& subject, // NOLINT(cppcoreguidelines-avoid-reference-coroutine-parameters)
    std::uint32_t frame,
    std::string media
)
{
    const std::string tag = is_thumbnail() ? tag_of(subject, {media, false}) : std::string();
    if (auto kept = tools_.cache.find(tag))
        co_return kept;
    auto draw = [drawing = subject.drawing,
                 frame,
                 media,
                 options = options_for(subject.frames->image().shape),
                 quality = question_.quality.value_or(usual_quality)](const std::stop_token&) {
        const auto picture = drawing->picture(frame, options);
        return picture ? encode_picture(*picture, media, quality) : picture.error();
    };
    auto made = co_await offload(tools_.pools.transcoders, std::move(draw));
    if (!made)
        co_return problem_of(made.error());
    auto encoded = std::make_shared<const std::vector<std::byte>>(std::move(*made));
    if (!tag.empty())
        tools_.cache.keep(tag, encoded);
    co_return encoded;
}

} // namespace gantry::faces
