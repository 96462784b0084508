// The queue's commands against a control socket that a test serves.
#include "gateway/loop/task_group.h"
#include "gateway/operation/control.h"
#include "gateway/operation/queue_commands.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include <future>
#include <optional>
#include <thread>

#include "cli_support.h"
#include "operation_support.h"

using namespace gantry;
using namespace gantry::operation;
using namespace gantry::tests;

namespace {

std::string config_text(const std::filesystem::path& state_dir)
{
    return "state_dir: " + state_dir.string() +
           "\norigins: [{name: cloud, kind: local}]\nroutes: {dimse: {store: cloud}}\n";
}

asio::awaitable<Result<StatusReport>> some_status()
{
    StatusReport report;
    report.ae_title = "GANTRY";
    co_return report;
}

/// A service of which only the control socket is there.
class FakeService {
public:
    FakeService()
    {
        write_file(folder_.path() / "gantry.yaml", config_text(folder_.path()));
        add_queue_commands(commands_, queue, spool, disk_);
        add_status_command(commands_, [] { return some_status(); });
        auto acceptor = listen_control(loop_.get_executor(), folder_.path() / "control.sock");
        REQUIRE(acceptor.has_value());
        server_.emplace(loop_.get_executor(), commands_, ControlLimits{});
        tasks_.spawn(server_->serve(std::move(*acceptor)));
        thread_ = std::thread([this] { loop_.run(); });
    }

    FakeService(const FakeService&) = delete;
    FakeService& operator=(const FakeService&) = delete;

    ~FakeService()
    {
        asio::post(loop_, [this] {
            tasks_.cancel();
            ending_.spawn(server_->stop());
        });
        thread_.join();
    }

    Ran run(std::vector<std::string> words) const
    {
        words.insert(words.end(), {"-c", (folder_.path() / "gantry.yaml").string()});
        meet(); // what the test has set is seen by the service's thread
        Ran ran = run_gantry(words);
        meet(); // and what that has noted, by the test
        return ran;
    }

    const std::filesystem::path& folder() const { return folder_.path(); }

    ScriptedQueue queue;
    ScriptedSpool spool;

private:
    void meet() const
    {
        std::promise<void> met;
        asio::post(loop_, [&met] { met.set_value(); });
        met.get_future().wait();
    }

    ScratchFolder folder_;
    mutable asio::io_context loop_;
    WorkerPool disk_{"disk", 1};
    ControlCommands commands_;
    TaskGroup tasks_{loop_.get_executor(), "test"};
    TaskGroup ending_{loop_.get_executor(), "test"};
    std::optional<ControlServer> server_;
    std::thread thread_;
};

custody::QueueRow row(std::int64_t id, custody::DeliveryState state)
{
    custody::QueueRow out;
    out.id = id;
    out.destination = "cloud";
    out.state = state;
    out.last_error = state == custody::DeliveryState::failed ? "409 A900" : "";
    out.key.sop.sop_class = Uid::parse("1.2.840.10008.5.1.4.1.1.2").value();
    out.key.sop.sop_instance = Uid::parse("1.2.3." + std::to_string(id)).value();
    out.key.transfer_syntax = Uid::parse("1.2.840.10008.1.2.1").value();
    out.calling_ae = "CT1";
    return out;
}

} // namespace

TEST_CASE("gantry queue list prints a row for each instance and destination")
{
    FakeService service;
    CHECK(has(service.run({"queue", "list"}).out, "nothing is waiting"));
    service.queue.rows = {
        row(1, custody::DeliveryState::queued), row(2, custody::DeliveryState::failed)
    };
    const Ran ran = service.run({"queue", "list"});
    CHECK(ran.status == 0);
    CHECK(has(ran.out, "1.2.3.1"));
    CHECK(has(ran.out, "failed"));
    CHECK(has(ran.out, "409 A900"));
    const Ran for_scripts = service.run({"queue", "list", "--json", "--destination", "cloud"});
    CHECK(service.queue.last_filter.destination == "cloud");
    const std::string first = for_scripts.out.substr(0, for_scripts.out.find('\n'));
    const auto object = boost::json::parse(first).as_object();
    for (const char* key :
         {"sop_instance_uid",
          "study_instance_uid",
          "destination",
          "state",
          "attempts",
          "next_attempt",
          "last_error",
          "received",
          "bytes"}) {
        CAPTURE(std::string(key));
        CHECK(object.contains(key));
    }
}

TEST_CASE("gantry queue show prints everything about a row")
{
    FakeService service;
    service.queue.rows = {row(7, custody::DeliveryState::failed)};
    const Ran ran = service.run({"queue", "show", "7"});
    CHECK(ran.status == 0);
    CHECK(has(ran.out, "calling_ae_title:"));
    CHECK(has(ran.out, "CT1"));
    CHECK(service.run({"queue", "show", "8"}).status == 1);
}

TEST_CASE("gantry queue retry, drop, hold and release say what they did")
{
    FakeService service;
    CHECK(has(service.run({"queue", "retry", "--state", "failed"}).out, "3 will be tried again now")
    );
    CHECK(has(service.run({"queue", "drop", "4", "--yes"}).out, "1 dropped"));
    CHECK(has(service.run({"queue", "hold", "cloud"}).out, "1 destination held"));
    CHECK(has(service.run({"queue", "release", "cloud", "--json"}).out, "{\"changed\":1}"));
    CHECK(
        service.queue.asked ==
        std::vector<std::string>{"retry", "drop", "hold cloud", "release cloud"}
    );
    const Ran unknown = service.run({"queue", "hold", "clod"});
    CHECK(unknown.status == 1);
    CHECK(has(unknown.err, "no destination clod"));
}

TEST_CASE("gantry queue drop and retry do nothing that was not meant")
{
    FakeService service;
    CHECK(service.run({"queue", "drop"}).status == 2);
    CHECK(service.run({"queue", "drop", "4"}).status == 2);
    CHECK(service.run({"queue", "retry"}).status == 2);
    CHECK(service.run({"queue", "retry", "not-a-uid"}).status == 1);
    CHECK(service.queue.asked.empty());
}

TEST_CASE("gantry queue export writes a DICOM file whose data set is what was received")
{
    FakeService service;
    custody::QueueRow held = row(5, custody::DeliveryState::failed);
    held.slot = "slot";
    held.receipt = 1;
    service.queue.rows = {held};
    service.spool.slots["slot"] = {1, small_ct_data_set("1.2.3.5"), false};
    const Ran ran = service.run({"queue", "export", "5", "--to", service.folder().string()});
    CHECK(ran.status == 0);
    const std::string file = read_file(service.folder() / "1.2.3.5.dcm");
    CHECK(file.substr(128, 4) == "DICM");
    CHECK(file.ends_with(small_ct_data_set("1.2.3.5")));
}

TEST_CASE("a damaged instance is not exported under its name")
{
    FakeService service;
    custody::QueueRow held = row(5, custody::DeliveryState::quarantined);
    held.slot = "slot";
    held.receipt = 1;
    service.queue.rows = {held};
    service.spool.slots["slot"] = {1, "half of it", true};
    const Ran ran = service.run({"queue", "export", "5", "--to", service.folder().string()});
    CHECK(ran.status == 1);
    CHECK(has(ran.err, "the digest differs"));
    CHECK_FALSE(std::filesystem::exists(service.folder() / "1.2.3.5.dcm"));
    CHECK_FALSE(std::filesystem::exists(service.folder() / "1.2.3.5.dcm.part"));
}

TEST_CASE("gantry status prints what the service says")
{
    const FakeService service;
    const Ran ran = service.run({"status"});
    CHECK(ran.status == 0);
    CHECK(has(ran.out, "gantry GANTRY, running since"));
    CHECK(
        boost::json::parse(service.run({"status", "--json"}).out).at("ae_title").as_string() ==
        "GANTRY"
    );
}

TEST_CASE("without a service the commands say that gantry is not running")
{
    const ScratchFolder folder;
    const std::string file =
        write_file(folder.path() / "gantry.yaml", config_text(folder.path())).string();
    const std::vector<std::vector<std::string>> commands{
        {"status"},
        {"queue", "list"},
        {"queue", "retry", "1"},
        {"queue", "hold", "cloud"},
        {"queue", "export", "1", "--to", "/tmp"}
    };
    for (std::vector<std::string> words : commands) {
        CAPTURE(words.back());
        words.insert(words.end(), {"-c", file});
        const Ran ran = run_gantry(words);
        CHECK(ran.status == 1);
        CHECK(has(ran.err, "gantry is not running"));
    }
}
