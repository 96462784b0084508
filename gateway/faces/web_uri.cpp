#include "gateway/faces/web_uri.h"

#include "mapping/media_type.h"
#include "web/target.h"

#include <algorithm>
#include <map>
#include <utility>

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller awaits, with
// request and response in its frame

namespace gantry::faces {

namespace {

constexpr std::size_t most_parameters = 64;
constexpr std::string_view dicom = "application/dicom";

using Parameters = std::map<std::string, std::string, std::less<>>;

/// By their names, which have case (PS3.18 9.1.2); nothing where one cannot be read, or is there
/// twice.
std::optional<Parameters> parameters_of(std::string_view query)
{
    Parameters out;
    while (!query.empty()) {
        const std::string_view one = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), one.size() + 1));
        if (one.empty())
            continue;
        const auto equals = std::min(one.find('='), one.size());
        const auto name = web::percent_decoded(one.substr(0, equals));
        std::string text(one.substr(std::min(equals + 1, one.size())));
        std::ranges::replace(text, '+', ' '); // as forms write it
        const auto value = web::percent_decoded(text);
        if (!name || !value || out.size() == most_parameters || !out.emplace(*name, *value).second)
            return std::nullopt;
    }
    return out;
}

struct Wanted {
    InstanceKey which;
    std::string accept;   // contentType, or the header
    bool as_file = false; // else rendered
};

/// A "+" in a media type is no space.
std::string media_types(std::string text)
{
    for (std::size_t at = 0; (at = text.find(' ', at)) != std::string::npos; ++at)
        if (at > 0 && at + 1 < text.size() && text[at - 1] != ',' && text[at - 1] != ';' &&
            text[at + 1] != ';')
            text[at] = '+';
    return text;
}

class Reading {
public:
    Reading(const web::Request& request, Parameters parameters)
        : request_(request), parameters_(std::move(parameters))
    {
    }

    Answer<Wanted> read() const
    {
        if (find("requestType") != "WADO")
            return Problem{400, "requestType is WADO"};
        Wanted wanted;
        const auto study = Uid::parse(find("studyUID"));
        const auto series = Uid::parse(find("seriesUID"));
        const auto object = Uid::parse(find("objectUID"));
        if (!study || !series || !object)
            return Problem{400, "studyUID, seriesUID and objectUID are needed, and are UIDs"};
        wanted.which.study = *study;
        wanted.which.series = *series;
        wanted.which.sop.sop_instance = *object;
        if (const auto refused = anonymised())
            return *refused;
        wanted.accept = has("contentType") ? media_types(find("contentType")) : accept_of(request_);
        return form(std::move(wanted));
    }

private:
    std::string find(std::string_view name) const
    {
        const auto found = parameters_.find(name);
        return found == parameters_.end() ? std::string() : found->second;
    }

    bool has(std::string_view name) const { return parameters_.contains(name); }

    /// PS3.18 9.1.2.1.3: what cannot be done is refused rather than left out.
    std::optional<Problem> anonymised() const
    {
        if (!has("anonymize"))
            return std::nullopt;
        if (find("anonymize") != "yes")
            return Problem{400, "anonymize is yes, or is absent"};
        return Problem{501, "de-identification is not done here"};
    }

    Answer<Wanted> form(Wanted wanted) const
    {
        bool file = false;
        bool picture = false;
        for (const auto& range : mapping::parse_accept(wanted.accept)) {
            if (has("contentType") && !range.media.parameter("transfer-syntax").empty())
                return Problem{400, "the transfer syntax stands in transferSyntax"};
            const bool is_file = range.media.essence() == dicom;
            file = file || is_file;
            picture = picture || (!is_file && range.media.type != "*");
        }
        if (file && picture && has("contentType"))
            return Problem{400, "application/dicom and rendered media types in one contentType"};
        wanted.as_file = file && !picture;
        if (!wanted.as_file)
            return has("transferSyntax")
                       ? Answer<Wanted>(Problem{400, "transferSyntax is for application/dicom"})
                       : Answer<Wanted>(std::move(wanted));
        for (const char* name :
             {"frameNumber",
              "imageAnnotation",
              "annotation",
              "imageQuality",
              "rows",
              "columns",
              "region",
              "windowCenter",
              "windowWidth",
              "presentationUID",
              "presentationSeriesUID"})
            if (has(name))
                return Problem{400, std::string(name) + " is for what is rendered"};
        wanted.accept = dicom;
        if (!has("transferSyntax"))
            return wanted;
        const auto syntax = Uid::parse(find("transferSyntax"));
        if (!syntax)
            return Problem{400, "transferSyntax is one UID"};
        wanted.accept += "; transfer-syntax=" + syntax->str();
        return wanted;
    }

    const web::Request& request_;
    Parameters parameters_;
};

} // namespace

UriService::UriService(
    const WebFaceOptions& options, const RetrieveService& retrieve, const RenderedService& rendered
)
    : options_(options), retrieve_(retrieve), rendered_(rendered)
{
}

asio::awaitable<void> UriService::wado(const web::Request& request, web::Response& response) const
{
    auto parameters = parameters_of(request.query);
    if (!parameters) {
        Problem problem{400, "a parameter cannot be read, or is there twice"};
        co_return co_await send_problem(std::move(problem), options_.retry_after, response);
    }
    const auto wanted = Reading(request, std::move(*parameters)).read();
    if (!wanted)
        co_return co_await send_problem(wanted.error(), options_.retry_after, response);
    if (!wanted->as_file)
        co_return co_await rendered_.uri(wanted->which, wanted->accept, request, response);
    RetrieveQuestion question;
    question.level = QueryLevel::image;
    question.studies = {wanted->which.study};
    question.series = {wanted->which.series};
    question.instances = {wanted->which.sop.sop_instance};
    co_await retrieve_.send(std::move(question), wanted->accept, request, response);
}

} // namespace gantry::faces

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
