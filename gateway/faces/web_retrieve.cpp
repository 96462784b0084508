#include "gateway/faces/web_retrieve.h"

#include "gateway/faces/web_files.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <utility>

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller awaits, with
// request and response in its frame

namespace gantry::faces {

namespace {

asio::awaitable<void>
bring(Origin& origin, RetrieveQuestion question, FilesResponse& files, RetrieveEnd& end)
{
    end = co_await origin.retrieve(std::move(question), files);
    files.close(end);
}

} // namespace

RetrieveService::RetrieveService(
    const WebFaceOptions& options, const WebTargets& targets, WebPools pools
)
    : options_(options), targets_(targets), pools_(pools)
{
}

asio::awaitable<void>
RetrieveService::retrieve(const web::Request& request, web::Response& response) const
{
    auto asked = asked_for(request);
    std::string accept = accept_of(request);
    if (!asked.problem && mixes_rendered(accept))
        asked.problem = Problem{400, "DICOM and rendered media types in one Accept"};
    if (asked.problem)
        co_return co_await send_problem(std::move(*asked.problem), options_.retry_after, response);
    co_await send(std::move(asked.question), std::move(accept), request, response);
}

asio::awaitable<void> RetrieveService::send(
    RetrieveQuestion question,
    std::string accept,
    const web::Request& request,
    web::Response& response
) const
{
    using namespace asio::experimental::awaitable_operators;
    if (targets_.retrieve == nullptr) {
        Problem problem{501, "nothing can be retrieved here"};
        co_return co_await send_problem(std::move(problem), options_.retry_after, response);
    }
    const auto loop = co_await asio::this_coro::executor;
    PreparationMeans means{options_.scratch, pools_.disk, pools_.transcoders};
    FilesResponse::What what{
        question, std::move(accept), service_url(options_, request), options_.retry_after
    };
    FilesResponse files(std::move(what), request, response, loop, std::move(means));
    RetrieveEnd end;
    auto both = bring(*targets_.retrieve, std::move(question), files, end) && files.write();
    co_await std::move(both);
    if (response.begun()) // and not finished where it is not complete: the client sees that
        co_return;
    auto problem = files.problem() ? *files.problem() : problem_of(end);
    co_await send_problem(std::move(problem), options_.retry_after, response);
}

} // namespace gantry::faces

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
