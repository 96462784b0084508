// What the command line says of the queue while the service is down.
#include "gateway/custody/queue.h"
#include "gateway/custody/spool.h"

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "cli_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

/// A service ran here, took two instances of study 1.2.7 and was stopped before it sent them.
void leave_two_instances(const std::filesystem::path& state_dir)
{
    const SystemClock clock;
    asio::io_context loop;
    custody::SpoolOptions spool_options;
    spool_options.folder = state_dir / "spool";
    spool_options.min_free = Bytes{1};
    const auto spool = custody::Spool::open(std::move(spool_options), clock);
    REQUIRE(spool.has_value());
    custody::QueueOptions queue_options;
    queue_options.database = state_dir / "queue.db";
    queue_options.destinations = {"cloud"};
    const auto queue =
        custody::DeliveryQueue::open(std::move(queue_options), **spool, clock, loop.get_executor());
    REQUIRE(queue.has_value());
    for (const char* const uid : {"1.2.7.1", "1.2.7.2"}) {
        const auto writer = (*spool)->reserve(Bytes{100});
        REQUIRE(writer.has_value());
        const std::string data = small_ct_data_set(uid);
        REQUIRE((*writer)->write(std::as_bytes(std::span(data))).has_value());
        custody::Envelope envelope;
        envelope.key.study = Uid::parse("1.2.7").value();
        envelope.key.series = Uid::parse("1.2.7.0").value();
        envelope.key.sop = {
            Uid::parse("1.2.840.10008.5.1.4.1.1.2").value(), Uid::parse(uid).value()
        };
        envelope.key.transfer_syntax = Uid::parse("1.2.840.10008.1.2.1").value();
        envelope.calling_ae = "CT1";
        envelope.destinations = {"cloud"};
        auto stored = (*writer)->commit(std::move(envelope));
        REQUIRE(stored.has_value());
        (*queue)->enqueue(std::move(*stored));
    }
    (*queue)->close();
}

} // namespace

TEST_CASE("while gantry is down, its queue can be read")
{
    const ScratchFolder folder;
    leave_two_instances(folder.path());
    const std::string file =
        write_file(
            folder.path() / "gantry.yaml",
            "state_dir: " + folder.path().string() +
                "\norigins: [{name: cloud, kind: local}]\nroutes: {dimse: {store: cloud}}\n"
        )
            .string();
    const Ran list = run_gantry({"queue", "list", "-c", file});
    CHECK(list.status == 0);
    CHECK(has(list.err, "gantry is not running: this is what its queue holds"));
    CHECK(has(list.out, "1.2.7.1"));
    CHECK(has(list.out, "1.2.7.2"));
    const Ran one = run_gantry({"queue", "list", "--limit", "1", "--json", "-c", file});
    CHECK(boost::json::parse(one.out).at("state").as_string() == "queued");
    const Ran instance = run_gantry({"queue", "show", "1.2.7.2", "-c", file});
    CHECK(instance.status == 0);
    CHECK(has(instance.out, "CT1"));
    const Ran study = run_gantry({"queue", "show", "1.2.7", "-c", file});
    CHECK(study.status == 0);
    CHECK(has(study.out, "0 of 2"));
    CHECK(run_gantry({"queue", "drop", "1.2.7.2", "--yes", "-c", file}).status == 1);
}
