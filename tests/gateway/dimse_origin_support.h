// An origin in front of an archive that speaks DIMSE, with a face of its own that the archive can
// move to, and who takes what it gives. For tests.
#pragma once

#include "gateway/faces/dimse_face.h"
#include "gateway/origins/dimse_origin.h"
#include "support/dimse_acceptor.h"
#include "support/fake_queue.h"
#include "support/fake_spool.h"
#include "support/loop_thread.h"
#include "support/manual_clock.h"
#include "support/scratch_folder.h"
#include "support/scripted_pacs.h"

#include <boost/asio/cancellation_signal.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gantry::tests {

using Names = std::set<std::string>;

inline Uid uid(const std::string& text)
{
    return Uid::parse(text).value();
}

/// Keeps whatever comes. Loop.
class TakingSink final : public RetrieveSink {
public:
    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> instances) override;
    std::optional<std::vector<Uid>> acceptable(const Uid& sop_class) const override;
    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override;

    std::function<Result<void>(const InstanceKey&)> refuses = {};
    std::function<std::optional<std::vector<Uid>>(const Uid&)> accepts = {};
    std::function<asio::awaitable<void>()> pauses = {}; // before it takes one

    std::vector<InstanceKey> expected;
    std::map<std::string, std::string> data_sets; // by instance
    std::map<std::string, InstanceKey> keys;
    bool twice = false; // one came more than once, or was not expected

    Names received() const;
};

RetrieveQuestion of_study(const std::string& study = "1.2.3");
RetrieveQuestion of_series(const std::string& series, const std::string& study = "1.2.3");
RetrieveQuestion of_instances(
    std::vector<std::string> instances,
    const std::string& series = "1.2.3.1",
    const std::string& study = "1.2.3"
);
Names missing_of(const RetrieveEnd& end);

/// "1.2.3.`series`.1" ... "1.2.3.`series`.`count`".
Names numbered(unsigned series, unsigned count);

/// The face, as the archive sees it, without an archive.
struct MoveTarget {
    MoveTarget();

    /// What it answers when nobody waits: the spool has no room.
    LoopThread loop;
    ManualClock clock;
    FakeSpool spool;
    FakeQueue queue{loop.loop().get_executor(), clock};
    MoveArrivals arrivals{AeTitle::parse("GANTRY").value()};
    faces::DimseFace face;
    DimseAcceptor acceptor;
};

struct OriginSettings {
    DimseOriginOptions origin = {};
    dimse::RequestorOptions requestor = {};

    /// Short patience, so that a test of it does not last.
    OriginSettings();
};

struct DimseHouse {
    explicit DimseHouse(PacsScript script = {}, OriginSettings settings = {});
    DimseHouse(PacsScript script, OriginSettings settings, dimse::PeerAddress address);

    /// `count` instances "1.2.3.`series`.1" ... of study "1.2.3".
    void holds(unsigned series, unsigned count, std::size_t pixel_bytes = 1'000);

    RetrieveEnd retrieve(RetrieveQuestion question, TakingSink& sink);
    RetrieveEnd retrieve(RetrieveQuestion question = of_study());

    /// What came is what the archive has, byte for byte.
    bool same(const TakingSink& sink) const;

    std::size_t gets() const { return pacs.asked(0x0010).size(); }

    std::size_t moves() const { return pacs.asked(0x0021).size(); }

    ScratchFolder scratch;
    MoveTarget here;
    WorkerPool outbound{"outbound", 16};
    WorkerPool disk{"disk", 2};
    WorkerPool transcoders{"transcode", 1};
    ScriptedPacs pacs;
    std::shared_ptr<MemoryBudget> memory = std::make_shared<MemoryBudget>(Bytes{8U << 20U});
    dimse::Requestor requestor;
    DimseOrigin origin;
    TakingSink sink;
    std::map<std::string, ByteVector> held;
};

/// After whatever happened, all works again.
void check_next_works(DimseHouse& house);

} // namespace gantry::tests
