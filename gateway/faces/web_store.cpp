#include "gateway/faces/web_store.h"

#include "gateway/faces/web_store_request.h"
#include "mapping/dicom_json_reader.h"
#include "mapping/media_type.h"
#include "mapping/native_xml_writer.h"
#include "mapping/stow_outcome.h"
#include "mapping/vocabulary/dimse_status.h"
#include "web/error.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

namespace gantry::faces {

using mapping::InstanceOutcome;
using mapping::StowReport;

namespace {

/// How the body of a request is made up, or why it cannot be taken.
struct BodyForm {
    std::string boundary = {}; // of multipart; empty: the body is one instance
    StoreForm parts = StoreForm::files;
    std::optional<Problem> problem = std::nullopt;
};

BodyForm refused(std::uint16_t status, std::string detail)
{
    BodyForm out;
    out.problem = Problem{status, std::move(detail)};
    return out;
}

BodyForm body_form(const web::Request& request)
{
    const auto type = mapping::parse_media_type(request.fields.find("Content-Type"));
    const std::string essence = type ? type->essence() : std::string();
    if (essence == "application/dicom")
        return {};
    if (essence != "multipart/related")
        return refused(
            415,
            "multipart/related is taken, of application/dicom, application/dicom+json or "
            "application/dicom+xml"
        );
    const auto root = mapping::parse_media_type(type->parameter("type"));
    const std::string of = root ? root->essence() : "application/dicom";
    BodyForm out;
    if (of == "application/dicom+json" || of == "application/json")
        out.parts = StoreForm::json;
    else if (of == "application/dicom+xml")
        out.parts = StoreForm::xml;
    else if (of != "application/dicom")
        return refused(
            415,
            "type is application/dicom, application/dicom+json or "
            "application/dicom+xml"
        );
    out.boundary = type->parameter("boundary");
    if (out.boundary.empty() || out.boundary.size() > 70) // RFC 2046 5.1.1
        return refused(400, "no usable boundary");
    return out;
}

std::uint16_t problem_status(const Error& why)
{
    if (why.code == make_error_code(web::Errc::too_large))
        return 413;
    if (why.code == make_error_code(web::Errc::timeout))
        return 408;
    return 400;
}

/// The media type in which the client takes the report; empty: in none.
std::string report_type(const web::Request& request)
{
    static const std::array offers{
        mapping::parse_media_type("application/dicom+json").value(),
        mapping::parse_media_type("application/json").value(),
        mapping::parse_media_type("application/dicom+xml").value(),
        mapping::parse_media_type("application/xml").value(),
    };
    const std::string accept = accept_of(request);
    const auto ranges = mapping::parse_accept(accept);
    const auto chosen = mapping::choose(offers, ranges);
    // A header that has nothing readable in it accepts nothing.
    return chosen && (accept.empty() || !ranges.empty()) ? offers.at(*chosen).essence()
                                                         : std::string();
}

std::string body_of(const StowReport& report, const std::string& content_type)
{
    std::string json = mapping::stow_response_json(report);
    if (!content_type.ends_with("xml"))
        return json;
    std::string xml;
    const auto data_set = mapping::read_dicom_json(json);
    if (!data_set || !mapping::write_native_xml(**data_set, xml))
        throw std::logic_error("a report that cannot be written");
    return xml;
}

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

/// For clients that look no further than the head.
void add_warning(const StowReport& report, web::Fields& fields)
{
    const auto waits = std::ranges::count_if(report.instances, [](const InstanceOutcome& one) {
        return one.stored() && one.warning_reason == mapping::still_waiting;
    });
    if (waits > 0)
        fields.add(
            "Warning",
            "299 gantry \"" + std::to_string(waits) +
                " of the instances are safe, and not delivered yet\""
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
        return Problem{406, "responses are application/dicom+json or application/dicom+xml"};
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
    const std::string content_type = report_type(request);
    auto form = body_form(request);
    auto problem = refusal(targets_, study, content_type);
    if (!problem)
        problem = std::move(form.problem);
    if (problem)
        co_return co_await send_problem(std::move(*problem), options_.retry_after, response);

    Intake& intake = *targets_.store;
    StoreRequest stow(options_, {intake, disk_, study.uid, request.peer_address, request.path});
    const auto taken = form.boundary.empty()
                           ? co_await stow.take_single(body)
                           : co_await stow.take_multipart(body, form.boundary, form.parts);
    co_await stow.conclude();
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
    if (!report.retrieve_url.empty())
        head.fields.add("Content-Location", report.retrieve_url);
    if (http_status == 503)
        head.fields.add("Retry-After", std::to_string(options_.retry_after.count()));
    add_warning(report, head.fields);
    std::string text = body_of(report, content_type);
    (void)co_await response.send(std::move(head), std::move(text));
}

} // namespace gantry::faces
