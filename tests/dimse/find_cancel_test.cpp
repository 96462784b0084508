#include "support/query_association.h"
#include "support/signposts.h"

#include <boost/asio/steady_timer.hpp>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace gantry;
using namespace gantry::tests;

namespace {

using Clock = std::chrono::steady_clock;

// What is asked for is 100 ms; what is checked leaves room for a machine that does other things.
constexpr std::chrono::seconds promptly{1};

QueryCommand find_command(unsigned message_id = 1)
{
    return {.command = 0x0020, .sop_class = study_find, .message_id = message_id};
}

/// Gives one match, then waits until it is cancelled (or "go on").
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): the test outlives it
asio::awaitable<DimseStatus> linger(Signposts& posts, dimse::MatchSink& matches)
{
    const Farewell farewell(posts, "ended");
    posts.reach("begun");
    auto match = std::make_unique<DcmDataset>();
    match->putAndInsertString(DCM_StudyInstanceUID, "1.2.3");
    (void)co_await matches.push(std::move(match), true);
    co_await until(posts, "go on");
    co_return DimseStatus{};
}

/// Gives matches without end.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): the test outlives it
asio::awaitable<DimseStatus> pour(Signposts& posts, dimse::MatchSink& matches)
{
    const Farewell farewell(posts, "ended");
    const std::string text(60'000, 'x');
    for (;;) {
        auto match = std::make_unique<DcmDataset>();
        match->putAndInsertString(DCM_TextValue, text.c_str());
        if (!co_await matches.push(std::move(match), true))
            co_return DimseStatus{};
        posts.reach("pushed");
    }
}

/// Does not let itself be cancelled before "let go".
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): the test outlives it
asio::awaitable<DimseStatus> cling(Signposts& posts)
{
    const Farewell farewell(posts, "ended");
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    posts.reach("begun");
    co_await until(posts, "let go");
    co_return DimseStatus{};
}

struct Rig {
    Signposts posts;
    RecordingProvider provider;
    std::optional<DimseAcceptor> acceptor;

    explicit Rig(dimse::AcceptorOptions options = acceptor_options())
    {
        provider.find = [this](dimse::FindRequest, dimse::MatchSink& matches) {
            return linger(posts, matches);
        };
        acceptor.emplace(provider, std::move(options));
    }

    void pours()
    {
        provider.find = [this](dimse::FindRequest, dimse::MatchSink& matches) {
            return pour(posts, matches);
        };
    }

    /// A find under way, of which the first match has been read.
    ScriptedPeer asked()
    {
        ScriptedPeer peer = associate(*acceptor, query_request(study_find));
        ask(peer, find_command());
        REQUIRE(status_of(peer.receive_pdu()) == 0xff00);
        (void)peer.receive_pdu();
        return peer;
    }
};

} // namespace

TEST_CASE("C-CANCEL ends a find at once with FE00 and the next request is unharmed (PS3.7 9.3.2.3)")
{
    Rig rig;
    ScriptedPeer peer = rig.asked();
    const auto start = Clock::now();
    cancel(peer);
    const ByteVector last = peer.receive_pdu();
    CHECK(status_of(last) == 0xfe00);
    CHECK(command_number(last, 0x0800) == 0x0101);
    CHECK(rig.posts.wait("ended"));
    CHECK(Clock::now() - start < promptly);
    CHECK(echoes(peer));
    cancel(peer); // too late: of no interest
    ask(peer, find_command(2));
    CHECK(status_of(peer.receive_pdu()) == 0xff00);
}

TEST_CASE("C-CANCEL of another message is ignored")
{
    Rig rig;
    ScriptedPeer peer = rig.asked();
    cancel(peer, 7);
    cancel(peer, 0);
    rig.posts.reach("go on");
    CHECK(status_of(peer.receive_pdu()) == 0);
}

TEST_CASE("C-CANCEL is heard while matches pour out")
{
    Rig rig;
    rig.pours();
    ScriptedPeer peer = associate(*rig.acceptor, query_request(study_find));
    ask(peer, find_command());
    REQUIRE(status_of(peer.receive_pdu()) == 0xff00);
    cancel(peer);
    for (;;) {
        const ByteVector pdu = peer.receive_pdu();
        if ((pdu.at(11) & std::byte{1}) != std::byte{0} && status_of(pdu) != 0xff00) {
            CHECK(status_of(pdu) == 0xfe00);
            break;
        }
    }
    CHECK(echoes(peer));
}

TEST_CASE("C-CANCEL of a peer that does not read ends the search behind it at once")
{
    Rig rig;
    rig.pours();
    ScriptedPeer peer = associate(*rig.acceptor, query_request(study_find));
    ask(peer, find_command());
    std::size_t before = 0;
    do // until the sockets are full
        before = rig.posts.count("pushed");
    while (rig.posts.wait("pushed", before + 1, std::chrono::milliseconds(300)));
    const auto start = Clock::now();
    cancel(peer);
    CHECK(rig.posts.wait("ended"));
    CHECK(Clock::now() - start < promptly);
    for (;;) {
        const ByteVector pdu = peer.receive_pdu();
        if ((pdu.at(11) & std::byte{1}) != std::byte{0} && status_of(pdu) == 0xfe00)
            break;
    }
    CHECK(echoes(peer));
}

TEST_CASE("FE00 does not wait for a search that ends slowly but the next request does")
{
    Rig rig;
    rig.provider.find = [&](dimse::FindRequest, dimse::MatchSink&) { return cling(rig.posts); };
    ScriptedPeer peer = associate(*rig.acceptor, query_request(study_find));
    ask(peer, find_command());
    REQUIRE(rig.posts.wait("begun"));
    cancel(peer);
    CHECK(status_of(peer.receive_pdu()) == 0xfe00);
    CHECK(rig.posts.count("ended") == 0);
    peer.send(command_pdu(echo_command(9), 5));
    CHECK_FALSE(peer.wait(std::chrono::milliseconds(100)));
    rig.posts.reach("let go");
    CHECK(status_of(peer.receive_pdu()) == 0);
    CHECK(rig.posts.count("ended") == 1);
}

TEST_CASE("a find ends when its peer does: abort or release or a lost connection")
{
    struct Row {
        const char* says;
        void (*leave)(ScriptedPeer&);
    };

    const Row rows[] = {
        {"A-ABORT", [](ScriptedPeer& peer) { peer.send(abort_pdu()); }},
        {"A-RELEASE-RQ", [](ScriptedPeer& peer) { peer.send(release_request()); }},
        {"reset", [](ScriptedPeer& peer) { peer.reset(); }},
        {"end of stream", [](ScriptedPeer& peer) { peer.half_close(); }},
    };
    for (const bool pouring : {false, true}) {
        for (const Row& row : rows) {
            CAPTURE(std::string(row.says));
            CAPTURE(pouring);
            Rig rig;
            if (pouring)
                rig.pours();
            ScriptedPeer peer = rig.asked();
            const auto start = Clock::now();
            row.leave(peer);
            CHECK(rig.posts.wait("ended"));
            CHECK(Clock::now() - start < promptly);
            CHECK(rig.provider.wait_closed(1));
        }
    }
}

TEST_CASE("a release in the middle of a find is confirmed")
{
    Rig rig;
    ScriptedPeer peer = rig.asked();
    peer.send(release_request());
    CHECK(peer.receive_pdu().at(0) == std::byte{6});
    CHECK(peer.closed());
}

TEST_CASE("our stop ends a find and its association")
{
    for (const bool pouring : {false, true}) {
        CAPTURE(pouring);
        Rig rig;
        if (pouring)
            rig.pours();
        ScriptedPeer peer = rig.asked();
        const auto start = Clock::now();
        rig.acceptor->stop();
        CHECK(Clock::now() - start < promptly);
        CHECK(rig.posts.count("ended") == 1);
        if (!pouring)
            CHECK(aborted(peer, 0, 0));
    }
}

TEST_CASE("another request while a find is under way breaks the protocol (PS3.7 D.3.3.3)")
{
    struct Row {
        const char* says;
        ByteVector command;
        unsigned context;
    };

    QueryCommand second = find_command(2);
    const Row rows[] = {
        {"a second find", query_command(second), 1},
        {"an echo", echo_command(2), 5},
        {"a store", store_command({}), 3},
        {"a response", store_response(1, 0), 3},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        Rig rig;
        ScriptedPeer peer = rig.asked();
        peer.send(command_pdu(row.command, row.context));
        CHECK(aborted(peer, 2, 5));
        CHECK(rig.posts.wait("ended"));
    }
}

TEST_CASE("a peer that waits for a long search is not taken for silent")
{
    dimse::AcceptorOptions options = acceptor_options();
    options.timeouts.dimse = std::chrono::milliseconds(50);
    Rig rig(options);
    ScriptedPeer peer = rig.asked();
    CHECK_FALSE(peer.wait(std::chrono::milliseconds(300)));
    rig.posts.reach("go on");
    CHECK(status_of(peer.receive_pdu()) == 0);
}

TEST_CASE("a peer that does not read is given up")
{
    dimse::AcceptorOptions options = acceptor_options();
    options.timeouts.dimse = std::chrono::milliseconds(200);
    Rig rig(options);
    rig.pours();
    ScriptedPeer peer = rig.asked();
    CHECK(rig.posts.wait("ended"));
    CHECK(rig.provider.wait_closed(1));
}
