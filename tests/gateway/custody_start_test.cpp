// The start: spool and index are brought together, whatever happened to either.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <algorithm>
#include <fstream>

#include "tests/gateway/custody_queue_fixture.h"

using namespace gantry;
using namespace gantry::custody;
using namespace gantry::tests;
using namespace std::chrono_literals;

using State = DeliveryState;

namespace {

struct StartFixture : QueueFixture {
    std::filesystem::path slot_path(const std::string& slot) const
    {
        return spool_options.folder / slot;
    }

    std::vector<std::string> quarantined() const
    {
        auto names = names_in(spool_options.folder / "quarantine");
        std::erase_if(names, [](const std::string& name) { return name.ends_with(".reason"); });
        return names;
    }

    void run_sql(const char* sql)
    {
        sqlite3* database = nullptr;
        REQUIRE(sqlite3_open(queue_options.database.c_str(), &database) == SQLITE_OK);
        CHECK(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
        sqlite3_close(database);
    }

    bool kept_aside()
    {
        return std::ranges::any_of(names_in(scratch.path()), [](const std::string& name) {
            return name.starts_with("queue.db.damaged-");
        });
    }
};

} // namespace

TEST_CASE_FIXTURE(
    StartFixture, "an instance that the index never heard of is enqueued at the next start"
)
{
    open();
    const auto stored = store(*spool, envelope_of(1, 1, {"cloud", "here"}), content_of(1));
    reopen();
    const auto claimed = claim();
    REQUIRE(claimed.size() == 1);
    CHECK(claimed[0].instance.envelope.id == stored.envelope.id);
    CHECK(claim("here").size() == 1);
    CHECK(fetch(*spool, stored.slot) == content_of(1));
    CHECK(rows().at(0).calling_ae == "CT1");
}

TEST_CASE_FIXTURE(
    StartFixture,
    "half an instance that nobody was told of goes to quarantine and not to the archive"
)
{
    open();
    const auto stored = store(*spool, envelope_of(1, 1), content_of(1));
    close();
    damage(slot_path(stored.slot), slot_head_size + 77);
    open();
    CHECK(claim().empty());
    CHECK(rows().empty());
    CHECK(quarantined() == std::vector{stored.slot});
}

TEST_CASE_FIXTURE(
    StartFixture, "a spool file that was damaged or lost is shown as quarantined with its reason"
)
{
    open();
    const auto stored = take_in(1, 1, {"cloud", "here"});
    take_in(1, 2);
    record(claim("here").at(0), State::delivered);
    close();
    SUBCASE("its head")
    {
        damage(slot_path(stored.slot), 99);
    }
    SUBCASE("its end")
    {
        std::filesystem::resize_file(slot_path(stored.slot), 9'000);
    }
    SUBCASE("all of its head")
    {
        std::ofstream(slot_path(stored.slot), std::ios::binary | std::ios::in)
            .write(std::string(slot_head_size, '\0').data(), slot_head_size);
    }
    SUBCASE("the file")
    {
        std::filesystem::remove(slot_path(stored.slot));
    }
    const bool there = std::filesystem::exists(slot_path(stored.slot));
    open();
    const auto row = rows({.state = State::quarantined}).at(0);
    CHECK(row.destination == "cloud");
    CHECK(row.receipt == stored.envelope.id);
    CHECK(row.last_error.find(stored.slot) != std::string::npos);
    CHECK(quarantined().size() == (there ? 1 : 0));
    CHECK(claim().size() == 1); // the other one
    CHECK(ask(queue->retry({.state = State::quarantined})).value() == 0);
    reopen(); // and it stays so
    CHECK(summary().quarantined == 1);
    CHECK(ask(queue->drop({.state = State::quarantined})).value() == 1);
}

TEST_CASE_FIXTURE(StartFixture, "an old head in a slot that is free again brings nothing back")
{
    open();
    const auto stored = take_in(1, 1);
    close();
    std::filesystem::copy_file(slot_path(stored.slot), scratch.path() / "old");
    open();
    record(claim().at(0), State::delivered);
    SUBCASE("as the ledger knows it") {}
    SUBCASE("after the ledger has forgotten it")
    {
        close();
        queue_options.ledger_age = 1h;
        open();
        clock.advance(2h);
        CHECK(eventually([&] { return rows().empty(); }));
    }
    close();
    // As a power cut leaves it that came before the wiped head reached the disk.
    std::filesystem::copy_file(
        scratch.path() / "old",
        slot_path(stored.slot),
        std::filesystem::copy_options::overwrite_existing
    );
    open();
    CHECK(claim().empty());
    CHECK(rows({}).empty());
    CHECK(quarantined().empty());
    CHECK(take_in(1, 2).slot == stored.slot); // it is used again
}

TEST_CASE_FIXTURE(StartFixture, "a copy of a spool file under another name is not a second receipt")
{
    open();
    const auto stored = take_in(1, 1);
    close();
    const std::string copy = "slot-000000009999";
    std::filesystem::copy_file(slot_path(stored.slot), slot_path(copy));
    open();
    CHECK(claim().size() == 1);
    CHECK(quarantined() == std::vector{copy});
    CHECK(fetch(*spool, stored.slot) == content_of(1'001));
}

TEST_CASE_FIXTURE(StartFixture, "a lost database is built anew from the spool")
{
    open();
    for (unsigned i = 0; i < 5; ++i)
        take_in(1, i);
    record(claim("cloud", 1).at(0), State::delivered);
    close();
    for (const char* part : {"", "-wal", "-shm"})
        std::filesystem::remove(queue_options.database.string() + part);
    open();
    CHECK(claim().size() == 4);
}

TEST_CASE_FIXTURE(StartFixture, "a damaged database is moved aside and built anew from the spool")
{
    open();
    for (unsigned i = 0; i < 200; ++i)
        queue->enqueue(store(*spool, envelope_of(1, i), content_of(i, 100)));
    close();
    SUBCASE("no database at all")
    {
        std::ofstream(queue_options.database) << std::string(20'000, 'x');
    }
    SUBCASE("a page of it")
    {
        const auto size = std::filesystem::file_size(queue_options.database);
        for (std::uintmax_t page = 2; page < size / 4'096; ++page) {
            std::fstream file(queue_options.database, std::ios::in | std::ios::out);
            file.seekp(static_cast<std::streamoff>(page * 4'096));
            file << std::string(64, '\xee');
        }
    }
    open();
    CHECK(claim("cloud", 1'000).size() == 200);
    CHECK(kept_aside());
}

TEST_CASE_FIXTURE(StartFixture, "a database of a newer version is left alone and named")
{
    open();
    take_in(1, 1);
    close();
    run_sql("PRAGMA user_version = 2");
    spool = Spool::open(spool_options, clock).value();
    const auto refused = try_open();
    REQUIRE(refused.has_error());
    CHECK(code_of(refused.error()) == Errc::newer_schema);
    CHECK_FALSE(kept_aside());
    CHECK(code_of(QueueReader::open(queue_options.database, {}).error()) == Errc::newer_schema);
    spool.reset();
    run_sql("PRAGMA user_version = 1");
    open();
    CHECK(claim().size() == 1);
}

TEST_CASE_FIXTURE(StartFixture, "receipt numbers go on above what only the ledger remembers")
{
    open();
    const auto stored = take_in(1, 1);
    record(claim().at(0), State::delivered);
    close();
    std::filesystem::remove(slot_path(stored.slot));
    clock.jump(-24h);
    open();
    CHECK(take_in(1, 2).envelope.id > stored.envelope.id);
}
