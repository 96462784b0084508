// One C-STORE on its way into custody: bytes go to the spool as they come, and their structure is
// read in passing. Runs on the association's thread; blocks on the disk only.
#pragma once

#include "dimse/service_provider.h"
#include "gateway/custody/queue.h"
#include "gateway/custody/spool.h"
#include "mapping/data_set_scanner.h"

#include <functional>
#include <memory>
#include <optional>

namespace gantry::faces {

class IncomingStore final : public dimse::IncomingInstance {
public:
    /// Told the status and the size when it is known what becomes of the instance.
    using Ended = std::function<void(const DimseStatus&, Bytes)>;

    /// `envelope` names peer and destinations; `queue` outlives this.
    IncomingStore(
        std::unique_ptr<custody::SpoolWriter> writer,
        custody::DeliveryQueue& queue,
        dimse::StoreRequest request,
        custody::Envelope envelope,
        Ended ended
    );
    ~IncomingStore() override;

    Result<void> write(ConstBytes fragment) override;
    DimseStatus finish() override;

private:
    /// Reads the structure of a data set. A private transfer syntax does not say how it is encoded:
    /// then both ways are tried, and one that holds is enough.
    class Structure {
    public:
        explicit Structure(const Uid& transfer_syntax);
        void feed(ConstBytes fragment);
        std::optional<mapping::ScannedDataSet> finish();

    private:
        mapping::DataSetScanner scanner_;
        std::optional<mapping::DataSetScanner> other_;
        bool holds_ = true;
        bool other_holds_ = true;
    };

    DimseStatus judge();

    std::unique_ptr<custody::SpoolWriter> writer_;
    custody::DeliveryQueue* queue_;
    dimse::StoreRequest request_;
    custody::Envelope envelope_;
    Ended ended_;
    Structure structure_;
    Bytes received_;
    bool disk_failed_ = false;
};

} // namespace gantry::faces
