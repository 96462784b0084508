// dcmqrscp answers: another implementation of the same standard.
#include "dimse/requestor_rig.h"
#include "support/dcmtk_archive.h"
#include "support/skip.h"

#include <doctest/doctest.h>

using namespace gantry;
using namespace gantry::tests;

namespace {

constexpr const char* no_dcmqrscp = "dcmqrscp is not installed";

std::vector<PacsInstance> study(std::size_t count)
{
    std::vector<PacsInstance> instances;
    for (std::size_t i = 1; i <= count; ++i)
        instances.push_back(pacs_instance("1.2", "1.2.3", "1.2.3." + std::to_string(i), 300'000));
    return instances;
}

} // namespace

TEST_CASE("dcmqrscp gives a study by C-GET and every instance is as it was")
{
    if (!DcmtkArchive::available())
        return skip(no_dcmqrscp);
    DcmtkArchive archive(study(12), 104);
    RequestorRig rig;
    rig.options.keep_idle = std::chrono::minutes(1);
    dimse::Requestor requestor(archive.address(), rig.options, rig.pool);
    for (std::size_t round = 1; round <= 2; ++round) { // twice on one association
        const auto answer = rig.get(requestor);
        REQUIRE(answer.has_value());
        CHECK(answer->status.code == 0);
        CHECK(answer->counts.completed == 12);
        CHECK(rig.arrivals.stored().size() == 12 * round);
    }
    for (const Stored& stored : rig.arrivals.stored()) {
        const std::string& name = stored.request.sop.sop_instance.str();
        CHECK(stored.data_set == pacs_instance("1.2", "1.2.3", name, 300'000).data_set);
    }
}

TEST_CASE("dcmqrscp hears our C-CANCEL of a C-GET")
{
    if (!DcmtkArchive::available())
        return skip(no_dcmqrscp);
    DcmtkArchive archive(study(40), 104);
    RequestorRig rig;
    dimse::Requestor requestor(archive.address(), rig.options, rig.pool);
    rig.progress = [](const dimse::SubOperations&) { return false; };
    const auto answer = rig.get(requestor);
    REQUIRE(answer.has_value());
    // What it sends before it hears us is refused; where that comes last, it says so instead.
    const auto code = answer->status.code;
    CHECK((code == status::cancelled || code == 0xb000));
    CHECK(rig.arrivals.stored().size() < 40);
}

TEST_CASE("dcmqrscp moves a study to us under the message id of the move")
{
    if (!DcmtkArchive::available())
        return skip(no_dcmqrscp);
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    DcmtkArchive archive(study(5), acceptor.port());
    RequestorRig rig;
    const auto answer =
        rig.move(dimse::Requestor(archive.address(), rig.options, rig.pool), "GANTRY", 4'711);
    REQUIRE(answer.has_value());
    CHECK(answer->counts.completed == 5);
    REQUIRE(provider.stored().size() == 5);
    CHECK(provider.stored()[0].request.move_originator_message_id == 4'711);
}

TEST_CASE("dcmqrscp answers finds on one association and after it was killed on another")
{
    if (!DcmtkArchive::available())
        return skip(no_dcmqrscp);
    DcmtkArchive archive(study(2), 104);
    RequestorRig rig;
    rig.options.keep_idle = std::chrono::minutes(1);
    dimse::Requestor requestor(archive.address(), rig.options, rig.pool);
    FoundStudies found;
    for (int i = 0; i < 5; ++i)
        CHECK(rig.find(requestor, found).has_value());
    archive.stop();
    CHECK(rig.find(requestor, found).has_error());
    archive.start();
    CHECK(rig.find(requestor, found)->status.code == 0);
    CHECK(found.uids == std::vector<std::string>(6, "1.2"));
}
