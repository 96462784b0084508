#include "gateway/faces/web_capabilities.h"

#include "mapping/media_type.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace gantry::faces {

namespace {

/// One element of the description; its text in XML and in JSON follows from it.
struct Element {
    std::string name;
    std::vector<std::pair<std::string, std::string>> attributes = {};
    std::vector<Element> children = {};
};

enum class Kind : std::uint8_t {
    store,
    search,
    instances,
    metadata,
    frames,
    bulk_data,
    rendered,
    other
};

using Texts = std::span<const std::string_view>;

constexpr std::string_view part10 = R"(multipart/related; type="application/dicom")";
constexpr std::string_view octets = R"(multipart/related; type="application/octet-stream")";

constexpr auto stored = std::to_array<std::string_view>(
    {part10,
     R"(multipart/related; type="application/dicom+json")",
     R"(multipart/related; type="application/dicom+xml")",
     "application/dicom"}
);
constexpr auto reports =
    std::to_array<std::string_view>({"application/dicom+json", "application/dicom+xml"});
constexpr auto data_sets = std::to_array<std::string_view>(
    {"application/dicom+json", R"(multipart/related; type="application/dicom+xml")"}
);
constexpr auto files = std::to_array<std::string_view>({part10, "application/dicom"});
constexpr auto values = std::to_array<std::string_view>({octets, "application/octet-stream"});
constexpr auto pictures = std::to_array<std::string_view>({"image/jpeg", "image/png"});

Texts answers(Kind kind)
{
    switch (kind) {
    case Kind::store: return reports;
    case Kind::search:
    case Kind::metadata: return data_sets;
    case Kind::instances: return files;
    case Kind::frames:
    case Kind::bulk_data: return values;
    case Kind::rendered: return pictures;
    case Kind::other: return {};
    }
    return {};
}

std::vector<std::string> segments_of(std::string_view pattern)
{
    std::vector<std::string> out;
    while (!pattern.empty()) {
        pattern.remove_prefix(pattern.front() == '/' ? 1 : 0);
        const auto end = std::min(pattern.find('/'), pattern.size());
        if (end != 0)
            out.emplace_back(pattern.substr(0, end));
        pattern.remove_prefix(end);
    }
    return out;
}

bool is_parameter(std::string_view segment)
{
    return segment.starts_with('{');
}

Kind kind_of(web::Method method, const std::vector<std::string>& segments)
{
    if (method == web::Method::post)
        return Kind::store;
    const std::string& last = segments.back();
    if (last == "studies" || last == "series" || last == "instances")
        return Kind::search;
    if (last == "{study}" || last == "{series}" || last == "{instance}")
        return Kind::instances;
    if (last == "metadata")
        return Kind::metadata;
    if (last == "rendered" || last == "thumbnail")
        return Kind::rendered;
    const auto has = [&](const char* segment) {
        return std::ranges::find(segments, segment) != segments.end();
    };
    if (has("frames"))
        return Kind::frames;
    return has("bulkdata") || has("pixeldata") ? Kind::bulk_data : Kind::other;
}

std::string capital(std::string_view word)
{
    std::string out(word);
    if (!out.empty() && out.front() >= 'a' && out.front() <= 'z')
        out.front() = static_cast<char>(out.front() - ('a' - 'A'));
    return out;
}

// "SearchForStudySeries", "RetrieveInstanceMetadata": from the path, as the standard names them.
std::string transaction(Kind kind, const std::vector<std::string>& segments)
{
    std::string above; // {study} -> Study
    std::string name;
    for (const std::string& segment : segments) {
        if (is_parameter(segment))
            above = capital(std::string_view(segment).substr(1, segment.size() - 2));
        name = segment;
    }
    if (kind == Kind::store)
        return "Store" + above + "Instances";
    if (kind == Kind::search)
        return "SearchFor" + above + capital(name);
    return "Retrieve" + above + (is_parameter(name) ? "" : capital(name));
}

Element representations(std::string name, Texts media_types)
{
    Element out{std::move(name)};
    for (const std::string_view type : media_types)
        out.children.push_back({"representation", {{"mediaType", std::string(type)}}});
    return out;
}

Element method_of(web::Method method, const std::vector<std::string>& segments)
{
    const Kind kind = kind_of(method, segments);
    Element out{
        "method",
        {{"name", std::string(web::to_string(method))}, {"id", transaction(kind, segments)}}
    };
    const Texts types = answers(kind);
    Element request = representations("request", kind == Kind::store ? Texts(stored) : Texts());
    if (!types.empty()) {
        Element accept{
            "param",
            {{"name", "Accept"}, {"style", "header"}, {"default", std::string(types.front())}}
        };
        for (const std::string_view type : types)
            accept.children.push_back({"option", {{"value", std::string(type)}}});
        request.children.push_back(std::move(accept));
    }
    if (kind == Kind::search)
        for (const char* name : {"limit", "offset", "includefield", "fuzzymatching"})
            request.children.push_back({"param", {{"name", name}, {"style", "query"}}});
    Element response = representations("response", types);
    response.attributes.emplace_back("status", kind == Kind::store ? "200 202 409" : "200");
    out.children = {std::move(request), std::move(response)};
    return out;
}

/// The element of a path below `at`, made where it is missing.
Element& resource(Element& at, std::span<const std::string> path)
{
    if (path.empty())
        return at;
    const auto is_it = [&](const Element& child) {
        return child.name == "resource" && child.attributes.front().second == path.front();
    };
    auto found = std::ranges::find_if(at.children, is_it);
    if (found == at.children.end()) {
        Element made{"resource", {{"path", path.front()}}};
        if (is_parameter(path.front())) {
            const std::string name = path.front().substr(1, path.front().size() - 2);
            made.children.push_back({"param", {{"name", name}, {"style", "template"}}});
        }
        at.children.push_back(std::move(made));
        found = at.children.end() - 1;
    }
    return resource(*found, path.subspan(1));
}

Element description(
    const std::string& service, std::string_view root, const std::vector<web::Router::Entry>& routes
)
{
    Element resources{"resources", {{"base", service + "/"}}};
    for (const web::Router::Entry& route : routes) {
        if (!route.pattern.starts_with(root) || route.method == web::Method::options)
            continue;
        const auto segments = segments_of(std::string_view(route.pattern).substr(root.size()));
        if (segments.empty() || segments.front() == "capabilities")
            continue; // describes itself
        resource(resources, segments).children.push_back(method_of(route.method, segments));
    }
    return {"application", {{"xmlns", "http://wadl.dev.java.net/2009/02"}}, {std::move(resources)}};
}

void append_xml(const Element& element, std::string& out)
{
    const auto append_escaped = [&out](std::string_view text) {
        for (const char c : text)
            switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
            }
    };
    out += '<' + element.name;
    for (const auto& [name, value] : element.attributes) {
        out.append(" ").append(name).append("=\"");
        append_escaped(value);
        out += '"';
    }
    if (element.children.empty()) {
        out += "/>\n";
        return;
    }
    out += ">\n";
    for (const Element& child : element.children)
        append_xml(child, out);
    out += "</" + element.name + ">\n";
}

boost::json::object json_of(const Element& element)
{
    constexpr auto single = std::to_array<std::string_view>({"resources", "request", "response"});
    boost::json::object out;
    for (const auto& [name, value] : element.attributes)
        out["@" + name] = value;
    for (const Element& child : element.children) {
        if (std::ranges::find(single, child.name) != single.end()) {
            out[child.name] = json_of(child);
            continue;
        }
        auto& list = out[child.name];
        if (!list.is_array())
            list.emplace_array();
        list.as_array().emplace_back(json_of(child));
    }
    return out;
}

/// Whether there is an origin behind what a path asks for.
bool is_offered(const WebTargets& targets, Kind kind)
{
    switch (kind) {
    case Kind::store: return targets.store != nullptr;
    case Kind::search: return targets.find != nullptr;
    default: return targets.retrieve != nullptr;
    }
}

} // namespace

std::string capabilities(
    CapabilitiesForm form,
    const std::string& service,
    std::string_view root,
    const std::vector<web::Router::Entry>& routes
)
{
    const Element application = description(service, root, routes);
    if (form == CapabilitiesForm::json)
        return boost::json::serialize(boost::json::object{{"application", json_of(application)}});
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    append_xml(application, out);
    return out;
}

CapabilitiesService::CapabilitiesService(const WebFaceOptions& options, const WebTargets& targets)
    : options_(options), targets_(targets)
{
}

// References are the server's and the face's, which outlive the handler.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<void> CapabilitiesService::tell(
    const web::Router& router, const web::Request& request, web::Response& response
) const
{
    // The standard names the first; the others are what clients ask for instead.
    static const std::array offers{
        mapping::parse_media_type("application/vnd.sun.wadl+xml").value(),
        mapping::parse_media_type("application/xml").value(),
        mapping::parse_media_type("application/dicom+json").value(),
        mapping::parse_media_type("application/json").value(),
    };
    const auto chosen = mapping::choose(offers, mapping::parse_accept(accept_of(request)));
    if (!chosen) {
        Problem problem{406, "on offer: application/vnd.sun.wadl+xml, application/dicom+json"};
        co_return co_await send_problem(std::move(problem), options_.retry_after, response);
    }
    std::vector<web::Router::Entry> routes = router.entries();
    std::erase_if(routes, [&](const web::Router::Entry& route) {
        const auto segments = segments_of(route.pattern);
        return segments.empty() || !is_offered(targets_, kind_of(route.method, segments));
    });
    web::ResponseHead head;
    head.fields.add("Content-Type", offers.at(*chosen).essence());
    head.fields.add("Vary", "Accept");
    const auto form = *chosen < 2 ? CapabilitiesForm::wadl : CapabilitiesForm::json;
    std::string body = capabilities(form, service_url(options_, request), options_.root, routes);
    (void)co_await response.send(std::move(head), std::move(body));
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry::faces
