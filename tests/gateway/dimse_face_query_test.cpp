#include "gateway/faces/dimse_face.h"
#include "gateway/faces/dimse_find.h"
#include "support/fake_queue.h"
#include "support/fake_spool.h"
#include "support/manual_clock.h"
#include "support/run.h"
#include "support/scripted_archive.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

using namespace gantry;
using dimse::ContextAnswer;
using Reason = dimse::ContextAnswer::Reason;

namespace {

const char* const ct = "1.2.840.10008.5.1.4.1.1.2";
const char* const study_find = "1.2.840.10008.5.1.4.1.2.2.1";
const char* const study_move = "1.2.840.10008.5.1.4.1.2.2.2";
const char* const study_get = "1.2.840.10008.5.1.4.1.2.2.3";
const char* const implicit_le = "1.2.840.10008.1.2";
const char* const explicit_le = "1.2.840.10008.1.2.1";
const char* const deflated = "1.2.840.10008.1.2.1.99";
const char* const big_endian = "1.2.840.10008.1.2.2";
const char* const jpeg = "1.2.840.10008.1.2.4.70";

Uid uid(const char* text)
{
    return *Uid::parse(text);
}

AeTitle ae(const char* text)
{
    return *AeTitle::parse(text);
}

dimse::ProposedContext
context(const char* abstract_syntax, const std::vector<const char*>& syntaxes)
{
    dimse::ProposedContext out;
    out.id = 1;
    out.abstract_syntax = uid(abstract_syntax);
    for (const char* syntax : syntaxes)
        out.transfer_syntaxes.push_back(uid(syntax));
    return out;
}

asio::awaitable<dimse::RetrieveOutcome>
done(dimse::AssociationInfo, dimse::RetrieveRequest, dimse::RetrieveSession&)
{
    dimse::RetrieveOutcome outcome;
    outcome.counts.completed = 7;
    co_return outcome;
}

class NoSession final : public dimse::RetrieveSession {
public:
    void pending(dimse::SubOperations) override {}

    void on_cancel(std::function<void()>) override {}

    dimse::StoreChannel* channel() override { return nullptr; }
};

class Nobody final : public dimse::MatchSink {
public:
    asio::awaitable<Result<void>> push(std::unique_ptr<DcmDataset>, bool) override
    {
        co_return Result<void>{};
    }
};

struct House {
    asio::io_context loop;
    tests::ManualClock clock;
    tests::FakeSpool spool;
    tests::FakeQueue queue{loop.get_executor(), clock};
    tests::ScriptedArchive archive{"cloud"};
    faces::FindService find{{}, archive};
    faces::DimseFace face;

    explicit House(bool stores = false) : face(options(stores), spool, queue) {}

    House& offers_all()
    {
        face.answer_find(find);
        face.answer_retrieve(done);
        return *this;
    }

    static faces::DimseFaceOptions options(bool stores)
    {
        faces::DimseFaceOptions options;
        options.ae_title = ae("GANTRY");
        options.peers[ae("WS1")] = {};
        options.peers[ae("CT1")] = {.find = false, .move = false, .get = false};
        options.peers[ae("ASKER")] = {.store = false, .move = false, .get = false};
        options.peers[ae("GETTER")] = {.store = false, .find = false, .move = false};
        if (stores)
            options.store_to = {"cloud"};
        options.taken_as_is = [](const Uid&) { return true; };
        return options;
    }

    static dimse::AssociationInfo peer(const char* calling)
    {
        dimse::AssociationInfo info;
        info.calling = ae(calling);
        return info;
    }
};

} // namespace

TEST_CASE("contexts of queries and retrievals are accepted where routed and allowed")
{
    struct Row {
        const char* says;
        const char* calling;
        const char* abstract_syntax;
        std::vector<const char*> offered;
        Reason reason;
        const char* chosen;
    };

    const Row rows[] = {
        {"find", "WS1", study_find, {implicit_le, explicit_le}, Reason::accepted, explicit_le},
        {"implicit alone", "WS1", study_find, {implicit_le}, Reason::accepted, implicit_le},
        {"deflated and big endian beside it",
         "WS1",
         study_move,
         {deflated, big_endian, implicit_le},
         Reason::accepted,
         implicit_le},
        {"deflated alone",
         "WS1",
         study_get,
         {deflated},
         Reason::transfer_syntaxes_not_supported,
         nullptr},
        {"big endian alone",
         "WS1",
         study_find,
         {big_endian},
         Reason::transfer_syntaxes_not_supported,
         nullptr},
        {"a modality may not ask", "CT1", study_find, {explicit_le}, Reason::user_rejection, nullptr
        },
        {"who may ask may not move",
         "ASKER",
         study_move,
         {explicit_le},
         Reason::user_rejection,
         nullptr},
        {"but ask", "ASKER", study_find, {explicit_le}, Reason::accepted, explicit_le},
        {"and who may get may get",
         "GETTER",
         study_get,
         {explicit_le},
         Reason::accepted,
         explicit_le},
        {"the worklist is another matter",
         "WS1",
         "1.2.840.10008.5.1.4.31",
         {explicit_le},
         Reason::abstract_syntax_not_supported,
         nullptr},
    };
    House house;
    House silent;
    house.offers_all();
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto proposed = context(row.abstract_syntax, row.offered);
        const auto answer = house.face.negotiate(House::peer(row.calling), proposed);
        CHECK(answer.reason == row.reason);
        CHECK(
            answer.transfer_syntax == (row.chosen ? std::optional(uid(row.chosen)) : std::nullopt)
        );
        const auto unrouted = silent.face.negotiate(House::peer(row.calling), proposed);
        CHECK(unrouted.reason == Reason::abstract_syntax_not_supported);
    }
}

TEST_CASE("a storage context is for what the peer stores, or for what it gets (PS3.7 D.3.3.4)")
{
    struct Row {
        const char* says;
        const char* calling;
        bool stores_routed;
        bool scp_role;
        std::vector<const char*> offered;
        Reason reason;
        const char* chosen;
        bool scp;
        bool scu;
    };

    const Row rows[] = {
        {"to get, where nothing is stored",
         "GETTER",
         false,
         true,
         {jpeg, implicit_le, explicit_le},
         Reason::accepted,
         explicit_le,
         true,
         false},
        {"compressed alone", "GETTER", false, true, {jpeg}, Reason::accepted, jpeg, true, false},
        {"to get, by one who may store as well",
         "WS1",
         true,
         true,
         {jpeg, explicit_le},
         Reason::accepted,
         explicit_le,
         true,
         true},
        {"to store", "WS1", true, false, {jpeg, explicit_le}, Reason::accepted, jpeg, false, true},
        {"to get, by one who may only store",
         "CT1",
         true,
         true,
         {jpeg, explicit_le},
         Reason::accepted,
         jpeg,
         false,
         true},
        {"to store, where nothing is",
         "WS1",
         false,
         false,
         {explicit_le},
         Reason::abstract_syntax_not_supported,
         nullptr,
         false,
         true},
        {"to get, by one who may neither",
         "ASKER",
         true,
         true,
         {explicit_le},
         Reason::user_rejection,
         nullptr,
         false,
         true},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        House house(row.stores_routed);
        house.offers_all();
        auto proposed = context(ct, row.offered);
        proposed.scp_role = row.scp_role;
        const auto answer = house.face.negotiate(House::peer(row.calling), proposed);
        CHECK(answer.reason == row.reason);
        CHECK(
            answer.transfer_syntax == (row.chosen ? std::optional(uid(row.chosen)) : std::nullopt)
        );
        CHECK(answer.accept_scp_role == row.scp);
        CHECK(answer.accept_scu_role == row.scu);
    }
}

TEST_CASE("extended negotiation grants what is done here (PS3.4 C.5)")
{
    const dimse::QueryOptions all{true, true, true, true};
    const auto granted = [&](House& house, const char* calling, const char* sop_class) {
        return house.face.grant(House::peer(calling), uid(sop_class), all);
    };
    House house;
    house.offers_all();
    const auto find = granted(house, "WS1", study_find);
    CHECK(find.relational);
    CHECK(find.combined_date_time);
    CHECK_FALSE(find.fuzzy);
    CHECK_FALSE(find.timezone);
    const auto move = granted(house, "WS1", study_move);
    CHECK(move.relational);
    CHECK_FALSE(move.combined_date_time);
    CHECK_FALSE(granted(house, "CT1", study_find).relational);
    CHECK_FALSE(granted(house, "WS1", ct).relational);
    CHECK_FALSE(house.face.grant(House::peer("WS1"), uid(study_find), {}).relational);

    auto options = House::options(false);
    options.fuzzy = true;
    options.timezone = true;
    faces::DimseFace of_the_web(options, house.spool, house.queue);
    of_the_web.answer_find(house.find);
    CHECK(of_the_web.grant(House::peer("WS1"), uid(study_find), all).fuzzy);
    CHECK(of_the_web.grant(House::peer("WS1"), uid(study_find), all).timezone);
}

TEST_CASE("a query or retrieval of a class that the peer may not use is refused (PS3.7 C.5.6)")
{
    House house;
    house.offers_all();
    Nobody sink;
    NoSession session;
    dimse::FindRequest find;
    find.sop_class = uid(study_find);
    find.identifier = tests::data_set("0008,0052=STUDY");
    CHECK(tests::run(house.face.on_find(House::peer("WS1"), find, sink)).code == status::success);
    CHECK(tests::run(house.face.on_find(House::peer("CT1"), find, sink)).code == 0x0122);
    find.sop_class = uid(study_move);
    CHECK(tests::run(house.face.on_find(House::peer("WS1"), find, sink)).code == 0x0122);

    dimse::RetrieveRequest get;
    get.sop_class = uid(study_get);
    const auto got = tests::run(house.face.on_retrieve(House::peer("GETTER"), get, session));
    CHECK(got.counts.completed == 7);
    const auto refused = tests::run(house.face.on_retrieve(House::peer("ASKER"), get, session));
    CHECK(refused.status.code == 0x0122);
    get.move_destination = ae("WS1");
    const auto mixed = tests::run(house.face.on_retrieve(House::peer("GETTER"), get, session));
    CHECK(mixed.status.code == 0x0122);
}
