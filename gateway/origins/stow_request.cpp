#include "gateway/origins/stow_request.h"

#include "gateway/loop/clock.h"
#include "gateway/origins/retry_after.h"
#include "web/error.h"

#include <utility>

namespace gantry {

namespace {

using Kind = StowAnswer::Kind;

StowAnswer from_failure(const web::ClientFailure& failure)
{
    StowAnswer answer;
    if (failure.body_sent)
        answer.kind = Kind::unknown;
    else if (failure.phase >= web::Phase::send)
        answer.kind = Kind::interrupted;
    else
        answer.kind = Kind::unreachable;
    answer.reason = std::string(web::to_string(failure.phase)) + ": " + failure.error.text();
    answer.certificate = failure.certificate;
    answer.timed_out = failure.error.code == web::Errc::timeout;
    return answer;
}

// A report matters with 2xx and 409 only (PS3.18 10.5.3); with others it helps where it is there.
bool needs_report(unsigned status)
{
    return status / 100 == 2 || status == 409;
}

} // namespace

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller
// awaits, with all of it in its frame

asio::awaitable<StowAnswer>
post_instances(web::Client& client, StowBody& body, Bytes limit, Bytes expect_continue_above)
{
    web::ClientRequest request;
    request.method = web::Method::post;
    request.target = "/studies";
    request.fields.add("Content-Type", body.content_type());
    request.fields.add("Accept", "application/dicom+json");
    request.body = &body;
    request.expect_continue = body.size() > expect_continue_above.count;
    const web::ClientResult response = co_await client.request(std::move(request));
    if (!response)
        co_return from_failure(response.error());
    const web::ResponseHead& head = (*response)->head();
    StowAnswer answer;
    answer.status = head.status;
    answer.retry_after = retry_after(head.fields, SystemClock().wall());
    const auto text = co_await (*response)->read_all(limit);
    if (!text) {
        if (needs_report(answer.status)) {
            answer.kind = Kind::unknown;
            answer.reason = "HTTP " + std::to_string(answer.status) + ": " + text.error().text();
            answer.timed_out = text.error().code == web::Errc::timeout;
        }
        co_return answer;
    }
    auto report = mapping::read_stow_report(head.fields.find("Content-Type"), *text);
    if (report)
        answer.report = std::move(*report);
    co_return answer;
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry
