// Associations kept for the next conversation, and what one peer allows at once.
#include "dimse/requestor_rig.h"
#include "gateway/loop/task_group.h"

#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <atomic>

// What is awaited belongs to the test, which waits for its end.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)
using namespace gantry;
using namespace gantry::tests;

namespace {

using dimse::Errc;
using dimse::make_error_code;

constexpr std::chrono::minutes long_kept{10};

struct Kept : RequestorRig {
    Kept() { options.keep_idle = long_kept; }

    Result<dimse::FindAnswer> find_fuzzy(dimse::Requestor& requestor)
    {
        auto asked = inquiry();
        asked.wanted.fuzzy = true;
        FoundStudies found;
        return loop.run(requestor.find(std::move(asked), found));
    }

    Result<dimse::FindAnswer> find_once(dimse::Requestor& requestor)
    {
        FoundStudies found;
        return find(requestor, found);
    }

    auto
    start(dimse::Requestor& requestor, FoundStudies& found, std::string_view lines = study_keys)
    {
        return asio::co_spawn(loop.loop(), requestor.find(inquiry(lines), found), asio::use_future);
    }

    auto start_get(dimse::Requestor& requestor)
    {
        return asio::co_spawn(loop.loop(), getting(requestor), asio::use_future);
    }
};

/// Resets the connection of the first `times` requests after the first one.
auto ends_request(std::atomic<int>& times)
{
    return [&times](ScriptedPeer& peer, const PacsRequest&) {
        if (times.fetch_sub(1) <= 0)
            return false;
        peer.reset();
        return true;
    };
}

} // namespace

TEST_CASE("questions of a kind share one association")
{
    ScriptedPacs pacs;
    pacs.add("STUDY", "0020,000d=1.2");
    pacs.hold(pacs_instance("1.2", "1.2.3", "1.2.3.4"));
    Kept rig;
    dimse::Requestor requestor = rig.to(pacs);
    dimse::Requestor copy = requestor;
    for (int i = 0; i < 5; ++i)
        CHECK(rig.find_once(i % 2 == 0 ? requestor : copy).has_value());
    CHECK(pacs.associations() == 1);
    CHECK(pacs.asked().size() == 5);
    REQUIRE(rig.get(requestor).has_value());
    REQUIRE(rig.get(requestor).has_value());
    CHECK(pacs.associations() == 2);
    CHECK(pacs.open() == 2);
}

TEST_CASE("fuzzy and literal questions never share an association")
{
    ScriptedPacs pacs({.grants = {.fuzzy = true}});
    Kept rig;
    dimse::Requestor requestor = rig.to(pacs);
    CHECK_FALSE(rig.find_once(requestor)->granted.fuzzy);
    CHECK(rig.find_fuzzy(requestor)->granted.fuzzy);
    CHECK_FALSE(rig.find_once(requestor)->granted.fuzzy);
    CHECK(rig.find_fuzzy(requestor)->granted.fuzzy);
    CHECK(pacs.associations() == 2);
}

TEST_CASE("without keep_idle each association is released at once")
{
    ScriptedPacs pacs;
    RequestorRig rig;
    dimse::Requestor requestor = rig.to(pacs);
    FoundStudies found;
    CHECK(rig.find(requestor, found).has_value());
    CHECK(pacs.wait_open(0));
    CHECK(rig.find(requestor, found).has_value());
    CHECK(pacs.associations() == 2);
}

TEST_CASE("an association that nothing could be asked on is not kept")
{
    ScriptedPacs pacs({.refused_classes = {study_find}});
    Kept rig;
    dimse::Requestor requestor = rig.to(pacs);
    CHECK(rig.find_once(requestor).error().code == make_error_code(Errc::no_context));
    CHECK(pacs.wait_open(0));
    pacs.change([](PacsScript& script) { script.refused_classes = {}; });
    CHECK(rig.find_once(requestor).has_value());
    CHECK(pacs.open() == 1);
}

TEST_CASE("a kept association that the peer has ended is replaced before it is used")
{
    ScriptedPacs pacs;
    Kept rig;
    dimse::Requestor requestor = rig.to(pacs);
    CHECK(rig.find_once(requestor).has_value());
    pacs.hang_up();
    REQUIRE(pacs.wait_open(0));
    CHECK(rig.find_once(requestor).has_value());
    CHECK(pacs.associations() == 2);
    CHECK(pacs.asked().size() == 2);
}

TEST_CASE("a question that a kept association swallows is asked once more on a new one")
{
    ScriptedPacs pacs;
    Kept rig;
    dimse::Requestor requestor = rig.to(pacs);
    CHECK(rig.find_once(requestor).has_value());
    std::atomic<int> times = 1;
    pacs.change([&](PacsScript& script) { script.instead = ends_request(times); });
    CHECK(rig.find_once(requestor).has_value());
    CHECK(pacs.asked().size() == 3);
    times = 2;
    const auto answer = rig.find_once(requestor);
    REQUIRE(answer.has_error());
    CHECK(answer.error().code == make_error_code(Errc::closed));
    CHECK(pacs.asked().size() == 5); // never a third time
}

TEST_CASE("a question is never asked again once an answer has come")
{
    ScriptedPacs pacs;
    pacs.add("STUDY", "0020,000d=1.2");
    Kept rig;
    dimse::Requestor requestor = rig.to(pacs);
    CHECK(rig.find_once(requestor).has_value());
    pacs.change([](PacsScript& script) {
        script.instead = [](ScriptedPeer& peer, const PacsRequest& request) {
            peer.send(command_pdu(command_set(
                {{0x0100, us(0x8020)},
                 {0x0120, us(request.message_id)},
                 {0x0800, us(0)},
                 {0x0900, us(0xff00)}}
            )));
            peer.send(data_pdu(data_set({{0x0020000d, "1.2", "UI"}})));
            (void)peer.send(abort_pdu());
            (void)peer.closed();
            return true;
        };
    });
    FoundStudies found;
    const auto answer = rig.find(requestor, found);
    REQUIRE(answer.has_error());
    CHECK(answer.error().code == make_error_code(Errc::aborted));
    CHECK(found.uids.size() == 1);
    CHECK(pacs.asked().size() == 2);
}

TEST_CASE("where all places are taken by others the one unused longest is released")
{
    ScriptedPacs pacs({.most_associations = 2});
    pacs.hold(pacs_instance("1.2", "1.2.3", "1.2.3.4"));
    Kept rig;
    rig.options.max_associations = 2;
    dimse::Requestor requestor = rig.to(pacs);
    CHECK(rig.find_once(requestor).has_value());
    CHECK(rig.find_fuzzy(requestor).has_value());
    CHECK(rig.get(requestor).has_value()); // in place of the literal one
    CHECK(pacs.associations() == 3);
    CHECK(rig.find_fuzzy(requestor).has_value());
    CHECK(pacs.associations() == 3);
    CHECK(rig.loop.run(requestor.echo()).has_value());
    CHECK(pacs.rejected() == 0);
    CHECK(pacs.most_at_once() == 2);
}

TEST_CASE("a peer that refuses one more gets back what is kept and is asked again")
{
    ScriptedPacs pacs({.most_associations = 1});
    pacs.hold(pacs_instance("1.2", "1.2.3", "1.2.3.4"));
    Kept rig;
    dimse::Requestor requestor = rig.to(pacs);
    CHECK(rig.find_once(requestor).has_value());
    CHECK(rig.get(requestor).has_value());
    CHECK(pacs.associations() == 2);
}

TEST_CASE("there are never more associations than the peer allows and the first is served first")
{
    ScriptedPacs pacs({.most_associations = 2});
    Kept rig;
    rig.options.max_associations = 1;
    dimse::Requestor requestor = rig.to(pacs);
    std::vector<FoundStudies> found(8);
    std::vector<std::future<Result<dimse::FindAnswer>>> answers;
    for (std::size_t i = 0; i < found.size(); ++i)
        answers.push_back(
            rig.start(requestor, found[i], "0008,0052=STUDY | 0020,000d=1." + std::to_string(i))
        );
    for (auto& answer : answers)
        CHECK(answer.get().has_value());
    CHECK(pacs.most_at_once() == 1);
    const auto asked = pacs.asked();
    REQUIRE(asked.size() == 8);
    for (std::size_t i = 0; i < asked.size(); ++i)
        CHECK(asked[i].identifier.ends_with("=1." + std::to_string(i)));
}

TEST_CASE("retrieves leave a place to questions where there are several")
{
    ScriptedPacs pacs({.most_associations = 2});
    pacs.hold(pacs_instance("1.2", "1.2.3", "1.2.3.4"));
    Kept rig;
    rig.options.max_associations = 2;
    Signposts posts;
    rig.arrivals.on_write = [&](ConstBytes) -> Result<void> {
        posts.reach("held");
        (void)posts.wait("go on");
        return {};
    };
    dimse::Requestor requestor = rig.to(pacs);
    auto first = rig.start_get(requestor);
    auto second = rig.start_get(requestor);
    REQUIRE(posts.wait("held"));
    CHECK(rig.find_once(requestor).has_value());
    CHECK(pacs.asked(0x0010).size() == 1);
    posts.reach("go on");
    CHECK(first.get().has_value());
    CHECK(second.get().has_value());
    CHECK(pacs.most_at_once() == 2);
}

TEST_CASE("who waits too long for a turn is told busy and who gives up takes none")
{
    ScriptedPacs pacs;
    pacs.hold(pacs_instance("1.2", "1.2.3", "1.2.3.4"));
    Kept rig;
    rig.options.max_associations = 1;
    rig.options.turn_timeout = std::chrono::milliseconds(50);
    Signposts posts;
    rig.arrivals.on_write = [&](ConstBytes) -> Result<void> {
        posts.reach("held");
        (void)posts.wait("go on");
        return {};
    };
    dimse::Requestor requestor = rig.to(pacs);
    auto first = rig.start_get(requestor);
    REQUIRE(posts.wait("held"));
    const auto answer = rig.find_once(requestor);
    REQUIRE(answer.has_error());
    CHECK(answer.error().code == make_error_code(Errc::busy));
    const auto echoed = rig.loop.run(requestor.echo());
    CHECK(echoed.error().code == make_error_code(Errc::busy));
    posts.reach("go on");
    CHECK(first.get().has_value());
    CHECK(rig.find_once(requestor).has_value());
}

TEST_CASE("a turn that is waited for can be cancelled")
{
    ScriptedPacs pacs;
    pacs.hold(pacs_instance("1.2", "1.2.3", "1.2.3.4"));
    Kept rig;
    rig.options.max_associations = 1;
    Signposts posts;
    Signposts cancel;
    rig.arrivals.on_write = [&](ConstBytes) -> Result<void> {
        posts.reach("held");
        (void)posts.wait("go on");
        return {};
    };
    dimse::Requestor requestor = rig.to(pacs);
    auto first = rig.start_get(requestor);
    REQUIRE(posts.wait("held"));
    cancel.reach("give up");
    FoundStudies found;
    CHECK(rig.loop.run(cancelled_at(cancel, requestor.find(rig.inquiry(), found))));
    CHECK(pacs.asked(0x0020).empty());
    posts.reach("go on");
    CHECK(first.get().has_value());
    CHECK(rig.find_once(requestor).has_value());
}

TEST_CASE("an association for stores has a turn until it is released")
{
    ScriptedPacs pacs;
    Kept rig;
    rig.options.max_associations = 1;
    rig.options.turn_timeout = std::chrono::milliseconds(50);
    dimse::Requestor requestor = rig.to(pacs);
    auto opened = rig.loop.run(requestor.open_store(storage()));
    REQUIRE(opened.has_value());
    CHECK(rig.find_once(requestor).error().code == make_error_code(Errc::busy));
    rig.loop.run((*opened)->release());
    rig.loop.call([&] { opened->reset(); });
    CHECK(pacs.wait_open(0));
    dimse::Requestor patient = requestor;
    CHECK(rig.find_once(patient).has_value());
}

TEST_CASE("what is unused for too long is released and the rest where tending ends")
{
    ScriptedPacs pacs;
    Kept rig;
    rig.options.keep_idle = std::chrono::milliseconds(30);
    dimse::Requestor requestor = rig.to(pacs);
    auto tasks = rig.loop.call([&] {
        auto group = std::make_unique<TaskGroup>(rig.loop.loop().get_executor(), "test");
        group->spawn(requestor.tend());
        return group;
    });
    CHECK(rig.find_once(requestor).has_value());
    CHECK(pacs.wait_open(0));
    CHECK(rig.find_once(requestor).has_value());
    CHECK(rig.find_fuzzy(requestor).has_value());
    rig.loop.call([&] { tasks->cancel(); });
    rig.loop.run(tasks->drained());
    CHECK(pacs.wait_open(0));
    CHECK(rig.find_once(requestor).has_value()); // and nothing is kept any more
    CHECK(pacs.wait_open(0));
    rig.loop.call([&] { tasks.reset(); });
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
