// origins: the archives behind gantry, however each is reached.
#include "config/read.h"
#include "config/secret.h"

#include <algorithm>

namespace gantry::config {

namespace {

constexpr Choice<Origin::Kind> kinds[] = {
    {"dicomweb", Origin::Kind::dicomweb},
    {"dimse", Origin::Kind::dimse},
    {"local", Origin::Kind::local},
};

constexpr Choice<Origin::RetrieveBy> ways_to_retrieve[] = {
    {"automatic", Origin::RetrieveBy::automatic},
    {"get", Origin::RetrieveBy::get},
    {"move", Origin::RetrieveBy::move},
};

using AuthKind = web::AuthOptions::Kind;

constexpr Choice<AuthKind> auth_kinds[] = {
    {"none", AuthKind::none},
    {"basic", AuthKind::basic},
    {"bearer", AuthKind::bearer},
    {"oauth2", AuthKind::oauth2},
};

/// Each key of auth and the kind that it belongs to.
constexpr Choice<AuthKind> auth_keys[] = {
    {"username", AuthKind::basic},
    {"password_file", AuthKind::basic},
    {"token_file", AuthKind::bearer},
    {"token_url", AuthKind::oauth2},
    {"client_id", AuthKind::oauth2},
    {"client_secret_file", AuthKind::oauth2},
};

std::string_view word_of(AuthKind kind)
{
    const auto* const found = std::ranges::find(auth_kinds, kind, &Choice<AuthKind>::value);
    return found == std::end(auth_kinds) ? std::string_view{} : found->word;
}

void read_auth(Section section, web::AuthOptions& auth)
{
    if (!section.present())
        return;
    section.read("kind", auth.kind, auth_kinds);
    section.read("username", auth.username);
    section.read_secret_file("password_file", auth.password_file);
    section.read_secret_file("token_file", auth.token_file);
    section.read_url("token_url", auth.token_url);
    section.read("client_id", auth.client_id);
    section.read_secret_file("client_secret_file", auth.client_secret_file);
    section.read("scope", auth.scope);
    if (section.require("kind")) {
        for (const auto& [key, kind] : auth_keys) {
            if (kind == auth.kind)
                section.require(key);
            else if (section.take(key) != nullptr)
                section.error(key, "belongs to kind: " + std::string(word_of(kind)));
        }
    }
    section.finish();
    if (auth.token_url.starts_with("http://"))
        section.warn("token_url", "the client secret will cross the network in the open");
}

void read_tls(Section section, web::TlsFiles& tls)
{
    if (!section.present())
        return;
    section.read_file("ca", tls.ca);
    section.read_file("certificate", tls.certificate);
    section.read_secret_file("private_key", tls.private_key);
    if (tls.certificate.empty() != tls.private_key.empty())
        section.error({}, "certificate and private_key belong together");
    section.finish();
}

void read_delivery(Section& section, DeliveryOptions& delivery)
{
    Section batch = section.section("batch");
    batch.read("max_instances", delivery.batch_instances, 1, 10'000);
    batch.read("max_bytes", delivery.batch_bytes, 1_KiB);
    batch.finish();
    section.read("min_backoff", delivery.min_backoff);
    section.read("max_backoff", delivery.max_backoff);
    if (delivery.min_backoff <= delivery.max_backoff)
        return;
    section.error(
        section.take("min_backoff") != nullptr ? "min_backoff" : "max_backoff",
        "min_backoff is longer than max_backoff"
    );
}

void read_proxy(Section& section, std::string& proxy)
{
    section.read_url("proxy", proxy);
    if (proxy.starts_with("https://"))
        section.error("proxy", "the proxy itself is reached by http://, also for https origins");
    else if (!proxy.empty() && std::ranges::count(proxy, '/') > 2)
        section.error("proxy", "must be http://host:port, without a path");
}

void read_accepted(Section& section, AcceptedSyntaxes& accepted)
{
    using Policy = AcceptedSyntaxes::Policy;
    const TreeNode* const value = section.take("transfer_syntaxes");
    if (value == nullptr)
        return;
    if (value->kind == TreeNode::Kind::scalar && value->scalar == "web")
        return;
    if (value->kind == TreeNode::Kind::scalar && value->scalar == "as_they_are") {
        accepted.policy = Policy::as_they_are;
        return;
    }
    accepted.policy = Policy::listed;
    accepted.listed = read_transfer_syntaxes(section, "transfer_syntaxes");
    if (accepted.listed.empty())
        section.error(
            "transfer_syntaxes", "must be web, as_they_are or a list of transfer syntaxes"
        );
}

/// A path beside the configuration, or absolute.
void read_profile(Section& section, Origin& origin, const std::filesystem::path& folder)
{
    std::string name;
    section.read("profile", name);
    if (name.empty())
        return;
    origin.profile = folder / name;
    if (const auto readable = check_file(origin.profile); !readable)
        section.error("profile", readable.error().detail);
}

void read_dicomweb(Section& section, Origin& origin, const std::filesystem::path& folder)
{
    section.require("url");
    section.read_url("url", origin.web.url);
    read_auth(section.section("auth"), origin.web.auth);
    read_tls(section.section("tls"), origin.web.tls);
    read_proxy(section, origin.web.proxy);
    section.read("timeout", origin.web.timeout);
    section.read("connect_timeout", origin.web.connect_timeout);
    section.read("connections", origin.web.connections, 1, 256);
    read_profile(section, origin, folder);
    if (origin.web.auth.kind != AuthKind::none && origin.web.url.starts_with("http://"))
        section.warn("url", "the credentials will cross the network in the open: http, not https");
}

void read_dimse_origin(Section& section, Origin& origin)
{
    section.require("peer");
    section.read("peer", origin.peer);
    section.read("connections", origin.web.connections, 1, 64);
    section.read("retrieve_by", origin.retrieve_by, ways_to_retrieve);
    section.read("complete_answers", origin.complete_answers);
    section.read("keep_idle", origin.keep_idle, std::chrono::milliseconds(0));
    if (section.take("transfer_syntaxes") == nullptr) // what it takes is negotiated each time
        origin.transfer_syntaxes.policy = AcceptedSyntaxes::Policy::as_they_are;
}

/// Keys of the other kinds get a better answer than "unknown key".
void refuse_keys_of_other_kinds(Section& section, Origin::Kind kind)
{
    constexpr std::string_view of_dicomweb[] = {
        "url", "auth", "tls", "proxy", "timeout", "connect_timeout", "profile"
    };
    if (kind != Origin::Kind::dicomweb) {
        for (const std::string_view key : of_dicomweb) {
            if (section.take(key) != nullptr)
                section.error(key, "belongs to kind: dicomweb");
        }
    }
    for (const std::string_view key : {"peer", "retrieve_by", "complete_answers", "keep_idle"}) {
        if (kind != Origin::Kind::dimse && section.take(key) != nullptr)
            section.error(key, "belongs to kind: dimse");
    }
}

Origin read_origin(Section& section, const std::filesystem::path& folder)
{
    Origin origin;
    section.read("name", origin.name);
    section.read("kind", origin.kind, kinds);
    read_accepted(section, origin.transfer_syntaxes);
    read_delivery(section, origin.delivery);
    section.require("name");
    if (!section.require("kind"))
        return origin;
    if (origin.kind == Origin::Kind::dicomweb)
        read_dicomweb(section, origin, folder);
    else if (origin.kind == Origin::Kind::dimse)
        read_dimse_origin(section, origin);
    else
        origin.transfer_syntaxes.policy = AcceptedSyntaxes::Policy::as_they_are;
    refuse_keys_of_other_kinds(section, origin.kind);
    section.finish();
    return origin;
}

bool is_name(std::string_view text)
{
    return text.size() <= 64 && std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.';
           });
}

void check_peer_of(const Origin& origin, Section& section, const Config& config)
{
    if (origin.kind != Origin::Kind::dimse || origin.peer.empty())
        return;
    const Peer* const peer = config.peer(origin.peer);
    if (peer == nullptr)
        section.error("peer", origin.peer.str() + " is not in peers");
    else if (peer->address.host.empty())
        section.error("peer", origin.peer.str() + " has no host in peers: gantry cannot call it");
    else if (origin.peer == config.dimse.acceptor.ae_title)
        section.error("peer", origin.peer.str() + " is gantry itself");
}

} // namespace

void read_origins(const std::vector<const TreeNode*>& items, Reading& reading)
{
    for (std::size_t i = 0; i < items.size(); ++i) {
        Section section(items[i], "origins[" + std::to_string(i + 1) + "]", reading.problems);
        if (!section.present())
            continue;
        Origin origin = read_origin(section, reading.folder);
        const Place place = section.place("name");
        if (!is_name(origin.name))
            section.error(
                "name", "must be letters, digits, - and _ : it stands in commands and logs"
            );
        check_peer_of(origin, section, reading.config);
        const Origin* const same = reading.config.origin(origin.name);
        if (same == nullptr || origin.name.empty()) {
            reading.config.origins.push_back(std::move(origin));
            reading.origin_places.push_back(place);
            continue;
        }
        const auto index = static_cast<std::size_t>(same - reading.config.origins.data());
        section.error(
            "name",
            origin.name + " is given twice, the first time in line " +
                std::to_string(reading.origin_places[index].line)
        );
    }
}

} // namespace gantry::config
