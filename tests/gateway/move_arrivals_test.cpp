#include "gateway/faces/dimse_face.h"
#include "gateway/faces/moved_context.h"
#include "gateway/origins/move_arrivals.h"
#include "support/fake_queue.h"
#include "support/fake_spool.h"
#include "support/manual_clock.h"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace gantry;
using dimse::ContextAnswer;

namespace {

Uid uid(const char* text)
{
    return *Uid::parse(text);
}

AeTitle ae(const char* text)
{
    return *AeTitle::parse(text);
}

const char* const ct = "1.2.840.10008.5.1.4.1.1.2";

dimse::AssociationInfo from(const char* calling)
{
    dimse::AssociationInfo info;
    info.calling = ae(calling);
    return info;
}

dimse::StoreRequest store_of(const char* instance)
{
    return {{uid(ct), uid(instance)}, uid("1.2.840.10008.1.2.1"), 1};
}

dimse::StoreRequest store_of(const char* instance, const char* originator, std::uint16_t id)
{
    auto request = store_of(instance);
    request.move_originator = ae(originator);
    request.move_originator_message_id = id;
    return request;
}

class Taken final : public dimse::IncomingInstance {
public:
    Result<void> write(ConstBytes) override { return {}; }

    DimseStatus finish() override { return {}; }
};

/// Takes everything and notes it.
struct Taker {
    std::vector<std::string> came;

    MoveArrivals::Expected wants(std::initializer_list<const char*> instances)
    {
        MoveArrivals::Expected expected;
        expected.pacs = {ae("PACS"), ae("PACS_OUT")};
        for (const char* instance : instances)
            expected.instances.insert(uid(instance));
        expected.take = [this](const dimse::StoreRequest& request) -> MoveArrivals::Begun {
            came.push_back(request.sop.sop_instance.str());
            return std::make_unique<Taken>();
        };
        return expected;
    }
};

struct House {
    asio::io_context loop;
    tests::ManualClock clock;
    tests::FakeSpool spool;
    tests::FakeQueue queue{loop.get_executor(), clock};
    MoveArrivals arrivals{ae("GANTRY")};
    faces::DimseFace face{options(), spool, queue};

    House()
    {
        arrivals.add_pacs(ae("PACS"));
        arrivals.add_pacs(ae("CT1"));
        face.receive_moves(arrivals);
    }

    static faces::DimseFaceOptions options()
    {
        faces::DimseFaceOptions options;
        options.ae_title = ae("GANTRY");
        options.peers[ae("CT1")] = {};
        options.store_to = {"cloud"};
        options.taken_as_is = [](const Uid&) { return true; };
        return options;
    }

    std::string answer(const char* calling, std::vector<Uid> offered) const
    {
        dimse::ProposedContext context;
        context.abstract_syntax = uid(ct);
        context.transfer_syntaxes = std::move(offered);
        const auto answered = face.negotiate(from(calling), context);
        return answered.transfer_syntax ? answered.transfer_syntax->str() : "refused";
    }
};

} // namespace

TEST_CASE("a C-STORE belongs to the move whose originator and Message ID it names")
{
    MoveArrivals arrivals(ae("GANTRY"));
    Taker first;
    Taker second;
    const auto one = arrivals.expect(first.wants({"1.1", "1.2"}));
    const auto two = arrivals.expect(second.wants({"1.1", "1.3"}));
    REQUIRE(one.message_id() != two.message_id());
    CHECK_FALSE(two.met_by().has_value());

    CHECK(arrivals.claim(from("PACS"), store_of("1.1", "GANTRY", two.message_id())).has_value());
    CHECK(arrivals.claim(from("PACS_OUT"), store_of("9.9", "GANTRY", two.message_id())).has_value()
    );
    CHECK(first.came.empty());
    CHECK(second.came == std::vector<std::string>{"1.1", "9.9"});
    CHECK(two.met_by() == Rendezvous::originator);
}

TEST_CASE("a C-STORE that names no move belongs to the oldest one that waits for its instance")
{
    struct Row {
        const char* says;
        const char* calling;
        dimse::StoreRequest request;
        std::size_t first;
        std::size_t second;
    };

    const Row rows[] = {
        {"no originator", "PACS", store_of("1.1"), 1, 0},
        {"only the second waits for it", "PACS", store_of("1.3"), 0, 1},
        {"another originator", "PACS", store_of("1.3", "WS1", 1), 0, 1},
        {"a Message ID that nobody has", "PACS", store_of("1.1", "GANTRY", 4711), 1, 0},
        {"nobody waits for it", "PACS", store_of("1.4"), 0, 0},
        {"another peer", "CT1", store_of("1.1"), 0, 0},
        {"another peer with our Message ID", "CT1", store_of("1.1", "GANTRY", 1), 0, 0},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        MoveArrivals arrivals(ae("GANTRY"));
        Taker first;
        Taker second;
        const auto one = arrivals.expect(first.wants({"1.1", "1.2"}));
        const auto two = arrivals.expect(second.wants({"1.1", "1.3"}));
        const auto claimed = arrivals.claim(from(row.calling), row.request);
        CHECK(claimed.has_value() == (row.first + row.second == 1));
        CHECK(first.came.size() == row.first);
        CHECK(second.came.size() == row.second);
        if (row.first == 1)
            CHECK(one.met_by() == Rendezvous::caller);
    }
}

TEST_CASE("a move that is over takes nothing more and its Message ID is not used again soon")
{
    MoveArrivals arrivals(ae("GANTRY"));
    Taker taker;
    std::uint16_t id = 0;
    {
        const auto over = arrivals.expect(taker.wants({"1.1"}));
        id = over.message_id();
    }
    const auto next = arrivals.expect(taker.wants({"1.2"}));
    CHECK(next.message_id() != id);
    CHECK_FALSE(arrivals.claim(from("PACS"), store_of("1.1", "GANTRY", id)).has_value());
    CHECK(taker.came.empty());
}

TEST_CASE("a move is idle when none of its C-STOREs is under way")
{
    MoveArrivals arrivals(ae("GANTRY"));
    Taker taker;
    const auto move = arrivals.expect(taker.wants({"1.1", "1.2"}));
    CHECK(move.idle());
    auto first = arrivals.claim(from("PACS"), store_of("1.1"));
    auto second = arrivals.claim(from("PACS"), store_of("1.2"));
    CHECK_FALSE(move.idle());
    first.reset();
    CHECK_FALSE(move.idle());
    second.reset();
    CHECK(move.idle());
}

TEST_CASE("a C-STORE that outlasts its move touches nothing of it")
{
    MoveArrivals arrivals(ae("GANTRY"));
    std::optional<MoveArrivals::Begun> begun;
    {
        Taker taker;
        const auto move = arrivals.expect(taker.wants({"1.1"}));
        begun = arrivals.claim(from("PACS"), store_of("1.1"));
    }
    REQUIRE(begun.has_value());
    auto& incoming = std::get<std::unique_ptr<dimse::IncomingInstance>>(*begun);
    CHECK(incoming->write({}).has_value());
    incoming.reset();
}

TEST_CASE("nobody is in take once a move is over")
{
    MoveArrivals arrivals(ae("GANTRY"));
    std::atomic<bool> done = false;
    std::thread storing([&] {
        while (!done)
            (void)arrivals.claim(from("PACS"), store_of("1.1"));
    });
    for (int i = 0; i < 200; ++i) {
        auto taker = std::make_unique<Taker>(); // what `take` refers to goes with the move
        const auto move = arrivals.expect(taker->wants({"1.1"}));
        std::this_thread::yield();
    }
    done = true;
    storing.join();
    CHECK_FALSE(arrivals.claim(from("PACS"), store_of("1.1")).has_value());
}

TEST_CASE("of a context on which a PACS moves to us what keeps pixels as they are is taken")
{
    struct Row {
        const char* says;
        std::vector<const char*> offered;
        const char* taken;
    };

    const char* const implicit = "1.2.840.10008.1.2";
    const char* const explicit_le = "1.2.840.10008.1.2.1";
    const char* const big = "1.2.840.10008.1.2.2";
    const char* const deflated = "1.2.840.10008.1.2.1.99";
    const char* const jpeg = "1.2.840.10008.1.2.4.70";
    const char* const j2k = "1.2.840.10008.1.2.4.90";
    const char* const jpip = "1.2.840.10008.1.2.4.94";
    const Row rows[] = {
        {"compressed before native", {implicit, explicit_le, jpeg}, jpeg},
        {"of two compressed ones the peer's first", {j2k, jpeg, implicit}, j2k},
        {"explicit before implicit", {implicit, explicit_le}, explicit_le},
        {"implicit before big endian", {big, implicit}, implicit},
        {"explicit before deflated", {deflated, explicit_le}, explicit_le},
        {"pixels that are elsewhere come last", {jpip, implicit}, implicit},
        {"what is not known comes after what is", {"1.2.840.113619.5.2", implicit}, implicit},
        {"big endian alone", {big}, big},
        {"a private one alone", {"1.2.840.113619.5.2"}, "1.2.840.113619.5.2"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        std::vector<Uid> offered;
        for (const char* syntax : row.offered)
            offered.push_back(uid(syntax));
        const auto answer = faces::moved_context(offered);
        CHECK(answer.reason == ContextAnswer::Reason::accepted);
        REQUIRE(answer.transfer_syntax.has_value());
        CHECK(answer.transfer_syntax->str() == row.taken);
    }
}

TEST_CASE("a PACS that is no peer may associate to move to us and for nothing else")
{
    House house;
    CHECK_FALSE(house.face.admit({ae("PACS"), ae("GANTRY"), "10.0.0.1"}).has_value());
    CHECK(
        house.face.admit({ae("OTHER"), ae("GANTRY"), "10.0.0.1"}) ==
        dimse::Refusal::calling_ae_not_recognised
    );
    CHECK(house.face.max_associations_of(ae("PACS")) > 0);
    CHECK(house.answer("PACS", {uid("1.2.840.10008.1.2")}) == "1.2.840.10008.1.2");
    CHECK(house.answer("OTHER", {uid("1.2.840.10008.1.2")}) == "refused");

    // Nobody waits: not into custody, as it may not store.
    const auto begun = house.face.begin_store(from("PACS"), store_of("1.1"));
    REQUIRE(std::holds_alternative<DimseStatus>(begun));
    CHECK(std::get<DimseStatus>(begun).code == status::not_authorised);
}

TEST_CASE("what a PACS stores that nobody waits for goes into custody where it may store")
{
    House house;
    Taker taker;
    auto expected = taker.wants({"1.1"});
    expected.pacs = {ae("CT1")};
    const auto move = house.arrivals.expect(std::move(expected));
    const auto moved = house.face.begin_store(from("CT1"), store_of("1.1"));
    CHECK(std::holds_alternative<std::unique_ptr<dimse::IncomingInstance>>(moved));
    CHECK(taker.came == std::vector<std::string>{"1.1"});
    const auto stored = house.face.begin_store(from("CT1"), store_of("1.2"));
    REQUIRE(std::holds_alternative<DimseStatus>(stored)); // the spool was asked, which has no room
    CHECK(std::get<DimseStatus>(stored).code == status::out_of_resources);
    CHECK(taker.came.size() == 1);
}
