#include "gateway/faces/web_part.h"

#include "gateway/error.h"
#include "mapping/status.h"
#include "mapping/vocabulary/dimse_status.h"
#include "mapping/vocabulary/sop_class.h"

#include <utility>

namespace gantry::faces {

using mapping::store_status;
using mapping::StoreFailure;

PartTaker::PartTaker(Intake& intake, std::optional<Uid> study, std::string peer_address)
    : intake_(intake), study_(std::move(study)), peer_address_(std::move(peer_address))
{
}

void PartTaker::fail(std::uint16_t reason)
{
    part_.failure = reason;
    part_.writer.reset();
    head_ = {};
}

/// What the disk or the queue refused.
void PartTaker::fail(const Error& why)
{
    if (why.code == make_error_code(Errc::spool_full))
        fail(store_status(StoreFailure::spool_full).code);
    else if (why.code == make_error_code(Errc::queue_full))
        fail(store_status(StoreFailure::queue_full).code);
    else
        fail(store_status(StoreFailure::storage_failed).code);
}

void PartTaker::feed(ConstBytes bytes)
{
    if (failed() || bytes.empty())
        return;
    if (scanner_) {
        take(bytes);
        return;
    }
    head_.insert(head_.end(), bytes.begin(), bytes.end());
    find_head(false);
}

void PartTaker::find_head(bool whole)
{
    const auto read = mapping::read_file_head(head_, whole);
    if (!read) {
        const bool more = read.error().code == make_error_code(mapping::Errc::incomplete);
        if (!more || head_.size() > mapping::max_file_head.count)
            fail(store_status(StoreFailure::structure_broken).code);
        return;
    }
    if (!read->has_prefix) { // PS3.18 8.7.3.1: a DICOM file
        fail(status::cannot_understand);
        return;
    }
    part_.sop = read->head.sop;
    transfer_syntax_ = read->head.transfer_syntax;
    auto begun = intake_.begin(read->head, peer_address_);
    if (!begun) {
        fail(begun.error());
        return;
    }
    part_.writer = std::move(*begun);
    scanner_.emplace(TransferSyntax::of(transfer_syntax_.str()));
    const auto head = std::exchange(head_, {});
    take(ConstBytes(head).subspan(read->data_set_offset));
}

void PartTaker::take(ConstBytes bytes)
{
    if (bytes.empty())
        return;
    if (!scanner_->feed(bytes)) {
        fail(store_status(StoreFailure::structure_broken).code);
        return;
    }
    part_.length += bytes.size();
    if (const auto written = part_.writer->write(bytes); !written)
        fail(written.error());
}

TakenPart PartTaker::finish()
{
    if (!failed() && !scanner_)
        find_head(true);
    if (!failed())
        seal();
    return std::move(part_);
}

void PartTaker::seal()
{
    const auto found = scanner_->finish();
    if (!found)
        return fail(store_status(StoreFailure::structure_broken).code);
    part_.sop = {found->sop_class, found->sop_instance};
    part_.study = found->study;
    part_.series = found->series;
    if (!part_.named())
        return fail(store_status(StoreFailure::sop_missing).code);
    if (found->study.empty())
        return fail(store_status(StoreFailure::study_missing).code);
    if (found->series.empty())
        return fail(store_status(StoreFailure::series_missing).code);
    if (study_ && *study_ != found->study)
        return fail(status::data_set_mismatch); // PS3.18 10.5.1.1: not the study of the URL
    if (service_of(found->sop_class.str()) != Service::storage)
        return fail(store_status(StoreFailure::sop_class_not_supported).code);
    InstanceKey key{found->study, found->series, part_.sop, transfer_syntax_};
    if (const auto sealed = part_.writer->seal(std::move(key)); !sealed)
        fail(sealed.error());
}

} // namespace gantry::faces
