#include "support/query_association.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace gantry;
using namespace gantry::tests;

namespace {

constexpr const char* patient_find = "1.2.840.10008.5.1.4.1.2.1.1";

/// The information of every item 56H in an A-ASSOCIATE-AC, in hexadecimal, read by hand.
std::string answers_in(const ByteVector& pdu)
{
    std::string out;
    const auto byte = [&](std::size_t at) { return std::to_integer<unsigned>(pdu.at(at)); };
    for (std::size_t at = 74; at + 4 <= pdu.size();) {
        const std::size_t length = byte(at + 2) << 8U | byte(at + 3);
        if (byte(at) == 0x56) {
            const std::size_t uid = byte(at + 4) << 8U | byte(at + 5);
            for (std::size_t i = 0; i < uid; ++i)
                out.push_back(static_cast<char>(byte(at + 6 + i)));
            out.push_back('=');
            for (std::size_t i = at + 6 + uid; i < at + 4 + length; ++i)
                out += byte(i) == 1 ? '1' : '0';
            out.push_back(' ');
        }
        at += byte(at) == 0x50 ? 4 : 4 + length;
    }
    return out;
}

} // namespace

TEST_CASE("an extended negotiation is answered byte for byte and no longer (PS3.4 C.5)")
{
    struct Row {
        const char* says;
        const char* sop_class;
        const char* offer;
        dimse::QueryOptions willing;
        const char* answer; // after the class; none: no item
    };

    constexpr dimse::QueryOptions all{true, true, true, true};
    const Row rows[] = {
        {"relational, granted", study_find, "01", all, "1"},
        {"relational, not granted", study_find, "01", {}, "0"},
        {"not wanted", study_find, "00", all, "0"},
        {"four bytes", study_find, "01010101", all, "1111"},
        {"combined date-time only", study_find, "01010101", {false, true, false, false}, "0100"},
        {"fuzzy only", study_find, "010101", {false, false, true, false}, "001"},
        {"timezone only", study_find, "00000001", all, "0001"},
        {"what we do not do is refused", study_find, "01010101010101", all, "1111000"},
        {"no longer than the standard", study_find, "010000000000000101", all, "1000000"},
        {"a byte that is neither 0 nor 1", study_find, "0102", all, ""},
        {"no byte", study_find, "", all, ""},
        {"move", study_move, "01", all, "1"},
        {"move with conversion", study_move, "0101", all, "10"},
        {"get", study_get, "01", all, "1"},
        {"get, not granted", study_get, "0100", {}, "00"},
        {"a class that was not proposed", patient_find, "01", all, ""},
        {"another service", ct_image, "0101", all, ""},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        RecordingProvider provider;
        provider.find = [](dimse::FindRequest, dimse::MatchSink&) -> asio::awaitable<DimseStatus> {
            co_return DimseStatus{};
        };
        provider.retrieve = [](dimse::RetrieveRequest,
                               dimse::RetrieveSession&) -> asio::awaitable<dimse::RetrieveOutcome> {
            co_return dimse::RetrieveOutcome{};
        };
        provider.on_grant = [&](const Uid&, dimse::QueryOptions) { return row.willing; };
        DimseAcceptor acceptor(provider);
        RequestBytes request;
        request.proposals = {
            {1, study_find, {explicit_le}},
            {3, study_move, {explicit_le}},
            {5, study_get, {explicit_le}},
            {7, ct_image, {explicit_le}}
        };
        request.extra_user_items = extended_item(row.sop_class, hex(row.offer));
        ScriptedPeer peer = ScriptedPeer::connect(acceptor.port());
        peer.send(associate_request(request));
        const std::string answer = row.answer;
        CHECK(
            answers_in(peer.receive_pdu()) ==
            (answer.empty() ? "" : std::string(row.sop_class) + "=" + answer + " ")
        );
    }
}

TEST_CASE("a class that is negotiated twice is answered once")
{
    RecordingProvider provider;
    provider.find = [](dimse::FindRequest, dimse::MatchSink&) -> asio::awaitable<DimseStatus> {
        co_return DimseStatus{};
    };
    provider.on_grant = [](const Uid&, dimse::QueryOptions wanted) { return wanted; };
    DimseAcceptor acceptor(provider);
    RequestBytes request = query_request(study_find);
    request.extra_user_items =
        joined({extended_item(study_find, hex("01")), extended_item(study_find, hex("0001"))});
    ScriptedPeer peer = ScriptedPeer::connect(acceptor.port());
    peer.send(associate_request(request));
    CHECK(answers_in(peer.receive_pdu()) == std::string(study_find) + "=1 ");
}
