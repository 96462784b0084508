// What the face says that it offers, against what it serves (PS3.18 8.9, annex H).
#include "gateway/faces/web_capabilities.h"
#include "mapping/xml_scanner.h"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <set>

#include "tests/gateway/web_face_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace json = boost::json;

namespace {

/// "GET /studies/{study}" for each method in the tree of resources.
void collect(const json::object& at, const std::string& path, std::set<std::string>& into)
{
    if (const auto* methods = at.if_contains("method"))
        for (const auto& method : methods->as_array())
            into.insert(std::string(method.at("@name").as_string()) + " " + path);
    if (const auto* children = at.if_contains("resource"))
        for (const auto& child : children->as_array())
            collect(
                child.as_object(), path + "/" + std::string(child.at("@path").as_string()), into
            );
}

std::set<std::string> told(const std::string& text)
{
    std::set<std::string> out;
    const auto parsed = json::parse(text);
    collect(parsed.at("application").at("resources").as_object(), "", out);
    return out;
}

std::set<std::string> served(OpenFace& face)
{
    web::Router router;
    face.face().register_routes(router);
    std::set<std::string> out;
    for (const auto& route : router.entries())
        if (route.method != web::Method::options && !route.pattern.ends_with("/capabilities") &&
            route.pattern != "/dicom-web") // WADO-URI's other path has no resource of its own
            out.insert(
                std::string(web::to_string(route.method)) + " " +
                route.pattern.substr(std::string("/dicom-web").size())
            );
    return out;
}

std::unique_ptr<FakeResponse> ask(OpenFace& face, const std::string& accept)
{
    FieldList fields;
    if (!accept.empty())
        fields.emplace_back("Accept", accept);
    return face.ask({web::Method::options, "", fields});
}

} // namespace

TEST_CASE("what is offered is exactly what is served")
{
    OpenFace face;
    const auto answer = ask(face, "application/dicom+json");
    CHECK(answer->status() == 200);
    CHECK(answer->field("Content-Type") == "application/dicom+json");
    CHECK(told(answer->body) == served(face));
    CHECK(told(answer->body).contains("POST /studies/{study}"));
    const auto got =
        face.ask({web::Method::get, "/capabilities", {{"Accept", "application/json"}}});
    CHECK(got->field("Content-Type") == "application/json");
    CHECK(told(got->body) == served(face));
    CHECK(at(got->body, "/application/resources/@base") == "http://pacs.test:8080/dicom-web/");
}

TEST_CASE("a service without an origin behind it is not offered")
{
    OpenFace face;
    faces::WebTargets targets = face.targets();
    targets.store = nullptr;
    targets.retrieve = nullptr;
    face.serve(targets);
    for (const std::string& one : told(ask(face, "application/json")->body)) {
        CAPTURE(one);
        CHECK(one.starts_with("GET "));
        const std::string last = one.substr(one.rfind('/') + 1);
        CHECK(std::set<std::string>{"studies", "series", "instances"}.contains(last));
    }
}

TEST_CASE("the description is XML unless JSON is asked for")
{
    struct Row {
        const char* accept;
        const char* type;
    };

    const Row rows[] = {
        {"", "application/vnd.sun.wadl+xml"},
        {"*/*", "application/vnd.sun.wadl+xml"},
        {"application/vnd.sun.wadl+xml", "application/vnd.sun.wadl+xml"},
        {"application/xml", "application/xml"},
        {"application/dicom+json;q=0.5, application/json", "application/json"},
    };
    OpenFace face;
    for (const Row& row : rows) {
        CAPTURE(row.accept);
        const auto answer = ask(face, row.accept);
        CHECK(answer->status() == 200);
        CHECK(answer->field("Content-Type") == row.type);
    }
    CHECK(ask(face, "text/html")->status() == 406);
}

TEST_CASE("the description in XML is a tree of resources with their methods")
{
    OpenFace face;
    const std::string xml = ask(face, "")->body;
    CHECK(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<application xmlns="));
    CHECK(xml.find("<resources base=\"http://pacs.test:8080/dicom-web/\">") != std::string::npos);
    mapping::XmlScanner scanner(xml);
    std::string text;
    std::vector<std::string> open;
    std::size_t methods = 0;
    do {
        const auto tag = scanner.next(text);
        REQUIRE(tag.has_value());
        if (tag->closing) {
            REQUIRE(open.back() == tag->name);
            open.pop_back();
            continue;
        }
        if (tag->name == "method") {
            ++methods;
            CHECK(open.back() == "resource");
            CHECK(!tag->attribute("id").empty());
        }
        if (!tag->empty)
            open.emplace_back(tag->name);
    } while (!open.empty());
    CHECK(methods == served(face).size());
}
