#include "support/dimse_association.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

using namespace gantry;
using namespace gantry::tests;

namespace {

struct Answer {
    int result = -1;
    std::string transfer_syntax;
};

struct Answers {
    std::map<unsigned, Answer> contexts;
    std::map<std::string, std::string> roles; // "scu/scp" by class
    std::uint32_t max_pdu = 0;
};

/// Reads an A-ASSOCIATE-AC by hand.
Answers read(const ByteVector& pdu)
{
    REQUIRE(pdu.at(0) == std::byte{2});
    Answers answers;
    const auto byte = [&](std::size_t at) { return std::to_integer<unsigned>(pdu.at(at)); };
    const auto text = [&](std::size_t at, std::size_t length) {
        std::string out;
        for (std::size_t i = 0; i < length; ++i)
            out.push_back(static_cast<char>(byte(at + i)));
        return out;
    };
    for (std::size_t at = 74; at + 4 <= pdu.size();) {
        const std::size_t length = byte(at + 2) << 8U | byte(at + 3);
        const unsigned type = byte(at);
        if (type == 0x21)
            answers.contexts[byte(at + 4)] = {
                static_cast<int>(byte(at + 6)), text(at + 12, byte(at + 10) << 8U | byte(at + 11))
            };
        if (type == 0x51)
            answers.max_pdu =
                byte(at + 4) << 24U | byte(at + 5) << 16U | byte(at + 6) << 8U | byte(at + 7);
        if (type == 0x54) {
            const std::size_t uid = byte(at + 4) << 8U | byte(at + 5);
            answers.roles[text(at + 6, uid)] =
                std::to_string(byte(at + 6 + uid)) + "/" + std::to_string(byte(at + 7 + uid));
        }
        at += type == 0x50 ? 4 : 4 + length;
    }
    return answers;
}

Answers negotiate(DimseAcceptor& acceptor, const RequestBytes& request)
{
    ScriptedPeer peer = ScriptedPeer::connect(acceptor.port());
    peer.send(associate_request(request));
    return read(peer.receive_pdu());
}

} // namespace

TEST_CASE("128 contexts are answered one by one: unknown classes among them (PS3.8 9.3.3.2)")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    RequestBytes request;
    request.proposals.clear();
    for (unsigned i = 0; i < 128; ++i) {
        Proposal proposal{2 * i + 1, "1.2.840.99999.5." + std::to_string(i), {}};
        if (i % 4 == 0)
            proposal.abstract_syntax = ct_image;
        if (i % 4 == 1)
            proposal.abstract_syntax = "1.2.840.10008.5.1.4.1.2.2.1"; // query: not offered here
        for (int t = 0; t < 40; ++t)
            proposal.transfer_syntaxes.push_back("1.2.840.10008.1.2.4." + std::to_string(50 + t));
        request.proposals.push_back(std::move(proposal));
    }
    const Answers answers = negotiate(acceptor, request);
    REQUIRE(answers.contexts.size() == 128);
    for (unsigned i = 0; i < 128; ++i) {
        CAPTURE(i);
        const Answer& answer = answers.contexts.at(2 * i + 1);
        CHECK(answer.result == (i % 4 == 1 ? 3 : 0));
        if (answer.result == 0)
            CHECK(answer.transfer_syntax == "1.2.840.10008.1.2.4.50");
    }
    CHECK(answers.max_pdu == 131'072);
}

TEST_CASE("an association of which every context is refused is still accepted")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    RequestBytes request;
    request.proposals = {{1, "1.2.840.10008.5.1.1.9", {implicit_le}}};
    const Answers answers = negotiate(acceptor, request);
    CHECK(answers.contexts.at(1).result == 3);
}

TEST_CASE("an answer that does not fit the proposal is not given")
{
    RecordingProvider provider;
    provider.on_negotiate = [](const dimse::ProposedContext&) -> dimse::ContextAnswer {
        return {dimse::ContextAnswer::Reason::accepted, Uid::parse(implicit_le), true};
    };
    DimseAcceptor acceptor(provider);
    RequestBytes request;
    request.proposals = {
        {1, ct_image, {explicit_le}}, {3, ct_image, {explicit_le, implicit_le}}, {5, ct_image, {}}
    };
    const Answers answers = negotiate(acceptor, request);
    CHECK(answers.contexts.at(1).result == 4);
    CHECK(answers.contexts.at(3).result == 0);
    CHECK(answers.contexts.at(3).transfer_syntax == implicit_le);
    CHECK(answers.contexts.at(5).result == 4);
    CHECK(answers.roles.empty());
}

TEST_CASE("a role is answered where it was proposed and may only be lowered (PS3.7 D.3.3.4)")
{
    struct Row {
        const char* says;
        unsigned scu;
        unsigned scp;
        bool willing;
        int result;
        const char* roles;
    };

    const Row rows[] = {
        {"SCU as by default", 1, 0, false, 0, "1/0"},
        {"SCP too, refused", 1, 1, false, 0, "1/0"},
        {"SCP too, accepted", 1, 1, true, 0, "1/1"},
        {"SCP only, accepted", 0, 1, true, 0, "0/1"},
        {"SCP only, refused: no role is left", 0, 1, false, 1, ""},
        {"no role at all", 0, 0, true, 1, ""},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        RecordingProvider provider;
        provider.on_negotiate = [&](const dimse::ProposedContext& context) -> dimse::ContextAnswer {
            return {
                dimse::ContextAnswer::Reason::accepted, context.transfer_syntaxes[0], row.willing
            };
        };
        DimseAcceptor acceptor(provider);
        RequestBytes request;
        request.extra_user_items = role_item(ct_image, row.scu, row.scp);
        Answers answers = negotiate(acceptor, request);
        CHECK(answers.contexts.at(1).result == row.result);
        CHECK(answers.roles[ct_image] == row.roles);
    }
}
