// findscu, movescu and getscu ask: another implementation of the same standard.
#include "dimse/requestor.h"
#include "support/byte_sources.h"
#include "support/query_association.h"
#include "support/scratch_folder.h"
#include "support/signposts.h"
#include "support/skip.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

// Sessions and sinks belong to associations that await these.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)
using namespace gantry;
using namespace gantry::tests;

namespace {

using dimse::RetrieveOutcome;
using dimse::RetrieveSession;

/// Runs one of DCMTK's tools; true where it ends well.
bool tool(const std::string& line)
{
    const std::string command = "TCP_NODELAY=1 timeout 60 " + line + " >/dev/null 2>&1";
    return std::system(command.c_str()) == 0; // NOLINT: a test may
}

bool tools_missing()
{
    return !tool("findscu --version") || !tool("movescu --version") || !tool("getscu --version");
}

std::string peer_of(const DimseAcceptor& acceptor)
{
    return " -aet VIEWER -aec GANTRY 127.0.0.1 " + std::to_string(acceptor.port()) + " ";
}

constexpr const char* study_keys =
    " -S -k QueryRetrieveLevel=STUDY -k StudyInstanceUID=1.2.3 -k PatientName= ";

std::size_t files_in(const std::filesystem::path& folder)
{
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        count += entry.is_regular_file() ? 1 : 0;
    return count;
}

asio::awaitable<DimseStatus> find_studies(std::size_t count, dimse::MatchSink& matches)
{
    for (std::size_t i = 0; i < count; ++i) {
        auto match = std::make_unique<DcmDataset>();
        match->putAndInsertString(DCM_QueryRetrieveLevel, "STUDY");
        match->putAndInsertString(DCM_PatientName, "DOE^JOHN");
        match->putAndInsertString(DCM_StudyInstanceUID, ("1.2.3." + std::to_string(i)).c_str());
        if (!co_await matches.push(std::move(match), true))
            co_return DimseStatus{status::cannot_understand, {}};
    }
    co_return DimseStatus{};
}

asio::awaitable<RetrieveOutcome>
send_all(std::size_t count, dimse::StoreChannel& channel, RetrieveSession& session)
{
    RetrieveOutcome outcome;
    outcome.counts.remaining = static_cast<std::uint32_t>(count);
    for (std::size_t i = 0; i < count; ++i) {
        auto instance = outgoing("1.2.3." + std::to_string(i), 600'000);
        const Uid uid = instance.key.sop.sop_instance;
        const auto answer = co_await channel.store(std::move(instance));
        --outcome.counts.remaining;
        if (answer && answer->code == 0)
            ++outcome.counts.completed;
        else {
            ++outcome.counts.failed;
            outcome.failed.push_back(uid);
        }
        session.pending(outcome.counts);
    }
    outcome.status.code = outcome.counts.failed == 0 ? 0 : 0xb000;
    co_return outcome;
}

dimse::ProposedContext ct_context()
{
    dimse::ProposedContext context;
    context.abstract_syntax = *Uid::parse(ct_image);
    context.transfer_syntaxes = {*Uid::parse(explicit_le)};
    return context;
}

asio::awaitable<RetrieveOutcome>
move_all(std::size_t count, dimse::Requestor destination, RetrieveSession& session)
{
    auto opened = co_await destination.open_store({ct_context()});
    if (!opened) {
        RetrieveOutcome outcome;
        outcome.status.code = 0xa702;
        co_return outcome;
    }
    RetrieveOutcome outcome = co_await send_all(count, **opened, session);
    co_await (*opened)->release();
    co_return outcome;
}

} // namespace

TEST_CASE("findscu reads all matches in both models and cancels when it has enough")
{
    if (tools_missing())
        return skip("DCMTK's tools are not installed");
    const ScratchFolder folder;
    Signposts posts;
    RecordingProvider provider;
    provider.find = [&](dimse::FindRequest request, dimse::MatchSink& matches) {
        posts.reach(request.sop_class.str());
        return find_studies(250, matches);
    };
    DimseAcceptor acceptor(provider);
    CHECK(tool("findscu -X -od '" + folder.path().string() + "'" + study_keys + peer_of(acceptor)));
    CHECK(files_in(folder.path()) == 250);
    DcmFileFormat last;
    OFString text;
    CHECK(last.loadFile((folder.path() / "rsp0250.dcm").c_str()).good());
    CHECK(last.getDataset()->findAndGetOFString(DCM_StudyInstanceUID, text).good());
    CHECK(text == "1.2.3.249");
    CHECK(tool("findscu -P --max-pdu 4096 -k QueryRetrieveLevel=STUDY" + peer_of(acceptor)));
    CHECK(posts.count(study_find) == 1);
    CHECK(posts.count("1.2.840.10008.5.1.4.1.2.1.1") == 1);

    provider.find = [&](dimse::FindRequest, dimse::MatchSink& matches) {
        return find_studies(1'000'000'000, matches);
    };
    CHECK(tool("findscu --cancel 3" + std::string(study_keys) + peer_of(acceptor)));
}

TEST_CASE("getscu receives every instance byte for byte on its own association")
{
    if (tools_missing())
        return skip("DCMTK's tools are not installed");
    const ScratchFolder folder;
    RecordingProvider provider;
    provider.retrieve = [](dimse::RetrieveRequest, RetrieveSession& session) {
        return send_all(20, *session.channel(), session);
    };
    provider.on_negotiate = [](const dimse::ProposedContext& context) {
        const auto& offered = context.transfer_syntaxes;
        const Uid wanted = *Uid::parse(explicit_le);
        const bool there = std::find(offered.begin(), offered.end(), wanted) != offered.end();
        return dimse::ContextAnswer{
            dimse::ContextAnswer::Reason::accepted, there ? wanted : offered.front(), true
        };
    };
    DimseAcceptor acceptor(provider);
    CHECK(tool("getscu +B -od '" + folder.path().string() + "'" + study_keys + peer_of(acceptor)));
    CHECK(files_in(folder.path()) == 20);
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        DcmFileFormat file;
        REQUIRE(file.loadFile(entry.path().c_str()).good());
        OFString uid;
        CHECK(file.getDataset()->findAndGetOFString(DCM_SOPInstanceUID, uid).good());
        const ByteVector sent = ct_data_set(uid.c_str(), 600'000);
        const auto size = static_cast<std::size_t>(std::filesystem::file_size(entry.path()));
        std::FILE* raw = std::fopen(entry.path().c_str(), "rb"); // NOLINT: closed below
        REQUIRE(raw != nullptr);
        ByteVector received(sent.size());
        std::fseek(raw, static_cast<long>(size - sent.size()), SEEK_SET);
        CHECK(std::fread(received.data(), 1, received.size(), raw) == received.size());
        std::fclose(raw); // NOLINT: opened above
        CHECK(received == sent);
    }
}

TEST_CASE("movescu has a study moved to itself while it waits")
{
    if (tools_missing())
        return skip("DCMTK's tools are not installed");
    const ScratchFolder folder;
    const std::uint16_t port = [] { return ScriptedListener().port(); }();
    RecordingProvider provider;
    WorkerPool outbound("outbound", 2);
    dimse::RequestorOptions options;
    options.calling_ae_title = *AeTitle::parse("GANTRY");
    std::string destination;
    provider.retrieve = [&](dimse::RetrieveRequest request, RetrieveSession& session) {
        destination = request.move_destination ? request.move_destination->str() : "";
        return move_all(
            20,
            dimse::Requestor({*AeTitle::parse("VIEWER"), "127.0.0.1", port}, options, outbound),
            session
        );
    };
    DimseAcceptor acceptor(provider);
    CHECK(tool(
        "movescu -aem VIEWER +P " + std::to_string(port) + " -od '" + folder.path().string() + "'" +
        study_keys + peer_of(acceptor)
    ));
    CHECK(destination == "VIEWER");
    CHECK(files_in(folder.path()) == 20);
    outbound.stop();
    outbound.join();
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
