#include "gateway/origins/qido_page.h"

#include "gateway/loop/clock.h"
#include "gateway/origins/qido_match_source.h"
#include "gateway/origins/retry_after.h"
#include "mapping/json_array_splitter.h"
#include "mapping/qido_answer.h"
#include "web/error.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <utility>

namespace gantry {

namespace {

using Kind = SearchProblem::Kind;
using mapping::ResultForm;
using mapping::SearchAnswer;

constexpr Bytes max_ignored{64U << 10U}; // of a body that says nothing more

constexpr const char* accept_json = "application/dicom+json";
constexpr const char* accept_xml = R"(multipart/related; type="application/dicom+xml")";

class JsonPage final : public SearchPage {
public:
    JsonPage(SearchRoom room, std::unique_ptr<web::ClientResponse> response, Beyond beyond)
        : source_(room),
          splitter_(source_.room().limits.max_match),
          response_(std::move(response)),
          beyond_(beyond)
    {
    }

    asio::awaitable<Match> next() override
    {
        for (;;) {
            const auto object = splitter_.next();
            if (!object)
                co_return broken("JSON: " + object.error().text());
            if (*object)
                co_return source_.read(**object);
            if (ended_)
                co_return std::unique_ptr<DcmDataset>();
            const auto bytes = co_await response_->read();
            if (!bytes)
                co_return broke_off(bytes.error());
            const std::string_view text(
                reinterpret_cast<const char*>(bytes->data()), bytes->size() // bytes are bytes
            );
            splitter_.feed(text);
            any_ = any_ || !text.empty();
            ended_ = text.empty();
            if (ended_ && !whole())
                co_return SearchProblem{Kind::later, Shortfall::failed, "JSON: half an array"};
        }
    }

    Beyond beyond() const override { return beyond_; }

private:
    /// An empty body says "nothing" where its length is given as 0.
    bool whole() const
    {
        const bool empty = !any_ && response_->head().fields.find("Content-Length") == "0";
        return empty || splitter_.finish().has_value();
    }

    MatchSource source_;
    mapping::JsonArraySplitter splitter_;
    std::unique_ptr<web::ClientResponse> response_;
    Beyond beyond_;
    bool any_ = false;
    bool ended_ = false;
};

/// Nobody answered, or not to the end of the head.
SearchProblem from_failure(const web::ClientFailure& failure)
{
    SearchProblem problem;
    problem.shortfall = Shortfall::unavailable;
    problem.reason = std::string(web::to_string(failure.phase)) + ": " + failure.error.text();
    const bool waited = failure.error.code == web::Errc::timeout;
    const bool set_up = failure.certificate || failure.phase == web::Phase::token;
    problem.kind = waited || set_up ? Kind::final : Kind::later;
    return problem;
}

SearchProblem from_status(SearchAnswer answer, const web::ResponseHead& head)
{
    SearchProblem problem;
    problem.status = head.status;
    problem.reason = "HTTP " + std::to_string(head.status);
    switch (answer) {
    case SearchAnswer::no_resource: problem.kind = Kind::no_resource; break;
    case SearchAnswer::question:
        problem.kind = Kind::limit;
        problem.shortfall = Shortfall::question;
        break;
    case SearchAnswer::too_much:
        problem.kind = Kind::limit;
        problem.shortfall = Shortfall::limit;
        problem.too_large = true;
        break;
    case SearchAnswer::unauthorised: problem.shortfall = Shortfall::unauthorised; break;
    case SearchAnswer::media_type: problem.kind = Kind::media_type; break;
    case SearchAnswer::later:
        problem.kind = Kind::later;
        problem.shortfall = Shortfall::unavailable;
        problem.retry_after = retry_after(head.fields, SystemClock().wall());
        break;
    default: break;
    }
    return problem;
}

Beyond beyond_of(const web::ResponseHead& head)
{
    Beyond beyond;
    beyond.more = head.status == 206;
    for (const auto& [name, value] : head.fields) {
        if (!web::same_name(name, "Warning"))
            continue;
        const auto results = mapping::additional_results(value);
        beyond.more = beyond.more || results.there;
        if (results.count)
            beyond.count = results.count;
    }
    return beyond;
}

OpenedPage page_of(SearchRoom room, std::unique_ptr<web::ClientResponse> response)
{
    const web::ResponseHead& head = response->head();
    const std::string_view type = head.fields.find("Content-Type");
    const std::string_view coding = head.fields.find("Content-Encoding");
    const Beyond beyond = beyond_of(head);
    OpenedPage opened;
    const auto form = coding.empty() || web::same_name(coding, "identity")
                          ? mapping::result_form(type)
                          : ResultForm::other;
    if (form == ResultForm::json)
        opened.page = std::make_unique<JsonPage>(room, std::move(response), beyond);
    else if (form == ResultForm::xml_parts)
        opened.page = xml_page(room, std::move(response), beyond);
    if (!opened.page) {
        const std::string what(coding.empty() ? type.substr(0, type.find(';')) : coding);
        opened.problem = SearchProblem{Kind::final, Shortfall::failed, "answers " + what};
    }
    return opened;
}

} // namespace

asio::awaitable<OpenedPage> open_page(SearchRoom room, std::string target)
{
    web::ClientRequest request;
    request.target = std::move(target);
    const bool xml = room.learned.xml_only || room.profile.search.xml_only.value_or(false);
    request.fields.add("Accept", xml ? accept_xml : accept_json);
    web::ClientResult response = co_await room.client.request(std::move(request));
    OpenedPage opened;
    if (!response) {
        opened.problem = from_failure(response.error());
        co_return opened;
    }
    const web::ResponseHead& head = (*response)->head();
    const SearchAnswer answer = mapping::search_answer(head.status);
    if (answer == SearchAnswer::results)
        co_return page_of(room, std::move(*response));
    if (answer != SearchAnswer::nothing)
        opened.problem = from_status(answer, head);
    (void)co_await (*response)->read_all(max_ignored); // so that the connection can be kept
    co_return opened;
}

} // namespace gantry
