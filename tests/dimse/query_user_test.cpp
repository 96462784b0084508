// C-FIND and C-MOVE as SCU.
#include "dimse/error.h"
#include "dimse/requestor.h"
#include "support/loop_thread.h"
#include "support/query_association.h"
#include "support/signposts.h"

#include <dcmtk/config/osconfig.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <doctest/doctest.h>

#include <functional>
#include <future>
#include <string>
#include <vector>

// What is awaited belongs to the test, which waits for its end.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)
using namespace gantry;
using namespace gantry::tests;

namespace {

using dimse::Errc;
using dimse::make_error_code;

std::shared_ptr<DcmDataset> keys()
{
    auto identifier = std::make_shared<DcmDataset>();
    identifier->putAndInsertString(DCM_QueryRetrieveLevel, "STUDY");
    identifier->putAndInsertString(DCM_StudyInstanceUID, "");
    return identifier;
}

/// Keeps the UIDs of matches; wants `most` and no more.
class Kept final : public dimse::MatchSink {
public:
    std::size_t most = 1'000'000;
    std::vector<std::string> uids;
    std::size_t partial = 0;

    asio::awaitable<Result<void>>
    push(std::unique_ptr<DcmDataset> match, bool all_keys_supported) override
    {
        OFString uid;
        match->findAndGetOFString(DCM_StudyInstanceUID, uid);
        uids.emplace_back(uid.c_str());
        partial += all_keys_supported ? 0 : 1;
        if (uids.size() >= most)
            co_return dimse::error(Errc::closed, "enough");
        co_return Result<void>{};
    }
};

asio::awaitable<DimseStatus> give(std::size_t count, dimse::MatchSink& matches)
{
    for (std::size_t i = 0; i < count; ++i) {
        auto match = std::make_unique<DcmDataset>();
        match->putAndInsertString(DCM_StudyInstanceUID, ("1.2." + std::to_string(i)).c_str());
        if (!co_await matches.push(std::move(match), i != 0))
            break;
    }
    co_return DimseStatus{};
}

asio::awaitable<dimse::RetrieveOutcome> end_with(dimse::RetrieveOutcome outcome)
{
    co_return outcome;
}

asio::awaitable<dimse::RetrieveOutcome>
until_cancelled(Signposts& posts, dimse::RetrieveSession& session)
{
    session.on_cancel([&posts] { posts.reach("cancelled"); });
    session.pending({.remaining = 3});
    co_await until(posts, "cancelled");
    dimse::RetrieveOutcome outcome;
    outcome.status.code = 0xfe00;
    outcome.counts.remaining = 3;
    co_return outcome;
}

asio::awaitable<void> find_until(dimse::Requestor& requestor, Kept& kept, Signposts& posts)
{
    using namespace asio::experimental::awaitable_operators;
    dimse::FindInquiry inquiry{*Uid::parse(study_find), keys()};
    auto race = requestor.find(std::move(inquiry), kept) || until(posts, "give up");
    (void)co_await std::move(race);
}

struct Rig {
    LoopThread loop; // outlives the threads that resume coroutines on it
    WorkerPool pool{"outbound", 2};
    dimse::RequestorOptions options;

    Rig()
    {
        options.calling_ae_title = *AeTitle::parse("GANTRY");
        options.timeouts.dimse = std::chrono::seconds(5);
    }

    dimse::Requestor to(std::uint16_t port)
    {
        return {{*AeTitle::parse("GANTRY"), "127.0.0.1", port}, options, pool};
    }

    Result<DimseStatus> find(std::uint16_t port, Kept& kept)
    {
        dimse::Requestor requestor = to(port);
        dimse::FindInquiry inquiry{*Uid::parse(study_find), keys()};
        auto answer = loop.run(requestor.find(std::move(inquiry), kept));
        if (!answer)
            return answer.error();
        return answer->status;
    }

    Result<dimse::RetrieveAnswer> move(std::uint16_t port, dimse::OnPending progress = {})
    {
        dimse::Requestor requestor = to(port);
        dimse::RetrieveInquiry inquiry{*Uid::parse(study_move), keys()};
        return loop.run(
            requestor.move(std::move(inquiry), *AeTitle::parse("VIEWER"), std::move(progress))
        );
    }
};

/// Plays an archive from the request's Identifier on.
class Archive {
public:
    explicit Archive(std::function<void(ScriptedPeer&)> play)
        : done_(std::async(std::launch::async, [this, play = std::move(play)] {
              ScriptedPeer peer = listener_.accept();
              (void)peer.receive_pdu();
              peer.send(associate_accept({explicit_le}));
              (void)peer.receive_pdu();
              (void)peer.receive_pdu();
              play(peer);
          }))
    {
    }

    std::uint16_t port() const { return listener_.port(); }

    void finish() { done_.get(); }

private:
    ScriptedListener listener_;
    std::future<void> done_;
};

ByteVector find_response(unsigned status, bool data_set, unsigned message_id = 1)
{
    return command_pdu(command_set(
        {{0x0100, us(0x8020)},
         {0x0120, us(message_id)},
         {0x0800, us(data_set ? 0 : 0x0101)},
         {0x0900, us(status)}}
    ));
}

} // namespace

TEST_CASE("we find at ourselves: every match in its order and the final status")
{
    RecordingProvider provider;
    provider.find = [](dimse::FindRequest, dimse::MatchSink& matches) {
        return give(300, matches);
    };
    DimseAcceptor acceptor(provider);
    Rig rig;
    Kept kept;
    const auto status = rig.find(acceptor.port(), kept);
    REQUIRE(status.has_value());
    CHECK(status->code == 0);
    REQUIRE(kept.uids.size() == 300);
    CHECK(kept.uids.back() == "1.2.299");
    CHECK(kept.partial == 1);
    CHECK(provider.wait_closed(1));
}

TEST_CASE("a sink that has enough cancels the find (C-CANCEL)")
{
    RecordingProvider provider;
    provider.find = [](dimse::FindRequest, dimse::MatchSink& matches) {
        return give(1'000'000'000, matches);
    };
    DimseAcceptor acceptor(provider);
    Rig rig;
    Kept kept;
    kept.most = 5;
    const auto status = rig.find(acceptor.port(), kept);
    REQUIRE(status.has_value());
    CHECK(status->code == 0xfe00);
    CHECK(kept.uids.size() == 5);
}

TEST_CASE("a find whose coroutine is cancelled aborts its association at once")
{
    Signposts posts;
    Archive archive([&](ScriptedPeer& peer) {
        posts.reach("give up");
        CHECK(aborted(peer, 0, 0));
    });
    Rig rig;
    Kept kept;
    dimse::Requestor requestor = rig.to(archive.port());
    rig.loop.run(find_until(requestor, kept, posts));
    archive.finish();
}

TEST_CASE("an archive without the class is no_context")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    Rig rig;
    Kept kept;
    const auto status = rig.find(acceptor.port(), kept);
    REQUIRE(status.has_error());
    CHECK(status.error().code == make_error_code(Errc::no_context));
    CHECK(provider.wait_closed(1));
}

TEST_CASE("what an archive must not answer ends the find with an error")
{
    struct Row {
        const char* says;
        std::function<void(ScriptedPeer&)> play;
        Errc error;
    };

    const Row rows[] = {
        {"a response to another message",
         [](ScriptedPeer& peer) { peer.send(find_response(0, false, 9)); },
         Errc::malformed},
        {"another command",
         [](ScriptedPeer& peer) { peer.send(command_pdu(store_response(1, 0))); },
         Errc::malformed},
        {"a match that is no data set",
         [](ScriptedPeer& peer) {
             peer.send(find_response(0xff00, true));
             peer.send(data_pdu(hex("08005200 4353 1000 5354")));
         },
         Errc::malformed},
        {"a match without end",
         [](ScriptedPeer& peer) {
             peer.send(find_response(0xff00, true));
             for (int i = 0; i < 100; ++i)
                 peer.send(p_data(1, 0, ByteVector(100'000)));
         },
         Errc::malformed},
        {"silence",
         [](ScriptedPeer& peer) { (void)peer.wait(std::chrono::seconds(5)); },
         Errc::timeout},
        {"the end", [](ScriptedPeer& peer) { peer.reset(); }, Errc::closed},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        Archive archive(row.play);
        Rig rig;
        rig.options.timeouts.dimse = std::chrono::milliseconds(200);
        Kept kept;
        const auto status = rig.find(archive.port(), kept);
        REQUIRE(status.has_error());
        CHECK(status.error().code == make_error_code(row.error));
        archive.finish();
    }
}

TEST_CASE("a move gives its counters and the instances that failed")
{
    RecordingProvider provider;
    std::string destination;
    provider.retrieve = [&](dimse::RetrieveRequest request, dimse::RetrieveSession&) {
        destination = request.move_destination->str();
        dimse::RetrieveOutcome outcome;
        outcome.status.code = 0xb000;
        outcome.counts = {.completed = 4, .failed = 2, .warning = 1};
        outcome.failed = {*Uid::parse("1.2.3"), *Uid::parse("1.2.4")};
        return end_with(outcome);
    };
    DimseAcceptor acceptor(provider);
    Rig rig;
    const auto end = rig.move(acceptor.port());
    REQUIRE(end.has_value());
    CHECK(end->status.code == 0xb000);
    CHECK(end->counts.completed == 4);
    CHECK(end->counts.failed == 2);
    CHECK(end->counts.warning == 1);
    REQUIRE(end->failed.size() == 2);
    CHECK(end->failed[1].str() == "1.2.4");
    CHECK(destination == "VIEWER");
}

TEST_CASE("a move is cancelled where its progress says so")
{
    Signposts posts;
    RecordingProvider provider;
    provider.retrieve = [&](dimse::RetrieveRequest, dimse::RetrieveSession& session) {
        return until_cancelled(posts, session);
    };
    DimseAcceptor acceptor(provider);
    Rig rig;
    std::uint32_t remaining = 0;
    const auto end = rig.move(acceptor.port(), [&](const dimse::SubOperations& counts) {
        remaining = counts.remaining;
        return false;
    });
    REQUIRE(end.has_value());
    CHECK(end->status.code == 0xfe00);
    CHECK(end->counts.remaining == 3);
    CHECK(remaining == 3);
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
