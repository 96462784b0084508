// A disk that fails, fills up, and recovers.
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <set>
#include <string>
#include <thread>

#include "tests/gateway/custody_queue_fixture.h"
#include "tests/support/fault_shim.h"

using namespace gantry;
using namespace gantry::custody;
using namespace gantry::tests;
using namespace std::chrono_literals;

using State = DeliveryState;

namespace {

struct FaultFixture : QueueFixture {
    FaultFixture() { spdlog::set_level(spdlog::level::off); }

    ~FaultFixture() { clear(); }

    FaultFixture(const FaultFixture&) = delete;
    FaultFixture& operator=(const FaultFixture&) = delete;

    void fail(const std::string& op, const std::string& error, const std::string& path = "slot-")
    {
        const std::string rules = "path " + path + "\nfail " + op + " 1 " + error + "\n";
        gantry_faults_set(rules.c_str());
    }

    static void clear() { gantry_faults_set(""); }

    // One instance on its way in, as a face does it; what the peer would be told.
    Result<StoredInstance> try_store(unsigned instance)
    {
        auto writer = spool->reserve(Bytes{0});
        if (!writer)
            return writer.error();
        const auto content = content_of(instance);
        if (auto written = (*writer)->write(content); !written)
            return written.error();
        return (*writer)->commit(envelope_of(1, instance));
    }

    // Until the queue has said that it cannot write.
    bool refuses()
    {
        return eventually([this] { return queue->admit().has_error(); });
    }
};

} // namespace

TEST_CASE_FIXTURE(FaultFixture, "a disk that fails under an instance refuses it and takes the next")
{
    struct Row {
        const char* op;
        const char* error;
        Errc code;
    };

    const Row table[] = {
        {"write", "ENOSPC", Errc::spool_full},
        {"write", "EIO", Errc::disk},
        {"sync", "ENOSPC", Errc::spool_full},
        {"sync", "EIO", Errc::disk},
    };
    open();
    std::set<std::string> given_up;
    unsigned instance = 0;
    for (const Row& row : table) {
        CAPTURE(row.op);
        CAPTURE(row.error);
        fail(row.op, row.error);
        for (int i = 0; i < 3; ++i) {
            const auto refused = try_store(++instance);
            REQUIRE(refused.has_error());
            CHECK(code_of(refused.error()) == row.code);
        }
        clear();
        const auto taken = try_store(100 + instance);
        REQUIRE(taken.has_value());
        CHECK(fetch(*spool, taken->slot) == content_of(100 + instance));
    }
    reopen();
    CHECK(rows().size() == std::size(table)); // only what was acknowledged
}

TEST_CASE_FIXTURE(FaultFixture, "a failed flush is not tried again on the same file")
{
    open();
    auto writer = spool->reserve(Bytes{0}).value();
    writer->write(content_of(1)).value();
    fail("sync", "EIO");
    REQUIRE(writer->commit(envelope_of(1, 1)).has_error());
    clear();
    CHECK(writer->commit(envelope_of(1, 1)).has_error());
    CHECK(writer->write(content_of(1)).has_error());
    writer.reset();
    reopen();
    CHECK(rows().empty());
    CHECK(claim().empty());
}

TEST_CASE_FIXTURE(
    FaultFixture, "failing at every step a store is refused or durable and nothing between"
)
{
    open();
    CHECK(try_store(1).has_value());
    unsigned acknowledged = 0;
    for (unsigned step = 1; step <= 12; ++step) {
        for (const char* error : {"ENOSPC", "EIO"}) {
            CAPTURE(step);
            const std::string rules = "path " + scratch.path().string() + "/spool\nfail any " +
                                      std::to_string(step) + " " + error + "\n";
            gantry_faults_set(rules.c_str());
            acknowledged += try_store(10 * step + (error[1] == 'N' ? 0 : 1)).has_value() ? 1 : 0;
            clear();
            CHECK(try_store(1'000 + 10 * step + (error[1] == 'N' ? 0 : 1)).has_value());
            ++acknowledged;
        }
    }
    CHECK(acknowledged < 48); // some were refused
    reopen();
    // Those that were refused may be here as well, whole: their sender will send them again.
    const auto claimed = claim("cloud", 1'000);
    CHECK(claimed.size() >= acknowledged + 1);
    for (const auto& delivery : claimed) {
        const auto number =
            std::stoul(delivery.instance.envelope.key.sop.sop_instance.str().substr(8));
        CHECK(fetch(*spool, delivery.instance.slot) == content_of(static_cast<unsigned>(number)));
    }
}

TEST_CASE_FIXTURE(FaultFixture, "no new slot can be made and the peer is told so")
{
    open();
    fail("make", "ENOSPC");
    Result<StoredInstance> last = try_store(1);
    for (unsigned i = 2; last && i < 200; ++i)
        last = try_store(i); // those made ahead of need
    REQUIRE(last.has_error());
    CHECK(code_of(last.error()) == Errc::spool_full);
    clear();
    CHECK(try_store(1'000).has_value());
}

TEST_CASE_FIXTURE(
    FaultFixture, "while the index cannot be written instances are refused and none is lost"
)
{
    const char* op = "write";
    const char* error = "ENOSPC";
    SUBCASE("the disk is full") {}
    SUBCASE("the disk fails")
    {
        error = "EIO";
    }
    SUBCASE("the flush fails")
    {
        op = "sync";
        error = "EIO";
    }
    CAPTURE(op);
    CAPTURE(error);
    open();
    take_in(1, 1);
    const auto sent = claim().at(0);
    fail(op, error, "queue.db");
    const auto stored = store(*spool, envelope_of(1, 2), content_of(2));
    queue->enqueue(stored);
    // A delivery that was confirmed meanwhile is kept and recorded when the disk is back.
    bool recorded = false;
    std::vector<DeliveryRecord> records{record_of(sent, State::delivered)};
    asio::co_spawn(
        loop,
        queue->record(std::move(records)),
        [&](std::exception_ptr, Result<void> done) { recorded = done.has_value(); }
    );
    CHECK(refuses());
    CHECK(code_of(queue->admit().error()) == Errc::database);
    CHECK(ask(queue->claim("cloud", 10, Bytes{1'000'000}, 60s)).has_error());
    CHECK(ask(queue->hold("cloud")).has_error());
    CHECK(ask(queue->summary()).has_value()); // people can still look
    CHECK_FALSE(recorded);
    clear();
    CHECK(eventually([this] { return queue->admit().has_value(); }));
    CHECK(eventually([&] { return recorded; }));
    const auto claimed = claim();
    REQUIRE(claimed.size() == 1);
    CHECK(claimed[0].instance.envelope.id == stored.envelope.id);
    reopen();
    CHECK(summary().delivered == 1);
    CHECK(claim().size() == 1);
}

TEST_CASE_FIXTURE(FaultFixture, "the queue finds out by itself that the disk is back")
{
    open();
    fail("write", "ENOSPC", "queue.db");
    CHECK(ask(queue->hold("cloud")).has_error()); // and nothing is left to be tried again
    CHECK(queue->admit().has_error());
    clear();
    CHECK(eventually([this] { return queue->admit().has_value(); }));
}

TEST_CASE_FIXTURE(
    FaultFixture, "what the index could not take before the end is found at the next start"
)
{
    open();
    fail("any", "EIO", "queue.db");
    for (unsigned i = 0; i < 20; ++i)
        queue->enqueue(store(*spool, envelope_of(1, i), content_of(i)));
    CHECK(refuses());
    close();
    clear();
    open();
    CHECK(claim().size() == 20);
}

TEST_CASE_FIXTURE(
    FaultFixture, "a hundred thousand waiting instances are claimed in small windows to the last"
)
{
    constexpr unsigned count = 100'000;
    queue_options.keep_delivered = 24h; // there are no files behind these
    lease = std::chrono::hours(24);
    open();
    for (unsigned i = 0; i < count; ++i) {
        StoredInstance instance{envelope_of(i / 500, i), "slot-0"};
        instance.envelope.id = 1 + i;
        queue->enqueue(std::move(instance));
    }
    CHECK(eventually([&] { return summary().queued == count; }));
    unsigned delivered = 0;
    for (;;) {
        const auto window = claim("cloud", 500);
        if (window.empty())
            break;
        REQUIRE(window.size() <= 500);
        std::vector<DeliveryRecord> records;
        for (const auto& delivery : window)
            records.push_back(record_of(delivery, State::delivered));
        ask(queue->record(std::move(records))).value();
        delivered += static_cast<unsigned>(window.size());
    }
    CHECK(delivered == count);
    CHECK(summary().delivered == count);
    CHECK(summary().sending == 0); // no lease is left behind
}
