#include "gateway/faces/web_common.h"

#include "mapping/json_text.h"
#include "mapping/media_type.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace gantry::faces {

namespace {

std::string percent_decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned char byte = 0;
        const char* digits = text.data() + i + 1;
        if (text[i] == '%' && i + 2 < text.size() &&
            std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
            out.push_back(static_cast<char>(byte));
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

mapping::MediaType media_type(std::string_view text)
{
    return mapping::parse_media_type(text).value();
}

} // namespace

asio::awaitable<void>
send_problem(Problem problem, std::chrono::seconds retry_after, web::Response& response)
{
    std::string body = R"({"type":"about:blank","title":)";
    mapping::append_json_string(body, web::reason_phrase(problem.status));
    body += ",\"status\":" + std::to_string(problem.status) + ",\"detail\":";
    mapping::append_json_string(body, problem.detail);
    body += "}";
    web::ResponseHead head;
    head.status = problem.status;
    head.fields.add("Content-Type", "application/problem+json");
    if (problem.status == 503)
        head.fields.add("Retry-After", std::to_string(retry_after.count()));
    // A client that is gone does not hear it: nothing else follows from that.
    (void)co_await response.send(std::move(head), std::move(body));
}

std::string service_url(const WebFaceOptions& options, const web::Request& request)
{
    if (!options.public_url.empty())
        return options.public_url + options.root;
    const std::string_view host = request.fields.find("Host");
    if (host.empty())
        return options.root;
    return (options.tls ? "https://" : "http://") + std::string(host) + options.root;
}

std::string resource_url(const std::string& service, const InstanceKey& key, QueryLevel level)
{
    std::string url = service + "/studies/" + key.study.str();
    if (level == QueryLevel::series || level == QueryLevel::image)
        url += "/series/" + key.series.str();
    if (level == QueryLevel::image)
        url += "/instances/" + key.sop.sop_instance.str();
    return url;
}

PathUid path_uid(const web::Request& request, const char* name)
{
    const auto found = request.parameters.find(name);
    if (found == request.parameters.end())
        return {};
    auto uid = Uid::parse(found->second);
    const bool malformed = !uid;
    return {std::move(uid), malformed};
}

Asked asked_for(const web::Request& request)
{
    Asked out;
    out.question.level = QueryLevel::study;
    const auto take = [&](const char* name, QueryLevel level, std::vector<Uid>& uids) {
        auto uid = path_uid(request, name);
        if (uid.malformed)
            out.problem = Problem{400, "the path holds what is no UID"};
        if (!uid.uid)
            return;
        uids.push_back(*uid.uid);
        out.question.level = level;
    };
    take("study", QueryLevel::study, out.question.studies);
    take("series", QueryLevel::series, out.question.series);
    take("instance", QueryLevel::image, out.question.instances);
    return out;
}

std::string accept_of(const web::Request& request)
{
    std::string_view query = request.query;
    while (!query.empty()) {
        const std::string_view one = query.substr(0, query.find('&'));
        if (one.starts_with("accept="))
            return percent_decoded(one.substr(7));
        query.remove_prefix(std::min(query.size(), one.size() + 1));
    }
    std::string out;
    for (const auto& [name, value] : request.fields)
        if (web::same_name(name, "Accept"))
            out += out.empty() ? value : ", " + value;
    return out;
}

std::string acceptable_json(const web::Request& request)
{
    static const std::array offers{media_type(dicom_json), media_type("application/json")};
    const std::string accept = accept_of(request);
    const auto chosen = mapping::choose(offers, mapping::parse_accept(accept));
    // A header that has nothing readable in it accepts nothing.
    if (!chosen || (!accept.empty() && mapping::parse_accept(accept).empty()))
        return {};
    return offers.at(*chosen).essence();
}

} // namespace gantry::faces
