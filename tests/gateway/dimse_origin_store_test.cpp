#include "gateway/error.h"
#include "gateway/origins/dimse_store.h"
#include "gateway/origins/held_content.h"

#include <doctest/doctest.h>

#include <cstring>

#include "tests/gateway/dimse_origin_support.h"

using namespace gantry;
using namespace gantry::tests;
using Kind = StoreOutcome::Kind;

namespace {

InstanceKey key_of(const PacsInstance& instance)
{
    return {
        uid(instance.study),
        uid(instance.series),
        {uid(instance.sop_class), uid(instance.sop_instance)},
        uid(instance.transfer_syntax)
    };
}

std::unique_ptr<InstanceContent> content_of(const PacsInstance& instance)
{
    const auto bytes = std::make_shared<ByteVector>(instance.data_set);
    HeldContent::Held held{bytes, *bytes};
    return std::make_unique<HeldContent>(key_of(instance), AeTitle{}, std::move(held));
}

/// Cannot be read to its end.
class Damaged final : public InstanceContent {
public:
    explicit Damaged(InstanceKey key) : key_(std::move(key)) {}

    const InstanceKey& key() const override { return key_; }

    AeTitle source_ae() const override { return {}; }

    Bytes length() const override { return {100}; }

    asio::awaitable<Result<ConstBytes>> read() override { co_return error(Errc::damaged); }

    void rewind() override {}

private:
    InstanceKey key_;
};

std::vector<PacsInstance> some(unsigned count)
{
    std::vector<PacsInstance> out;
    for (unsigned i = 1; i <= count; ++i)
        out.push_back(pacs_instance("1.2.3", "1.2.3.1", "1.2.3.1." + std::to_string(i)));
    return out;
}

std::vector<StoreOutcome> store(DimseHouse& house, const std::vector<PacsInstance>& instances)
{
    std::vector<std::unique_ptr<InstanceContent>> batch;
    for (const PacsInstance& instance : instances)
        batch.push_back(content_of(instance));
    return house.here.loop.run(house.origin.store(std::move(batch)));
}

std::vector<Kind> kinds(const std::vector<StoreOutcome>& outcomes)
{
    std::vector<Kind> out;
    for (const StoreOutcome& outcome : outcomes)
        out.push_back(outcome.kind);
    return out;
}

} // namespace

TEST_CASE("what follows from a C-STORE status (PS3.4 B.2.3 and PS3.7 annex C)")
{
    struct Row {
        std::uint16_t status;
        Kind kind;
        const char* answer;
    };

    const Row rows[] = {
        {0x0000, Kind::stored, "0000"},         {0xb000, Kind::stored_changed, "B000"},
        {0xb006, Kind::stored_changed, "B006"}, {0xb007, Kind::stored_changed, "B007"},
        {0x0107, Kind::stored_changed, "0107"}, {0x0116, Kind::stored_changed, "0116"},
        {0xa700, Kind::transient, "A700"},      {0xa7ff, Kind::transient, "A7FF"},
        {0xa900, Kind::limited, "A900"},        {0xc000, Kind::limited, "C000"},
        {0xcfff, Kind::limited, "CFFF"},        {0x0110, Kind::limited, "0110"},
        {0x0111, Kind::conflict, "0111"},       {0x0117, Kind::refused, "0117"},
        {0x0122, Kind::refused, "0122"},        {0x0124, Kind::unavailable, "0124"},
        {0x0210, Kind::transient, "0210"},      {0x0211, Kind::limited, "0211"},
        {0x0212, Kind::limited, "0212"},        {0x4711, Kind::limited, "4711"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.answer);
        const StoreOutcome outcome = outcome_of_status(row.status);
        CHECK(outcome.kind == row.kind);
        CHECK(outcome.reason == row.status);
        CHECK(outcome.answer == row.answer);
    }
}

TEST_CASE("a batch is stored on one association byte for byte")
{
    DimseHouse house;
    const auto instances = some(20);
    const auto outcomes = store(house, instances);
    CHECK(kinds(outcomes) == std::vector<Kind>(20, Kind::stored));
    const auto stored = house.pacs.stored();
    REQUIRE(stored.size() == 20);
    for (std::size_t i = 0; i < stored.size(); ++i) {
        CHECK(stored[i].sop_instance == instances[i].sop_instance);
        CHECK(stored[i].data_set == instances[i].data_set);
    }
    CHECK(house.pacs.associations() == 1);
    CHECK(house.pacs.wait_open(0));
}

TEST_CASE("what an archive says of an instance is its outcome and the next one works")
{
    struct Row {
        const char* says;
        void (*script)(PacsScript&);
        Kind kind;
        std::uint16_t reason;
    };

    const Row rows[] = {
        {"coerced", [](PacsScript& s) { s.store_status = 0xb000; }, Kind::stored_changed, 0xb000},
        {"full", [](PacsScript& s) { s.store_status = 0xa700; }, Kind::transient, 0xa700},
        {"cannot understand", [](PacsScript& s) { s.store_status = 0xc000; }, Kind::limited, 0xc000
        },
        {"not authorised", [](PacsScript& s) { s.store_status = 0x0124; }, Kind::unavailable, 0x0124
        },
        {"class refused",
         [](PacsScript& s) { s.refused_classes = {ct_image}; },
         Kind::refused,
         0x0122},
        {"too many associations",
         [](PacsScript& s) { s.most_associations = 0; },
         Kind::unavailable,
         0xa700},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        DimseHouse house;
        house.pacs.change(row.script);
        const auto outcomes = store(house, some(2));
        REQUIRE(outcomes.size() == 2);
        for (const StoreOutcome& outcome : outcomes) {
            CHECK(outcome.kind == row.kind);
            CHECK(outcome.reason == row.reason);
            CHECK_FALSE(outcome.answer.empty());
        }
        house.pacs.change([](PacsScript& script) { script = {}; });
        CHECK(kinds(store(house, some(2))) == std::vector<Kind>(2, Kind::stored));
    }
}

TEST_CASE("a duplicate is there already where the archive has it in its series, else a conflict")
{
    PacsScript script;
    script.store_status = 0x0111;
    script.most_associations = 1; // the question goes out when the other has ended
    OriginSettings settings;
    settings.requestor.max_associations = 1;
    DimseHouse house(script, settings);
    const auto instances = some(2);
    house.pacs.hold(instances[0]);
    const auto outcomes = store(house, instances);
    CHECK(kinds(outcomes) == std::vector<Kind>{Kind::already_there, Kind::conflict});
    CHECK(outcomes[0].answer == "0111");
}

TEST_CASE("a duplicate of which the archive says nothing is asked again later")
{
    DimseHouse house;
    house.pacs.change([](PacsScript& script) {
        script.store_status = 0x0111;
        script.find.status = 0xa700;
        script.find.most = 0;
    });
    CHECK(kinds(store(house, some(1))) == std::vector<Kind>{Kind::transient});
}

TEST_CASE("an archive that aborts in the middle has what it confirmed and is asked once more")
{
    DimseHouse house;
    int aborts = 1;
    int seen = 0;
    house.pacs.change([&](PacsScript& script) {
        script.instead = [&](ScriptedPeer& peer, const PacsRequest& request) {
            if (request.command != 0x0001 || ++seen != 3 || aborts-- <= 0)
                return false;
            peer.send(abort_pdu());
            return true;
        };
    });
    // The third was under way; the others go on another association.
    CHECK(
        kinds(store(house, some(5))) ==
        std::vector<Kind>{Kind::stored, Kind::stored, Kind::transient, Kind::stored, Kind::stored}
    );
    CHECK(house.pacs.associations() == 2);
}

TEST_CASE("an archive that is not there is unavailable for the whole batch")
{
    dimse::PeerAddress nowhere;
    nowhere.ae_title = AeTitle::parse("PACS").value();
    nowhere.host = "127.0.0.1";
    nowhere.port = 1;
    DimseHouse house({}, {}, nowhere);
    CHECK(kinds(store(house, some(3))) == std::vector<Kind>(3, Kind::unavailable));
    const Health health = house.here.loop.run(house.origin.health());
    CHECK_FALSE(health.reachable);
    CHECK_FALSE(health.reason.empty());
    CHECK_FALSE(house.here.loop.run(house.origin.verify({key_of(some(1)[0])})).has_value());
}

TEST_CASE("an instance goes out in a syntax that the archive takes")
{
    DimseHouse house;
    house.pacs.change([](PacsScript& script) { script.syntaxes = {implicit_le}; });
    CHECK(kinds(store(house, some(1))) == std::vector<Kind>{Kind::stored});
    const auto stored = house.pacs.stored();
    REQUIRE(stored.size() == 1);
    CHECK(stored.front().transfer_syntax == implicit_le);

    // Video cannot be made into anything else.
    auto video = some(1).front();
    video.transfer_syntax = "1.2.840.10008.1.2.4.102";
    const auto outcomes = store(house, {video});
    CHECK(outcomes.front().kind == Kind::refused);
    CHECK(outcomes.front().reason == 0xc122);
}

TEST_CASE("an instance of ours that is damaged is told so and the others are stored")
{
    DimseHouse house;
    const auto instances = some(3);
    std::vector<std::unique_ptr<InstanceContent>> batch;
    batch.push_back(content_of(instances[0]));
    batch.push_back(std::make_unique<Damaged>(key_of(instances[1])));
    batch.push_back(content_of(instances[2]));
    const auto outcomes = house.here.loop.run(house.origin.store(std::move(batch)));
    CHECK(kinds(outcomes) == std::vector<Kind>{Kind::stored, Kind::damaged, Kind::stored});
    CHECK(house.pacs.stored().size() == 2);
}

TEST_CASE("what is in the archive is known by its study, series and class")
{
    DimseHouse house;
    house.holds(1, 3);
    house.holds(2, 1);
    const auto key = [](const char* series, const char* instance, const char* sop_class = ct_image
                     ) {
        return InstanceKey{uid("1.2.3"), uid(series), {uid(sop_class), uid(instance)}, {}};
    };
    const auto there = house.here.loop.run(house.origin.verify(
        {key("1.2.3.1", "1.2.3.1.1"),
         key("1.2.3.1", "1.2.3.1.9"),
         key("1.2.3.2", "1.2.3.2.1"),
         key("1.2.3.2", "1.2.3.1.2"),
         key("1.2.3.1", "1.2.3.1.3", mr_image),
         key("1.2.3.7", "1.2.3.7.1")}
    ));
    REQUIRE(there.has_value());
    CHECK(*there == std::vector<bool>{true, false, true, false, false, false});
    CHECK(house.pacs.asked(0x0020).size() == 3); // one for each series
}

TEST_CASE("health is a C-ECHO and an archive without verification is reachable too")
{
    DimseHouse house;
    Health health = house.here.loop.run(house.origin.health());
    CHECK(health.reachable);
    CHECK(health.reason.empty());
    CHECK(house.pacs.asked(0x0030).size() == 1);
    house.pacs.change([](PacsScript& script) { script.refused_classes = {verification}; });
    health = house.here.loop.run(house.origin.health());
    CHECK(health.reachable);
    house.pacs.change([](PacsScript& script) { script.most_associations = 0; });
    CHECK_FALSE(house.here.loop.run(house.origin.health()).reachable);
}
