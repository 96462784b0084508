#include "gateway/faces/incoming_store.h"

#include "mapping/status.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace gantry::faces {

using mapping::store_status;
using mapping::StoreFailure;

IncomingStore::Structure::Structure(const Uid& transfer_syntax)
    : scanner_(TransferSyntax::of(transfer_syntax.str()))
{
    const bool known = !TransferSyntax::of(transfer_syntax.str()).uid.empty();
    const bool dicom = transfer_syntax.str().starts_with("1.2.840.10008.");
    if (!known && !dicom)
        other_.emplace(TransferSyntax::of(transfer_syntax::implicit_le));
}

void IncomingStore::Structure::feed(ConstBytes fragment)
{
    holds_ = holds_ && scanner_.feed(fragment).has_value();
    if (other_)
        other_holds_ = other_holds_ && other_->feed(fragment).has_value();
}

std::optional<mapping::ScannedDataSet> IncomingStore::Structure::finish()
{
    if (holds_) {
        if (auto scanned = scanner_.finish())
            return std::move(*scanned);
    }
    if (other_ && other_holds_) {
        if (auto scanned = other_->finish())
            return std::move(*scanned);
    }
    return std::nullopt;
}

IncomingStore::IncomingStore(
    std::unique_ptr<custody::SpoolWriter> writer,
    custody::DeliveryQueue& queue,
    dimse::StoreRequest request,
    custody::Envelope envelope,
    Ended ended
)
    : writer_(std::move(writer)),
      queue_(&queue),
      request_(std::move(request)),
      envelope_(std::move(envelope)),
      ended_(std::move(ended)),
      structure_(request_.transfer_syntax)
{
}

IncomingStore::~IncomingStore() = default;

Result<void> IncomingStore::write(ConstBytes fragment)
{
    received_ = received_ + Bytes{fragment.size()};
    structure_.feed(fragment);
    if (auto written = writer_->write(fragment); !written) {
        disk_failed_ = true;
        spdlog::error(
            "spool write failed sop={} reason=\"{}\"",
            request_.sop.sop_instance.str(),
            written.error().text()
        );
        return written.error();
    }
    return {};
}

DimseStatus IncomingStore::finish()
{
    DimseStatus answer = judge();
    writer_.reset();
    if (ended_)
        ended_(answer, received_);
    return answer;
}

DimseStatus IncomingStore::judge()
{
    if (disk_failed_)
        return store_status(StoreFailure::storage_failed);
    const auto scanned = structure_.finish();
    if (!scanned)
        return store_status(StoreFailure::structure_broken);
    if (scanned->sop_class.empty() || scanned->sop_instance.empty())
        return store_status(StoreFailure::sop_missing);
    if (scanned->sop_instance != request_.sop.sop_instance)
        return store_status(StoreFailure::instance_mismatch);
    if (scanned->sop_class != request_.sop.sop_class)
        return store_status(StoreFailure::class_mismatch);
    if (scanned->study.empty())
        return store_status(StoreFailure::study_missing);
    if (scanned->series.empty())
        return store_status(StoreFailure::series_missing);
    envelope_.key = {scanned->study, scanned->series, request_.sop, request_.transfer_syntax};
    auto stored = writer_->commit(std::move(envelope_));
    if (!stored) {
        spdlog::error(
            "spool commit failed sop={} reason=\"{}\"",
            request_.sop.sop_instance.str(),
            stored.error().text()
        );
        return store_status(StoreFailure::storage_failed);
    }
    queue_->enqueue(std::move(*stored));
    return {status::success, {}};
}

} // namespace gantry::faces
