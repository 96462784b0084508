#include "gateway/origins/dimse_incoming.h"

#include "mapping/vocabulary/transfer_syntax.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace gantry {

using mapping::store_status;
using mapping::StoreFailure;

namespace {

/// A little more than the last: slices of a series are alike.
Bytes guess_after(std::uint64_t last)
{
    return {last + last / 16};
}

} // namespace

DimsePassage::Incoming::Incoming(
    std::shared_ptr<DimsePassage> passage, dimse::StoreRequest request, std::size_t at
)
    : passage_(std::move(passage)),
      request_(std::move(request)),
      at_(at),
      bytes_(
          passage_->ground_.memory,
          std::nullopt,
          guess_after(passage_->last_size_.load(std::memory_order_relaxed))
      )
{
    // What is not known may be encoded in any way (PS3.5 10.4).
    const TransferSyntax& syntax = TransferSyntax::of(request_.transfer_syntax.str());
    if (!syntax.uid.empty())
        scanner_.emplace(syntax);
}

DimsePassage::Incoming::~Incoming()
{
    if (!handed_over_)
        passage_->plan_->release(at_, why_);
}

Result<void> DimsePassage::Incoming::write(ConstBytes fragment)
{
    passage_->touch();
    size_ += fragment.size();
    // What an archive keeps although its structure does not hold is still given as it is.
    if (scanner_ && !scanner_->feed(fragment))
        scanner_.reset();
    if (bytes_.fits(fragment.size())) {
        bytes_.keep(fragment);
        return {};
    }
    Result<void> written;
    if (!bytes_.in_file())
        written = bytes_.spill(passage_->ground_.scratch);
    if (written)
        written = bytes_.append(fragment);
    disk_failed_ = !written;
    if (disk_failed_)
        why_ = written.error().text();
    return written;
}

std::optional<StoreFailure> DimsePassage::Incoming::judge()
{
    if (disk_failed_)
        return StoreFailure::storage_failed;
    if (!scanner_)
        return std::nullopt;
    const auto scanned = scanner_->finish();
    if (!scanned)
        return StoreFailure::structure_broken;
    const auto differs = [](const Uid& said, const Uid& is) { return !said.empty() && said != is; };
    const InstanceKey& key = passage_->plan_->key(at_);
    if (differs(scanned->sop_instance, request_.sop.sop_instance))
        return StoreFailure::instance_mismatch;
    if (differs(scanned->sop_class, request_.sop.sop_class))
        return StoreFailure::class_mismatch;
    if (differs(scanned->study, key.study) || differs(scanned->series, key.series))
        return StoreFailure::not_asked_for;
    return std::nullopt;
}

DimseStatus DimsePassage::Incoming::refuse(StoreFailure failure)
{
    DimseStatus answer = store_status(failure);
    if (!disk_failed_)
        why_ = answer.comment;
    spdlog::warn(
        "instance of a retrieve refused origin={} sop={} status={:04x} reason=\"{}\"",
        passage_->ground_.origin,
        request_.sop.sop_instance.str(),
        answer.code,
        why_
    );
    return answer;
}

DimseStatus DimsePassage::Incoming::finish()
{
    if (const auto failure = judge())
        return refuse(*failure);
    bytes_.settle();
    passage_->last_size_.store(size_, std::memory_order_relaxed);
    InstanceKey key = passage_->plan_->key(at_);
    key.sop = request_.sop;
    key.transfer_syntax = request_.transfer_syntax;
    auto content =
        bytes_.content(std::move(key), passage_->ground_.pacs, 0, passage_->ground_.disk);
    DimseStatus answer = passage_->hand_over({at_, std::move(content)});
    handed_over_ = answer.code == status::success;
    why_ = answer.comment;
    return answer;
}

} // namespace gantry
