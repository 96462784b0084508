#include "dimse/association.h"
#include "support/dimse_association.h"
#include "support/fast_store_scu.h"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace gantry;
using namespace gantry::tests;

namespace {

/// result, source and reason of an A-ASSOCIATE-RJ; empty where it is another PDU.
std::string rejection(const ByteVector& pdu)
{
    if (pdu.at(0) != std::byte{3})
        return {};
    std::string text;
    for (std::size_t i = 7; i < 10; ++i)
        text += std::to_string(std::to_integer<int>(pdu.at(i))) + (i < 9 ? "/" : "");
    return text;
}

std::string answer_to(DimseAcceptor& acceptor, const RequestBytes& request)
{
    ScriptedPeer peer = ScriptedPeer::connect(acceptor.port());
    peer.send(associate_request(request));
    return rejection(peer.receive_pdu());
}

RequestBytes from(const char* calling)
{
    RequestBytes request;
    request.calling = calling;
    return request;
}

} // namespace

TEST_CASE("each refusal goes out with its result and source and reason (PS3.8 9.3.4)")
{
    struct Row {
        const char* says;
        std::function<void(RequestBytes&)> spoil;
        const char* rejection;
    };

    RecordingProvider provider;
    provider.on_admit = [](const dimse::AssociationRequest& request
                        ) -> std::optional<dimse::Refusal> {
        if (request.calling.str() == "STRANGER")
            return dimse::Refusal::calling_ae_not_recognised;
        if (request.calling.str() == "UNLUCKY")
            return dimse::Refusal::temporary_congestion;
        return std::nullopt;
    };
    DimseAcceptor acceptor(provider);
    const Row rows[] = {
        {"wrong called AE", [](RequestBytes& r) { r.called = "OTHER"; }, "1/1/7"},
        {"called AE of blanks", [](RequestBytes& r) { r.called = ""; }, "1/1/7"},
        {"unknown calling AE", [](RequestBytes& r) { r.calling = "STRANGER"; }, "1/1/3"},
        {"calling AE of blanks", [](RequestBytes& r) { r.calling = ""; }, "1/1/3"},
        {"what the provider says", [](RequestBytes& r) { r.calling = "UNLUCKY"; }, "2/3/1"},
        {"protocol version 2", [](RequestBytes& r) { r.version = 2; }, "1/2/2"},
        {"application context", [](RequestBytes& r) { r.application_context = "1.2.3"; }, "1/1/2"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        RequestBytes request;
        row.spoil(request);
        CHECK(answer_to(acceptor, request) == row.rejection);
    }
    CHECK(provider.wait_refused(std::size(rows)));
    ScriptedPeer peer = associate(acceptor);
    CHECK(store_one(peer) == 0);
}

TEST_CASE("one association too many is refused for now: in all and for each calling AE")
{
    RecordingProvider provider;
    provider.max_of_calling = 2;
    auto options = acceptor_options();
    options.max_associations = 3;
    DimseAcceptor acceptor(provider, options);
    std::vector<ScriptedPeer> peers;
    peers.push_back(associate(acceptor, from("CT1")));
    peers.push_back(associate(acceptor, from("CT1")));
    CHECK(answer_to(acceptor, from("CT1")) == "2/3/2");
    peers.push_back(associate(acceptor, from("CT2")));
    CHECK(answer_to(acceptor, from("CT3")) == "2/3/2");
    CHECK(acceptor.associations() == 3);

    peers[0].send(release_request());
    CHECK(peers[0].receive_pdu().at(0) == std::byte{6});
    CHECK(peers[0].closed());
    REQUIRE(provider.wait_closed(1));
    while (acceptor.associations() == 3)
        std::this_thread::yield(); // the loop hears of it a moment later
    CHECK(answer_to(acceptor, from("CT1")) == "");
}

TEST_CASE("what is no A-ASSOCIATE-RQ is answered with A-ABORT and closed (PS3.8 9.3.8)")
{
    struct Row {
        const char* says;
        ByteVector bytes;
        unsigned reason;
    };

    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    const Row rows[] = {
        {"a web request", hex("474554202f20485454502f312e310d0a0d0a"), 1},
        {"zeros", ByteVector(200), 1},
        {"P-DATA first", hex("0400 00000004 00000000"), 2},
        {"A-RELEASE-RQ first", hex("0500 00000004 00000000"), 2},
        {"a length of 4 GiB", hex("0100 ffffffff 0001"), 6},
        {"a length beyond our limit", hex("0100 00080001 0001"), 6},
        {"a length below the fixed part", hex("0100 00000043 0001"), 6},
        {"a length of nothing", hex("0100 00000000"), 6},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        ScriptedPeer peer = ScriptedPeer::connect(acceptor.port());
        peer.send(row.bytes);
        CHECK(aborted(peer, 2, row.reason));
    }
    CHECK(provider.opened() == 0);
}

TEST_CASE("an A-ASSOCIATE-RQ with an even context id is aborted as an invalid parameter")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    RequestBytes request;
    request.proposals = {{2, ct_image, {explicit_le}}};
    ScriptedPeer peer = ScriptedPeer::connect(acceptor.port());
    peer.send(associate_request(request));
    CHECK(aborted(peer, 2, 6));
    CHECK(provider.opened() == 0);
}

TEST_CASE("half an A-ASSOCIATE-RQ is closed at the ACSE deadline wherever it stops")
{
    RecordingProvider provider;
    auto options = acceptor_options();
    options.timeouts.acse = std::chrono::milliseconds(150);
    DimseAcceptor acceptor(provider, options);
    const ByteVector whole = associate_request({});
    for (const std::size_t sent :
         {std::size_t{0}, std::size_t{1}, std::size_t{30}, whole.size() - 1}) {
        CAPTURE(sent);
        ScriptedPeer peer = ScriptedPeer::connect(acceptor.port());
        peer.send(ConstBytes(whole).first(sent));
        CHECK(peer.closed());
    }
    CHECK(provider.opened() == 0);
}

TEST_CASE("an A-ASSOCIATE-RQ that comes byte by byte is as good as any")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = ScriptedPeer::connect(acceptor.port());
    for (const std::byte byte : associate_request({}))
        peer.send(ConstBytes(&byte, 1));
    CHECK(peer.receive_pdu().at(0) == std::byte{2});
    CHECK(store_one(peer) == 0);
}

TEST_CASE("600 silent connections cost a storing modality nothing")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    std::vector<ScriptedPeer> silent;
    const ByteVector half = ByteVector(40, std::byte{1});
    for (int i = 0; i < 600; ++i) {
        silent.push_back(ScriptedPeer::connect(acceptor.port()));
        if (i % 2 == 0)
            silent.back().send(ConstBytes(hex("0100 00000100 0001"))); // and no more
    }
    const FastStoreScu::Template instance{
        ct_image, "1.2.3.100", explicit_le, ct_data_set("1.2.3.100", 64U << 10U)
    };
    FastStoreScu scu({.port = acceptor.port()}, instance);
    for (int i = 0; i < 200; ++i)
        REQUIRE(scu.store("1.2.3." + std::to_string(100 + i)) == 0);
    scu.release();
    CHECK(provider.stored().size() == 200);
    CHECK(acceptor.pending() == 600);
    for (ScriptedPeer& peer : silent)
        CHECK(peer.silent());
}

TEST_CASE("when too many connections have not said who they are the oldest gives way")
{
    RecordingProvider provider;
    auto options = acceptor_options();
    options.max_pending_connections = 3;
    DimseAcceptor acceptor(provider, options);
    std::vector<ScriptedPeer> silent;
    for (int i = 0; i < 4; ++i)
        silent.push_back(ScriptedPeer::connect(acceptor.port()));
    CHECK(silent[0].closed());
    CHECK(silent[3].silent());
    ScriptedPeer peer = associate(acceptor);
    CHECK(store_one(peer) == 0);
    CHECK(silent[1].closed());
}

TEST_CASE("while it drains a listener refuses what is new and lets what runs go on")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor);
    acceptor.drain();
    CHECK(answer_to(acceptor, {}) == "2/3/1");
    CHECK(store_one(peer) == 0);
}

TEST_CASE("a stop aborts twenty live associations at once")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    std::vector<ScriptedPeer> peers;
    for (int i = 0; i < 20; ++i)
        peers.push_back(associate(acceptor));
    // one of them in the middle of a data set
    peers[0].send(command_pdu(store_command({})));
    peers[0].send(p_data(1, 0, ByteVector(1'000)));
    REQUIRE(provider.wait_opened(20));
    const auto start = std::chrono::steady_clock::now();
    acceptor.stop();
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
    for (ScriptedPeer& peer : peers)
        CHECK(aborted(peer, 0, 0));
    CHECK(provider.wait_closed(20));
    CHECK(provider.stored().empty());
}

TEST_CASE("a stop reaches an association whose peer never pauses")
{
    RecordingProvider provider;
    provider.keep_bytes = false;
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor);
    peer.send(command_pdu(store_command({})));
    std::thread flood([&] {
        const ByteVector pdu = p_data(1, 0, ByteVector(100'000));
        while (peer.send(pdu)) {
        }
    });
    REQUIRE(provider.wait_opened(1));
    const auto start = std::chrono::steady_clock::now();
    acceptor.stop();
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
    flood.join();
    CHECK(provider.wait_closed(1));
}
