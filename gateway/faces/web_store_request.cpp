#include "gateway/faces/web_store_request.h"

#include "mapping/media_type.h"
#include "mapping/vocabulary/dimse_status.h"

#include <algorithm>
#include <utility>

namespace gantry::faces {

using mapping::InstanceOutcome;

namespace {

constexpr std::size_t buffer_size = 256U << 10U; // what goes to a worker at once

enum class PartKind : std::uint8_t { file, json, xml, bulk, none };

/// PS3.18 asks for Content-Type; many leave it out.
PartKind kind_of(const std::optional<mapping::MediaType>& type, StoreForm form, bool first)
{
    const std::string essence = type ? type->essence() : std::string();
    if (essence == "application/dicom")
        return PartKind::file;
    if (essence == "application/dicom+json" || essence == "application/json")
        return PartKind::json;
    if (essence == "application/dicom+xml")
        return PartKind::xml;
    if (form == StoreForm::files)
        return essence.empty() ? PartKind::file : PartKind::none;
    if (first && essence.empty())
        return form == StoreForm::json ? PartKind::json : PartKind::xml;
    return PartKind::bulk;
}

void apply(const StoreOutcome& became, InstanceOutcome& outcome)
{
    using Kind = StoreOutcome::Kind;
    switch (became.kind) {
    case Kind::stored:
    case Kind::already_there: break;
    case Kind::stored_changed: outcome.warning_reason = became.reason; break;
    default:
        outcome.failure_reason = became.reason != 0 ? became.reason : status::processing_failure;
    }
}

/// After custody: what has not become final yet will be stored, and must not be sent again.
void apply_delivery(const StoreOutcome& became, InstanceOutcome& outcome)
{
    using Kind = StoreOutcome::Kind;
    const bool waits = became.kind == Kind::transient || became.kind == Kind::limited ||
                       became.kind == Kind::unavailable;
    if (waits)
        outcome.warning_reason = mapping::still_waiting;
    else
        apply(became, outcome);
}

} // namespace

StoreRequest::StoreRequest(const WebFaceOptions& options, Terms terms)
    : options_(options),
      terms_(std::move(terms)),
      metadata_({terms_.intake, terms_.study, terms_.peer_address, terms_.target, options.scratch})
{
    buffer_.reserve(buffer_size);
}

// References name what the handler of the request holds, which awaits all of this.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

/// Feeds a part in pieces that are worth a worker's turn.
template <class Taker>
asio::awaitable<Result<void>> StoreRequest::draw(Taker& taker, web::ByteSource source)
{
    buffer_.clear();
    const auto feed = [this, &taker](ConstBytes bytes) {
        auto work = [&taker, bytes](const std::stop_token&) { taker.feed(bytes); };
        return offload(terms_.disk, std::move(work));
    };
    for (;;) {
        const auto piece = co_await source();
        if (!piece)
            co_return piece.error();
        if (piece->empty())
            break;
        if (taker.lost())
            continue; // read over
        if (!buffer_.empty() && buffer_.size() + piece->size() > buffer_size) {
            co_await feed(buffer_);
            buffer_.clear();
        }
        if (piece->size() >= buffer_size)
            co_await feed(*piece);
        else
            buffer_.insert(buffer_.end(), piece->begin(), piece->end());
    }
    if (!buffer_.empty())
        co_await feed(buffer_);
    co_return Result<void>{};
}

asio::awaitable<Result<void>> StoreRequest::take_file(web::ByteSource source)
{
    PartTaker taker(terms_.intake, terms_.study, terms_.peer_address);
    if (const auto drawn = co_await draw(taker, std::move(source)); !drawn)
        co_return drawn;
    auto work = [&taker](const std::stop_token&) { return taker.finish(); };
    auto part = co_await offload(terms_.disk, std::move(work));
    co_await keep(std::move(part));
    co_return Result<void>{};
}

/// Metadata and bulk data wait until the request is over.
asio::awaitable<Result<void>> StoreRequest::take_kept(web::ByteSource source)
{
    const auto drawn = co_await draw(metadata_, std::move(source));
    metadata_.end(drawn.has_value());
    co_return drawn;
}

asio::awaitable<Result<void>>
StoreRequest::take_part(const web::Fields& fields, web::ByteSource source)
{
    const std::string_view text = fields.find("Content-Type");
    auto type = mapping::parse_media_type(text);
    const bool legible = type || text.empty();
    const bool first = std::exchange(first_, false);
    switch (legible ? kind_of(type, form_, first) : PartKind::none) {
    case PartKind::file: return take_file(std::move(source));
    case PartKind::json: metadata_.begin_metadata(StoreMetadata::Form::json); break;
    case PartKind::xml: metadata_.begin_metadata(StoreMetadata::Form::xml); break;
    case PartKind::bulk:
        metadata_.begin_bulk(
            std::string(fields.find("Content-Location")),
            type ? std::move(*type) : *mapping::parse_media_type("application/octet-stream")
        );
        break;
    case PartKind::none:
        other_failures_.push_back(status::cannot_understand);
        return []() -> asio::awaitable<Result<void>> { co_return Result<void>{}; }();
    }
    return take_kept(std::move(source));
}

asio::awaitable<Result<void>>
StoreRequest::take_multipart(web::RequestBody& body, std::string boundary, StoreForm form)
{
    form_ = form;
    web::ByteSource source = [&body] { return body.read(); };
    web::MultipartLimits limits;
    limits.max_parts = options_.max_parts;
    web::MultipartReader reader(std::move(boundary), std::move(source), limits);
    for (;;) {
        const auto fields = co_await reader.next_part();
        if (!fields)
            co_return fields.error();
        if (!*fields)
            co_return Result<void>{};
        web::ByteSource part = [&reader] { return reader.read(); };
        const auto taken = co_await take_part(**fields, std::move(part));
        if (!taken)
            co_return taken.error();
    }
}

asio::awaitable<Result<void>> StoreRequest::take_single(web::RequestBody& body)
{
    web::ByteSource source = [&body] { return body.read(); };
    return take_file(std::move(source));
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

asio::awaitable<void> StoreRequest::keep(TakenPart part)
{
    if (part.failure && !part.named()) {
        other_failures_.push_back(*part.failure);
        co_return;
    }
    known_.push_back({{part.study, part.series, part.sop, {}}, {part.sop}});
    known_.back().outcome.failure_reason = part.failure;
    if (part.failure)
        co_return;
    places_.push_back(known_.size() - 1);
    group_.push_back(std::move(part.writer));
    group_bytes_ += part.length;
    if (group_.size() >= options_.group_instances || group_bytes_ >= options_.group_bytes.count)
        co_await commit();
}

asio::awaitable<void> StoreRequest::commit()
{
    if (group_.empty())
        co_return;
    auto group = std::exchange(group_, {});
    const auto places = std::exchange(places_, {});
    group_bytes_ = 0;
    const auto committed = co_await terms_.intake.commit(std::move(group));
    for (std::size_t i = 0; i < places.size(); ++i) {
        Known& known = known_[places[i]];
        apply(committed[i].outcome, known.outcome);
        known.receipt = committed[i].receipt;
    }
}

asio::awaitable<void> StoreRequest::conclude()
{
    if (!metadata_.empty()) {
        for (;;) {
            auto work = [this](const std::stop_token&) { return metadata_.next(); };
            auto part = co_await offload(terms_.disk, std::move(work));
            if (!part)
                break;
            co_await keep(std::move(*part));
        }
        other_failures_.insert(
            other_failures_.end(), metadata_.leftovers(), status::cannot_understand
        );
    }
    co_await commit();
    co_await await_origins();
}

asio::awaitable<void> StoreRequest::await_origins()
{
    std::vector<custody::ReceiptId> receipts;
    for (const Known& one : known_)
        if (one.receipt != 0)
            receipts.push_back(one.receipt);
    if (receipts.empty())
        co_return;
    const auto became = co_await terms_.intake.delivered(std::move(receipts));
    auto next = became.begin();
    for (Known& one : known_)
        if (one.receipt != 0 && next != became.end())
            apply_delivery(*next++, one.outcome);
}

mapping::StowReport StoreRequest::report(const std::string& service, bool readable) const
{
    mapping::StowReport out;
    out.other_failures = other_failures_;
    for (const Known& one : known_) {
        out.instances.push_back(one.outcome);
        if (readable && one.outcome.stored())
            out.instances.back().retrieve_url = resource_url(service, one.key, QueryLevel::image);
    }
    const auto stored = [](const Known& one) { return one.outcome.stored(); };
    const auto first = std::ranges::find_if(known_, stored);
    const auto same_study = [&](const Known& one) {
        return !one.outcome.stored() || one.key.study == first->key.study;
    };
    if (readable && first != known_.end() && std::ranges::all_of(known_, same_study))
        out.retrieve_url = resource_url(service, first->key, QueryLevel::study);
    return out;
}

} // namespace gantry::faces
