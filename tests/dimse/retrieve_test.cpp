// What C-MOVE and C-GET have in common: requests, Pending and final responses.
#include "support/query_association.h"
#include "support/signposts.h"

#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

// Sessions belong to associations that await these, signposts to tests that outlive them.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)
using namespace gantry;
using namespace gantry::tests;

namespace {

using dimse::RetrieveOutcome;
using dimse::RetrieveSession;

QueryCommand move_command(unsigned message_id = 1)
{
    return {
        .command = 0x0021,
        .sop_class = study_move,
        .message_id = message_id,
        .move_destination = "WORKSTATION"
    };
}

asio::awaitable<RetrieveOutcome> end_with(RetrieveOutcome outcome)
{
    co_return outcome;
}

asio::awaitable<RetrieveOutcome> fail()
{
    throw std::runtime_error("no such origin");
    co_return RetrieveOutcome{};
}

/// Says one Pending, then waits for "go on" or its end.
asio::awaitable<RetrieveOutcome> wait_there(Signposts& posts, RetrieveSession& session)
{
    const Farewell farewell(posts, "ended");
    session.on_cancel([&posts] { posts.reach("cancelled"); });
    session.pending({.remaining = 5, .completed = 1});
    co_await until(posts, "go on");
    co_return RetrieveOutcome{};
}

asio::awaitable<RetrieveOutcome> await_cancel(Signposts& posts, RetrieveSession& session)
{
    co_await until(posts, "listen");
    session.on_cancel([&posts] { posts.reach("cancelled"); });
    co_await until(posts, "cancelled");
    RetrieveOutcome outcome;
    outcome.status.code = 0xfe00;
    outcome.counts.remaining = 4;
    co_return outcome;
}

asio::awaitable<RetrieveOutcome> count_down(std::uint32_t from, RetrieveSession& session)
{
    dimse::SubOperations counts{.remaining = from};
    while (counts.remaining > 0) {
        --counts.remaining;
        ++counts.completed;
        session.pending(counts);
        if (counts.remaining % 100 == 0)
            co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    }
    RetrieveOutcome outcome;
    outcome.counts = counts;
    co_return outcome;
}

std::string fields_of(const ByteVector& response)
{
    std::string text;
    for (const unsigned element : {0x1020U, 0x1021U, 0x1022U, 0x1023U}) {
        const int number = command_number(response, element);
        text += (number < 0 ? "-" : std::to_string(number)) + " ";
    }
    return text + (command_number(response, 0x0800) == 0x0101 ? "none" : "list");
}

std::vector<Uid> uids(std::size_t count)
{
    std::vector<Uid> list;
    for (std::size_t i = 0; i < count; ++i)
        list.push_back(*Uid::parse(
            "1.2.826.0.1.3680043.9.9999.12345678901234567890." + std::to_string(10'000'000 + i)
        ));
    return list;
}

} // namespace

TEST_CASE("a C-MOVE is handed on with its destination and its priority")
{
    RecordingProvider provider;
    dimse::RetrieveRequest seen;
    provider.retrieve = [&](dimse::RetrieveRequest request, RetrieveSession& session) {
        seen = request;
        CHECK(session.channel() == nullptr);
        return end_with({});
    };
    provider.on_grant = [](const Uid&, dimse::QueryOptions wanted) { return wanted; };
    DimseAcceptor acceptor(provider);
    RequestBytes request = query_request(study_move);
    request.extra_user_items = extended_item(study_move, hex("01"));
    ScriptedPeer peer = associate(acceptor, request);
    QueryCommand command = move_command(9);
    command.priority = 1;
    ask(peer, command, study_identifier("1.2.3"));
    const ByteVector last = peer.receive_pdu();
    CHECK(status_of(last) == 0);
    CHECK(command_number(last, 0x0100) == 0x8021);
    CHECK(command_number(last, 0x0120) == 9);
    CHECK(seen.sop_class.str() == study_move);
    CHECK(seen.message_id == 9);
    CHECK(seen.priority == 1);
    REQUIRE(seen.move_destination.has_value());
    CHECK(seen.move_destination->str() == "WORKSTATION");
    CHECK(seen.granted.relational);
    REQUIRE(seen.identifier != nullptr);
}

TEST_CASE("a C-MOVE without a destination that could be one is A801")
{
    RecordingProvider provider;
    provider.retrieve = [](dimse::RetrieveRequest, RetrieveSession&) { return end_with({}); };
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor, query_request(study_move));
    for (const char* destination : {"", "  ", "A TITLE THAT IS TOO LONG"}) {
        CAPTURE(std::string(destination));
        QueryCommand command = move_command();
        command.move_destination = destination;
        ask(peer, command);
        const ByteVector last = peer.receive_pdu();
        CHECK(status_of(last) == 0xa801);
        CHECK(fields_of(last) == "- - - - none");
    }
    CHECK(echoes(peer));
}

TEST_CASE("the final response has the fields of its status and no others (PS3.4 C.4.2.1.6)")
{
    struct Row {
        const char* says;
        std::uint16_t status;
        dimse::SubOperations counts;
        std::size_t failed;
        const char* fields;
    };

    const Row rows[] = {
        {"success", 0x0000, {0, 3, 0, 0}, 0, "- 3 0 0 none"},
        {"nothing to do", 0x0000, {}, 0, "- 0 0 0 none"},
        {"success never lists", 0x0000, {0, 3, 0, 0}, 1, "- 3 0 0 none"},
        {"some failed", 0xb000, {0, 2, 1, 1}, 1, "- 2 1 1 list"},
        {"warnings only", 0xb000, {0, 0, 0, 3}, 0, "- 0 0 3 none"},
        {"all failed", 0xa702, {0, 0, 2, 0}, 2, "- 0 2 0 list"},
        {"cancelled", 0xfe00, {7, 2, 1, 0}, 1, "7 2 1 0 list"},
        {"cancelled at once", 0xfe00, {9, 0, 0, 0}, 0, "9 0 0 0 none"},
        {"unknown destination", 0xa801, {}, 0, "- - - - none"},
        {"identifier", 0xa900, {}, 0, "- - - - none"},
        {"unable half way", 0xc001, {4, 1, 0, 0}, 0, "- 1 0 0 none"},
        {"more than a counter holds", 0xb000, {0, 70'000, 65'536, 1}, 1, "- 65535 65535 1 list"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        RetrieveOutcome outcome;
        outcome.status.code = row.status;
        outcome.counts = row.counts;
        outcome.failed = uids(row.failed);
        RecordingProvider provider;
        provider.retrieve = [&](dimse::RetrieveRequest, RetrieveSession&) {
            return end_with(outcome);
        };
        DimseAcceptor acceptor(provider);
        ScriptedPeer peer = associate(acceptor, query_request(study_move));
        ask(peer, move_command());
        const ByteVector last = peer.receive_pdu();
        CHECK(status_of(last) == row.status);
        CHECK(fields_of(last) == row.fields);
        if (fields_of(last).ends_with("list")) {
            std::string list = outcome.failed[0].str();
            for (std::size_t i = 1; i < row.failed; ++i)
                list += "\\" + outcome.failed[i].str();
            CHECK(content_of(peer.receive_pdu()) == data_set({{0x00080058, list, "UI"}}));
        }
        CHECK(echoes(peer));
    }
}

TEST_CASE("a long list of failed instances is whole where the syntax can hold it")
{
    struct Row {
        const char* syntax;
        std::size_t listed;
    };

    constexpr std::size_t each = 56; // and a backslash
    for (const Row& row : {Row{implicit_le, 5'000}, Row{explicit_le, 65'535 / (each + 1)}}) {
        CAPTURE(std::string(row.syntax));
        RetrieveOutcome outcome;
        outcome.status.code = 0xa702;
        outcome.failed = uids(5'000);
        REQUIRE(outcome.failed[0].str().size() == each);
        RecordingProvider provider;
        provider.retrieve = [&](dimse::RetrieveRequest, RetrieveSession&) {
            return end_with(outcome);
        };
        DimseAcceptor acceptor(provider);
        RequestBytes request;
        request.proposals = {{1, study_move, {row.syntax}}, {5, verification, {explicit_le}}};
        ScriptedPeer peer = associate(acceptor, request);
        ask(peer, move_command(), data_set({}, false));
        CHECK(status_of(peer.receive_pdu()) == 0xa702);
        ByteVector list;
        ByteVector pdu;
        do {
            pdu = peer.receive_pdu();
            list.insert(list.end(), pdu.begin() + 12, pdu.end());
        } while ((pdu.at(11) & std::byte{2}) == std::byte{0});
        const std::size_t value = row.listed * (each + 1) - 1;
        CHECK(list.size() == 8 + value + value % 2);
        CHECK(echoes(peer));
    }
}

TEST_CASE("a retrieve that throws is C000 and not a success")
{
    RecordingProvider provider;
    provider.retrieve = [](dimse::RetrieveRequest, RetrieveSession&) { return fail(); };
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor, query_request(study_move));
    ask(peer, move_command());
    CHECK(status_of(peer.receive_pdu()) == 0xc000);
    CHECK(echoes(peer));
}

TEST_CASE("a long retrieve repeats its last Pending so that the peer goes on waiting")
{
    Signposts posts;
    RecordingProvider provider;
    provider.retrieve = [&](dimse::RetrieveRequest, RetrieveSession& session) {
        return wait_there(posts, session);
    };
    dimse::AcceptorOptions options = acceptor_options();
    options.pending_interval = std::chrono::milliseconds(20);
    DimseAcceptor acceptor(provider, options);
    ScriptedPeer peer = associate(acceptor, query_request(study_move));
    ask(peer, move_command());
    for (int i = 0; i < 5; ++i) {
        const ByteVector pending = peer.receive_pdu();
        CHECK(status_of(pending) == 0xff00);
        CHECK(fields_of(pending) == "5 1 0 0 none");
    }
    posts.reach("go on");
    ByteVector last;
    do
        last = peer.receive_pdu();
    while (status_of(last) == 0xff00);
    CHECK(status_of(last) == 0);
}

TEST_CASE("Pending responses never make the retrieve wait and the last one is among them")
{
    RecordingProvider provider;
    provider.retrieve = [](dimse::RetrieveRequest, RetrieveSession& session) {
        return count_down(10'000, session);
    };
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor, query_request(study_move));
    ask(peer, move_command());
    int remaining = 10'000;
    for (;;) {
        const ByteVector response = peer.receive_pdu();
        if (status_of(response) != 0xff00)
            break;
        const int now = command_number(response, 0x1020);
        CHECK(now < remaining);
        CHECK(now + command_number(response, 0x1021) == 10'000);
        remaining = now;
    }
    CHECK(remaining == 0);
}

TEST_CASE("C-CANCEL before anybody listens is told to who comes to listen")
{
    Signposts posts;
    RecordingProvider provider;
    provider.retrieve = [&](dimse::RetrieveRequest, RetrieveSession& session) {
        return await_cancel(posts, session);
    };
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor, query_request(study_move));
    ask(peer, move_command());
    cancel(peer, 8); // another message
    cancel(peer);
    cancel(peer); // again: of no interest
    CHECK_FALSE(peer.wait(std::chrono::milliseconds(50)));
    posts.reach("listen");
    const ByteVector last = peer.receive_pdu();
    CHECK(status_of(last) == 0xfe00);
    CHECK(fields_of(last) == "4 0 0 0 none");
    CHECK(posts.count("cancelled") == 1);
    CHECK(echoes(peer));
}

TEST_CASE("a move is cancelled when its peer is gone or we stop")
{
    struct Row {
        const char* says;
        void (*leave)(ScriptedPeer&, DimseAcceptor&);
    };

    const Row rows[] = {
        {"A-ABORT", [](ScriptedPeer& peer, DimseAcceptor&) { peer.send(abort_pdu()); }},
        {"A-RELEASE-RQ", [](ScriptedPeer& peer, DimseAcceptor&) { peer.send(release_request()); }},
        {"reset", [](ScriptedPeer& peer, DimseAcceptor&) { peer.reset(); }},
        {"second request",
         [](ScriptedPeer& peer, DimseAcceptor&) {
             peer.send(command_pdu(query_command(move_command(2))));
         }},
        {"our stop", [](ScriptedPeer&, DimseAcceptor& acceptor) { acceptor.stop(); }},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        Signposts posts;
        RecordingProvider provider;
        provider.retrieve = [&](dimse::RetrieveRequest, RetrieveSession& session) {
            return wait_there(posts, session);
        };
        DimseAcceptor acceptor(provider);
        ScriptedPeer peer = associate(acceptor, query_request(study_move));
        ask(peer, move_command());
        CHECK(status_of(peer.receive_pdu()) == 0xff00);
        row.leave(peer, acceptor);
        CHECK(posts.wait("ended"));
        CHECK(posts.count("cancelled") == 0);
        CHECK(provider.wait_closed(1));
    }
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
