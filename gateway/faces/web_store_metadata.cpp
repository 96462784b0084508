#include "gateway/faces/web_store_metadata.h"

#include "gateway/error.h"
#include "gateway/faces/web_store_value.h"
#include "mapping/dicom_json_reader.h"
#include "mapping/native_xml.h"
#include "mapping/status.h"
#include "mapping/vocabulary/dimse_status.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <dcmtk/config/osconfig.h>

#include <boost/json.hpp>
#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>

#include <algorithm>
#include <utility>

namespace gantry::faces {

namespace {

constexpr std::uint64_t piece_size = 64U << 10U;

TakenPart failed_part(std::uint16_t reason)
{
    TakenPart out;
    out.failure = reason;
    return out;
}

Uid uid_of(DcmDataset& data_set, const DcmTagKey& tag)
{
    OFString text;
    (void)data_set.findAndGetOFString(tag, text);
    return Uid::parse(text.c_str()).value_or(Uid());
}

TakenPart failed_instance(DcmDataset& data_set, std::uint16_t reason)
{
    TakenPart out = failed_part(reason);
    out.sop = {uid_of(data_set, DCM_SOPClassUID), uid_of(data_set, DCM_SOPInstanceUID)};
    return out;
}

ConstBytes bytes_of(std::string_view text)
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

} // namespace

StoreMetadata::StoreMetadata(Terms terms) : terms_(std::move(terms)), bulk_(terms_.target) {}

void StoreMetadata::begin()
{
    lost_ = false;
    if (file_ == nullptr)
        if (auto made = ScratchFile::create(terms_.scratch))
            file_ = std::move(*made);
    lost_ = file_ == nullptr;
    began_ = lost_ ? 0 : file_->size().count;
}

void StoreMetadata::begin_metadata(Form form)
{
    begin();
    text_ = Text{form, began_, 0, 0};
}

void StoreMetadata::begin_bulk(std::string location, mapping::MediaType type)
{
    begin();
    part_ = BulkPart{std::move(location), std::move(type), began_};
}

void StoreMetadata::feed(ConstBytes bytes)
{
    if (!lost_ && !file_->append(bytes))
        lost_ = true;
}

void StoreMetadata::end(bool whole)
{
    const std::uint64_t length = lost_ ? 0 : file_->size().count - began_;
    if (text_ && whole) {
        text_->length = length;
        if (lost_)
            text_->failure = status::out_of_resources;
        else if (length == 0)
            text_->failure = status::cannot_understand;
        texts_.push_back(*text_);
    }
    if (part_ && whole) {
        part_->length = length;
        part_->lost = lost_;
        bulk_.add(std::move(*part_));
        ++bulk_count_;
    }
    text_.reset();
    part_.reset();
}

Result<std::string> StoreMetadata::read(std::uint64_t offset, std::uint64_t length) const
{
    std::string out(length, '\0');
    std::size_t done = 0;
    while (done < length) {
        const auto got = file_->read(
            offset + done, std::as_writable_bytes(std::span(out.data() + done, length - done))
        );
        if (!got)
            return got.error();
        if (*got == 0)
            return error(Errc::disk, "a scratch file became shorter");
        done += *got;
    }
    return out;
}

std::optional<TakenPart> StoreMetadata::next()
{
    while (at_ < texts_.size()) {
        if (auto part = next_in(texts_[at_]))
            return part;
        splitter_.reset();
        ++at_;
    }
    return std::nullopt;
}

// The text gets shorter from the front; a length of 0 ends it.
std::optional<TakenPart> StoreMetadata::next_in(Text& text)
{
    if (const auto failure = std::exchange(text.failure, std::uint16_t{}); failure != 0) {
        text.length = 0;
        return failed_part(failure);
    }
    if (text.form == Form::json)
        return next_object(text);
    if (text.length == 0)
        return std::nullopt;
    TakenPart part = whole_document(text);
    text.length = 0;
    return part;
}

std::optional<TakenPart> StoreMetadata::next_object(Text& text)
{
    if (!splitter_) {
        if (text.length == 0)
            return std::nullopt;
        splitter_.emplace(max_instance);
        chunk_.clear();
    }
    for (;;) {
        const auto object = splitter_->next();
        const bool over = object && !*object && text.length == 0;
        if (!object || (over && !splitter_->finish())) { // what follows cannot be told apart
            text.length = 0;
            splitter_.reset();
            return failed_part(status::cannot_understand);
        }
        if (*object)
            return assemble(**object);
        if (over)
            return std::nullopt;
        const auto size = std::min(text.length, piece_size);
        auto chunk = read(text.offset, size);
        if (!chunk) {
            text.length = 0;
            splitter_.reset();
            return failed_part(status::out_of_resources);
        }
        chunk_ = std::move(*chunk);
        text.offset += size;
        text.length -= size;
        splitter_->feed(chunk_);
    }
}

TakenPart StoreMetadata::whole_document(const Text& text)
{
    if (text.length > max_instance.count)
        return failed_part(status::cannot_understand);
    const auto xml = read(text.offset, text.length);
    if (!xml)
        return failed_part(status::out_of_resources);
    const auto object = mapping::read_native_xml(*xml);
    if (!object)
        return failed_part(status::cannot_understand);
    return assemble(boost::json::serialize(*object));
}

/// Which instance it would have been, where that much can be read.
TakenPart StoreMetadata::unreadable(std::string_view json) const
{
    mapping::DicomJsonReadOptions lenient;
    lenient.unreadable = [](Tag) {};
    const auto read = mapping::read_dicom_json(json, lenient);
    return read ? failed_instance(**read, status::cannot_understand)
                : failed_part(status::cannot_understand);
}

TakenPart StoreMetadata::assemble(std::string_view json)
{
    std::vector<mapping::BulkReference> wanted;
    mapping::DicomJsonReadOptions options;
    options.bulk_data = [&](const mapping::BulkReference& one) { wanted.push_back(one); };
    const auto read = mapping::read_dicom_json(json, options);
    if (!read)
        return unreadable(json);
    DcmDataset& data_set = **read;
    mapping::SuppliedValues values;
    std::string syntax(transfer_syntax::explicit_le);
    std::uint16_t failure = 0;
    for (const mapping::BulkReference& one : wanted) { // all, so that none counts as left over
        MadeValue made = make_value(file_, bulk_.find(one.uri), one, data_set);
        failure = failure != 0 ? failure : made.failure;
        if (!made.transfer_syntax.empty())
            syntax = made.transfer_syntax;
        values[one.path] = std::move(made.value);
    }
    if (failure != 0)
        return failed_instance(data_set, failure);
    mapping::FileHead head;
    head.sop = {uid_of(data_set, DCM_SOPClassUID), uid_of(data_set, DCM_SOPInstanceUID)};
    head.transfer_syntax = Uid::parse(syntax).value();
    PartTaker taker(terms_.intake, terms_.study, terms_.peer_address);
    taker.feed(bytes_of(mapping::write_file_head(head)));
    const auto take = [&taker](ConstBytes bytes) -> Result<void> {
        taker.feed(bytes);
        return taker.failed() ? error(Errc::closed) : Result<void>();
    };
    const auto written = mapping::write_data_set(data_set, values, take);
    if (written || taker.failed())
        return taker.finish();
    const bool disk = written.error().code == make_error_code(Errc::disk);
    return failed_instance(data_set, disk ? status::out_of_resources : status::cannot_understand);
}

} // namespace gantry::faces
