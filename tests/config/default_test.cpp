#include "config/load.h"

#include <doctest/doctest.h>

using namespace gantry;
using namespace gantry::config;

TEST_CASE("the default configuration works as it is")
{
    const LoadReport report = load(GANTRY_DEFAULT_CONFIG);
    CHECK(report.text() == "");
    REQUIRE(report.ok());
    const Config& config = report.config;
    CHECK(config.dimse.acceptor.ae_title.str() == "GANTRY");
    REQUIRE(config.dimse.acceptor.listen.size() == 1);
    CHECK(config.dimse.acceptor.listen[0].port == 11112);
    CHECK_FALSE(config.dimse.allow_unknown_peers);
    REQUIRE(config.web.plain.listen.size() == 1);
    CHECK(config.web.plain.listen[0].host == "127.0.0.1");
    CHECK(config.admin.listen.host == "127.0.0.1");
    CHECK(config.admin.listen.port == 8081);
    CHECK(config.routes.dimse.store == std::vector<std::string>{"archive"});
    CHECK(config.routes.web.store == std::vector<std::string>{"here"});
    CHECK(config.origin("archive")->web.url == "http://127.0.0.1:8080/dicom-web");
    const Peer* const storescu = config.peer(*AeTitle::parse("STORESCU"));
    REQUIRE(storescu != nullptr);
    CHECK(storescu->may(Service::store));
    CHECK_FALSE(storescu->may(Service::find));
}

TEST_CASE("the default configuration writes the built-in values, so that neither misleads")
{
    const Config written = load(GANTRY_DEFAULT_CONFIG).config;
    const Config built_in;
    CHECK(written.state_dir == built_in.state_dir);
    CHECK(written.drain_timeout == built_in.drain_timeout);
    CHECK(written.dimse.acceptor.max_associations == built_in.dimse.acceptor.max_associations);
    CHECK(written.dimse.max_associations_per_peer == built_in.dimse.max_associations_per_peer);
    CHECK(written.web.root == built_in.web.root);
    CHECK(written.custody.min_free == built_in.custody.min_free);
    CHECK(written.custody.max_queued == built_in.custody.max_queued);
    CHECK(written.custody.keep_delivered == built_in.custody.keep_delivered);
    CHECK(written.custody.ledger_age == built_in.custody.ledger_age);
}
