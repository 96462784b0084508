#include "dimse/error.h"
#include "dimse/requestor.h"
#include "support/dimse_association.h"
#include "support/run.h"
#include "support/scratch_folder.h"
#include "support/skip.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

using namespace gantry;
using namespace gantry::tests;
using gantry::test::run;

namespace {

Uid uid(std::string_view text)
{
    return *Uid::parse(text);
}

struct Rig {
    boost::asio::io_context loop; // outlives the threads that resume coroutines on it
    WorkerPool pool{"outbound", 2};
    dimse::RequestorOptions options;

    Rig()
    {
        options.calling_ae_title = *AeTitle::parse("GANTRY");
        options.timeouts.acse = std::chrono::seconds(5);
        options.timeouts.dimse = std::chrono::seconds(5);
        options.timeouts.connect = std::chrono::seconds(5);
    }

    dimse::Requestor to(std::uint16_t port, std::string host = "127.0.0.1")
    {
        return {{*AeTitle::parse("GANTRY"), std::move(host), port}, options, pool};
    }
};

/// A-ASSOCIATE-AC for context 1 (result 0) in `syntax`, and PDU size `max_pdu`.
ByteVector accept_of(const char* syntax, const char* max_pdu)
{
    ByteVector ts;
    for (const char* c = syntax; *c != '\0'; ++c)
        ts.push_back(static_cast<std::byte>(*c));
    ByteVector sub = joined({hex("4000 0000"), ts});
    sub[3] = static_cast<std::byte>(ts.size());
    ByteVector context = joined({hex("2100 0000 01000000"), sub});
    context[3] = static_cast<std::byte>(sub.size() + 4);
    const ByteVector user = joined({hex("5000 0008 5100 0004"), hex(max_pdu)});
    ByteVector body = joined({hex("0001 0000"), ByteVector(64), context, user});
    ByteVector pdu = joined({hex("0200 00000000"), body});
    pdu[5] = static_cast<std::byte>(body.size());
    return pdu;
}

/// Plays an acceptor on a thread of its own.
class Script {
public:
    explicit Script(std::function<void(ScriptedPeer&)> play)
        : done_(std::async(std::launch::async, [this, play = std::move(play)] {
              ScriptedPeer peer = listener_.accept();
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

dimse::InstanceToSend
instance_in(const ScratchFolder& folder, const std::string& name, const ByteVector& data_set)
{
    const auto path = folder.path() / name;
    std::ofstream file(path, std::ios::binary);
    file << "HEAD";
    file.write(
        reinterpret_cast<const char*>(data_set.data()), // bytes are characters
        static_cast<std::streamsize>(data_set.size())
    );
    dimse::InstanceToSend instance;
    instance.key.sop = {uid(ct_image), uid("1.2.3.4")};
    instance.key.transfer_syntax = uid(explicit_le);
    instance.file = path;
    instance.offset = Bytes{4};
    instance.length = Bytes{data_set.size()};
    return instance;
}

std::vector<dimse::SendOutcome>
store(Rig& rig, std::uint16_t port, std::vector<dimse::InstanceToSend> batch)
{
    dimse::Requestor requestor = rig.to(port);
    return run(rig.loop, requestor.store(std::move(batch), {}));
}

} // namespace

TEST_CASE("we echo ourselves")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    Rig rig;
    for (const char* host : {"127.0.0.1", "localhost"}) {
        dimse::Requestor requestor = rig.to(acceptor.port(), host);
        const auto status = run(rig.loop, requestor.echo());
        REQUIRE(status.has_value());
        CHECK(status->code == 0);
    }
    CHECK(provider.wait_closed(2));
}

TEST_CASE("IPv6 is spoken in both directions and IPv4 is told from it")
{
    RecordingProvider provider;
    std::string peer;
    provider.on_admit = [&](const dimse::AssociationRequest& request
                        ) -> std::optional<dimse::Refusal> {
        peer = request.peer_address;
        return std::nullopt;
    };
    std::optional<DimseAcceptor> acceptor;
    try {
        acceptor.emplace(provider, acceptor_options(), "::");
    } catch (const std::exception&) {
        return skip("no IPv6 on this machine");
    }
    Rig rig;
    std::size_t associations = 0;
    for (const char* host : {"::1", "127.0.0.1"}) {
        dimse::Requestor requestor = rig.to(acceptor->port(), host);
        const auto status = run(rig.loop, requestor.echo());
        REQUIRE(status.has_value());
        REQUIRE(provider.wait_opened(++associations));
        CHECK(peer == host);
    }
}

TEST_CASE("data sets are sent as they stand in their files and each gets its own answer")
{
    RecordingProvider provider;
    provider.on_begin = [](const dimse::StoreRequest& request) -> std::optional<DimseStatus> {
        if (request.sop.sop_instance.str() == "1.2.3.5")
            return DimseStatus{status::out_of_resources, "spool full"};
        return std::nullopt;
    };
    DimseAcceptor acceptor(provider);
    Rig rig;
    const ScratchFolder folder;
    const ByteVector small = ct_data_set("1.2.3.4", 10);
    const ByteVector large = ct_data_set("1.2.3.6", 3'000'000);
    std::vector<dimse::InstanceToSend> batch = {
        instance_in(folder, "a", small),
        instance_in(folder, "b", small),
        instance_in(folder, "c", large),
        instance_in(folder, "d", small),
        instance_in(folder, "e", small),
        instance_in(folder, "f", small)
    };
    batch[1].key.sop.sop_instance = uid("1.2.3.5");
    batch[2].key.sop.sop_instance = uid("1.2.3.6");
    batch[2].key.transfer_syntax = uid(implicit_le); // a context of its own
    batch[3].file = folder.path() / "missing";
    batch[4].length = Bytes{batch[4].length.count + 2};
    std::size_t progress = 0;
    dimse::Requestor requestor = rig.to(acceptor.port());
    const auto outcomes =
        run(rig.loop, requestor.store(batch, [&](std::size_t done) { progress = done; }));
    REQUIRE(outcomes.size() == 6);
    CHECK(outcomes[0].status->code == 0);
    CHECK(outcomes[1].status->code == 0xa700);
    CHECK(outcomes[1].status->comment == "spool full");
    CHECK(outcomes[2].status->code == 0);
    CHECK(outcomes[3].status.error().code == dimse::Errc::unreadable);
    CHECK(outcomes[4].status.error().code == dimse::Errc::unreadable);
    CHECK(outcomes[5].status->code == 0);
    CHECK(progress == 6);
    const auto stored = provider.stored();
    REQUIRE(stored.size() == 3);
    CHECK(stored[0].data_set == small);
    CHECK(stored[1].data_set == large);
    CHECK(stored[1].request.transfer_syntax.str() == implicit_le);
}

TEST_CASE("an instance whose context is refused fails alone")
{
    RecordingProvider provider;
    provider.on_negotiate = [](const dimse::ProposedContext& context) -> dimse::ContextAnswer {
        if (context.abstract_syntax.str() == mr_image)
            return {};
        return {dimse::ContextAnswer::Reason::accepted, context.transfer_syntaxes[0], false};
    };
    DimseAcceptor acceptor(provider);
    Rig rig;
    const ScratchFolder folder;
    std::vector<dimse::InstanceToSend> batch(
        2, instance_in(folder, "a", ct_data_set("1.2.3.4", 10))
    );
    batch[0].key.sop.sop_class = uid(mr_image);
    const auto outcomes = store(rig, acceptor.port(), batch);
    CHECK(outcomes[0].status.error().code == dimse::Errc::no_context);
    CHECK(outcomes[1].status->code == 0);
}

TEST_CASE("a refusal comes back in words")
{
    RecordingProvider provider;
    provider.on_admit = [](const dimse::AssociationRequest&) -> std::optional<dimse::Refusal> {
        return dimse::Refusal::calling_ae_not_recognised;
    };
    DimseAcceptor acceptor(provider);
    Rig rig;
    dimse::Requestor requestor = rig.to(acceptor.port());
    const auto status = run(rig.loop, requestor.echo());
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().code == dimse::Errc::rejected);
    CHECK(status.error().detail == "rejected permanent, calling AE title not recognised (1/1/3)");
}

TEST_CASE("negotiation reports what the peer said to each context")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    Rig rig;
    std::vector<dimse::ProposedContext> proposals(2);
    proposals[0].abstract_syntax = uid(ct_image);
    proposals[0].transfer_syntaxes = {uid(explicit_le), uid(implicit_le)};
    proposals[1].abstract_syntax = uid("1.2.840.10008.5.1.1.9");
    proposals[1].transfer_syntaxes = {uid(implicit_le)};
    dimse::Requestor requestor = rig.to(acceptor.port());
    const auto result = run(rig.loop, requestor.negotiate(proposals));
    REQUIRE(result.has_value());
    CHECK(result->peer_pdu_size == 131'072);
    CHECK(result->implementation_version == "GANTRY_010");
    REQUIRE(result->contexts.size() == 2);
    CHECK(result->contexts[0].transfer_syntax.str() == explicit_le);
    CHECK(result->contexts[1].transfer_syntax.empty());
    CHECK(
        result->contexts[1].reason == dimse::ContextAnswer::Reason::abstract_syntax_not_supported
    );
    CHECK(result->round_trip.count() > 0);
}

TEST_CASE("PDUs are no larger than the peer takes and of good size where it sets no limit")
{
    struct Row {
        const char* max_pdu;
        std::size_t largest;
    };

    const ScratchFolder folder;
    const ByteVector data_set = ct_data_set("1.2.3.4", 300'000);
    for (const Row& row :
         {Row{"00001000", 4'096},
          Row{"00000000", 131'072},
          Row{"ffffffff", 131'072},
          Row{"00000fff", 4'094}}) {
        CAPTURE(row.max_pdu);
        std::size_t largest = 0;
        ByteVector received;
        Script script([&](ScriptedPeer& peer) {
            peer.receive_pdu();
            peer.send(accept_of(explicit_le, row.max_pdu));
            peer.receive_pdu(); // C-STORE-RQ
            for (bool last = false; !last;) {
                const ByteVector pdu = peer.receive_pdu();
                largest = std::max(largest, pdu.size() - 6);
                last = (std::to_integer<unsigned>(pdu.at(11)) & 2U) != 0;
                received.insert(received.end(), pdu.begin() + 12, pdu.end());
            }
            peer.send(command_pdu(hex("0000 0001 02000000 0180  0000 2001 02000000 0100"
                                      "0000 0008 02000000 0101  0000 0009 02000000 07b0")));
            peer.receive_pdu();
            peer.send(hex("0600 00000004 00000000"));
        });
        Rig rig;
        const auto outcomes = store(rig, script.port(), {instance_in(folder, "a", data_set)});
        script.finish();
        REQUIRE(outcomes[0].status.has_value());
        CHECK(outcomes[0].status->code == 0xb007);
        CHECK(received == data_set);
        CHECK(largest == row.largest);
    }
}

TEST_CASE("whatever a peer does wrong the batch is answered: one error for each instance")
{
    struct Row {
        const char* says;
        std::function<void(ScriptedPeer&)> play;
        dimse::Errc code;
    };

    const auto accepted = [](ScriptedPeer& peer) {
        peer.receive_pdu();
        peer.send(accept_of(explicit_le, "00004000"));
        peer.receive_pdu();
        peer.receive_pdu();
    };
    const Row rows[] = {
        {"closes at once", [](ScriptedPeer&) {}, dimse::Errc::closed},
        {"resets",
         [](ScriptedPeer& peer) {
             peer.receive_pdu();
             peer.reset();
         },
         dimse::Errc::closed},
        {"speaks HTTP",
         [](ScriptedPeer& peer) {
             peer.send(hex("485454502f312e3120343030204261640d0a0d0a"));
             peer.closed();
         },
         dimse::Errc::malformed},
        {"aborts the request",
         [](ScriptedPeer& peer) {
             peer.receive_pdu();
             peer.send(abort_pdu());
         },
         dimse::Errc::aborted},
        {"announces an accept of 4 GiB",
         [](ScriptedPeer& peer) {
             peer.send(hex("0200 ffffffff 00010000"));
             peer.closed();
         },
         dimse::Errc::malformed},
        {"aborts instead of answering",
         [&](ScriptedPeer& peer) {
             accepted(peer);
             peer.send(abort_pdu());
         },
         dimse::Errc::aborted},
        {"releases instead of answering",
         [&](ScriptedPeer& peer) {
             accepted(peer);
             peer.send(release_request());
             peer.closed();
         },
         dimse::Errc::released},
        {"closes instead of answering", accepted, dimse::Errc::closed},
        {"answers another message",
         [&](ScriptedPeer& peer) {
             accepted(peer);
             peer.send(command_pdu(hex("0000 0001 02000000 0180  0000 2001 02000000 0900"
                                       "0000 0008 02000000 0101  0000 0009 02000000 0000")));
             peer.closed();
         },
         dimse::Errc::malformed},
        {"never answers",
         [&](ScriptedPeer& peer) {
             accepted(peer);
             peer.receive_pdu();
         },
         dimse::Errc::timeout},
    };
    const ScratchFolder folder;
    const auto instance = instance_in(folder, "a", ct_data_set("1.2.3.4", 100));
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        Script script(row.play);
        Rig rig;
        rig.options.timeouts.dimse = std::chrono::milliseconds(200);
        const auto outcomes = store(rig, script.port(), {instance, instance});
        script.finish();
        REQUIRE(outcomes.size() == 2);
        for (const auto& outcome : outcomes) {
            REQUIRE_FALSE(outcome.status.has_value());
            CHECK(outcome.status.error().code == row.code);
        }
    }
}

TEST_CASE("a release that collides with the peer's own is answered first (PS3.8 9.2 AR-8)")
{
    Script script([](ScriptedPeer& peer) {
        peer.receive_pdu();
        peer.send(accept_of(implicit_le, "00004000"));
        peer.receive_pdu(); // C-ECHO-RQ
        peer.send(command_pdu(hex("0000 0001 02000000 3080  0000 2001 02000000 0100"
                                  "0000 0008 02000000 0101  0000 0009 02000000 0000")));
        if (peer.receive_pdu() != release_request())
            throw std::runtime_error("no A-RELEASE-RQ");
        peer.send(release_request());
        if (peer.receive_pdu() != hex("0600 00000004 00000000"))
            throw std::runtime_error("no A-RELEASE-RP");
        peer.send(hex("0600 00000004 00000000"));
        if (!peer.closed())
            throw std::runtime_error("not closed");
    });
    Rig rig;
    dimse::Requestor requestor = rig.to(script.port());
    const auto status = run(rig.loop, requestor.echo());
    script.finish();
    REQUIRE(status.has_value());
    CHECK(status->code == 0);
}

TEST_CASE("nobody there and no such name are told apart")
{
    Rig rig;
    std::uint16_t nobody = 0;
    {
        const ScriptedListener gone;
        nobody = gone.port();
    }
    dimse::Requestor requestor = rig.to(nobody);
    CHECK(run(rig.loop, requestor.echo()).error().code == dimse::Errc::not_connected);
    dimse::Requestor unknown = rig.to(104, std::string(70, 'x') + ".invalid");
    CHECK(run(rig.loop, unknown.echo()).error().code == dimse::Errc::not_resolved);
}

TEST_CASE("cancelling a request ends it at once and the peer hears A-ABORT")
{
    Rig rig;
    boost::asio::cancellation_signal cancel;
    bool heard = false;
    Script script([&](ScriptedPeer& peer) {
        peer.receive_pdu(); // and never an answer
        boost::asio::post(rig.loop, [&] { cancel.emit(boost::asio::cancellation_type::terminal); });
        heard = peer.receive_pdu() == abort_pdu();
    });
    dimse::Requestor requestor = rig.to(script.port());
    std::optional<Result<DimseStatus>> result;
    boost::asio::co_spawn(
        rig.loop,
        requestor.echo(),
        boost::asio::bind_cancellation_slot(
            cancel.slot(),
            [&](std::exception_ptr, Result<DimseStatus> status) { result = std::move(status); }
        )
    );
    rig.loop.run_for(test::hang);
    script.finish();
    REQUIRE(result.has_value());
    REQUIRE_FALSE(result->has_value());
    CHECK(result->error().code == dimse::Errc::stopped);
    CHECK(heard);
}
