#include "support/byte_sources.h"
#include "support/query_association.h"
#include "support/signposts.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

// Sessions belong to associations that await these, signposts to tests that outlive them.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)
using namespace gantry;
using namespace gantry::tests;

namespace {

using Clock = std::chrono::steady_clock;
using dimse::RetrieveOutcome;
using dimse::RetrieveSession;

constexpr std::chrono::seconds promptly{1};

RequestBytes get_request(unsigned scp_role = 1)
{
    RequestBytes request = query_request(study_get);
    request.extra_user_items = role_item(ct_image, 0, scp_role);
    if (scp_role == 0)
        request.extra_user_items.clear();
    return request;
}

QueryCommand get_command(unsigned message_id = 1)
{
    return {.command = 0x0010, .sop_class = study_get, .message_id = message_id};
}

std::string name_of(std::size_t number)
{
    return "1.2.3." + std::to_string(number);
}

RetrieveOutcome ended(std::uint16_t status, dimse::SubOperations counts)
{
    RetrieveOutcome outcome;
    outcome.status.code = status;
    outcome.counts = counts;
    return outcome;
}

/// Sends `count` instances one after the other, a Pending after each, until cancelled.
asio::awaitable<RetrieveOutcome>
send_all(std::size_t count, std::size_t size, RetrieveSession& session)
{
    bool cancelled = false;
    session.on_cancel([&] { cancelled = true; });
    dimse::SubOperations counts{.remaining = static_cast<std::uint32_t>(count)};
    for (std::size_t i = 0; i < count && !cancelled; ++i) {
        auto instance = outgoing(name_of(i), size);
        instance.priority = 2;
        const auto answer = co_await session.channel()->store(std::move(instance));
        --counts.remaining;
        ++(answer && answer->code == 0 ? counts.completed : counts.failed);
        session.pending(counts);
    }
    co_return ended(cancelled ? 0xfe00 : counts.failed == 0 ? 0 : 0xb000, counts);
}

/// Sends one instance and remembers what became of it.
struct One {
    std::unique_ptr<ByteSource> source;
    Signposts* posts = nullptr;
    Result<DimseStatus>* result = nullptr;
};

asio::awaitable<RetrieveOutcome> send_one(std::shared_ptr<One> one, RetrieveSession& session)
{
    const Farewell farewell(*one->posts, "ended");
    session.on_cancel([posts = one->posts] { posts->reach("cancelled"); });
    one->posts->reach("begun");
    auto instance = outgoing("1.2.3", std::move(one->source));
    *one->result = co_await session.channel()->store(std::move(instance));
    one->posts->reach(session.channel()->usable() ? "usable" : "unusable");
    co_return ended(*one->result && (*one->result)->code == 0 ? 0 : 0xa702, {.failed = 1});
}

/// Stops waiting for a store once "give up" is reached.
asio::awaitable<RetrieveOutcome> give_up(Signposts& posts, RetrieveSession& session)
{
    using namespace asio::experimental::awaitable_operators;
    auto race = session.channel()->store(outgoing("1.2.3")) || until(posts, "give up");
    (void)co_await std::move(race);
    posts.reach("given up");
    auto second = outgoing("1.2.4");
    const auto answer = co_await session.channel()->store(std::move(second));
    co_return ended(answer ? answer->code : 0xa702, {.completed = 1, .failed = 1});
}

/// Two at once.
asio::awaitable<RetrieveOutcome> send_two(RetrieveSession& session)
{
    using namespace asio::experimental::awaitable_operators;
    auto both = session.channel()->store(outgoing("1.2.3.0")) &&
                session.channel()->store(outgoing("1.2.3.1"));
    const auto [first, second] = co_await std::move(both);
    co_return ended(first && second ? 0 : 0xa702, {.completed = 2});
}

struct Rig {
    Signposts posts;
    RecordingProvider provider;
    Result<DimseStatus> result = DimseStatus{0xffff, {}};
    std::optional<DimseAcceptor> acceptor;

    explicit Rig(dimse::AcceptorOptions options = acceptor_options())
    {
        provider.retrieve = [](dimse::RetrieveRequest, RetrieveSession& session) {
            return send_all(3, 1'000, session);
        };
        acceptor.emplace(provider, std::move(options));
    }

    void sends(std::unique_ptr<ByteSource> source)
    {
        auto one = std::make_shared<One>();
        one->source = std::move(source);
        one->posts = &posts;
        one->result = &result;
        provider.retrieve = [one](dimse::RetrieveRequest, RetrieveSession& session) {
            return send_one(one, session);
        };
    }

    ScriptedPeer asked(const RequestBytes& request = get_request())
    {
        ScriptedPeer peer = associate(*acceptor, request);
        ask(peer, get_command());
        return peer;
    }
};

struct Received {
    ByteVector command;
    ByteVector data_set;
};

/// One C-STORE-RQ with its data set.
Received receive_store(ScriptedPeer& peer)
{
    Received received;
    received.command = peer.receive_pdu();
    REQUIRE(command_number(received.command, 0x0100) == 1);
    for (;;) {
        const ByteVector pdu = peer.receive_pdu();
        REQUIRE((pdu.at(11) & std::byte{1}) == std::byte{0});
        received.data_set.insert(received.data_set.end(), pdu.begin() + 12, pdu.end());
        if ((pdu.at(11) & std::byte{2}) != std::byte{0})
            return received;
    }
}

void answer_store(ScriptedPeer& peer, const Received& received, unsigned status = 0)
{
    const auto id = static_cast<unsigned>(command_number(received.command, 0x0110));
    peer.send(command_pdu(store_response(id, status), 3));
}

std::string counts_of(const ByteVector& response)
{
    std::string text;
    for (const unsigned element : {0x1020U, 0x1021U, 0x1022U, 0x1023U})
        text += std::to_string(command_number(response, element)) + " ";
    return text;
}

} // namespace

TEST_CASE("C-GET sends instances on its own association and a Pending after each (PS3.4 C.4.3)")
{
    Rig rig;
    ScriptedPeer peer = rig.asked();
    const char* counts[] = {"2 1 0 0 ", "1 2 0 0 ", "0 3 0 0 "};
    for (std::size_t i = 0; i < 3; ++i) {
        const Received received = receive_store(peer);
        CHECK(received.command.at(10) == std::byte{3});
        CHECK(received.data_set == ct_data_set(name_of(i), 1'000));
        CHECK(command_text(received.command, 0x0002) == std::string(ct_image) + '\0');
        CHECK(command_text(received.command, 0x1000) == name_of(i) + '\0');
        CHECK(command_number(received.command, 0x0700) == 2);
        CHECK(command_text(received.command, 0x1030).empty());
        CHECK(command_text(received.command, 0x1031).empty());
        answer_store(peer, received);
        const ByteVector pending = peer.receive_pdu();
        CHECK(pending.at(10) == std::byte{1});
        CHECK(status_of(pending) == 0xff00);
        CHECK(command_number(pending, 0x0100) == 0x8010);
        CHECK(command_number(pending, 0x0800) == 0x0101);
        CHECK(counts_of(pending) == counts[i]);
    }
    const ByteVector last = peer.receive_pdu();
    CHECK(status_of(last) == 0);
    CHECK(counts_of(last) == "-1 3 0 0 ");
    CHECK(command_number(last, 0x0800) == 0x0101);
    CHECK(echoes(peer));
}

TEST_CASE("every size of data set arrives whole in PDUs of the peer's size (PS3.8 D.1)")
{
    for (const std::uint32_t max_pdu : {4'096U, 16'384U, 131'072U, 0U}) {
        for (const std::size_t size : {2U, 3'900U, 131'066U, 262'000U, 1'000'000U}) {
            for (const std::size_t piece : {1'000U, 4'090U, 65'536U, 10'000'000U}) {
                CAPTURE(max_pdu);
                CAPTURE(size);
                CAPTURE(piece);
                const ByteVector data_set = ct_data_set("1.2.3", size);
                Rig rig;
                rig.sends(std::make_unique<MemorySource>(data_set, piece));
                RequestBytes request = get_request();
                request.max_pdu = max_pdu;
                ScriptedPeer peer = rig.asked(request);
                const Received received = receive_store(peer);
                CHECK(received.data_set == data_set);
                answer_store(peer, received);
                CHECK(status_of(peer.receive_pdu()) == 0);
            }
        }
    }
}

TEST_CASE("a deflated data set of odd length is padded")
{
    ByteVector odd = ct_data_set("1.2.3", 200'000);
    odd.push_back(std::byte{7});
    Rig rig;
    rig.sends(std::make_unique<MemorySource>(odd, 999));
    ScriptedPeer peer = rig.asked();
    const Received received = receive_store(peer);
    odd.push_back(std::byte{0});
    CHECK(received.data_set == odd);
}

TEST_CASE("without the SCP role nothing can be sent and the retrieve still ends in order")
{
    Rig rig;
    rig.sends(std::make_unique<MemorySource>(ct_data_set("1.2.3", 10)));
    ScriptedPeer peer = rig.asked(get_request(0));
    const ByteVector last = peer.receive_pdu();
    CHECK(status_of(last) == 0xa702);
    CHECK(counts_of(last) == "-1 0 1 0 ");
    REQUIRE(rig.result.has_error());
    CHECK(rig.result.error().code == dimse::make_error_code(dimse::Errc::no_context));
    CHECK(rig.posts.count("usable") == 1);
    CHECK(echoes(peer));
}

TEST_CASE("a failed sub-operation is the status that the peer gave")
{
    Rig rig;
    rig.sends(std::make_unique<MemorySource>(ct_data_set("1.2.3", 10)));
    ScriptedPeer peer = rig.asked();
    answer_store(peer, receive_store(peer), 0xa700);
    CHECK(status_of(peer.receive_pdu()) == 0xa702);
    REQUIRE(rig.result.has_value());
    CHECK(rig.result->code == 0xa700);
}

TEST_CASE("C-CANCEL between sub-operations reaches the retrieve and FE00 tells what is left")
{
    Rig rig;
    ScriptedPeer peer = rig.asked();
    const Received received = receive_store(peer);
    cancel(peer);
    answer_store(peer, received);
    CHECK(status_of(peer.receive_pdu()) == 0xff00);
    const ByteVector last = peer.receive_pdu();
    CHECK(status_of(last) == 0xfe00);
    CHECK(counts_of(last) == "2 1 0 0 ");
    CHECK(echoes(peer));
}

TEST_CASE("C-CANCEL is heard in the middle of a large instance that the peer is slow to read")
{
    Rig rig;
    rig.sends(std::make_unique<MemorySource>(ct_data_set("1.2.3", 60'000'000)));
    ScriptedPeer peer = rig.asked();
    REQUIRE(rig.posts.wait("begun"));
    const auto start = Clock::now();
    cancel(peer);
    CHECK(rig.posts.wait("cancelled"));
    CHECK(Clock::now() - start < promptly);
    const Received received = receive_store(peer);
    CHECK(received.data_set.size() > 60'000'000);
    answer_store(peer, received);
    CHECK(status_of(peer.receive_pdu()) == 0);
}

TEST_CASE("a source that fails before anything has been sent costs one instance")
{
    for (const std::size_t after : {0U, 100'000U}) {
        CAPTURE(after);
        Rig rig;
        auto source = std::make_unique<MemorySource>(ct_data_set("1.2.3", 200'000), 50'000);
        source->break_after(after);
        rig.sends(std::move(source));
        ScriptedPeer peer = rig.asked();
        CHECK(status_of(peer.receive_pdu()) == 0xa702);
        REQUIRE(rig.result.has_error());
        CHECK(rig.result.error().detail == "the source broke");
        CHECK(rig.posts.count("usable") == 1);
        CHECK(echoes(peer));
    }
}

TEST_CASE("a source without bytes is no instance")
{
    Rig rig;
    rig.sends(std::make_unique<MemorySource>(ByteVector{}));
    ScriptedPeer peer = rig.asked();
    CHECK(status_of(peer.receive_pdu()) == 0xa702);
    CHECK(rig.result.has_error());
    CHECK(echoes(peer));
}

TEST_CASE("a source that fails half way ends the association")
{
    Rig rig;
    auto source = std::make_unique<MemorySource>(ct_data_set("1.2.3", 2'000'000), 50'000);
    source->break_after(1'000'000);
    rig.sends(std::move(source));
    ScriptedPeer peer = rig.asked();
    ByteVector pdu;
    do
        pdu = peer.receive_pdu();
    while (pdu.at(0) == std::byte{4});
    CHECK(pdu.at(0) == std::byte{7});
    CHECK(rig.posts.wait("ended"));
    REQUIRE(rig.result.has_error());
    CHECK(rig.result.error().detail == "the source broke");
    CHECK(rig.posts.count("unusable") == 1);
}

TEST_CASE("a store that nobody waits for is finished before the next one")
{
    Rig rig;
    rig.provider.retrieve = [&](dimse::RetrieveRequest, RetrieveSession& session) {
        return give_up(rig.posts, session);
    };
    ScriptedPeer peer = rig.asked();
    const Received first = receive_store(peer);
    rig.posts.reach("give up");
    REQUIRE(rig.posts.wait("given up"));
    CHECK(peer.silent());
    answer_store(peer, first);
    const Received second = receive_store(peer);
    CHECK(command_text(second.command, 0x1000) == std::string("1.2.4\0", 6));
    answer_store(peer, second, 0);
    CHECK(status_of(peer.receive_pdu()) == 0);
}

TEST_CASE("two stores at once go one after the other")
{
    Rig rig;
    rig.provider.retrieve = [](dimse::RetrieveRequest, RetrieveSession& session) {
        return send_two(session);
    };
    ScriptedPeer peer = rig.asked();
    const Received first = receive_store(peer);
    CHECK_FALSE(peer.wait(std::chrono::milliseconds(50)));
    answer_store(peer, first);
    answer_store(peer, receive_store(peer));
    CHECK(status_of(peer.receive_pdu()) == 0);
}

TEST_CASE("a C-GET ends at once when its peer does")
{
    struct Row {
        const char* says;
        void (*leave)(ScriptedPeer&);
        dimse::Errc error;
    };

    const Row rows[] = {
        {"A-ABORT", [](ScriptedPeer& peer) { peer.send(abort_pdu()); }, dimse::Errc::aborted},
        {"A-RELEASE-RQ",
         [](ScriptedPeer& peer) { peer.send(release_request()); },
         dimse::Errc::released},
        {"reset", [](ScriptedPeer& peer) { peer.reset(); }, dimse::Errc::closed},
        {"a response to another message",
         [](ScriptedPeer& peer) { peer.send(command_pdu(store_response(77, 0), 3)); },
         dimse::Errc::malformed},
        {"another request",
         [](ScriptedPeer& peer) { peer.send(command_pdu(echo_command(5), 5)); },
         dimse::Errc::malformed},
    };
    for (const bool in_the_middle : {false, true}) {
        for (const Row& row : rows) {
            CAPTURE(std::string(row.says));
            CAPTURE(in_the_middle);
            Rig rig;
            const std::size_t size = in_the_middle ? 60'000'000 : 10;
            rig.sends(std::make_unique<MemorySource>(ct_data_set("1.2.3", size)));
            ScriptedPeer peer = rig.asked();
            if (!in_the_middle)
                (void)receive_store(peer);
            REQUIRE(rig.posts.wait("begun"));
            const auto start = Clock::now();
            row.leave(peer);
            CHECK(rig.posts.wait("ended"));
            CHECK(Clock::now() - start < promptly);
            CHECK(rig.provider.wait_closed(1));
            if (rig.posts.count("unusable") == 1)
                CHECK(rig.result.error().code == dimse::make_error_code(row.error));
        }
    }
}

TEST_CASE("a peer that never answers a sub-operation is given up after its time")
{
    dimse::AcceptorOptions options = acceptor_options();
    options.timeouts.dimse = std::chrono::milliseconds(100);
    Rig rig(options);
    rig.sends(std::make_unique<MemorySource>(ct_data_set("1.2.3", 10)));
    ScriptedPeer peer = rig.asked();
    (void)receive_store(peer);
    CHECK(aborted(peer, 0, 0));
    CHECK(rig.posts.wait("ended"));
}

TEST_CASE("our stop ends a C-GET in the middle")
{
    Rig rig;
    rig.sends(std::make_unique<MemorySource>(ct_data_set("1.2.3", 60'000'000)));
    ScriptedPeer peer = rig.asked();
    REQUIRE(rig.posts.wait("begun"));
    const auto start = Clock::now();
    rig.acceptor->stop();
    CHECK(Clock::now() - start < promptly);
    CHECK(rig.posts.count("ended") == 1);
}

TEST_CASE("a peer may refuse an instance before it has read all of it")
{
    Rig rig;
    rig.sends(std::make_unique<MemorySource>(ct_data_set("1.2.3", 30'000'000)));
    ScriptedPeer peer = rig.asked();
    Received received;
    received.command = peer.receive_pdu();
    answer_store(peer, received, 0xa700);
    CHECK(rig.posts.wait("ended"));
    ByteVector pdu;
    do
        pdu = peer.receive_pdu();
    while ((pdu.at(11) & std::byte{1}) == std::byte{0});
    CHECK(status_of(pdu) == 0xa702);
    CHECK(rig.result->code == 0xa700);
    CHECK(echoes(peer));
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
