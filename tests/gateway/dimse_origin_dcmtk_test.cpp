// dcmqrscp behind the origin: another implementation of the same standard.
#include "support/dcmtk_archive.h"
#include "support/skip.h"

#include <doctest/doctest.h>

#include "tests/gateway/dimse_origin_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

/// 200 instances in four series.
std::vector<PacsInstance> large_study()
{
    std::vector<PacsInstance> out;
    for (int series = 1; series <= 4; ++series)
        for (int i = 1; i <= 50; ++i) {
            const std::string in = "1.2.3." + std::to_string(series);
            out.push_back(pacs_instance("1.2.3", in, in + "." + std::to_string(i), 100'000));
        }
    return out;
}

void check_all_of_it(DimseOriginOptions::RetrieveBy by)
{
    if (!DcmtkArchive::available())
        return skip("dcmqrscp is not installed");
    OriginSettings settings;
    settings.origin.retrieve_by = by;
    settings.origin.in_memory = Bytes{64U << 10U}; // half of them go through files
    settings.requestor.timeouts.dimse = std::chrono::seconds(20);
    MoveTarget here;
    ScratchFolder scratch;
    WorkerPool outbound("outbound", 4);
    WorkerPool disk("disk", 2);
    WorkerPool transcoders("transcode", 1);
    const auto study = large_study();
    DcmtkArchive archive(study, here.acceptor.port());
    dimse::Requestor requestor(archive.address(), settings.requestor, outbound);
    DimseOrigin origin(
        "dcmtk", settings.origin, {requestor, here.arrivals, disk, transcoders, scratch.path()}
    );
    TakingSink sink;
    const RetrieveEnd end = here.loop.run(origin.retrieve(of_study(), sink));
    CHECK(end.complete);
    CHECK(end.reason.empty());
    REQUIRE(sink.data_sets.size() == 200);
    for (const PacsInstance& instance : study) {
        const std::string& got = sink.data_sets.at(instance.sop_instance);
        const ConstBytes bytes = std::as_bytes(std::span(got));
        CHECK(ByteVector(bytes.begin(), bytes.end()) == instance.data_set);
    }
    CHECK_FALSE(sink.twice);

    TakingSink one;
    CHECK(here.loop.run(origin.retrieve(of_instances({"1.2.3.2.7"}, "1.2.3.2"), one)).complete);
    CHECK(one.received() == Names{"1.2.3.2.7"});
}

} // namespace

TEST_CASE("a study of 200 comes from dcmqrscp by C-GET as it is there")
{
    check_all_of_it(DimseOriginOptions::RetrieveBy::get);
}

TEST_CASE("a study of 200 comes from dcmqrscp by C-MOVE as it is there")
{
    check_all_of_it(DimseOriginOptions::RetrieveBy::move);
}
