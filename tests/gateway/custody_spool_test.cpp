#include "gateway/custody/digest.h"
#include "gateway/custody/slot_head.h"
#include "gateway/custody/spool.h"
#include "gateway/error.h"

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <map>
#include <thread>

#include "tests/gateway/custody_support.h"

using namespace gantry;
using namespace gantry::custody;
using namespace gantry::tests;

namespace {

struct SpoolFixture {
    std::unique_ptr<Spool> open() { return Spool::open(options, clock).value(); }

    // What the sweep says of each slot; all of them suspect.
    std::map<std::string, SweptSlot> sweep(Spool& spool, bool suspect = true)
    {
        std::map<std::string, SweptSlot> slots;
        spool
            .sweep(
                [&](const StoredInstance&) { return suspect; },
                [&](SweptSlot slot) { slots[slot.instance.slot] = slot; }
            )
            .value();
        return slots;
    }

    ScratchFolder scratch;
    ManualClock clock;
    SpoolOptions options = spool_options(scratch.path() / "spool");
};

} // namespace

TEST_CASE("a slot's head says all that custody knows and reads back the same")
{
    Envelope envelope = envelope_of(1, 2, {"cloud", "here"});
    envelope.id = 1'800'000'000'123;
    envelope.received = WallTime(std::chrono::milliseconds(1'799'999'999'999));
    envelope.length = Bytes{123'456'789'012};
    envelope.digest[15] = std::byte{0xfe};
    const auto page = encode_head(envelope).value();
    const DecodedHead back = decode_head(page);
    REQUIRE(back.state == DecodedHead::State::valid);
    CHECK(back.envelope.id == envelope.id);
    CHECK(back.envelope.received == envelope.received);
    CHECK(back.envelope.key == envelope.key);
    CHECK(back.envelope.calling_ae == "CT1");
    CHECK(back.envelope.called_ae == "GANTRY");
    CHECK(back.envelope.peer_address == "10.1.2.3");
    CHECK(back.envelope.face == "dimse");
    CHECK(back.envelope.destinations == envelope.destinations);
    CHECK(back.envelope.length == envelope.length);
    CHECK(back.envelope.digest == envelope.digest);
}

TEST_CASE("no flipped bit and no cut of a head goes unnoticed")
{
    const auto page = encode_head(envelope_of(1, 2)).value();
    for (std::size_t at = 0; at < page.size(); at += 7) {
        auto wrong = page;
        wrong[at] ^= std::byte{4};
        CHECK(decode_head(wrong).state == DecodedHead::State::broken);
    }
    for (const std::size_t length : {std::size_t{1}, std::size_t{512}, page.size() - 1})
        CHECK(decode_head(std::span(page).first(length)).state == DecodedHead::State::broken);
    CHECK(decode_head({}).state == DecodedHead::State::empty);
    CHECK(decode_head(HeadPage{}).state == DecodedHead::State::empty);
}

TEST_CASE("what would not read back is refused before it is acknowledged")
{
    struct Row {
        const char* says;
        void (*spoil)(Envelope&);
        bool accepted;
    };

    const Row rows[] = {
        {"as it is", [](Envelope&) {}, true},
        {"no destination", [](Envelope& e) { e.destinations.clear(); }, false},
        {"16 destinations", [](Envelope& e) { e.destinations.assign(16, "somewhere"); }, true},
        {"17 destinations", [](Envelope& e) { e.destinations.assign(17, "x"); }, false},
        {"names too long",
         [](Envelope& e) { e.destinations.assign(16, std::string(300, 'x')); },
         false},
        {"quotes and control characters", [](Envelope& e) { e.peer_address = "a\"\n\\\x01"; }, true
        },
        {"text that is not UTF-8", [](Envelope& e) { e.calling_ae = "\xff\xfe"; }, false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        Envelope envelope = envelope_of(1, 2);
        row.spoil(envelope);
        CHECK(encode_head(envelope).has_value() == row.accepted);
    }
}

TEST_CASE_FIXTURE(SpoolFixture, "what is committed reads back byte for byte also after a restart")
{
    const std::size_t sizes[] = {0, 1, 4'095, 4'096, 70'001, 9'000'000};
    std::vector<std::pair<StoredInstance, Content>> stored;
    {
        const auto spool = open();
        for (const std::size_t size : sizes) {
            const Content content = content_of(static_cast<unsigned>(size), size);
            stored.emplace_back(
                store(*spool, envelope_of(1, static_cast<unsigned>(size + 1)), content), content
            );
            CHECK(fetch(*spool, stored.back().first.slot) == content);
        }
    }
    const auto spool = open();
    const auto slots = sweep(*spool);
    CHECK(slots.size() == std::size(sizes));
    for (const auto& [instance, content] : stored) {
        CHECK(slots.at(instance.slot).state == SweptSlot::State::complete);
        CHECK(slots.at(instance.slot).instance.envelope.id == instance.envelope.id);
        CHECK(fetch(*spool, instance.slot) == content);
    }
}

TEST_CASE_FIXTURE(SpoolFixture, "receipts are numbered upwards over restarts and a clock set back")
{
    ReceiptId last = 0;
    for (int run = 0; run < 3; ++run) {
        const auto spool = open();
        sweep(*spool);
        for (unsigned i = 0; i < 5; ++i) {
            const ReceiptId id = store(*spool, envelope_of(1, i), content_of(i)).envelope.id;
            CHECK(id > last);
            last = id;
        }
        clock.jump(-std::chrono::hours(1));
    }
    const auto spool = open();
    spool->number_above(last + 1'000'000'000);
    CHECK(store(*spool, envelope_of(1, 9), content_of(9)).envelope.id > last + 1'000'000'000);
}

TEST_CASE_FIXTURE(SpoolFixture, "a released slot is used again with more or fewer bytes")
{
    const auto spool = open();
    auto stored = store(*spool, envelope_of(1, 0), content_of(0, 50'000));
    const std::string slot = stored.slot;
    for (unsigned i = 1; i < 20; ++i) {
        spool->release(stored.slot);
        CHECK(spool->read(stored.slot).has_error());
        const Content content = content_of(i, 45'000 + (i % 3) * 5'000);
        stored = store(*spool, envelope_of(1, i), content);
        CHECK(stored.slot == slot);
        CHECK(fetch(*spool, stored.slot) == content);
    }
    CHECK(spool->used().count == slot_head_size + 55'000);
}

TEST_CASE_FIXTURE(SpoolFixture, "empty slots are kept within their bound large ones not at all")
{
    options.max_recycled = Bytes{100'000};
    options.max_recycled_slot = Bytes{60'000};
    {
        const auto spool = open();
        std::vector<StoredInstance> stored;
        for (unsigned i = 0; i < 4; ++i)
            stored.push_back(store(*spool, envelope_of(1, i), content_of(i, 40'000)));
        stored.push_back(store(*spool, envelope_of(1, 9), content_of(9, 80'000)));
        for (const auto& instance : stored)
            spool->release(instance.slot);
        CHECK(spool->used().count == 2 * (slot_head_size + 40'000));
    }
    CHECK(names_in(options.folder).size() == 2 + 2); // lock and quarantine beside them
}

/// Waits for another thread.
template <class Condition>
static bool eventually(Condition condition)
{
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline)
            return false;
        std::this_thread::yield();
    }
    return true;
}

TEST_CASE_FIXTURE(SpoolFixture, "slots are written ahead while nothing comes in and used first")
{
    options.prepared = Bytes{4U << 20U};
    const auto spool = open();
    const auto prepared = [&] { return spool->used().count >= (3U << 20U); };
    REQUIRE(eventually(prepared));
    const std::uint64_t before = spool->used().count;
    CHECK(before <= options.prepared.count);
    for (unsigned i = 0; i < 3; ++i) {
        const Content content = content_of(i, 400'000);
        const auto stored = store(*spool, envelope_of(1, i), content);
        CHECK(fetch(*spool, stored.slot) == content);
        CHECK(std::filesystem::file_size(spool->path(stored.slot)) > 400'000 + slot_head_size);
    }
    // What was taken is made good once it is quiet again.
    CHECK(eventually([&] { return spool->used().count > before; }));
}

TEST_CASE_FIXTURE(SpoolFixture, "no slot is written ahead into space that instances need")
{
    options.prepared = Bytes{4U << 20U};
    options.min_free = Bytes{1ULL << 60U};
    const auto spool = open();
    // The maintenance thread has come past its first chance when it has made slots.
    CHECK(eventually([&] { return names_in(options.folder).size() > 2; }));
    CHECK(spool->used().count == 0);
}

TEST_CASE_FIXTURE(SpoolFixture, "a store that is broken off leaves nothing to find")
{
    {
        const auto spool = open();
        const auto writer = spool->reserve(Bytes{0}).value();
        writer->write(content_of(1)).value();
    }
    const auto spool = open();
    for (const auto& [name, slot] : sweep(*spool))
        CHECK(slot.state == SweptSlot::State::empty);
}

TEST_CASE_FIXTURE(SpoolFixture, "a damaged spool file is never given out as if it were whole")
{
    const auto spool = open();
    const auto stored = store(*spool, envelope_of(1, 1), content_of(1));
    SUBCASE("a byte of the data")
    {
        damage(spool->path(stored.slot), slot_head_size + 5'000);
    }
    SUBCASE("the head")
    {
        damage(spool->path(stored.slot), 100);
    }
    SUBCASE("cut short")
    {
        std::filesystem::resize_file(spool->path(stored.slot), slot_head_size + 9'999);
    }
    CHECK_THROWS(fetch(*spool, stored.slot));
}

TEST_CASE_FIXTURE(SpoolFixture, "the sweep tells whole empty and torn slots apart")
{
    std::vector<StoredInstance> stored;
    {
        const auto spool = open();
        for (unsigned i = 0; i < 5; ++i)
            stored.push_back(store(*spool, envelope_of(1, i), content_of(i)));
        spool->release(stored[4].slot);
        damage(spool->path(stored[1].slot), slot_head_size + 1);
        damage(spool->path(stored[2].slot), 200);
        std::filesystem::resize_file(spool->path(stored[3].slot), slot_head_size + 10);
        std::ofstream(options.folder / "README") << "put here by somebody";
    }
    const auto spool = open();
    auto slots = sweep(*spool);
    CHECK(slots.size() == 5);
    CHECK(slots[stored[0].slot].state == SweptSlot::State::complete);
    CHECK(slots[stored[1].slot].state == SweptSlot::State::torn);
    CHECK(slots[stored[1].slot].instance.envelope.id == stored[1].envelope.id);
    CHECK(slots[stored[2].slot].state == SweptSlot::State::torn);
    CHECK(slots[stored[3].slot].state == SweptSlot::State::torn);
    CHECK(slots[stored[4].slot].state == SweptSlot::State::empty);
    for (const auto& [name, slot] : slots)
        CHECK(slot.reason.empty() == (slot.state != SweptSlot::State::torn));
    CHECK(std::filesystem::exists(options.folder / "README"));
    // Only the data of suspects is read.
    CHECK(sweep(*spool, false)[stored[1].slot].state == SweptSlot::State::complete);
}

TEST_CASE_FIXTURE(
    SpoolFixture, "quarantine keeps the file with its reason and its name is not used again"
)
{
    const Content content = content_of(1);
    StoredInstance stored;
    {
        const auto spool = open();
        stored = store(*spool, envelope_of(1, 1), content);
        const auto path = spool->quarantine(stored.slot, "does not hold").value();
        CHECK(std::filesystem::file_size(path) == slot_head_size + content.size());
        std::ifstream note(path.string() + ".reason");
        std::string reason;
        std::getline(note, reason);
        CHECK(reason == "does not hold");
        CHECK(spool->used().count == 0);
    }
    const auto spool = open();
    CHECK(sweep(*spool).empty());
    for (unsigned i = 0; i < 50; ++i)
        CHECK(store(*spool, envelope_of(1, i), content).slot != stored.slot);
}

TEST_CASE_FIXTURE(
    SpoolFixture, "below the low-water mark nothing is taken before it costs anything"
)
{
    options.min_free = Bytes{1ULL << 60U};
    const auto spool = open();
    CHECK_FALSE(spool->accepting());
    const auto refused = spool->reserve(Bytes{0});
    REQUIRE(refused.has_error());
    CHECK(code_of(refused.error()) == Errc::spool_full);
    CHECK(spool->used().count == 0);
}

TEST_CASE_FIXTURE(SpoolFixture, "free space counts what was written since it was measured")
{
    const auto spool = open();
    const auto before = spool->free_space();
    store(*spool, envelope_of(1, 1), content_of(1, 1'000'000));
    CHECK(spool->free_space().count <= before.count - 1'000'000);
}

TEST_CASE_FIXTURE(SpoolFixture, "one process at a time holds a spool")
{
    const auto spool = open();
    const auto second = Spool::open(options, clock);
    REQUIRE(second.has_error());
    CHECK(code_of(second.error()) == Errc::in_use);
}

TEST_CASE_FIXTURE(SpoolFixture, "many threads store at once each its own")
{
    const auto spool = open();
    std::atomic<int> flushes = 0;
    spool->on_flush([&](std::chrono::nanoseconds) { ++flushes; });
    constexpr unsigned each = 25;
    std::vector<std::vector<StoredInstance>> stored(4);
    {
        std::vector<std::jthread> threads;
        for (unsigned t = 0; t < stored.size(); ++t)
            threads.emplace_back([&, t] {
                for (unsigned i = 0; i < each; ++i) {
                    stored[t].push_back(store(*spool, envelope_of(t, i), content_of(t * each + i)));
                    if (i % 3 == 2) {
                        spool->release(stored[t].back().slot);
                        stored[t].pop_back();
                    }
                }
            });
    }
    CHECK(flushes == 100);
    std::map<ReceiptId, std::string> seen;
    for (unsigned t = 0; t < stored.size(); ++t)
        for (const auto& instance : stored[t]) {
            CHECK(seen.emplace(instance.envelope.id, instance.slot).second);
            CHECK(fetch(*spool, instance.slot).size() == 10'000);
        }
}
