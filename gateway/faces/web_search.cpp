#include "gateway/faces/web_search.h"

#include "gateway/faces/web_question.h"
#include "gateway/faces/web_results.h"
#include "mapping/media_type.h"
#include "mapping/qido_query.h"
#include "mapping/query_keys.h"
#include "web/multipart.h"

#include <spdlog/spdlog.h>

#include <array>

namespace gantry::faces {

namespace {

constexpr std::string_view xml_results = R"(multipart/related; type="application/dicom+xml")";

mapping::MediaType media_type(std::string_view text)
{
    return mapping::parse_media_type(text).value();
}

/// PS3.18 table 10.6.4-1. Nothing: the client takes none of them.
std::optional<ResultForm> acceptable_form(const web::Request& request)
{
    static const std::array offers{
        media_type(dicom_json), media_type("application/json"), media_type(xml_results)
    };
    const std::string accept = accept_of(request);
    const auto ranges = mapping::parse_accept(accept);
    const auto chosen = mapping::choose(offers, ranges);
    // A header that has nothing readable in it accepts nothing.
    if (!chosen || (!accept.empty() && ranges.empty()))
        return std::nullopt;
    ResultForm form;
    form.xml = *chosen == 2;
    form.content_type = offers.at(*chosen).essence();
    if (form.xml) {
        form.boundary = web::random_boundary();
        form.content_type = std::string(xml_results) + "; boundary=" + form.boundary;
    }
    return form;
}

/// A question that the archive does not understand is the client's where the client asked anything
/// of its own.
Problem problem_of(const FindEnd& end, const mapping::QidoQuery& query)
{
    const bool asked = !query.keys.empty() || !query.include_fields.empty() || query.include_all;
    switch (end.shortfall) {
    case Shortfall::limit:
        return {413, "there are more results than can be given: ask for less, or with a limit"};
    case Shortfall::unavailable: return {503, "the archive does not answer"};
    case Shortfall::timed_out: return {504, "the archive was silent for too long"};
    case Shortfall::question:
        if (asked)
            return {400, "the archive does not understand what is asked for"};
        return {502, "the archive does not understand this gateway"};
    case Shortfall::unauthorised: return {502, "the archive does not let this gateway in"};
    case Shortfall::failed:
    case Shortfall::none: break;
    }
    return {502, "the archive gave no answer that can be used"};
}

void add_warnings(WebResults& results, const mapping::QidoQuery& query)
{
    if (query.empty_value_matching)
        results.warn("The emptyvaluematching parameter is not supported. Empty Value Matching has "
                     "not been performed.");
    if (query.multiple_value_matching)
        results.warn("The multiplevaluematching parameter is not supported. Multiple Value "
                     "Matching has not been performed.");
}

void log(const web::Request& request, QueryLevel level, const FindEnd& end, std::uint64_t matches)
{
    spdlog::info(
        "search answered request={} level={} matches={} complete={}",
        request.id,
        mapping::level_name(level),
        matches,
        end.complete
    );
    if (!end.complete)
        spdlog::warn("search incomplete request={} reason=\"{}\"", request.id, end.reason);
}

} // namespace

SearchService::SearchService(const WebFaceOptions& options, const WebTargets& targets)
    : options_(options), targets_(targets)
{
}

asio::awaitable<void> SearchService::search(
    QueryLevel level,
    const web::Request& request, // NOLINT: the server awaits us
    web::Response& response      // NOLINT
) const
{
    const auto study = path_uid(request, "study");
    const auto series = path_uid(request, "series");
    auto form = acceptable_form(request);
    const auto query = mapping::parse_qido_query(level, request.query);
    std::optional<Problem> problem;
    if (targets_.find == nullptr || !targets_.find->abilities().find)
        problem = Problem{501, "nothing can be searched here"};
    else if (study.malformed || series.malformed)
        problem = Problem{400, "the path holds what is no UID"};
    else if (!form)
        problem = Problem{406, "results are application/dicom+json or " + std::string(xml_results)};
    else if (!query)
        problem = Problem{400, query.error().detail};
    if (problem)
        co_return co_await send_problem(std::move(*problem), options_.retry_after, response);
    auto question = qido_question(*query, study.uid, series.uid);
    if (!question) {
        Problem unknown{400, question.error().detail};
        co_return co_await send_problem(std::move(unknown), options_.retry_after, response);
    }

    Origin& origin = *targets_.find;
    ResultLinks links{service_url(options_, request), targets_.retrieve != nullptr};
    WebResults results(
        std::move(*question), origin.abilities().exact, std::move(*form), std::move(links), response
    );
    add_warnings(results, *query);
    auto asked = results.asked();
    FindEnd end;
    end.complete = query->limit == 0U; // nobody needs to be asked for that
    if (!end.complete)
        end = co_await origin.find(std::move(asked), results);
    end = results.settled(std::move(end));
    log(request, level, end, results.count());
    if (end.complete) {
        (void)co_await results.finish(end); // a client that is gone does not hear it
    } else if (!response.begun()) {
        Problem failed = problem_of(end, *query);
        co_await send_problem(std::move(failed), options_.retry_after, response);
    } // else never finished: the client sees that it is cut off
}

} // namespace gantry::faces
