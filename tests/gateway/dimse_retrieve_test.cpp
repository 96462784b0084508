#include "dimse/error.h"

#include <doctest/doctest.h>

#include "retrieve_support.h"

using namespace gantry;
using namespace gantry::faces;
using namespace gantry::tests;

namespace {

std::vector<std::string> names(const std::vector<Sent>& sent)
{
    std::vector<std::string> out;
    for (const Sent& one : sent)
        out.push_back(one.key.sop.sop_instance.str());
    return out;
}

std::vector<std::string> names(const std::vector<Uid>& uids)
{
    std::vector<std::string> out;
    for (const Uid& one : uids)
        out.push_back(one.str());
    return out;
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("the final status follows from what became of each sub-operation (PS3.4 C.4.2.1.5)")
{
    struct Row {
        const char* says;
        std::set<std::string> withheld;
        std::map<std::string, std::uint16_t> answers;
        std::uint16_t status;
        dimse::SubOperations counts; // remaining, completed, failed, warning
        Names failed;
    };

    const std::string one = slice(1);
    const std::string two = slice(2);
    const std::string three = slice(3);
    const Row rows[] = {
        {"all are stored", {}, {}, 0x0000, {0, 3, 0, 0}, {}},
        {"one is not to be had", {two}, {}, 0xb000, {0, 2, 1, 0}, {two}},
        {"one is refused", {}, {{three, 0xa700}}, 0xb000, {0, 2, 1, 0}, {three}},
        {"one is stored with a warning", {}, {{one, 0xb000}}, 0xb000, {0, 2, 0, 1}, {}},
        {"each is stored with a warning",
         {},
         {{one, 0xb007}, {two, 0xb006}, {three, 0xb000}},
         0xb000,
         {0, 0, 0, 3},
         {}},
        {"a warning and failures",
         {one},
         {{two, 0xb000}, {three, 0xc123}},
         0xb000,
         {0, 0, 2, 1},
         {one, three}},
        {"none is to be had", {one, two, three}, {}, 0xa702, {0, 0, 3, 0}, {one, two, three}},
        {"none is taken",
         {},
         {{one, 0x0122}, {two, 0xa900}, {three, 0x0110}},
         0xa702,
         {0, 0, 3, 0},
         {one, two, three}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        RetrieveWorld world;
        world.archive.fill(3);
        world.archive.withheld = row.withheld;
        world.receiver.status = row.answers;
        const auto outcome = world.run_move();
        CHECK(outcome.status.code == row.status);
        CHECK(outcome.counts.remaining == row.counts.remaining);
        CHECK(outcome.counts.completed == row.counts.completed);
        CHECK(outcome.counts.failed == row.counts.failed);
        CHECK(outcome.counts.warning == row.counts.warning);
        CHECK(names(outcome.failed) == row.failed);
        world.check_counters(outcome, 3);
        CHECK(world.receiver.open_now == 0);
        CHECK(world.receiver.released == world.receiver.opened.size());
    }
}

TEST_CASE("an archive that falls short is never a success")
{
    struct Row {
        const char* says;
        bool silent; // it did not even say what it has
        Shortfall shortfall;
        bool withholds;
        std::uint16_t status;
    };

    constexpr Row rows[] = {
        {"no answer to the question", true, Shortfall::unavailable, false, 0xa701},
        {"a broken answer", true, Shortfall::failed, false, 0xa701},
        {"more than can be listed", true, Shortfall::limit, false, 0xa701},
        {"not let in", true, Shortfall::unauthorised, false, 0xc001},
        {"not understood", true, Shortfall::question, false, 0xa900},
        {"all that was listed came, and there is more", false, Shortfall::limit, false, 0xa701},
        {"all that was listed came, and nobody knows", false, Shortfall::failed, false, 0xa701},
        {"nothing came since nobody answers", false, Shortfall::unavailable, true, 0xa702},
        {"nothing came since we are not let in", false, Shortfall::unauthorised, true, 0xc001},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        RetrieveWorld world;
        world.archive.fill(2);
        world.archive.silent = row.silent;
        world.archive.end = {false, row.shortfall, {}, "as scripted"};
        if (row.withholds)
            world.archive.withheld = {slice(1), slice(2)};
        const auto outcome = world.run_move();
        CHECK(outcome.status.code == row.status);
        CHECK_FALSE(outcome.status.comment.empty());
        CHECK(outcome.status.comment.size() <= 64);
        CHECK(outcome.failed.size() == (row.withholds ? 2 : 0));
    }
}

TEST_CASE("nothing matching is a success without sub-operations, and no association")
{
    RetrieveWorld world;
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0x0000);
    CHECK(outcome.counts.completed == 0);
    CHECK(outcome.failed.empty());
    CHECK(world.receiver.opened.empty());
}

TEST_CASE("an unknown destination is refused before anybody is asked (A801)")
{
    RetrieveWorld world;
    world.archive.fill(1);
    auto request = world.move();
    request.move_destination = ae("NOBODY");
    const auto outcome = run(world.loop, world.ask(std::move(request)));
    CHECK(outcome.status.code == 0xa801);
    CHECK(world.archive.asked == 0);
    CHECK(world.receiver.opened.empty());
    CHECK(world.session.pendings.empty());
}

TEST_CASE("an Identifier that does not fit its model is refused before anybody is asked (A900)")
{
    RetrieveWorld world;
    auto request = world.move();
    auto identifier = std::make_shared<DcmDataset>();
    identifier->putAndInsertString(DCM_QueryRetrieveLevel, "SERIES");
    identifier->putAndInsertString(DCM_SeriesInstanceUID, "1.2.3.0");
    request.identifier = identifier;
    CHECK(run(world.loop, world.ask(request)).status.code == 0xa900);
    request.identifier = nullptr;
    CHECK(run(world.loop, world.ask(request)).status.code == 0xa900);
    CHECK(world.archive.asked == 0);
    // With relational retrieval granted it does.
    request.identifier = identifier;
    request.granted.relational = true;
    CHECK(run(world.loop, world.ask(request)).status.code == 0x0000);
    CHECK(world.archive.question.series == std::vector<Uid>{uid("1.2.3.0")});
}

TEST_CASE("a list of UIDs is asked for as it is")
{
    RetrieveWorld world;
    auto request = world.move();
    auto identifier = std::make_shared<DcmDataset>();
    identifier->putAndInsertString(DCM_QueryRetrieveLevel, "IMAGE");
    identifier->putAndInsertString(DCM_StudyInstanceUID, "1.2.3");
    identifier->putAndInsertString(DCM_SeriesInstanceUID, "1.2.3.0");
    identifier->putAndInsertString(DCM_SOPInstanceUID, "1.2.3.1\\1.2.3.2\\1.2.3.3");
    request.identifier = identifier;
    CHECK(run(world.loop, world.ask(request)).status.code == 0x0000);
    CHECK(world.archive.question.level == QueryLevel::image);
    CHECK(names(world.archive.question.instances) == Names{"1.2.3.1", "1.2.3.2", "1.2.3.3"});
}

TEST_CASE("each C-STORE of a move says whose it is, that of a get does not (PS3.7 9.1.1.1.8)")
{
    RetrieveWorld world;
    world.archive.fill(1);
    CHECK(world.run_move().status.code == 0x0000);
    REQUIRE(world.receiver.sent.size() == 1);
    const Sent& sent = world.receiver.sent[0];
    REQUIRE(sent.originator.has_value());
    CHECK(sent.originator->ae_title == ae("WORKSTATION"));
    CHECK(sent.originator->message_id == 7);
    CHECK(sent.priority == 1);
    CHECK(sent.bytes == small_data_set(slice(1)));

    world.session.get =
        scripted_channel(world.receiver, {{1, uid(ct_class), {uid(explicit_syntax)}, true, false}});
    CHECK(world.run_get().status.code == 0x0000);
    REQUIRE(world.receiver.sent.size() == 2);
    CHECK_FALSE(world.receiver.sent[1].originator.has_value());
    CHECK(world.receiver.opened.size() == 1);
}

TEST_CASE("what the peer of a get negotiated no context for is a failed sub-operation")
{
    RetrieveWorld world;
    world.archive.fill(2);
    world.archive.fill(1, mr_class);
    world.session.get =
        scripted_channel(world.receiver, {{1, uid(ct_class), {uid(explicit_syntax)}, true, false}});
    const auto outcome = world.run_get();
    CHECK(outcome.status.code == 0xb000);
    CHECK(outcome.counts.completed == 2);
    CHECK(names(outcome.failed) == Names{slice(3)});
    world.check_counters(outcome, 3);
    // It is not fetched in vain, and the peer hears of it before anything is sent.
    const auto& wanted = world.archive.acceptable[mr_class];
    CHECK((wanted.has_value() && wanted->empty()));
    CHECK(world.session.pendings[1].failed == 1);
}

TEST_CASE("what the archive sends without having said so is sent on, once")
{
    RetrieveWorld world;
    world.archive.fill(2);
    world.archive.has.push_back(world.archive.has[0]);
    world.archive.unannounced = {slice(2)};
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0x0000);
    CHECK(outcome.counts.completed == 2);
    CHECK(names(world.receiver.sent) == Names{slice(1), slice(2)});
}

TEST_CASE("a destination that cannot be reached fails everything, and nothing is fetched")
{
    RetrieveWorld world;
    world.archive.fill(3);
    world.receiver.unreachable = {
        dimse::error(dimse::Errc::rejected, "called AE title not recognised")
    };
    bool fetched = false;
    world.archive.before = [&fetched](std::size_t) -> asio::awaitable<void> {
        fetched = true;
        return pass();
    };
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0xa702);
    CHECK(outcome.status.comment.starts_with("called AE title not recognised"));
    CHECK(outcome.failed.size() == 3);
    CHECK_FALSE(fetched);
    world.check_counters(outcome, 3);
}

TEST_CASE("an association that breaks costs one instance, the rest goes on another")
{
    RetrieveWorld world;
    world.archive.fill(4);
    world.receiver.breaks = {slice(2)};
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0xb000);
    CHECK(names(outcome.failed) == Names{slice(2)});
    CHECK(names(world.receiver.sent) == Names{slice(1), slice(3), slice(4)});
    CHECK(world.receiver.opened.size() == 2);
    CHECK(world.receiver.opened[0].size() == world.receiver.opened[1].size());
    world.check_counters(outcome, 4);
}

TEST_CASE("an association that is lost between two instances costs none")
{
    RetrieveWorld world;
    world.archive.fill(3);
    world.receiver.dies_after = {slice(1)};
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0x0000);
    CHECK(world.receiver.opened.size() == 2);
}

TEST_CASE("a destination that stays away fails all that remains")
{
    RetrieveWorld world;
    world.archive.fill(4);
    SUBCASE("it cannot be reached again")
    {
        world.receiver.dies_after = {slice(1)};
        world.archive.before = [&world](std::size_t number) -> asio::awaitable<void> {
            if (number == 1)
                world.receiver.unreachable = {dimse::error(dimse::Errc::not_connected)};
            return pass();
        };
    }
    SUBCASE("the second association breaks as well")
    {
        world.receiver.breaks = {slice(2), slice(3)};
    }
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0xb000);
    CHECK(outcome.counts.completed == 1);
    CHECK(names(outcome.failed) == Names{slice(2), slice(3), slice(4)});
    CHECK(world.receiver.opened.size() == 2);
    world.check_counters(outcome, 4);
}

TEST_CASE("what cannot be sent in the peer's syntaxes is transcoded, or else fails alone")
{
    RetrieveWorld world;
    world.archive.fill(3);
    world.archive.from_loop = true;
    world.receiver.takes = {implicit_syntax};
    world.archive.has[1].key.transfer_syntax = uid("1.2.840.10008.1.2.4.102"); // video
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0xb000);
    CHECK(names(outcome.failed) == Names{slice(2)});
    REQUIRE(world.receiver.sent.size() == 2);
    for (const Sent& sent : world.receiver.sent) {
        CHECK(sent.key.transfer_syntax == uid(implicit_syntax));
        CHECK(sent.bytes.size() == small_data_set(slice(1)).size());
        CHECK(sent.bytes.find("UI") == std::string::npos);
    }
}

TEST_CASE("a broken image is a failed sub-operation, never an image without pixels")
{
    RetrieveWorld world;
    world.archive.fill(2);
    world.archive.has[0].key.transfer_syntax = uid(rle_syntax);
    // fragments, of no image
    world.archive.has[0].data_set += std::string("\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff", 12) +
                                     std::string("\xfe\xff\0\xe0\0\0\0\0", 8) +
                                     std::string("\xfe\xff\xdd\xe0\0\0\0\0", 8);
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0xb000);
    CHECK(names(outcome.failed) == Names{slice(1)});
    CHECK(names(world.receiver.sent) == Names{slice(2)});
}

TEST_CASE("the archive is asked for what the destination takes, as stored where that is taken")
{
    struct Row {
        const char* says;
        std::string stored;
        std::set<std::string> takes;
        std::optional<std::vector<std::string>> wanted;
    };

    const Row rows[] = {
        {"as stored", rle_syntax, {rle_syntax, explicit_syntax}, std::nullopt},
        {"native only",
         rle_syntax,
         {implicit_syntax, explicit_syntax},
         Names{explicit_syntax, implicit_syntax}},
        {"nobody knows how it is stored, and compressed is taken",
         "",
         {rle_syntax, explicit_syntax},
         std::nullopt},
        {"nobody knows how it is stored, and only native is taken",
         "",
         {explicit_syntax},
         Names{explicit_syntax}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        RetrieveWorld world;
        world.archive.fill(1);
        world.archive.has[0].key.transfer_syntax = row.stored.empty() ? Uid{} : uid(row.stored);
        world.receiver.takes = row.takes;
        world.run_move();
        const auto& wanted = world.archive.acceptable[ct_class];
        REQUIRE(wanted.has_value() == row.wanted.has_value());
        if (wanted)
            CHECK(names(*wanted) == *row.wanted);
    }
}

TEST_CASE("a class that the archive did not announce gets an association of its own")
{
    RetrieveWorld world;
    world.archive.fill(1);
    world.archive.fill(1, mr_class);
    world.archive.unannounced = {slice(2)};
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0x0000);
    CHECK(outcome.counts.completed == 2);
    CHECK(world.receiver.opened.size() == 2);
    CHECK(world.receiver.released == 2);
}

TEST_CASE("the archive waits for the destination, a window ahead of it")
{
    RetrieveWorld world;
    world.options.window_instances = 3;
    world.archive.fill(20);
    std::size_t fetched = 0;
    std::size_t furthest = 0;
    world.archive.before = [&](std::size_t number) -> asio::awaitable<void> {
        fetched = number;
        furthest = std::max(furthest, number - world.receiver.sent.size());
        return pass();
    };
    world.receiver.before_answer = [](const Sent&) -> asio::awaitable<void> {
        for (int i = 0; i < 10; ++i)
            co_await pass();
    };
    CHECK(world.run_move().status.code == 0x0000);
    CHECK(fetched == 19);
    CHECK(furthest >= 2); // fetching goes on while something is sent
    CHECK(furthest <= 4);

    RetrieveWorld large;
    large.options.window_bytes = Bytes{1}; // each is larger, and goes alone
    large.archive.fill(5);
    CHECK(large.run_move().counts.completed == 5);
}
