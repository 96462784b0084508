// routes: which origin answers which face.
#include "config/read.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace gantry::config {

namespace {

void check_origin(
    const std::string& name, const TreeNode& node, const std::string& path, Reading& reading
)
{
    if (reading.config.origin(name) != nullptr)
        return;
    std::vector<std::string_view> names;
    names.reserve(reading.config.origins.size());
    for (const Origin& each : reading.config.origins)
        names.push_back(each.name);
    const std::string_view meant = nearest(name, names);
    reading.problems.error(
        node.place,
        path + ": there is no origin \"" + name.substr(0, 80) + "\"" +
            (meant.empty() ? "" : ": did you mean \"" + std::string(meant) + "\"?")
    );
}

void read_one(Section& section, std::string_view key, std::string& into, Reading& reading)
{
    section.read(key, into);
    const TreeNode* const node = section.take(key);
    if (!into.empty() && node != nullptr)
        check_origin(into, *node, section.path() + "." + std::string(key), reading);
}

void read_list(
    Section& section, std::string_view key, std::vector<std::string>& into, Reading& reading
)
{
    for (const TreeNode* const item : section.list(key)) {
        const std::string path = section.path() + "." + std::string(key);
        if (item->kind != TreeNode::Kind::scalar || item->scalar.empty())
            reading.problems.error(
                item->place, path + ": must be the name of an origin or a list of names"
            );
        else if (std::ranges::find(into, item->scalar) != into.end())
            reading.problems.error(item->place, path + ": " + item->scalar + " is named twice");
        else {
            check_origin(item->scalar, *item, path, reading);
            into.push_back(item->scalar);
        }
    }
}

/// An origin that is our own web face, fed by our own web face, would send for ever.
bool is_own_web_face(const Origin& origin, const WebFace& face)
{
    const auto url = boost::urls::parse_uri(origin.web.url);
    if (origin.kind != Origin::Kind::dicomweb || !url)
        return false;
    const std::string_view host(url->encoded_host().data(), url->encoded_host().size());
    const bool here = host == "127.0.0.1" || host == "localhost" || host == "[::1]";
    const std::uint16_t port = url->has_port() ? url->port_number() : std::uint16_t{80};
    return here && std::ranges::any_of(face.plain.listen, [&](const web::ListenAddress& listen) {
               return listen.port == port;
           });
}

void check_loop(Section& web, Reading& reading)
{
    const FaceRoutes& routes = reading.config.routes.web;
    const auto refuse = [&](std::string_view key, const std::vector<std::string>& names) {
        for (const std::string& name : names) {
            const Origin* const origin = reading.config.origin(name);
            if (origin != nullptr && is_own_web_face(*origin, reading.config.web))
                web.error(
                    key, name + " is gantry itself: what comes in would be sent round for ever"
                );
        }
    };
    refuse("store", routes.store);
    refuse("find", routes.find);
    refuse("retrieve", routes.retrieve);
}

void read_face(Section& section, FaceRoutes& routes, Reading& reading)
{
    read_list(section, "store", routes.store, reading);
    read_list(section, "find", routes.find, reading);
    read_list(section, "retrieve", routes.retrieve, reading);
    read_one(section, "worklist", routes.worklist, reading);
    read_one(section, "performed_step", routes.performed_step, reading);
    read_one(section, "commit", routes.commit, reading);
}

bool is_routed(const FaceRoutes& routes, const std::string& name)
{
    const auto has = [&](const std::vector<std::string>& list) {
        return std::ranges::find(list, name) != list.end();
    };
    return has(routes.store) || has(routes.find) || has(routes.retrieve) ||
           routes.worklist == name || routes.performed_step == name || routes.commit == name ||
           routes.workitems == name;
}

void warn_of_idle_origins(Reading& reading)
{
    const Config& config = reading.config;
    for (std::size_t i = 0; i < config.origins.size(); ++i) {
        const std::string& name = config.origins[i].name;
        if (!name.empty() && !is_routed(config.routes.dimse, name) &&
            !is_routed(config.routes.web, name))
            reading.problems.warn(
                reading.origin_places[i], "origin " + name + " is in no route: nothing goes there"
            );
    }
}

} // namespace

void read_routes(Section section, Reading& reading)
{
    Section dimse = section.section("dimse");
    Section web = section.section("web");
    read_face(dimse, reading.config.routes.dimse, reading);
    read_face(web, reading.config.routes.web, reading);
    read_one(web, "workitems", reading.config.routes.web.workitems, reading);
    if (reading.config.routes.web.find.size() > 1)
        web.error("find", "one origin: only routes.dimse asks several");
    if (reading.config.routes.web.retrieve.size() > 1)
        web.error("retrieve", "one origin: only routes.dimse asks several");
    dimse.finish();
    web.finish();
    section.finish();
    check_loop(web, reading);
    if (reading.config.routes.dimse.store.empty() && reading.config.routes.web.store.empty())
        section.warn({}, "no route for store: nobody can store anything");
    warn_of_idle_origins(reading);
}

} // namespace gantry::config
