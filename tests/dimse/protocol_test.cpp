// What a peer may do wrong on an association, and what it is told.
#include "support/dimse_association.h"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>

using namespace gantry;
using namespace gantry::tests;

namespace {

RequestBytes with_verification()
{
    RequestBytes request;
    request.proposals = {{1, ct_image, {explicit_le}}, {3, verification, {implicit_le}}};
    return request;
}

} // namespace

TEST_CASE("a peer that breaks the protocol is aborted with the reason (PS3.8 9.3.8)")
{
    struct Row {
        const char* says;
        ByteVector bytes;
        unsigned reason;
    };

    const ByteVector store = command_pdu(store_command({}));
    const Row rows[] = {
        {"unknown PDU type", hex("0900 00000004 00000000"), 1},
        {"PDU type 0", hex("0000 00000004 00000000"), 1},
        {"a second A-ASSOCIATE-RQ", associate_request({}), 2},
        {"an A-ASSOCIATE-AC", hex("0200 00000004 00000000"), 2},
        {"A-RELEASE-RP unasked", hex("0600 00000004 00000000"), 2},
        {"A-RELEASE-RQ of a wrong length", hex("0500 00000006 000000000000"), 6},
        {"PDU larger than agreed", hex("0400 00020001 0001fffd 0103"), 6},
        {"PDU of 4 GiB", hex("0400 ffffffff 00000100 0103"), 6},
        {"PDU without a PDV", hex("0400 00000000"), 6},
        {"PDU too short for a PDV", hex("0400 00000004 00000000"), 6},
        {"PDV longer than its PDU", hex("0400 00000008 00000100 0103 0000"), 6},
        {"PDV shorter than its head", hex("0400 00000006 00000001 0103"), 6},
        {"PDV of odd length", hex("0400 00000007 00000003 0103 00"), 6},
        {"bytes after the last PDV", hex("0400 0000000a 00000004 0101 0000 0000"), 6},
        {"command on a context that was not proposed", command_pdu(store_command({}), 99), 6},
        {"command on an even context", command_pdu(store_command({}), 2), 6},
        {"command that is none", command_pdu(hex("ffff ffff ffffffff")), 6},
        {"data set without a command", data_pdu(ByteVector(10)), 5},
        {"data set on another context", joined({store, data_pdu(ByteVector(10), 3)}), 6},
        {"command within a data set", joined({store, p_data(1, 0, ByteVector(10)), store}), 5},
        {"command on two contexts",
         joined({p_data(1, 1, ByteVector(8)), p_data(3, 3, ByteVector(8))}),
         6},
        {"response to nothing", command_pdu(store_command({.command = 0x8001})), 5},
        {"odd fragment in a data set", joined({store, hex("0400 00000009 00000005 0100 000000")}), 6
        },
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        RecordingProvider provider;
        DimseAcceptor acceptor(provider);
        ScriptedPeer peer = associate(acceptor, with_verification());
        peer.send(row.bytes);
        CHECK(aborted(peer, 2, row.reason));
        peer.reset();
        CHECK(provider.wait_closed(1));
        CHECK(provider.stored().empty());
    }
}

TEST_CASE("a command set without end is not collected")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor);
    for (int i = 0; i < 100; ++i)
        peer.send(p_data(1, 1, ByteVector(1'000)));
    CHECK(aborted(peer, 2, 6));
}

TEST_CASE("a command that nobody knows gets 0211 and its data set is passed over (PS3.7 C.5.15)")
{
    struct Row {
        const char* says;
        unsigned command;
        bool with_data;
    };

    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor);
    for (const Row& row :
         {Row{"C-FIND", 0x0020, true},
          Row{"C-MOVE", 0x0021, true},
          Row{"C-GET", 0x0010, true},
          Row{"N-CREATE", 0x0140, true},
          Row{"N-GET", 0x0110, false},
          Row{"no command of the standard", 0x0042, true}}) {
        CAPTURE(std::string(row.says));
        StoreCommand request;
        request.command = row.command;
        request.message_id = 9;
        request.data_set_type = row.with_data ? 0 : 0x0101;
        peer.send(command_pdu(store_command(request)));
        if (row.with_data)
            peer.send(joined({p_data(1, 0, ByteVector(4'000)), data_pdu(ByteVector(40'000))}));
        const ByteVector response = peer.receive_pdu();
        CHECK(status_of(response) == 0x0211);
        CHECK(command_text(response, 0x0120) == std::string("\x09\x00", 2));
        CHECK(store_one(peer) == 0);
    }
}

TEST_CASE("C-ECHO is answered on its own context and nowhere else (PS3.7 9.3.5)")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor, with_verification());
    peer.send(command_pdu(echo_command(4), 3));
    const ByteVector response = peer.receive_pdu();
    CHECK(status_of(response) == 0);
    CHECK(command_text(response, 0x0100) == std::string("\x30\x80", 2));
    CHECK(command_text(response, 0x0120) == std::string("\x04\x00", 2));
    peer.send(command_pdu(echo_command(5), 1));
    CHECK(status_of(peer.receive_pdu()) == 0x0122);
}

TEST_CASE("a C-STORE on a context for something else is refused")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor, with_verification());
    StoreCommand request;
    request.sop_class = verification;
    peer.send(command_pdu(store_command(request), 3));
    peer.send(data_pdu(ct_data_set("1.2.3.4", 10), 3));
    CHECK(status_of(peer.receive_pdu()) == 0x0122);
    CHECK(provider.stored().empty());
}

TEST_CASE("a C-CANCEL of what has already ended is passed over (PS3.7 9.3.2.3)")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor);
    StoreCommand cancel;
    cancel.command = 0x0fff;
    cancel.data_set_type = 0x0101;
    peer.send(command_pdu(store_command(cancel)));
    CHECK(store_one(peer) == 0);
}

TEST_CASE("an idle association is aborted and its thread is free")
{
    RecordingProvider provider;
    auto options = acceptor_options();
    options.timeouts.dimse = std::chrono::milliseconds(100);
    options.max_associations = 1;
    DimseAcceptor acceptor(provider, options);
    {
        ScriptedPeer idle = associate(acceptor);
        CHECK(aborted(idle, 0, 0));
    }
    REQUIRE(provider.wait_closed(1));
    ScriptedPeer half = [&] {
        for (;;) {
            try {
                return associate(acceptor);
            } catch (const std::runtime_error&) {
                std::this_thread::yield(); // the seat is given back a moment after the abort
            }
        }
    }();
    half.send(command_pdu(store_command({})));
    half.send(p_data(1, 0, ByteVector(1'000)));
    CHECK(aborted(half, 0, 0));
    REQUIRE(provider.wait_closed(2));
    CHECK(provider.dropped() == 1);
}

TEST_CASE("a release is confirmed between messages and right after one")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor);
    peer.send(joined(
        {command_pdu(store_command({})), data_pdu(ct_data_set("1.2.3.4", 10)), release_request()}
    ));
    CHECK(status_of(peer.receive_pdu()) == 0);
    CHECK(peer.receive_pdu() == hex("0600 00000004 00000000"));
    CHECK(peer.closed());
    CHECK(provider.wait_closed(1));
}

TEST_CASE("responses keep to the PDU size that the peer takes")
{
    struct Row {
        std::uint32_t max_pdu;
        std::size_t pdus;
    };

    for (const Row& row : {Row{0, 1}, Row{128, 2}, Row{4'096, 1}, Row{0xffffffffU, 1}}) {
        CAPTURE(row.max_pdu);
        RecordingProvider provider;
        provider.on_begin = [](const dimse::StoreRequest&) -> std::optional<DimseStatus> {
            return DimseStatus{status::out_of_resources, std::string(64, 'x')};
        };
        DimseAcceptor acceptor(provider);
        RequestBytes request;
        request.max_pdu = row.max_pdu;
        ScriptedPeer peer = associate(acceptor, request);
        peer.send(joined({command_pdu(store_command({})), data_pdu(ct_data_set("1.2.3.4", 10))}));
        ByteVector response = peer.receive_pdu();
        if (row.pdus == 2) {
            CHECK(response.size() <= row.max_pdu + 6);
            CHECK(response.at(11) == std::byte{1});
            const ByteVector rest = peer.receive_pdu();
            CHECK(rest.at(11) == std::byte{3});
            response.insert(response.end(), rest.begin() + 12, rest.end());
        } else
            CHECK(response.at(11) == std::byte{3});
        CHECK(status_of(response) == 0xa700);
        CHECK(command_text(response, 0x0902) == std::string(64, 'x'));
    }
}
