#include "gateway/operation/queue_commands.h"
#include "support/run.h"

#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>
#include <openssl/evp.h>

#include "operation_support.h"

using namespace gantry;
using namespace gantry::operation;

namespace {

class Gathered final : public ControlRows {
public:
    asio::awaitable<Result<void>> row(json::object row) override
    {
        rows.push_back(std::move(row));
        co_return Result<void>();
    }

    std::vector<json::object> rows;
};

struct Room {
    Room() { add_queue_commands(commands, queue, spool, disk); }

    Result<json::value> call(const char* command, json::object args)
    {
        gathered.rows.clear();
        const ControlCommand* const found = commands.find(command);
        REQUIRE(found != nullptr);
        return test::run((*found)(std::move(args), gathered));
    }

    WorkerPool disk{"disk", 1};
    tests::ScriptedQueue queue;
    tests::ScriptedSpool spool;
    ControlCommands commands;
    Gathered gathered;
};

custody::QueueRow row(std::int64_t id)
{
    custody::QueueRow out;
    out.id = id;
    out.destination = "cloud";
    out.state = custody::DeliveryState::deferred;
    out.attempts = 2;
    out.last_error = "503";
    out.received = WallTime(std::chrono::seconds(60));
    out.key.sop.sop_instance = Uid::parse("1.2.3." + std::to_string(id)).value();
    out.bytes = Bytes{512};
    return out;
}

std::string decoded(const std::string& text)
{
    std::string bytes(text.size() / 4 * 3, '\0');
    const int length = ::EVP_DecodeBlock(
        reinterpret_cast<unsigned char*>(bytes.data()),
        reinterpret_cast<const unsigned char*>(text.data()),
        static_cast<int>(text.size())
    );
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    bytes.resize(static_cast<std::size_t>(length) - padding);
    return bytes;
}

} // namespace

TEST_CASE("queue.list gives a row for each instance and destination, page by page")
{
    Room room;
    for (std::int64_t id = 1; id <= 2'500; ++id)
        room.queue.rows.push_back(row(id));
    const auto answer = room.call("queue.list", {{"limit", 2'300}});
    REQUIRE(answer.has_value());
    REQUIRE(room.gathered.rows.size() == 2'300);
    CHECK(room.gathered.rows.back().at("id").to_number<int>() == 2'300);
    CHECK(answer->at("more").as_bool());
    const json::object& first = room.gathered.rows.front();
    CHECK(first.at("sop_instance_uid").as_string() == "1.2.3.1");
    CHECK(first.at("destination").as_string() == "cloud");
    CHECK(first.at("state").as_string() == "deferred");
    CHECK(first.at("attempts").to_number<int>() == 2);
    CHECK(first.at("next_attempt").is_null());
    CHECK(first.at("last_error").as_string() == "503");
    CHECK(first.at("received").as_string() == "1970-01-01T00:01:00Z");
    CHECK(first.at("bytes").to_number<int>() == 512);
    const auto all = room.call("queue.list", {{"limit", 100'000}});
    CHECK(room.gathered.rows.size() == 2'500);
    CHECK_FALSE(all->at("more").as_bool());
}

TEST_CASE("what selects rows is read, and nonsense is refused")
{
    const auto filter = queue_filter(
        {{"destination", "cloud"},
         {"state", "failed"},
         {"study", "1.2"},
         {"instance", "1.3"},
         {"id", 7},
         {"all", true}}
    );
    REQUIRE(filter.has_value());
    CHECK(filter->destination == "cloud");
    CHECK(filter->state == custody::DeliveryState::failed);
    CHECK(filter->study->str() == "1.2");
    CHECK(filter->instance->str() == "1.3");
    CHECK(filter->id == 7);
    CHECK(filter->all);

    struct Row {
        json::object args;
        const char* says;
    };

    const Row rows[] = {
        {{{"state", "lost"}}, "is no state"},
        {{{"study", "x"}}, "is not a UID"},
        {{{"instance", "1..2"}}, "is not a UID"},
        {{{"id", "seven"}}, "must be a whole number"},
        {{{"id", -1}}, "must be a whole number"},
        {{{"limit", 1.5}}, "must be a whole number"},
        {{{"destination", 5}}, "must be a text"},
    };
    for (const Row& each : rows) {
        CAPTURE(json::serialize(each.args));
        const auto refused = queue_filter(each.args);
        REQUIRE(refused.has_error());
        CHECK(refused.error().detail.find(each.says) != std::string::npos);
    }
}

TEST_CASE("the operator's verbs reach the queue and say how many rows they changed")
{
    Room room;
    const auto retried = room.call("queue.retry", {{"destination", "cloud"}});
    CHECK(retried->at("changed").to_number<int>() == 3);
    CHECK(room.queue.last_filter.destination == "cloud");
    CHECK(room.call("queue.drop", {{"id", 4}})->at("changed").to_number<int>() == 1);
    CHECK(room.queue.last_filter.id == 4);
    CHECK(room.call("queue.hold", {{"destination", "cloud"}}).has_value());
    CHECK(room.call("queue.release", {{"destination", "cloud"}}).has_value());
    CHECK(
        room.queue.asked == std::vector<std::string>{"retry", "drop", "hold cloud", "release cloud"}
    );
    CHECK(
        room.call("queue.hold", {{"destination", "clod"}}).error().detail == "no destination clod"
    );
}

TEST_CASE("a verb without a selection changes nothing")
{
    Room room;
    CHECK(room.call("queue.drop", {}).has_error());
    CHECK(room.call("queue.retry", {{"limit", 5}}).has_error());
    CHECK(room.call("queue.hold", {}).has_error());
    CHECK(room.queue.asked.empty());
    CHECK(room.call("queue.retry", {{"all", true}}).has_value());
}

TEST_CASE("an exported instance is the data set byte for byte")
{
    Room room;
    custody::QueueRow held = row(5);
    held.slot = "slot-5";
    held.receipt = 50;
    room.queue.rows = {row(4), held};
    std::string data;
    for (int i = 0; i < 200'001; ++i)
        data += static_cast<char>(i % 251);
    room.spool.slots["slot-5"] = {50, data, false};
    const auto answer = room.call("queue.export", {{"id", 5}});
    REQUIRE(answer.has_value());
    REQUIRE(room.gathered.rows.size() > 2);
    CHECK(room.gathered.rows[0].at("sop_instance_uid").as_string() == "1.2.3.5");
    std::string received;
    for (std::size_t i = 1; i < room.gathered.rows.size(); ++i)
        received += decoded(std::string(room.gathered.rows[i].at("data").as_string()));
    CHECK(received == data);
}

TEST_CASE("an export that cannot be complete says so")
{
    Room room;
    custody::QueueRow held = row(5);
    held.slot = "slot-5";
    held.receipt = 50;
    room.queue.rows = {row(4), held};
    CHECK(room.call("queue.export", {}).error().detail.find("say which") != std::string::npos);
    CHECK(room.call("queue.export", {{"id", 9}}).error().detail == "there is no such row");
    CHECK(room.call("queue.export", {{"id", 4}}).error().detail == "its file has been released");
    CHECK(room.call("queue.export", {{"id", 5}}).has_error());
    room.spool.slots["slot-5"] = {51, "another instance", false};
    CHECK(room.call("queue.export", {{"id", 5}}).error().detail == "the file has been released");
    room.spool.slots["slot-5"] = {50, "damaged", true};
    CHECK(room.call("queue.export", {{"id", 5}}).error().detail == "the digest differs");
}

TEST_CASE("queue.studies says for each destination what has arrived")
{
    Room room;
    custody::StudySummary study;
    study.study = Uid::parse("1.2.840").value();
    study.received = 412;
    custody::DestinationSummary cloud;
    cloud.destination = "cloud";
    cloud.delivered = 410;
    cloud.queued = 1;
    cloud.deferred = 1;
    study.destinations = {cloud};
    room.queue.known_studies = {study};
    REQUIRE(room.call("queue.studies", {}).has_value());
    REQUIRE(room.gathered.rows.size() == 1);
    const json::object& found = room.gathered.rows[0];
    CHECK(found.at("received").to_number<int>() == 412);
    CHECK(found.at("destinations").at(0).at("delivered").to_number<int>() == 410);
    CHECK(found.at("destinations").at(0).at("waiting").to_number<int>() == 2);
}
