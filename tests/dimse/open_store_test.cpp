// One association for many C-STOREs, as a move needs it.
#include "dimse/requestor.h"
#include "support/byte_sources.h"
#include "support/dimse_association.h"
#include "support/loop_thread.h"
#include "support/signposts.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// What is awaited belongs to the test, which waits for its end.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)
using namespace gantry;
using namespace gantry::tests;

namespace {

using Clock = std::chrono::steady_clock;
using dimse::Errc;
using dimse::make_error_code;
using Opened = Result<std::unique_ptr<dimse::StoreAssociation>>;

constexpr std::chrono::seconds promptly{1};

dimse::ProposedContext proposal(const char* abstract_syntax, const char* syntax)
{
    dimse::ProposedContext context;
    context.abstract_syntax = *Uid::parse(abstract_syntax);
    context.transfer_syntaxes = {*Uid::parse(syntax)};
    return context;
}

std::vector<dimse::ProposedContext> proposals()
{
    return {proposal(ct_image, explicit_le), proposal(ct_image, implicit_le)};
}

struct Rig {
    LoopThread loop; // outlives the threads that resume coroutines on it
    WorkerPool pool{"outbound", 2};
    dimse::RequestorOptions options;

    Rig()
    {
        options.calling_ae_title = *AeTitle::parse("GANTRY");
        options.timeouts.acse = std::chrono::seconds(5);
        options.timeouts.dimse = std::chrono::seconds(5);
        options.timeouts.connect = std::chrono::seconds(5);
    }

    Opened open(std::uint16_t port, std::vector<dimse::ProposedContext> contexts = proposals())
    {
        dimse::Requestor requestor({*AeTitle::parse("GANTRY"), "127.0.0.1", port}, options, pool);
        return loop.run(requestor.open_store(std::move(contexts)));
    }

    Result<DimseStatus> store(dimse::StoreChannel& channel, dimse::OutgoingInstance instance)
    {
        return loop.run(channel.store(std::move(instance)));
    }

    /// On the loop, where it lives.
    void drop(std::unique_ptr<dimse::StoreAssociation> association)
    {
        loop.call([&association] { association.reset(); });
    }
};

/// Plays a destination on a thread of its own, from the A-ASSOCIATE-AC on.
class Destination {
public:
    explicit Destination(std::function<void(ScriptedPeer&)> play)
        : done_(std::async(std::launch::async, [this, play = std::move(play)] {
              ScriptedPeer peer = listener_.accept();
              (void)peer.receive_pdu();
              peer.send(associate_accept({explicit_le, implicit_le}));
              play(peer);
          }))
    {
    }

    std::uint16_t port() const { return listener_.port(); }

    /// Rethrows what went wrong in the script.
    void finish() { done_.get(); }

private:
    ScriptedListener listener_;
    std::future<void> done_;
};

ByteVector receive_store(ScriptedPeer& peer)
{
    const ByteVector command = peer.receive_pdu();
    while ((peer.receive_pdu().at(11) & std::byte{2}) == std::byte{0}) {
    }
    return command;
}

ByteVector answer_to(const ByteVector& command, unsigned status = 0)
{
    const auto id = static_cast<unsigned>(command_number(command, 0x0110));
    return command_pdu(store_response(id, status));
}

asio::awaitable<void> store_until(dimse::StoreChannel& channel, Signposts& posts)
{
    using namespace asio::experimental::awaitable_operators;
    auto race = channel.store(outgoing("1.2.3", 100)) || until(posts, "give up");
    (void)co_await std::move(race);
}

asio::awaitable<std::pair<Result<DimseStatus>, Result<DimseStatus>>>
store_two(dimse::StoreChannel& channel)
{
    using namespace asio::experimental::awaitable_operators;
    auto both = channel.store(outgoing("1.2.3.0")) && channel.store(outgoing("1.2.3.1"));
    auto [first, second] = co_await std::move(both);
    co_return std::pair{first, second};
}

} // namespace

TEST_CASE("a destination gets instance after instance on one association and then a release")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    Rig rig;
    auto opened = rig.open(acceptor.port());
    REQUIRE(opened.has_value());
    dimse::StoreAssociation& association = **opened;
    CHECK(association.usable());
    CHECK(association.accepted(*Uid::parse(ct_image)).size() == 2);
    CHECK(association.accepted(*Uid::parse(mr_image)).empty());
    for (unsigned i = 0; i < 5; ++i) {
        const std::string name = "1.2.3." + std::to_string(i);
        auto instance = outgoing(name, 300'000);
        if (i > 0)
            instance.originator = dimse::MoveOriginator{*AeTitle::parse("VIEWER"), 47};
        const auto status = rig.store(association, std::move(instance));
        REQUIRE(status.has_value());
        CHECK(status->code == 0);
    }
    rig.loop.run(association.release());
    CHECK_FALSE(association.usable());
    CHECK(rig.store(association, outgoing("1.2.3")).has_error());
    rig.drop(std::move(*opened));
    CHECK(provider.wait_closed(1));
    CHECK(provider.opened() == 1);
    const auto stored = provider.stored();
    REQUIRE(stored.size() == 5);
    CHECK_FALSE(stored[0].request.move_originator.has_value());
    for (std::size_t i = 1; i < 5; ++i) {
        CHECK(stored[i].data_set == ct_data_set("1.2.3." + std::to_string(i), 300'000));
        REQUIRE(stored[i].request.move_originator.has_value());
        CHECK(stored[i].request.move_originator->str() == "VIEWER");
        CHECK(stored[i].request.move_originator_message_id == 47);
    }
}

TEST_CASE("priority and message ids stand in the command (PS3.7 9.3.1.1)")
{
    std::vector<int> ids;
    int priority = -1;
    Destination destination([&](ScriptedPeer& peer) {
        for (int i = 0; i < 3; ++i) {
            const ByteVector command = receive_store(peer);
            ids.push_back(command_number(command, 0x0110));
            priority = command_number(command, 0x0700);
            peer.send(answer_to(command, i == 1 ? 0xb000 : 0));
        }
        CHECK(peer.receive_pdu().at(0) == std::byte{5});
        peer.send(hex("0600 00000004 00000000"));
        CHECK(peer.closed());
    });
    Rig rig;
    auto opened = rig.open(destination.port());
    REQUIRE(opened.has_value());
    for (int i = 0; i < 3; ++i) {
        auto instance = outgoing("1.2.3");
        instance.priority = 1;
        const auto status = rig.store(**opened, std::move(instance));
        REQUIRE(status.has_value());
        CHECK(status->code == (i == 1 ? 0xb000 : 0));
    }
    rig.loop.run((*opened)->release());
    destination.finish();
    CHECK(priority == 1);
    CHECK(ids == std::vector<int>{1, 2, 3});
}

TEST_CASE("a destination that refuses or takes no context is an error of the opening")
{
    RecordingProvider provider;
    provider.on_admit = [](const dimse::AssociationRequest&) -> std::optional<dimse::Refusal> {
        return dimse::Refusal::calling_ae_not_recognised;
    };
    DimseAcceptor refusing(provider);
    Rig rig;
    auto opened = rig.open(refusing.port());
    REQUIRE(opened.has_error());
    CHECK(opened.error().code == make_error_code(Errc::rejected));

    provider.on_admit = nullptr;
    opened = rig.open(refusing.port(), {proposal("1.2.840.10008.5.1.1.9", explicit_le)});
    REQUIRE(opened.has_error());
    CHECK(opened.error().code == make_error_code(Errc::no_context));

    const std::uint16_t nobody = [] { return ScriptedListener().port(); }();
    opened = rig.open(nobody);
    REQUIRE(opened.has_error());
    CHECK(opened.error().code == make_error_code(Errc::not_connected));
}

TEST_CASE("what cannot be sent leaves the association usable")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    Rig rig;
    auto opened = rig.open(acceptor.port());
    REQUIRE(opened.has_value());
    auto other_class = outgoing("1.2.3");
    other_class.key.sop.sop_class = *Uid::parse(mr_image);
    auto status = rig.store(**opened, std::move(other_class));
    REQUIRE(status.has_error());
    CHECK(status.error().code == make_error_code(Errc::no_context));
    auto broken = std::make_unique<MemorySource>(ct_data_set("1.2.3", 10));
    broken->break_after(0);
    status = rig.store(**opened, outgoing("1.2.3", std::move(broken)));
    REQUIRE(status.has_error());
    CHECK(status.error().detail == "the source broke");
    CHECK((*opened)->usable());
    CHECK(rig.store(**opened, outgoing("1.2.3")).has_value());
    rig.loop.run((*opened)->release());
    CHECK(provider.stored().size() == 1);
}

TEST_CASE("a source that fails half way costs the association and nothing is stored")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    Rig rig;
    auto opened = rig.open(acceptor.port());
    REQUIRE(opened.has_value());
    auto broken = std::make_unique<MemorySource>(ct_data_set("1.2.3", 3'000'000));
    broken->break_after(2'000'000);
    const auto status = rig.store(**opened, outgoing("1.2.3", std::move(broken)));
    REQUIRE(status.has_error());
    CHECK(status.error().detail == "the source broke");
    CHECK_FALSE((*opened)->usable());
    rig.drop(std::move(*opened));
    CHECK(provider.wait_closed(1));
    CHECK(provider.stored().empty());
    CHECK(provider.dropped() == 1);
}

TEST_CASE("two stores to one destination go one after the other")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    Rig rig;
    auto opened = rig.open(acceptor.port());
    REQUIRE(opened.has_value());
    const auto [first, second] = rig.loop.run(store_two(**opened));
    CHECK(first.has_value());
    CHECK(second.has_value());
    CHECK(provider.stored().size() == 2);
    rig.drop(std::move(*opened));
}

TEST_CASE("whoever stops waiting for a store aborts its association at once")
{
    Signposts posts;
    Clock::time_point start;
    Clock::duration took{};
    Destination destination([&](ScriptedPeer& peer) {
        (void)receive_store(peer);
        start = Clock::now();
        posts.reach("give up");
        CHECK(aborted(peer, 0, 0));
        took = Clock::now() - start;
    });
    Rig rig;
    auto opened = rig.open(destination.port());
    REQUIRE(opened.has_value());
    rig.loop.run(store_until(**opened, posts));
    destination.finish();
    CHECK(took < promptly);
    const auto later = rig.store(**opened, outgoing("1.2.4"));
    CHECK(later.has_error());
    CHECK_FALSE((*opened)->usable());
    rig.drop(std::move(*opened));
}

TEST_CASE("an association that is dropped is aborted")
{
    Destination destination([&](ScriptedPeer& peer) { CHECK(aborted(peer, 0, 0)); });
    Rig rig;
    auto opened = rig.open(destination.port());
    REQUIRE(opened.has_value());
    rig.drop(std::move(*opened));
    destination.finish();
}

TEST_CASE("the pool's stop ends every open association")
{
    Destination destination([&](ScriptedPeer& peer) { CHECK(aborted(peer, 0, 0)); });
    Rig rig;
    auto opened = rig.open(destination.port());
    REQUIRE(opened.has_value());
    rig.pool.stop();
    destination.finish();
    CHECK(rig.store(**opened, outgoing("1.2.3")).has_error());
    const auto late = rig.open(destination.port());
    REQUIRE(late.has_error());
    CHECK(late.error().code == make_error_code(Errc::stopped));
    rig.drop(std::move(*opened));
}

TEST_CASE("whatever a destination does wrong the store ends with an error in time")
{
    struct Row {
        const char* says;
        std::function<void(ScriptedPeer&)> play;
        Errc error;
    };

    const Row rows[] = {
        {"vanishes before it answers",
         [](ScriptedPeer& peer) {
             (void)receive_store(peer);
             peer.reset();
         },
         Errc::closed},
        {"aborts",
         [](ScriptedPeer& peer) {
             (void)receive_store(peer);
             peer.send(abort_pdu());
         },
         Errc::aborted},
        {"releases",
         [](ScriptedPeer& peer) {
             (void)receive_store(peer);
             peer.send(release_request());
             CHECK(peer.receive_pdu().at(0) == std::byte{6});
         },
         Errc::released},
        {"stays silent",
         [](ScriptedPeer& peer) {
             (void)receive_store(peer);
             CHECK(aborted(peer, 0, 0));
         },
         Errc::timeout},
        {"answers another message",
         [](ScriptedPeer& peer) {
             (void)receive_store(peer);
             peer.send(command_pdu(store_response(99, 0)));
             CHECK(aborted(peer, 2, 5));
         },
         Errc::malformed},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        Destination destination(row.play);
        Rig rig;
        rig.options.timeouts.dimse = std::chrono::milliseconds(300);
        auto opened = rig.open(destination.port());
        REQUIRE(opened.has_value());
        const auto status = rig.store(**opened, outgoing("1.2.3"));
        REQUIRE(status.has_error());
        CHECK(status.error().code == make_error_code(row.error));
        CHECK_FALSE((*opened)->usable());
        CHECK(rig.store(**opened, outgoing("1.2.4")).has_error());
        rig.drop(std::move(*opened));
        destination.finish();
    }
}

TEST_CASE("a destination that stops reading is given up")
{
    std::promise<void> over;
    Destination destination([&](ScriptedPeer&) { over.get_future().wait(); });
    Rig rig;
    rig.options.timeouts.dimse = std::chrono::milliseconds(300);
    auto opened = rig.open(destination.port());
    REQUIRE(opened.has_value());
    const auto status = rig.store(**opened, outgoing("1.2.3", 60'000'000));
    over.set_value();
    REQUIRE(status.has_error());
    CHECK(status.error().code == make_error_code(Errc::timeout));
    rig.drop(std::move(*opened));
    destination.finish();
}

TEST_CASE("a destination that leaves between two instances is noticed without a store")
{
    Signposts posts;
    Destination destination([&](ScriptedPeer& peer) {
        peer.send(answer_to(receive_store(peer)));
        CHECK(posts.wait("stored"));
        peer.send(abort_pdu());
    });
    Rig rig;
    auto opened = rig.open(destination.port());
    REQUIRE(opened.has_value());
    CHECK(rig.store(**opened, outgoing("1.2.3")).has_value());
    posts.reach("stored");
    destination.finish();
    const auto late = Clock::now() + ScriptedPeer::deadline;
    while ((*opened)->usable() && Clock::now() < late)
        std::this_thread::yield();
    CHECK_FALSE((*opened)->usable());
    const auto status = rig.store(**opened, outgoing("1.2.4"));
    REQUIRE(status.has_error());
    CHECK(status.error().code == make_error_code(Errc::aborted));
    rig.drop(std::move(*opened));
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
