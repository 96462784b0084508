#include "gateway/faces/web_store.h"

#include "gateway/faces/web_part.h"
#include "mapping/media_type.h"
#include "mapping/stow_outcome.h"
#include "mapping/vocabulary/dimse_status.h"
#include "web/error.h"
#include "web/multipart.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace gantry::faces {

using mapping::InstanceOutcome;
using mapping::StowReport;

namespace {

constexpr std::size_t buffer_size = 256U << 10U; // what goes to a worker at once

/// How the body of a request is made up, or why it cannot be taken.
struct BodyForm {
    std::string boundary; // of multipart; empty: the body is one instance
    std::optional<Problem> problem;
};

BodyForm body_form(const web::Request& request)
{
    const auto type = mapping::parse_media_type(request.fields.find("Content-Type"));
    const std::string essence = type ? type->essence() : std::string();
    if (essence == "application/dicom")
        return {};
    if (essence != "multipart/related")
        return {{}, Problem{415, "multipart/related; type=\"application/dicom\" is taken"}};
    const auto root = mapping::parse_media_type(type->parameter("type"));
    if (root && root->essence() != "application/dicom")
        return {{}, Problem{415, "only DICOM files are taken, not metadata with bulk data"}};
    const std::string boundary(type->parameter("boundary"));
    if (boundary.empty() || boundary.size() > 70) // RFC 2046 5.1.1
        return {{}, Problem{400, "no usable boundary"}};
    return {boundary, std::nullopt};
}

std::uint16_t problem_status(const Error& why)
{
    if (why.code == make_error_code(web::Errc::too_large))
        return 413;
    if (why.code == make_error_code(web::Errc::timeout))
        return 408;
    return 400;
}

bool takes(const web::Fields& part)
{
    const std::string_view text = part.find("Content-Type");
    if (text.empty())
        return true; // PS3.18 asks for it; many leave it out
    const auto type = mapping::parse_media_type(text);
    return type && type->essence() == "application/dicom";
}

} // namespace

/// One request on its way.
class StowRequest {
public:
    StowRequest(
        const WebFaceOptions& options,
        Intake& intake,
        WorkerPool& disk,
        std::optional<Uid> study,
        std::string peer_address
    )
        : options_(options),
          intake_(intake),
          disk_(disk),
          study_(std::move(study)),
          peer_address_(std::move(peer_address))
    {
        buffer_.reserve(buffer_size);
    }

    /// Takes the parts of a body until it ends or breaks; commits what was whole.
    asio::awaitable<Result<void>> take_multipart(web::RequestBody& body, std::string boundary);
    /// The body is one DICOM file.
    asio::awaitable<Result<void>> take_single(web::RequestBody& body);
    asio::awaitable<void> commit();

    StowReport report(const std::string& service, bool readable) const;

private:
    asio::awaitable<Result<void>> take_part(web::ByteSource source);
    asio::awaitable<void> feed(PartTaker& taker, ConstBytes bytes);
    asio::awaitable<void> keep(TakenPart part);

    struct Known {
        InstanceKey key;
        InstanceOutcome outcome;
    };

    const WebFaceOptions& options_;
    Intake& intake_;
    WorkerPool& disk_;
    std::optional<Uid> study_;
    std::string peer_address_;
    std::vector<std::byte> buffer_;
    std::vector<std::unique_ptr<IntakeWriter>> group_; // sealed, to be committed together
    std::vector<std::size_t> places_;                  // of the group in known_
    std::uint64_t group_bytes_ = 0;
    std::vector<Known> known_;
    std::vector<std::uint16_t> other_failures_;
};

asio::awaitable<void> StowRequest::feed(PartTaker& taker, ConstBytes bytes)
{
    auto work = [&taker, bytes](std::stop_token) { taker.feed(bytes); };
    co_await offload(disk_, std::move(work));
}

asio::awaitable<Result<void>> StowRequest::take_part(web::ByteSource source)
{
    PartTaker taker(intake_, study_, peer_address_);
    buffer_.clear();
    for (;;) {
        const auto piece = co_await source();
        if (!piece)
            co_return piece.error();
        if (piece->empty())
            break;
        if (taker.failed())
            continue; // read over
        if (!buffer_.empty() && buffer_.size() + piece->size() > buffer_size) {
            co_await feed(taker, buffer_);
            buffer_.clear();
        }
        if (piece->size() >= buffer_size)
            co_await feed(taker, *piece);
        else
            buffer_.insert(buffer_.end(), piece->begin(), piece->end());
    }
    auto work = [this, &taker](std::stop_token) {
        taker.feed(buffer_);
        return taker.finish();
    };
    auto part = co_await offload(disk_, std::move(work));
    co_await keep(std::move(part));
    co_return Result<void>{};
}

asio::awaitable<void> StowRequest::keep(TakenPart part)
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

asio::awaitable<void> StowRequest::commit()
{
    if (group_.empty())
        co_return;
    auto group = std::exchange(group_, {});
    const auto places = std::exchange(places_, {});
    group_bytes_ = 0;
    const auto outcomes = co_await intake_.commit(std::move(group));
    for (std::size_t i = 0; i < places.size(); ++i) {
        using Kind = StoreOutcome::Kind;
        const StoreOutcome& became = outcomes[i];
        InstanceOutcome& outcome = known_[places[i]].outcome;
        if (became.kind == Kind::stored || became.kind == Kind::already_there)
            continue;
        if (became.kind == Kind::stored_changed)
            outcome.warning_reason = became.reason;
        else
            outcome.failure_reason =
                became.reason != 0 ? became.reason : status::processing_failure;
    }
}

asio::awaitable<Result<void>>
StowRequest::take_multipart(web::RequestBody& body, std::string boundary)
{
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
        if (!takes(**fields)) {
            other_failures_.push_back(status::cannot_understand);
            continue;
        }
        web::ByteSource part = [&reader] { return reader.read(); };
        const auto taken = co_await take_part(std::move(part));
        if (!taken)
            co_return taken.error();
    }
}

asio::awaitable<Result<void>> StowRequest::take_single(web::RequestBody& body)
{
    web::ByteSource source = [&body] { return body.read(); };
    return take_part(std::move(source));
}

StowReport StowRequest::report(const std::string& service, bool readable) const
{
    StowReport out;
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

namespace {

/// One line per request: how many, never what.
void log_report(const web::Request& request, const StowReport& report, unsigned http_status)
{
    const auto stored = std::ranges::count_if(report.instances, &InstanceOutcome::stored);
    const auto failed = static_cast<std::ptrdiff_t>(report.instances.size()) - stored;
    spdlog::info(
        "stow request={} peer={} status={} stored={} failed={} unreadable={}",
        request.id,
        request.peer_address,
        http_status,
        stored,
        failed,
        report.other_failures.size()
    );
}

/// What keeps a request from being looked at.
std::optional<Problem>
refusal(const WebTargets& targets, const PathUid& study, const std::string& content_type)
{
    if (targets.store == nullptr)
        return Problem{501, "nothing is stored here"};
    if (study.malformed)
        return Problem{400, "the study is no UID"};
    if (content_type.empty())
        return Problem{406, "responses are application/dicom+json"};
    if (const auto admitted = targets.store->admit(); !admitted)
        return Problem{503, "no instances are taken for now"};
    return std::nullopt;
}

} // namespace

StoreService::StoreService(
    const WebFaceOptions& options, const WebTargets& targets, WorkerPool& disk
)
    : options_(options), targets_(targets), disk_(disk)
{
}

asio::awaitable<void> StoreService::store(
    const web::Request& request, web::RequestBody& body, web::Response& response
) const
{
    const auto study = path_uid(request, "study");
    const std::string content_type = acceptable_json(request);
    auto form = body_form(request);
    auto problem = refusal(targets_, study, content_type);
    if (!problem)
        problem = std::move(form.problem);
    if (problem)
        co_return co_await send_problem(std::move(*problem), options_.retry_after, response);

    Intake& intake = *targets_.store;
    StowRequest stow(options_, intake, disk_, study.uid, request.peer_address);
    const auto taken = form.boundary.empty() ? co_await stow.take_single(body)
                                             : co_await stow.take_multipart(body, form.boundary);
    co_await stow.commit();
    const bool readable =
        intake.readable_from() != nullptr && intake.readable_from() == targets_.retrieve;
    auto report = stow.report(service_url(options_, request), readable);
    const bool any = !report.instances.empty() || !report.other_failures.empty();
    if (!taken && !any) {
        Problem broken{problem_status(taken.error()), "the body broke off before its first part"};
        co_return co_await send_problem(std::move(broken), options_.retry_after, response);
    }
    if (!taken) // what followed is lost: one entry stands for it
        report.other_failures.push_back(status::processing_failure);
    const unsigned http_status = mapping::stow_http_status(report);
    log_report(request, report, http_status);
    web::ResponseHead head;
    head.status = static_cast<std::uint16_t>(http_status);
    head.fields.add("Content-Type", content_type);
    if (http_status == 503)
        head.fields.add("Retry-After", std::to_string(options_.retry_after.count()));
    (void)co_await response.send(std::move(head), mapping::stow_response_json(report));
}

} // namespace gantry::faces
