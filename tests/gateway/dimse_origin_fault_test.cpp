#include <doctest/doctest.h>

#include <future>
#include <thread>

#include "tests/gateway/dimse_origin_support.h"

using namespace gantry;
using namespace gantry::tests;
using std::chrono::milliseconds;
using End = PacsRetrieve::End;

namespace {

const char* const study_root_get = "1.2.840.10008.5.1.4.1.2.2.3";

} // namespace

TEST_CASE("an archive that misbehaves in a C-GET has an exact outcome and the next one works")
{
    struct Row {
        const char* says;
        void (*script)(PacsScript&);
        bool complete;
        Shortfall shortfall;
        std::size_t missing; // of 5
        std::size_t gets;    // one more for each that is asked for by itself
    };

    const Row rows[] = {
        {"implicit only", [](PacsScript& s) { s.syntaxes = {implicit_le}; }, true, {}, 0, 1},
        {"aborts after two",
         [](PacsScript& s) {
             s.retrieve.most = 2;
             s.retrieve.end = End::abort;
         },
         true,
         {},
         0,
         4},
        {"aborts in the middle of the third",
         [](PacsScript& s) {
             s.retrieve.most = 3;
             s.retrieve.end = End::inside;
         },
         false,
         Shortfall::failed,
         3,
         4},
        {"closes the connection after two",
         [](PacsScript& s) {
             s.retrieve.most = 2;
             s.retrieve.end = End::close;
         },
         true,
         {},
         0,
         4},
        {"ends after two and calls that a success",
         [](PacsScript& s) { s.retrieve.most = 2; },
         true,
         {},
         0,
         4},
        {"each comes twice", [](PacsScript& s) { s.retrieve.twice = true; }, true, {}, 0, 1},
        {"counts too many", [](PacsScript& s) { s.retrieve.miscount = 3; }, true, {}, 0, 1},
        {"counts too few", [](PacsScript& s) { s.retrieve.miscount = -2; }, true, {}, 0, 1},
        {"says nothing of its progress",
         [](PacsScript& s) { s.retrieve.pending = false; },
         true,
         {},
         0,
         1},
        {"calls it failed and gives all",
         [](PacsScript& s) { s.retrieve.status = 0xc000; },
         true,
         {},
         0,
         1},
        {"out of resources",
         [](PacsScript& s) { s.retrieve.refusal = 0xa700; },
         false,
         Shortfall::unavailable,
         5,
         6},
        {"cannot send",
         [](PacsScript& s) { s.retrieve.refusal = 0xa702; },
         false,
         Shortfall::unavailable,
         5,
         6},
        {"does not understand",
         [](PacsScript& s) { s.retrieve.refusal = 0xa900; },
         false,
         Shortfall::failed,
         5,
         6},
        {"unable to process",
         [](PacsScript& s) { s.retrieve.refusal = 0xc001; },
         false,
         Shortfall::failed,
         5,
         6},
        {"does not let us",
         [](PacsScript& s) { s.retrieve.refusal = 0x0124; },
         false,
         Shortfall::unauthorised,
         5,
         1},
        {"cancels by itself",
         [](PacsScript& s) {
             s.retrieve.most = 0;
             s.retrieve.status = 0xfe00;
         },
         false,
         Shortfall::failed,
         5,
         6},
        {"not a word",
         [](PacsScript& s) {
             s.retrieve.most = 0;
             s.retrieve.end = End::silence;
         },
         false,
         Shortfall::timed_out,
         5,
         1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        OriginSettings settings;
        settings.requestor.timeouts.dimse = milliseconds(400);
        DimseHouse house({}, settings);
        house.holds(1, 5);
        house.pacs.change(row.script);
        const auto end = house.retrieve();
        CHECK(end.complete == row.complete);
        CHECK(end.shortfall == row.shortfall);
        CHECK(end.missing.size() == row.missing);
        CHECK(end.reason.empty() == row.complete);
        CHECK(house.sink.data_sets.size() == 5 - row.missing);
        CHECK_FALSE(house.sink.twice);
        CHECK(house.gets() == row.gets);
        CHECK(house.moves() == 0);
        check_next_works(house);
    }
}

TEST_CASE("instances of another study are refused and not given")
{
    DimseHouse house;
    house.holds(1, 2);
    house.pacs.change([](PacsScript& script) {
        script.retrieve.strays = {pacs_instance("9.9", "9.9.1", "9.9.1.1")};
        // Says that it is what was asked for; its data set says otherwise.
        auto liar = pacs_instance("9.9", "9.9.1", "1.2.3.1.1");
        script.retrieve.strays.push_back(liar);
    });
    const auto end = house.retrieve();
    CHECK(end.complete);
    CHECK(house.sink.received() == numbered(1, 2));
    CHECK(house.same(house.sink));
    const auto answers = house.pacs.store_answers();
    REQUIRE(answers.size() == 4);
    CHECK(answers == std::vector<std::uint16_t>{0xa900, 0xa900, 0x0000, 0x0000});
    check_next_works(house);
}

TEST_CASE("an instance that is cut short is refused, asked for once more and named missing")
{
    DimseHouse house;
    house.holds(1, 1);
    auto broken = pacs_instance("1.2.3", "1.2.3.1", "1.2.3.1.2");
    broken.data_set.resize(broken.data_set.size() - 10);
    house.pacs.hold(broken);
    const auto end = house.retrieve();
    CHECK_FALSE(end.complete);
    CHECK(end.shortfall == Shortfall::failed);
    CHECK(missing_of(end) == Names{"1.2.3.1.2"});
    CHECK(end.reason == "1 of 2 instances missing: Data set structure is broken or cut short");
    CHECK(house.sink.received() == Names{"1.2.3.1.1"});
    CHECK(house.pacs.store_answers() == std::vector<std::uint16_t>{0x0000, 0xc000, 0xc000});
    CHECK(house.memory->taken().count == 0);
}

TEST_CASE("an archive that says Pending for ever is left after the longest pause")
{
    OriginSettings settings;
    settings.origin.longest_pause = milliseconds(300);
    DimseHouse house({}, settings);
    house.holds(1, 2);
    for (const bool heeds : {true, false}) {
        CAPTURE(heeds);
        house.pacs.change([heeds](PacsScript& script) {
            script.instead = [heeds](ScriptedPeer& peer, const PacsRequest& request) {
                if (request.command != 0x0010)
                    return false;
                const auto pending = [&](std::uint16_t status) {
                    const auto number = us(request.message_id);
                    peer.send(p_data(
                        request.context,
                        3,
                        command_set(
                            {{0x0002, study_root_get},
                             {0x0100, us(0x8010)},
                             {0x0120, number},
                             {0x0800, us(0x0101)},
                             {0x0900, us(status)}}
                        )
                    ));
                };
                while (!peer.wait(milliseconds(20)))
                    pending(0xff00);
                if (heeds) {
                    (void)peer.receive_pdu(); // C-CANCEL
                    pending(0xfe00);
                } else
                    while (peer.receive_pdu().front() != std::byte{7}) // until A-ABORT
                        pending(0xff00);
                return true;
            };
        });
        const auto end = house.retrieve();
        CHECK_FALSE(end.complete);
        CHECK(end.shortfall == Shortfall::timed_out);
        CHECK(end.missing.size() == 2);
        CHECK(house.pacs.wait_open(0));
    }
    check_next_works(house);
}

TEST_CASE("an archive that is not there is unavailable")
{
    dimse::PeerAddress nowhere;
    nowhere.ae_title = AeTitle::parse("PACS").value();
    nowhere.host = "127.0.0.1";
    nowhere.port = 1;
    DimseHouse house({}, {}, nowhere);
    const auto end = house.retrieve();
    CHECK_FALSE(end.complete);
    CHECK(end.shortfall == Shortfall::unavailable);
    CHECK_FALSE(end.reason.empty());
}

TEST_CASE("an archive that has not noticed yet that an association has ended is asked again")
{
    PacsScript script;
    script.most_associations = 1;
    OriginSettings settings;
    settings.requestor.max_associations = 1;
    DimseHouse house(script, settings);
    house.holds(1, 1);
    auto other = ScriptedPeer::connect(house.pacs.port());
    other.send(associate_request({.called = "PACS"}));
    (void)other.receive_pdu();
    auto end = asio::co_spawn(
        house.here.loop.loop(), house.origin.retrieve(of_study(), house.sink), asio::use_future
    );
    while (house.pacs.rejected() == 0)
        std::this_thread::yield();
    other.send(release_request());
    CHECK(end.get().complete);
}
