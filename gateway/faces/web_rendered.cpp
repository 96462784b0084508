#include "gateway/faces/web_rendered.h"

#include "gateway/faces/web_rendered_answer.h"
#include "mapping/frame_list.h"
#include "mapping/render_parameters.h"
#include "web/target.h"

#include <algorithm>
#include <utility>

namespace gantry::faces {

namespace {

constexpr Bytes kept_thumbnails{8ULL << 20U};
constexpr std::size_t most_parameters = 64;

using Resource = RenderQuestion::Resource;

Problem bad(std::string detail)
{
    return {400, std::move(detail)};
}

Answer<std::vector<mapping::QueryPair>> pairs_of(std::string_view query)
{
    std::vector<mapping::QueryPair> pairs;
    while (!query.empty()) {
        const std::string_view one = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), one.size() + 1));
        if (one.empty())
            continue;
        const std::size_t equals = std::min(one.find('='), one.size());
        auto name = web::percent_decoded(one.substr(0, equals));
        auto value = web::percent_decoded(one.substr(std::min(equals + 1, one.size())));
        if (!name || !value || pairs.size() == most_parameters)
            return bad("a query that cannot be read");
        pairs.emplace_back(std::move(*name), std::move(*value));
    }
    return pairs;
}

std::string listed(const std::vector<std::string>& words)
{
    std::string out;
    for (const std::string& word : words)
        out += (out.empty() ? "" : ",") + word;
    return out;
}

/// What the query says goes into the question.
std::optional<Problem>
read_query(mapping::RenderResource resource, std::string_view query, RenderQuestion& question)
{
    const auto pairs = pairs_of(query);
    if (!pairs)
        return pairs.error();
    const auto read = mapping::read_render_parameters(resource, *pairs);
    if (!read)
        return bad(read.error().detail);
    if (read->presentation)
        return Problem{501, "presentation states are not rendered here"};
    question.options = read->options;
    question.quality = read->quality;
    question.colour_profile = read->colour_profile;
    if (read->frame)
        question.frames = {*read->frame};
    if (!read->ignored_annotation.empty()) // the text is PS3.18's (8.3.5.1.1)
        question.warnings.push_back(
            "The following annotation values are not supported: " + listed(read->ignored_annotation)
        );
    if (read->colour_profile)
        question.warnings.emplace_back("pictures are given without a colour profile");
    return std::nullopt;
}

Answer<RenderQuestion> question_of(Resource resource, const web::Request& request)
{
    RenderQuestion question;
    question.resource = resource;
    question.accept = accept_of(request);
    const PathUid study = path_uid(request, "study");
    const PathUid series = path_uid(request, "series");
    const PathUid instance = path_uid(request, "instance");
    if (study.malformed || series.malformed || instance.malformed)
        return bad("a UID is malformed");
    question.study = study.uid.value_or(Uid());
    question.series = series.uid;
    question.instance = instance.uid;
    const auto thumbnail = resource == Resource::thumbnail;
    const auto read_as =
        thumbnail ? mapping::RenderResource::thumbnail : mapping::RenderResource::rendered;
    if (auto problem = read_query(read_as, request.query, question))
        return std::move(*problem);
    const auto frames = request.parameters.find("frames");
    if (frames == request.parameters.end())
        return question;
    auto list = mapping::parse_frame_list(frames->second);
    if (!list)
        return bad(list.error().detail);
    question.frames = std::move(*list);
    return question;
}

} // namespace

struct RenderedService::State {
    const WebFaceOptions& options;
    const WebTargets& targets;
    WebPools pools;
    const InstanceDesk& desk;
    PictureCache cache{kept_thumbnails};

    RenderTools tools() { return {options, targets, pools, desk, cache}; }

    asio::awaitable<void>
    answer(Answer<RenderQuestion> question, const web::Request& request, web::Response& response)
    {
        if (!question) {
            co_await send_problem(question.error(), options.retry_after, response);
            co_return;
        }
        RenderAnswer answer(tools(), std::move(*question), request, response);
        co_await answer.run();
    }
};

RenderedService::RenderedService(
    const WebFaceOptions& options,
    const WebTargets& targets,
    WebPools pools,
    const InstanceDesk& desk
)
    : state_(new State{options, targets, pools, desk})
{
}

RenderedService::~RenderedService() = default;

asio::awaitable<void>
RenderedService::rendered(const web::Request& request, web::Response& response) const
{
    return state_->answer(question_of(Resource::rendered, request), request, response);
}

asio::awaitable<void>
RenderedService::thumbnail(const web::Request& request, web::Response& response) const
{
    return state_->answer(question_of(Resource::thumbnail, request), request, response);
}

asio::awaitable<void> RenderedService::uri(
    InstanceKey which, std::string accept, const web::Request& request, web::Response& response
) const
{
    RenderQuestion question;
    question.study = std::move(which.study);
    question.series = std::move(which.series);
    question.instance = std::move(which.sop.sop_instance);
    question.accept = std::move(accept);
    auto problem = read_query(mapping::RenderResource::uri, request.query, question);
    Answer<RenderQuestion> read = std::move(question);
    if (problem)
        read = std::move(*problem);
    return state_->answer(std::move(read), request, response);
}

} // namespace gantry::faces
