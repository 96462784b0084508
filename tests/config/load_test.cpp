#include "config/load.h"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/scratch_folder.h"

using namespace gantry;
using namespace gantry::config;
using namespace std::chrono_literals;

namespace {

constexpr const char* hospital = R"(
state_dir: /srv/gantry
log_level: warn
drain_timeout: 20s
dimse:
  ae_title: GW1
  listen: ["0.0.0.0:11112", "[::1]:104"]
  max_associations: 100
  max_associations_per_peer: 8
  pdu_size: 65536
  unknown_peers: allow
  timeouts: {acse: 5s, dimse: 500ms, connect: 2s}
  queries: lenient
web:
  listen: "127.0.0.1:9090"
  root: /dicom/
  max_body: 2GiB
  max_connections: 10
admin:
  listen: "127.0.0.1:9091"
peers:
  - {ae_title: CT1, host: 10.1.2.3, port: 104, may: [echo, store, commit], character_set: ISO_IR 100}
  - {ae_title: RADWS1, host: ws.example.org, port: 11112, max_associations: 2, commit_association: same}
  - {ae_title: OLDPACS, host: "fd00::5", transfer_syntaxes: [1.2.840.10008.1.2, JPEG Baseline]}
origins:
  - name: cloud
    kind: dicomweb
    url: https://pacs.example.org/dicom-web/
    proxy: http://proxy:3128
    timeout: 2m
    connections: 8
    batch: {max_instances: 20, max_bytes: 256MiB}
    min_backoff: 500ms
    max_backoff: 1h
    transfer_syntaxes: as_they_are
  - {name: old, kind: dimse, peer: OLDPACS, transfer_syntaxes: [Explicit VR Little Endian]}
  - {name: older, kind: dimse, peer: OLDPACS, connections: 2, retrieve_by: move, complete_answers: false, keep_idle: 0}
  - {name: here, kind: local}
routes:
  dimse: {store: [cloud, here], find: [here, cloud], retrieve: cloud, worklist: here, performed_step: here, commit: cloud}
  web: {store: old, find: old, retrieve: older, workitems: here}
custody: {min_free: 20GiB, max_queued: 5, keep_delivered: 24h, ledger_age: 30d}
commit: {deadline: 1h}
cache: {max_size: 100GiB, min_free: 5GiB, max_age: 12h, list_age: 0}
)";

} // namespace

TEST_CASE("everything that can be written is read")
{
    const LoadReport report = load_text(hospital, "gantry.yaml");
    CHECK(report.text() == "");
    const Config& c = report.config;
    CHECK(c.state_dir == "/srv/gantry");
    CHECK(c.control_socket() == "/srv/gantry/control.sock");
    CHECK(c.log_level == LogLevel::warn);
    CHECK(c.drain_timeout == 20s);

    CHECK(c.dimse.acceptor.ae_title.str() == "GW1");
    REQUIRE(c.dimse.acceptor.listen.size() == 2);
    CHECK(c.dimse.acceptor.listen[1].host == "::1");
    CHECK(c.dimse.acceptor.max_associations == 100);
    CHECK(c.dimse.max_associations_per_peer == 8);
    CHECK(c.dimse.acceptor.pdu_size == 65'536);
    CHECK(c.dimse.allow_unknown_peers);
    CHECK(c.dimse.lenient_queries);
    CHECK(c.dimse.acceptor.timeouts.acse == 5s);
    CHECK(c.dimse.acceptor.timeouts.dimse == 500ms);
    CHECK(c.dimse.acceptor.timeouts.connect == 2s);

    REQUIRE(c.web.plain.listen.size() == 1);
    CHECK(c.web.plain.listen[0].port == 9090);
    CHECK(c.web.root == "/dicom");
    CHECK(c.web.plain.max_body == 2_GiB);
    CHECK(c.web.plain.max_connections == 10);
    CHECK(c.admin.listen.port == 9091);
    CHECK(c.custody.min_free == 20_GiB);
    CHECK(c.custody.max_queued == 5);
    CHECK(c.custody.keep_delivered == 24h);
    CHECK(c.custody.ledger_age == 720h);
    CHECK(c.commit.deadline == 1h);
    CHECK(c.cache.max_size == 100_GiB);
    CHECK(c.cache.min_free == 5_GiB);
    CHECK(c.cache.max_age == 12h);
    CHECK(c.cache.list_age == 0s);
}

TEST_CASE("peers, origins and routes are read")
{
    const Config c = load_text(hospital, "gantry.yaml").config;
    REQUIRE(c.peers.size() == 3);
    CHECK(c.peers[0].address.port == 104);
    CHECK(c.peers[0].character_set == "ISO_IR 100");
    CHECK(c.peers[0].may(Service::commit));
    CHECK_FALSE(c.peers[0].may(Service::find));
    CHECK(c.peers[1].may(Service::find));
    CHECK(c.peers[1].max_associations == 2);
    CHECK_FALSE(c.peers[1].commit_on_new_association);
    CHECK(c.peers[2].address.host == "fd00::5");
    REQUIRE(c.peers[2].transfer_syntaxes.size() == 2);
    CHECK(c.peers[2].transfer_syntaxes[1].str() == "1.2.840.10008.1.2.4.50");

    REQUIRE(c.origins.size() == 4);
    const Origin& cloud = *c.origin("cloud");
    CHECK(cloud.kind == Origin::Kind::dicomweb);
    CHECK(cloud.web.url == "https://pacs.example.org/dicom-web");
    CHECK(cloud.web.proxy == "http://proxy:3128");
    CHECK(cloud.web.timeout == 2min);
    CHECK(cloud.web.connections == 8);
    CHECK(cloud.delivery.batch_instances == 20);
    CHECK(cloud.delivery.batch_bytes == 256_MiB);
    CHECK(cloud.delivery.min_backoff == 500ms);
    CHECK(cloud.delivery.max_backoff == 1h);
    CHECK(cloud.transfer_syntaxes.takes("1.2.840.10008.1.2"));
    CHECK(c.origin("old")->peer.str() == "OLDPACS");
    CHECK(c.origin("old")->transfer_syntaxes.takes("1.2.840.10008.1.2.1"));
    CHECK_FALSE(c.origin("old")->transfer_syntaxes.takes("1.2.840.10008.1.2.4.50"));
    CHECK(c.origin("here")->transfer_syntaxes.takes("1.2.840.10008.1.2.2"));

    CHECK(c.routes.dimse.store == std::vector<std::string>{"cloud", "here"});
    CHECK(c.routes.dimse.find == std::vector<std::string>{"here", "cloud"});
    CHECK(c.routes.dimse.retrieve == std::vector<std::string>{"cloud"});
    const Origin& older = *c.origin("older");
    CHECK(older.web.connections == 2);
    CHECK(older.retrieve_by == Origin::RetrieveBy::move);
    CHECK_FALSE(older.complete_answers);
    CHECK(older.keep_idle == 0s);
    CHECK(older.transfer_syntaxes.policy == AcceptedSyntaxes::Policy::as_they_are);
    CHECK(c.origin("old")->retrieve_by == Origin::RetrieveBy::automatic);
    CHECK(c.routes.dimse.commit == "cloud");
    CHECK(c.routes.web.find == std::vector<std::string>{"old"});
    CHECK(c.routes.web.store == std::vector<std::string>{"old"});
    CHECK(c.routes.web.workitems == "here");
    CHECK(c.routes.web.worklist.empty());
}

TEST_CASE("a DICOMweb origin takes what the web allows unless it says otherwise")
{
    const AcceptedSyntaxes by_default;
    CHECK(by_default.takes("1.2.840.10008.1.2.1"));
    CHECK(by_default.takes("1.2.840.10008.1.2.4.90"));
    CHECK_FALSE(by_default.takes("1.2.840.10008.1.2"));
    CHECK_FALSE(by_default.takes("1.2.840.10008.1.2.2"));
    CHECK_FALSE(by_default.takes("1.2.840.10008.1.2.1.99"));
}

TEST_CASE("an empty file means the defaults, and says that nobody can store")
{
    const LoadReport report = load_text("# nothing\n", "gantry.yaml");
    REQUIRE(report.ok());
    REQUIRE(report.problems.size() == 1);
    CHECK(
        report.text() ==
        "gantry.yaml: warning: routes: no route for store: nobody can store anything\n"
    );
    CHECK(report.config.dimse.acceptor.ae_title.str() == "GANTRY");
    CHECK(report.config.dimse.acceptor.listen.size() == 1);
}

TEST_CASE("an origin's profile is a file beside the configuration or anywhere")
{
    const gantry::tests::ScratchFolder folder;
    const auto file = folder.path() / "gantry.yaml";
    const auto write = [&](const std::string& profile) {
        std::ofstream(file) << "origins: [{name: a, kind: dicomweb, url: \"http://a/b\", profile: "
                            << profile << "}]\nroutes: {dimse: {store: a}}\n";
        return load(file);
    };
    std::ofstream(folder.path() / "a.json") << "{}";
    CHECK(write("a.json").config.origins[0].profile == folder.path() / "a.json");
    CHECK(write("a.json").text() == "");
    const std::string absolute = (folder.path() / "a.json").string();
    CHECK(write(absolute).config.origins[0].profile == absolute);
    const LoadReport missing = write("b.json");
    CHECK_FALSE(missing.ok());
    CHECK(missing.text().find("b.json") != std::string::npos);
}
