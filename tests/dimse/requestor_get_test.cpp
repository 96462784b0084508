// C-GET as SCU: what comes, what is answered, and every way in which it breaks off.
#include "dimse/requestor_rig.h"

#include <doctest/doctest.h>

#include <future>

using namespace gantry;
using namespace gantry::tests;

namespace {

using dimse::Errc;
using dimse::make_error_code;

constexpr unsigned c_get = 0x0010;

/// Study 1.2 with so many instances.
void fill(ScriptedPacs& pacs, std::size_t count, std::size_t size = 1'000)
{
    for (std::size_t i = 1; i <= count; ++i)
        pacs.hold(pacs_instance("1.2", "1.2.3", "1.2.3." + std::to_string(i), size));
}

/// Plays an archive on context 1 (the query) and 3 (CT), from the C-GET-RQ on.
class RawArchive {
public:
    explicit RawArchive(std::function<void(ScriptedPeer&)> play)
        : done_(std::async(std::launch::async, [this, play = std::move(play)] {
              ScriptedPeer peer = listener_.accept();
              (void)peer.receive_pdu();
              ByteVector accept = associate_accept({explicit_le, explicit_le, ""});
              peer.send(with_role(std::move(accept)));
              (void)peer.receive_pdu();
              (void)peer.receive_pdu();
              play(peer);
          }))
    {
    }

    std::uint16_t port() const { return listener_.port(); }

    void finish() { done_.get(); }

private:
    /// The user information item is the last one.
    static ByteVector with_role(ByteVector accept)
    {
        const ByteVector role = role_item(ct_image, 0, 1);
        const std::size_t user = accept.size() - 12; // 50H with one 51H
        accept[user + 3] = static_cast<std::byte>(8 + role.size());
        accept.insert(accept.end(), role.begin(), role.end());
        accept[5] = static_cast<std::byte>((accept.size() - 6) & 0xffU);
        accept[4] = static_cast<std::byte>((accept.size() - 6) >> 8U);
        return accept;
    }

    ScriptedListener listener_;
    std::future<void> done_;
};

ByteVector get_response(unsigned status, unsigned message_id = 1)
{
    return command_pdu(command_set(
        {{0x0100, us(0x8010)}, {0x0120, us(message_id)}, {0x0800, us(0x0101)}, {0x0900, us(status)}}
    ));
}

void send_store(ScriptedPeer& peer, const StoreCommand& command, unsigned context = 3)
{
    peer.send(command_pdu(store_command(command), context));
    peer.send(data_pdu(ct_data_set("1.2.3.4", 100), context));
}

Result<dimse::RetrieveAnswer> get_from(RequestorRig& rig, RawArchive& archive)
{
    dimse::Requestor requestor = rig.to(archive.port());
    return rig.get(requestor);
}

} // namespace

TEST_CASE("a get takes every instance byte for byte and tells its counters")
{
    ScriptedPacs pacs;
    fill(pacs, 5, 300'000);
    pacs.hold(pacs_instance("1.9", "1.9.1", "1.9.1.1"));
    RequestorRig rig;
    std::vector<std::uint32_t> remaining;
    rig.progress = [&](const dimse::SubOperations& counts) {
        remaining.push_back(counts.remaining);
        return true;
    };
    const auto answer = rig.get(rig.to(pacs));
    REQUIRE(answer.has_value());
    CHECK(answer->status.code == 0);
    CHECK(answer->counts.completed == 5);
    CHECK(answer->failed.empty());
    CHECK(remaining == std::vector<std::uint32_t>{4, 3, 2, 1});
    const auto stored = rig.arrivals.stored();
    REQUIRE(stored.size() == 5);
    CHECK(stored[4].request.sop.sop_instance.str() == "1.2.3.5");
    CHECK(stored[4].request.transfer_syntax.str() == explicit_le);
    CHECK(stored[4].data_set == pacs_instance("1.2", "1.2.3", "1.2.3.5", 300'000).data_set);
    CHECK(pacs.store_answers() == std::vector<std::uint16_t>(5, 0));
    CHECK(pacs.wait_open(0));
}

TEST_CASE("an archive that knows Implicit VR only gives instances in that")
{
    ScriptedPacs pacs({.syntaxes = {implicit_le}});
    fill(pacs, 1);
    RequestorRig rig;
    REQUIRE(rig.get(rig.to(pacs)).has_value());
    REQUIRE(rig.arrivals.stored().size() == 1);
    CHECK(rig.arrivals.stored()[0].request.transfer_syntax.str() == implicit_le);
    CHECK(rig.arrivals.stored()[0].data_set[4] == std::byte{0x1a}); // a length where a VR was
}

TEST_CASE("each instance is answered with what became of it and failures are listed")
{
    ScriptedPacs pacs;
    fill(pacs, 4);
    RequestorRig rig;
    rig.arrivals.store_status = 0xb007;
    rig.arrivals.on_begin = [](const dimse::StoreRequest& request) -> std::optional<DimseStatus> {
        if (request.sop.sop_instance.str() != "1.2.3.3")
            return std::nullopt;
        return DimseStatus{status::out_of_resources, {}};
    };
    const auto answer = rig.get(rig.to(pacs));
    REQUIRE(answer.has_value());
    CHECK(answer->status.code == 0xb000);
    CHECK(answer->counts.warning == 3);
    CHECK(answer->counts.failed == 1);
    REQUIRE(answer->failed.size() == 1);
    CHECK(answer->failed[0].str() == "1.2.3.3");
    CHECK(pacs.store_answers() == std::vector<std::uint16_t>{0xb007, 0xb007, 0xa700, 0xb007});
}

TEST_CASE("an archive that does not take the class or the role is no_context and is not asked")
{
    struct Row {
        const char* says;
        PacsScript script;
    };

    const Row rows[] = {
        {"the query class", {.refused_classes = {study_get}}},
        {"the storage class", {.refused_classes = {ct_image}}},
        {"the role", {.grants_roles = false}},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        ScriptedPacs pacs(row.script);
        fill(pacs, 1);
        RequestorRig rig;
        const auto answer = rig.get(rig.to(pacs));
        REQUIRE(answer.has_error());
        CHECK(answer.error().code == make_error_code(Errc::no_context));
        CHECK(pacs.asked(c_get).empty());
        CHECK(pacs.wait_open(0));
    }
}

TEST_CASE("what an archive refuses is its answer")
{
    const std::uint16_t codes[] = {0x0122, 0xa701, 0xa702, 0xa900, 0xc001};
    for (const std::uint16_t code : codes) {
        CAPTURE(code);
        ScriptedPacs pacs({.retrieve = {.refusal = code}});
        RequestorRig rig;
        const auto answer = rig.get(rig.to(pacs));
        REQUIRE(answer.has_value());
        CHECK(answer->status.code == code);
        CHECK(rig.arrivals.stored().empty());
    }
}

TEST_CASE("a get that breaks off is an error and the instance under way is dropped")
{
    struct Row {
        PacsRetrieve::End end;
        Errc error;
        std::size_t stored;
        std::size_t dropped;
    };

    const Row rows[] = {
        {PacsRetrieve::End::abort, Errc::aborted, 2, 0},
        {PacsRetrieve::End::inside, Errc::aborted, 1, 1},
        {PacsRetrieve::End::close, Errc::closed, 2, 0},
        {PacsRetrieve::End::silence, Errc::timeout, 2, 0},
    };
    for (const Row& row : rows) {
        CAPTURE(int(row.end));
        ScriptedPacs pacs({.retrieve = {.most = 2, .end = row.end}});
        fill(pacs, 3, 200'000);
        RequestorRig rig;
        rig.options.timeouts.dimse = std::chrono::milliseconds(500);
        const auto answer = rig.get(rig.to(pacs));
        REQUIRE(answer.has_error());
        CHECK(answer.error().code == make_error_code(row.error));
        CHECK(rig.arrivals.stored().size() == row.stored);
        CHECK(rig.arrivals.dropped() == row.dropped);
        CHECK(pacs.asked(c_get).size() == 1);
    }
}

TEST_CASE("what an archive counts wrongly or sends twice is told as it is")
{
    ScriptedPacs pacs({.retrieve = {.twice = true, .miscount = 7}});
    fill(pacs, 2);
    RequestorRig rig;
    const auto answer = rig.get(rig.to(pacs));
    REQUIRE(answer.has_value());
    CHECK(answer->counts.completed == 11);
    CHECK(rig.arrivals.stored().size() == 4);
}

TEST_CASE("a final response before the last instance ends the get")
{
    ScriptedPacs pacs({.retrieve = {.final_first = true}});
    fill(pacs, 3);
    RequestorRig rig;
    const auto answer = rig.get(rig.to(pacs));
    REQUIRE(answer.has_value());
    CHECK(answer->counts.completed == 3);
    CHECK(rig.arrivals.stored().size() == 2);
    CHECK(pacs.wait_open(0));
}

TEST_CASE("a get is cancelled where its progress says so and nothing more is taken")
{
    ScriptedPacs pacs;
    fill(pacs, 50);
    RequestorRig rig;
    rig.progress = [](const dimse::SubOperations&) { return false; };
    const auto answer = rig.get(rig.to(pacs));
    REQUIRE(answer.has_value());
    CHECK(answer->status.code == status::cancelled);
    CHECK(pacs.cancels() == 1);
    CHECK(rig.arrivals.stored().size() == 1);
    CHECK(answer->counts.remaining > 0);
}

TEST_CASE("a cancelled get says C-CANCEL and waits for the answer")
{
    ScriptedPacs pacs;
    fill(pacs, 2'000);
    RequestorRig rig;
    Signposts posts;
    rig.arrivals.on_write = [&](ConstBytes) -> Result<void> {
        posts.reach("give up");
        return {};
    };
    dimse::Requestor requestor = rig.to(pacs);
    CHECK(rig.loop.run(cancelled_at(posts, rig.getting(requestor))));
    CHECK(pacs.cancels() == 1);
    CHECK(pacs.store_answers().size() < 2'000);
    CHECK(pacs.wait_open(0));
}

TEST_CASE("an archive that does not heed C-CANCEL is aborted soon")
{
    ScriptedPacs pacs({.retrieve = {.most = 1, .end = PacsRetrieve::End::silence}});
    fill(pacs, 2);
    RequestorRig rig;
    rig.options.timeouts.cancel = std::chrono::milliseconds(100);
    Signposts posts;
    rig.arrivals.on_write = [&](ConstBytes) -> Result<void> {
        posts.reach("give up");
        return {};
    };
    dimse::Requestor requestor = rig.to(pacs);
    const auto start = std::chrono::steady_clock::now();
    CHECK(rig.loop.run(cancelled_at(posts, rig.getting(requestor))));
    CHECK(std::chrono::steady_clock::now() - start < rig.options.timeouts.dimse);
    CHECK(pacs.cancels() == 1);
    CHECK(pacs.wait_open(0));
}

TEST_CASE("what must not come on a get ends it with an error")
{
    struct Row {
        const char* says;
        std::function<void(ScriptedPeer&)> play;
    };

    const Row rows[] = {
        {"an instance on a context that was refused",
         [](ScriptedPeer& peer) { send_store(peer, {}, 5); }},
        {"an instance on a context that was never proposed",
         [](ScriptedPeer& peer) { send_store(peer, {}, 99); }},
        {"another request", [](ScriptedPeer& peer) { peer.send(command_pdu(echo_command(1))); }},
        {"a response to another message", [](ScriptedPeer& peer) { peer.send(get_response(0, 9)); }
        },
        {"a data set on another context",
         [](ScriptedPeer& peer) {
             peer.send(command_pdu(store_command({}), 3));
             peer.send(data_pdu(ct_data_set("1.2.3.4", 100), 1));
         }},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        RawArchive archive([&](ScriptedPeer& peer) {
            row.play(peer);
            CHECK(peer.receive_pdu().at(0) == std::byte{7});
        });
        RequestorRig rig;
        const auto answer = get_from(rig, archive);
        archive.finish();
        REQUIRE(answer.has_error());
        CHECK(answer.error().code == make_error_code(Errc::malformed));
        CHECK(rig.arrivals.stored().empty());
    }
}

TEST_CASE("an instance of another class than its context is refused and the next one taken")
{
    std::vector<std::uint16_t> answers;
    RawArchive archive([&](ScriptedPeer& peer) {
        send_store(peer, {.sop_class = mr_image});
        answers.push_back(status_of(peer.receive_pdu()));
        send_store(peer, {}, 1); // the query's own context
        answers.push_back(status_of(peer.receive_pdu()));
        send_store(peer, {.message_id = 2});
        answers.push_back(status_of(peer.receive_pdu()));
        peer.send(get_response(0));
    });
    RequestorRig rig;
    const auto answer = get_from(rig, archive);
    archive.finish();
    REQUIRE(answer.has_value());
    CHECK(answers == std::vector<std::uint16_t>{0x0122, 0x0122, 0});
    CHECK(rig.arrivals.stored().size() == 1);
}

TEST_CASE("counters that a final response leaves out are those of the last Pending response")
{
    RawArchive archive([](ScriptedPeer& peer) {
        peer.send(command_pdu(command_set(
            {{0x0100, us(0x8010)},
             {0x0120, us(1)},
             {0x0800, us(0x0101)},
             {0x0900, us(0xff00)},
             {0x1020, us(1)},
             {0x1021, us(6)}}
        )));
        peer.send(get_response(0));
    });
    RequestorRig rig;
    const auto answer = get_from(rig, archive);
    archive.finish();
    REQUIRE(answer.has_value());
    CHECK(answer->counts.completed == 6);
    CHECK(answer->counts.remaining == 1);
}

TEST_CASE("a move asks with the message id it was given and its C-STOREs name it")
{
    RecordingProvider viewer;
    DimseAcceptor acceptor(viewer);
    ScriptedPacs pacs({.retrieve = {.destinations = {{"GANTRY", acceptor.port()}}}});
    fill(pacs, 3);
    RequestorRig rig;
    const auto answer = rig.move(rig.to(pacs), "GANTRY", 4'711);
    REQUIRE(answer.has_value());
    CHECK(answer->status.code == 0);
    CHECK(answer->counts.completed == 3);
    REQUIRE(viewer.stored().size() == 3);
    CHECK(viewer.stored()[0].request.move_originator_message_id == 4'711);
    CHECK(viewer.stored()[0].request.move_originator->str() == "GANTRY");
    CHECK(rig.move(rig.to(pacs), "NOBODY")->status.code == status::move_destination_unknown);
}
