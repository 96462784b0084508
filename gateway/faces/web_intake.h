// Where STOW-RS puts what it receives: into custody, for origins that are far, or straight into the
// local archive. The difference ends here. begin(), write() and seal() block and run on a worker;
// the rest runs on the loop.
#pragma once

#include "gateway/custody/delivery_watch.h"
#include "gateway/custody/queue.h"
#include "gateway/custody/spool.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"
#include "gateway/origins/local_origin.h"
#include "mapping/file_meta.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace gantry::faces {

/// Takes one instance. One thread at a time. Destroyed before it is committed: leaves nothing.
class IntakeWriter {
public:
    virtual ~IntakeWriter() = default;
    /// The next bytes of the data set.
    virtual Result<void> write(ConstBytes bytes) = 0;
    /// The data set is whole, and this is what it holds.
    virtual Result<void> seal(InstanceKey key) = 0;
};

struct Committed {
    StoreOutcome outcome;
    custody::ReceiptId receipt = 0; // to be waited for by delivered(); 0: the outcome is final
};

class Intake {
public:
    virtual ~Intake() = default;
    /// May anything come in? Cheap; asked before a body is read. Fails with spool_full, queue_full,
    /// or what keeps it from storing: 503.
    virtual Result<void> admit() const = 0;
    virtual Result<std::unique_ptr<IntakeWriter>>
    begin(const mapping::FileHead& head, const std::string& peer_address) = 0;
    /// Where what is stored can be read again as soon as it is; null: later, elsewhere.
    virtual const Origin* readable_from() const = 0;
    /// Of sealed writers; one outcome for each, in order. Stored means: would survive a power cut.
    virtual asio::awaitable<std::vector<Committed>>
    commit(std::vector<std::unique_ptr<IntakeWriter>> writers) = 0;
    /// What the origins said of each, in order; transient: not yet, in the time that it may take.
    virtual asio::awaitable<std::vector<StoreOutcome>>
    delivered(std::vector<custody::ReceiptId> receipts) = 0;
};

/// Straight into the local archive. References outlive the intake.
std::unique_ptr<Intake> archive_intake(LocalOrigin& origin, WorkerPool& disk);

/// Where an answer waits for the origins behind the queue, and how long; null: it does not.
struct AwaitDelivery {
    custody::DeliveryWatch* watch = nullptr;
    std::chrono::milliseconds longest{60'000};
};

/// Into the spool and the queue, for the named destinations (origins as configured; the local one
/// may be among them). References outlive the intake.
std::unique_ptr<Intake> custody_intake(
    custody::Spool& spool,
    custody::DeliveryQueue& queue,
    WorkerPool& disk,
    std::vector<std::string> destinations,
    AwaitDelivery wait = {}
);

} // namespace gantry::faces
