#include "support/query_association.h"
#include "support/signposts.h"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace gantry;
using namespace gantry::tests;

namespace {

std::unique_ptr<DcmDataset> study(std::size_t number, std::size_t padding = 0)
{
    auto match = std::make_unique<DcmDataset>();
    match->putAndInsertString(DCM_QueryRetrieveLevel, "STUDY");
    match->putAndInsertString(DCM_StudyInstanceUID, ("1.2." + std::to_string(number)).c_str());
    if (padding > 0)
        match->putAndInsertString(DCM_TextValue, std::string(padding, 'x').c_str());
    return match;
}

ByteVector study_bytes(std::size_t number, bool with_vr = true)
{
    return data_set(
        {{0x00080052, "STUDY", "CS"}, {0x0020000d, "1.2." + std::to_string(number), "UI"}}, with_vr
    );
}

struct Find {
    std::size_t matches = 0;
    std::size_t padding = 0;
    DimseStatus end = {};
    Signposts* posts = nullptr;
};

// The association awaits us.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<DimseStatus> give(Find find, dimse::MatchSink& matches)
{
    for (std::size_t i = 0; i < find.matches; ++i) {
        const auto pushed = co_await matches.push(study(i, find.padding), i % 3 != 2);
        if (!pushed)
            co_return DimseStatus{status::out_of_resources, {}};
        if (find.posts != nullptr)
            find.posts->reach("pushed");
    }
    co_return find.end;
}

auto giving(Find find)
{
    return [find](dimse::FindRequest, dimse::MatchSink& matches) { return give(find, matches); };
}

asio::awaitable<DimseStatus> fail()
{
    throw std::runtime_error("no such origin");
    co_return DimseStatus{};
}

QueryCommand find_command(unsigned message_id = 1)
{
    return {.command = 0x0020, .sop_class = study_find, .message_id = message_id};
}

} // namespace

TEST_CASE(
    "every match is a Pending with its Identifier and the last response has none (PS3.4 C.4.1)"
)
{
    struct Row {
        const char* says;
        const char* syntax;
        bool with_vr;
    };

    for (const Row& row :
         {Row{"explicit", explicit_le, true}, Row{"implicit", implicit_le, false}}) {
        CAPTURE(std::string(row.says));
        RecordingProvider provider;
        provider.find = giving({.matches = 100});
        DimseAcceptor acceptor(provider);
        RequestBytes request;
        request.proposals = {{7, study_find, {row.syntax}}};
        ScriptedPeer peer = associate(acceptor, request);
        peer.send(command_pdu(query_command(find_command(41)), 7));
        peer.send(data_pdu(
            data_set({{0x00080052, "STUDY", "CS"}, {0x0020000d, "", "UI"}}, row.with_vr), 7
        ));
        for (std::size_t i = 0; i < 100; ++i) {
            const ByteVector command = peer.receive_pdu();
            CHECK(status_of(command) == (i % 3 == 2 ? 0xff01 : 0xff00));
            CHECK(command_number(command, 0x0100) == 0x8020);
            CHECK(command_number(command, 0x0120) == 41);
            CHECK(command_number(command, 0x0800) != 0x0101);
            CHECK(content_of(peer.receive_pdu()) == study_bytes(i, row.with_vr));
        }
        const ByteVector last = peer.receive_pdu();
        CHECK(status_of(last) == 0);
        CHECK(command_number(last, 0x0800) == 0x0101);
        CHECK(command_number(last, 0x0120) == 41);
        CHECK(command_text(last, 0x0002) == std::string(study_find) + '\0');
    }
}

TEST_CASE("a find is handed its Identifier and what was granted")
{
    RecordingProvider provider;
    std::string level;
    dimse::FindRequest seen;
    provider.find = [&](dimse::FindRequest request, dimse::MatchSink& matches) {
        seen = request;
        OFString text;
        DcmDataset copy(*request.identifier);
        copy.findAndGetOFString(DCM_QueryRetrieveLevel, text);
        level = text.c_str();
        return give({}, matches);
    };
    provider.on_grant = [](const Uid&, dimse::QueryOptions wanted) { return wanted; };
    DimseAcceptor acceptor(provider);
    RequestBytes request = query_request(study_find);
    request.extra_user_items = extended_item(study_find, hex("01 00 01"));
    ScriptedPeer peer = associate(acceptor, request);
    ask(peer, find_command(5));
    CHECK(status_of(peer.receive_pdu()) == 0);
    CHECK(level == "STUDY");
    CHECK(seen.sop_class.str() == study_find);
    CHECK(seen.message_id == 5);
    CHECK(seen.granted.relational);
    CHECK_FALSE(seen.granted.combined_date_time);
    CHECK(seen.granted.fuzzy);
    CHECK_FALSE(seen.granted.timezone);
}

TEST_CASE("a find that fails says so after the matches that came before")
{
    RecordingProvider provider;
    provider.find =
        giving({.matches = 2, .end = {status::out_of_resources, "result limit reached"}});
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor, query_request(study_find));
    ask(peer, find_command());
    for (int i = 0; i < 4; ++i)
        (void)peer.receive_pdu();
    const ByteVector last = peer.receive_pdu();
    CHECK(status_of(last) == 0xa700);
    CHECK(command_text(last, 0x0902) == "result limit reached");

    provider.find = [](dimse::FindRequest, dimse::MatchSink&) { return fail(); };
    ask(peer, find_command(2));
    CHECK(status_of(peer.receive_pdu()) == 0xc000);
    CHECK(echoes(peer));
}

TEST_CASE("a find that cannot be taken gets its status and the next one is unharmed")
{
    struct Row {
        const char* says;
        QueryCommand command;
        ByteVector identifier;
        int status;
    };

    RecordingProvider provider;
    provider.find = giving({.matches = 1});
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor, query_request(study_find));
    QueryCommand no_data = find_command();
    no_data.data_set_type = 0x0101;
    ByteVector deep;
    for (int i = 0; i < 10'000; ++i) // a sequence in an item in a sequence ...
        deep = joined({deep, hex("0800 1511 5351 0000 ffffffff feff00e0 ffffffff")});
    deep.resize(120'000);
    const ByteVector large = joined(
        {study_identifier(),
         data_set({{0x00100020, std::string(60'000, 'x'), "LO"}}),
         data_set({{0x00100021, std::string(60'000, 'x'), "LO"}}),
         data_set({{0x00100030, std::string(60'000, 'x'), "LO"}}),
         data_set({{0x00100040, std::string(60'000, 'x'), "LO"}}),
         data_set({{0x00101000, std::string(60'000, 'x'), "LO"}})}
    );
    const Row rows[] = {
        {"no Identifier", no_data, {}, 0xa900},
        {"no class", {.command = 0x0020}, study_identifier(), 0x0122},
        {"another class", {.command = 0x0020, .sop_class = study_move}, study_identifier(), 0x0122},
        {"cut off", find_command(), hex("08005200 4353 1000 5354"), 0xc000},
        {"no data set", find_command(), hex("ffffffffffffffffffffffffffffffff"), 0xc000},
        {"too large", find_command(), large, 0xc000},
        {"a value of 4 GiB", find_command(), hex("400060a1 5554 0000 feffffff 7878"), 0xc000},
        {"nested without end", find_command(), deep, 0xc000},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        peer.send(command_pdu(query_command(row.command)));
        for (std::size_t at = 0; at < row.identifier.size(); at += 100'000) {
            const ConstBytes rest = ConstBytes(row.identifier).subspan(at);
            const bool last = rest.size() <= 100'000;
            peer.send(p_data(1, last ? 2 : 0, last ? rest : rest.first(100'000)));
        }
        CHECK(status_of(peer.receive_pdu()) == row.status);
        ask(peer, find_command(3));
        CHECK(status_of(peer.receive_pdu()) == 0xff00);
        (void)peer.receive_pdu();
        CHECK(status_of(peer.receive_pdu()) == 0);
    }
}

TEST_CASE("C-FIND on a context of another service is refused and its Identifier drained")
{
    RecordingProvider provider;
    provider.find = giving({});
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor, query_request(study_find));
    QueryCommand command = find_command();
    command.sop_class = ct_image;
    peer.send(command_pdu(query_command(command), 3));
    peer.send(data_pdu(study_identifier(), 3));
    CHECK(status_of(peer.receive_pdu()) == 0x0211);
    CHECK(echoes(peer));
}

TEST_CASE("a peer that reads slowly gets all matches and few of them wait in memory")
{
    constexpr std::size_t all = 2'000;
    constexpr std::size_t each = 60'000;
    Signposts posts;
    RecordingProvider provider;
    provider.find = giving({.matches = all, .padding = each, .posts = &posts});
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor, query_request(study_find));
    ask(peer, find_command());
    // What it does not read fills the sockets (a few MiB each way at the most), then all stands.
    CHECK_FALSE(posts.wait("pushed", all, std::chrono::seconds(1)));
    CHECK(posts.count("pushed") < all / 4);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < all; ++i) {
        (void)peer.receive_pdu();
        bytes += peer.receive_pdu().size();
    }
    CHECK(bytes > all * each);
    CHECK(status_of(peer.receive_pdu()) == 0);
}

TEST_CASE("a match larger than any queue goes out whole")
{
    RecordingProvider provider;
    provider.find = [](dimse::FindRequest, dimse::MatchSink& matches) {
        return give({.matches = 2, .padding = 65'000}, matches);
    };
    DimseAcceptor acceptor(provider);
    RequestBytes request = query_request(study_find);
    request.max_pdu = 4'096;
    ScriptedPeer peer = associate(acceptor, request);
    ask(peer, find_command());
    std::size_t bytes = 0;
    for (;;) {
        const ByteVector pdu = peer.receive_pdu();
        REQUIRE(pdu.size() <= 4'096 + 6);
        const bool command = (pdu.at(11) & std::byte{1}) != std::byte{0};
        if (command && status_of(pdu) == 0)
            break;
        bytes += command ? 0 : pdu.size() - 12;
    }
    CHECK(bytes > 2 * 65'000);
}
