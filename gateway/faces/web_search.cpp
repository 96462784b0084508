#include "gateway/faces/web_search.h"

#include "gateway/faces/web_question.h"
#include "mapping/dicom_json.h"
#include "mapping/qido_query.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dctag.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmdata/dcvr.h>

#include <span>

namespace gantry::faces {

namespace {

constexpr std::size_t held_back = 1U << 20U; // until then the status can still be another one
constexpr std::size_t chunk = 64U << 10U;

Uid uid_of(DcmDataset& data_set, Tag tag)
{
    OFString text;
    (void)data_set.findAndGetOFString(DcmTagKey(tag.group, tag.element), text);
    return Uid::parse(std::string_view(text.c_str(), text.size())).value_or(Uid{});
}

void put_retrieve_url(DcmDataset& match, const std::string& service, QueryLevel level)
{
    InstanceKey key;
    key.study = uid_of(match, tag::study_instance_uid);
    key.series = uid_of(match, tag::series_instance_uid);
    key.sop.sop_instance = uid_of(match, tag::sop_instance_uid);
    const DcmTag retrieve_url(0x0008, 0x1190, DcmVR(EVR_UR));
    const std::string url = resource_url(service, key, level);
    (void)match.putAndInsertString(retrieve_url, url.c_str());
}

/// Sends matches as an array. The response is begun when more is there than is held back, so that a
/// find that fails early fails as a whole.
class JsonArray final : public FindSink {
public:
    JsonArray(web::Response& response, web::ResponseHead head) : response_(response), head_(head) {}

    void link_to(std::string service, QueryLevel level)
    {
        service_ = std::move(service);
        level_ = level;
    }

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
    {
        if (!service_.empty())
            put_retrieve_url(*attributes, service_, level_);
        text_ += any_ ? ",\n" : "";
        any_ = true;
        const auto written = mapping::write_dicom_json(*attributes, text_);
        if (!written)
            co_return written.error();
        if (text_.size() < (response_.begun() ? chunk : held_back))
            co_return Result<void>{};
        if (!response_.begun())
            if (const auto begun = co_await response_.begin(head_, std::nullopt); !begun)
                co_return begun.error();
        co_return co_await flush();
    }

    /// The find is complete. `head` stands where nothing has been sent.
    asio::awaitable<Result<void>> finish(web::ResponseHead head)
    {
        text_ += "]";
        if (!response_.begun()) {
            auto text = std::exchange(text_, {});
            co_return co_await response_.send(std::move(head), std::move(text));
        }
        if (const auto flushed = co_await flush(); !flushed)
            co_return flushed.error();
        co_return co_await response_.finish();
    }

private:
    asio::awaitable<Result<void>> flush()
    {
        const auto bytes = std::as_bytes(std::span(text_));
        const auto written = co_await response_.write(bytes);
        text_.clear();
        co_return written;
    }

    web::Response& response_;
    web::ResponseHead head_;
    std::string service_; // empty: what is found cannot be retrieved here
    QueryLevel level_ = QueryLevel::study;
    std::string text_ = "[";
    bool any_ = false;
};

/// PS3.18 8.3.4.6 and following: the texts are the standard's.
void add_warnings(
    web::ResponseHead& head, const mapping::QidoQuery& query, const std::string& service
)
{
    const auto warn = [&](bool asked, const char* text) {
        if (asked)
            head.fields.add("Warning", "299 " + service + ": " + text);
    };
    warn(
        query.fuzzy_matching,
        "The fuzzymatching parameter is not supported. Only literal matching has been performed."
    );
    warn(
        query.empty_value_matching,
        "The emptyvaluematching parameter is not supported. Empty Value Matching has not been "
        "performed."
    );
    warn(
        query.multiple_value_matching,
        "The multiplevaluematching parameter is not supported. Multiple Value Matching has not "
        "been performed."
    );
}

} // namespace

SearchService::SearchService(const WebFaceOptions& options, const WebTargets& targets)
    : options_(options), targets_(targets)
{
}

asio::awaitable<void>
SearchService::search(QueryLevel level, const web::Request& request, web::Response& response) const
{
    const auto study = path_uid(request, "study");
    const auto series = path_uid(request, "series");
    const std::string content_type = acceptable_json(request);
    const auto query = mapping::parse_qido_query(level, request.query);
    std::optional<Problem> problem;
    if (targets_.find == nullptr)
        problem = Problem{501, "nothing can be searched here"};
    else if (study.malformed || series.malformed)
        problem = Problem{400, "the path holds what is no UID"};
    else if (content_type.empty())
        problem = Problem{406, "results are application/dicom+json"};
    else if (!query)
        problem = Problem{400, query.error().detail};
    if (problem)
        co_return co_await send_problem(std::move(*problem), options_.retry_after, response);

    const std::string service = service_url(options_, request);
    web::ResponseHead head;
    head.fields.add("Content-Type", content_type);
    head.fields.add("Cache-Control", "private, no-cache");
    add_warnings(head, *query, service);
    JsonArray array(response, head);
    if (targets_.retrieve != nullptr)
        array.link_to(service, level);
    auto question = qido_question(*query, study.uid, series.uid);
    const auto end = co_await targets_.find->find(std::move(question), array);
    if (!end.complete) {
        if (response.begun())
            co_return; // never finished: the client sees that it is cut off
        Problem failed{
            std::uint16_t(end.shortfall == Shortfall::unavailable ? 503 : 502), "the search failed"
        };
        co_return co_await send_problem(std::move(failed), options_.retry_after, response);
    }
    if (end.remaining && *end.remaining > 0)
        head.fields.add(
            "Warning",
            "299 " + service + ": There are " + std::to_string(*end.remaining) +
                " additional results that can be requested"
        );
    (void)co_await array.finish(std::move(head));
}

} // namespace gantry::faces
