// dimse, web and admin: where gantry listens, and its limits.
#include "config/read.h"

#include <algorithm>

namespace gantry::config {

namespace {

constexpr std::string_view not_yet = "this version cannot do that yet; remove it";

template <class Address>
std::vector<Address> as(const std::vector<ListenAddress>& list)
{
    std::vector<Address> out;
    for (const ListenAddress& each : list)
        out.push_back({each.host, each.port});
    return out;
}

void read_timeouts(Section section, dimse::Timeouts& timeouts)
{
    section.read("acse", timeouts.acse);
    section.read("dimse", timeouts.dimse);
    section.read("connect", timeouts.connect);
    section.finish();
}

void read_dimse_tls(Section section, Reading& reading)
{
    if (!section.present())
        return;
    DimseTls tls;
    tls.listen = as<dimse::ListenAddress>(read_listen(section, "listen", reading));
    section.read_file("certificate", tls.certificate);
    section.read_secret_file("private_key", tls.private_key);
    section.read_file("client_ca", tls.client_ca);
    for (const std::string_view key : {"listen", "certificate", "private_key"})
        section.require(key);
    section.finish();
    section.error({}, std::string(not_yet));
    reading.config.dimse.tls = std::move(tls);
}

void read_association_limits(Section& section, DimseFace& face)
{
    const bool capped = section.present() && section.take("max_associations_per_peer") != nullptr;
    section.read("max_associations", face.acceptor.max_associations, 1, 1024);
    section.read("max_pending_connections", face.acceptor.max_pending_connections, 1, 16'384);
    section.read("max_associations_per_peer", face.max_associations_per_peer, 1, 1024);
    if (face.max_associations_per_peer <= face.acceptor.max_associations)
        return;
    if (capped)
        section.error(
            "max_associations_per_peer",
            "one peer cannot have more associations than all together (max_associations: " +
                std::to_string(face.acceptor.max_associations) + ")"
        );
    face.max_associations_per_peer = face.acceptor.max_associations;
}

/// As browsers say it in Origin: scheme, host and port, and nothing behind them.
bool is_origin(std::string_view text)
{
    if (text == "*" || text == "null")
        return true;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!text.starts_with(scheme))
            continue;
        const std::string_view host = text.substr(scheme.size());
        return !host.empty() && host.find_first_of("/?#@ ,") == std::string_view::npos;
    }
    return false;
}

void read_cors(Section section, web::CorsOptions& cors)
{
    if (!section.present())
        return;
    section.read("origins", cors.origins);
    for (std::string& origin : cors.origins) {
        if (origin.ends_with('/'))
            origin.pop_back();
        if (!is_origin(origin))
            section.error(
                "origins", "\"" + origin + "\" is no origin such as https://viewer.example.org"
            );
        if (origin == "*")
            section.warn(
                "origins",
                "every page that somebody opens in a browser which reaches gantry can read what it "
                "answers; name the viewers instead"
            );
    }
    section.finish();
}

void read_store_answer(Section& section, WebFace& face)
{
    constexpr Choice<StoreAnswer> answers[] = {
        {"custody", StoreAnswer::custody}, {"delivered", StoreAnswer::delivered}
    };
    section.read("store_answer", face.store_answer, answers);
    section.read("store_wait", face.store_wait);
}

void read_web_auth(Section section)
{
    constexpr Choice<bool> kinds[] = {{"none", false}, {"oauth2", true}};
    bool wanted = false;
    section.read("kind", wanted, kinds);
    for (const std::string_view key : {"issuer", "audience", "keys_url", "keys_file"})
        section.take(key);
    section.finish();
    if (wanted)
        section.error("kind", std::string(not_yet) + ", and keep web.listen on a private address");
}

void read_web_tls(Section section, Reading& reading)
{
    if (!section.present())
        return;
    web::ServerOptions secure = reading.config.web.plain;
    secure.listen = as<web::ListenAddress>(read_listen(section, "listen", reading));
    web::TlsFiles& files = secure.tls.emplace();
    section.read_file("certificate", files.certificate);
    section.read_secret_file("private_key", files.private_key);
    section.read_file("client_ca", files.ca);
    for (const std::string_view key : {"listen", "certificate", "private_key"})
        section.require(key);
    section.finish();
    reading.config.web.secure = std::move(secure);
}

void read_root(Section& section, std::string& root)
{
    section.read("root", root);
    while (root.ends_with('/'))
        root.pop_back();
    const auto odd = [](char c) {
        return c <= ' ' || c == '?' || c == '#' || c == '%' || c == '{' || c > '~';
    };
    if ((!root.empty() && root.front() != '/') || std::ranges::any_of(root, odd))
        section.error("root", "must be a path such as /dicom-web");
}

} // namespace

std::vector<ListenAddress> read_listen(Section& section, std::string_view key, Reading& reading)
{
    std::vector<ListenAddress> list;
    for (const TreeNode* const item : section.list(key)) {
        const std::string path = section.path() + "." + std::string(key);
        const auto listen = parse_listen(item->scalar);
        if (item->kind != TreeNode::Kind::scalar)
            reading.problems.error(item->place, path + ": must be an address or a list of them");
        else if (!listen)
            reading.problems.error(item->place, path + ": " + listen.error().detail);
        else {
            list.push_back(*listen);
            reading.bound.push_back({*listen, item->place, path});
        }
    }
    return list;
}

void read_dimse(Section section, Reading& reading)
{
    DimseFace& face = reading.config.dimse;
    face.acceptor.ae_title = *AeTitle::parse("GANTRY");
    section.read("ae_title", face.acceptor.ae_title);
    face.acceptor.listen = as<dimse::ListenAddress>(read_listen(section, "listen", reading));
    read_association_limits(section, face);
    section.read("pdu_size", face.acceptor.pdu_size, 4096, 131'072);
    constexpr Choice<bool> unknown_peers[] = {{"refuse", false}, {"allow", true}};
    section.read("unknown_peers", face.allow_unknown_peers, unknown_peers);
    constexpr Choice<bool> queries[] = {{"strict", false}, {"lenient", true}};
    section.read("queries", face.lenient_queries, queries);
    read_timeouts(section.section("timeouts"), face.acceptor.timeouts);
    read_dimse_tls(section.section("tls"), reading);
    section.finish();
    if (face.acceptor.listen.empty() && !face.tls)
        face.acceptor.listen = {{"0.0.0.0", 11112}};
}

void read_web(Section section, Reading& reading)
{
    WebFace& face = reading.config.web;
    face.plain.listen = as<web::ListenAddress>(read_listen(section, "listen", reading));
    read_root(section, face.root);
    section.read("max_body", face.plain.max_body, 1_MiB);
    section.read("max_header", face.plain.max_header, 4_KiB);
    section.read("max_connections", face.plain.max_connections, 1, 16'384);
    section.read("header_timeout", face.plain.header_timeout);
    section.read("idle_timeout", face.plain.idle_timeout);
    section.read("body_timeout", face.plain.body_timeout);
    read_store_answer(section, face);
    read_cors(section.section("cors"), face.plain.cors);
    read_web_auth(section.section("auth"));
    read_web_tls(section.section("tls"), reading);
    section.finish();
    if (face.plain.listen.empty() && !face.secure)
        face.plain.listen = {{"127.0.0.1", 8080}};
}

void read_admin(Section section, Reading& reading)
{
    const auto listen = read_listen(section, "listen", reading);
    section.finish();
    if (listen.size() > 1)
        section.error("listen", "must be one address");
    if (listen.empty())
        return;
    reading.config.admin.listen = {listen.front().host, listen.front().port};
    if (is_public(listen.front()))
        section.warn(
            "listen",
            "everybody who reaches this address sees the status page and the metrics; 127.0.0.1 or "
            "a management network is safer"
        );
}

void check_clashes(Reading& reading)
{
    const auto any = [](const ListenAddress& l) { return l.host == "0.0.0.0" || l.host == "::"; };
    for (std::size_t i = 0; i < reading.bound.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            const Bound& later = reading.bound[i];
            const Bound& earlier = reading.bound[j];
            const bool same_family = later.listen.ipv6 == earlier.listen.ipv6;
            const bool overlap = later.listen.host == earlier.listen.host ||
                                 (same_family && (any(later.listen) || any(earlier.listen)));
            if (later.listen.port == 0 || later.listen.port != earlier.listen.port || !overlap)
                continue;
            reading.problems.error(
                later.place,
                later.path + ": port " + std::to_string(later.listen.port) +
                    " is already taken by " + earlier.path + " in line " +
                    std::to_string(earlier.place.line)
            );
        }
    }
}

} // namespace gantry::config
