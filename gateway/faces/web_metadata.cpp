#include "gateway/faces/web_metadata.h"

#include "gateway/faces/ordered_jobs.h"
#include "gateway/faces/web_conditions.h"
#include "gateway/faces/web_instance.h"
#include "gateway/faces/web_offer.h"
#include "gateway/loop/one_at_a_time.h"
#include "mapping/data_set_access.h"
#include "mapping/dicom_json.h"
#include "mapping/media_type.h"
#include "mapping/native_xml_writer.h"
#include "web/multipart.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dctag.h>

#include <array>
#include <charconv>
#include <utility>

namespace gantry::faces {

namespace {

constexpr std::uint32_t longest_inline = 4096; // bytes of a binary value
constexpr std::size_t batch_size = 8;          // instances that one job reads
constexpr std::size_t most_batches = 6;        // under way
constexpr std::size_t held_back = 256U << 10U; // until then the status can still be another one
constexpr std::string_view cache_control = "private, no-cache";
constexpr std::string_view xml_type = "application/dicom+xml";

struct Form {
    std::string content_type; // of JSON
    bool xml = false;
};

std::optional<Form> chosen_form(const web::Request& request)
{
    const std::string accept = accept_of(request);
    const auto ranges = mapping::parse_accept(accept);
    const std::array offers{
        mapping::MediaType{"application", "dicom+json", {}},
        mapping::MediaType{"application", "json", {}},
        mapping::MediaType{"multipart", "related", {{"type", std::string(xml_type)}}},
    };
    const auto chosen = mapping::choose(offers, ranges);
    if (!chosen || (!accept.empty() && ranges.empty()))
        return std::nullopt;
    return Form{offers.at(*chosen).essence(), *chosen == 2};
}

/// What a job that writes text is given.
struct Means {
    std::filesystem::path scratch;
    WorkerPool& disk;
    std::string service;
    bool xml = false;
};

Result<std::string>
text_of(const OpenInstance& taken, const Means& means, const std::stop_token& stop)
{
    const auto instance = made_readable(taken, means.scratch, means.disk, stop);
    if (!instance)
        return instance.error();
    const auto data_set = mapping::read_data_set(
        instance->data_set, instance->key.transfer_syntax.str(), {longest_inline, {64ULL << 20U}}
    );
    if (!data_set)
        return data_set.error();
    // What a viewer chooses its decoder by (PS3.3 C.12.1.1.13).
    const std::string syntax = web_syntax(instance->stored_syntax).str();
    const DcmTag available(0x0008, 0x3002, DcmVR(EVR_UI));
    (void)(*data_set)->putAndInsertString(available, syntax.c_str());
    const std::string url = resource_url(means.service, instance->key, QueryLevel::image);
    mapping::DicomJsonOptions options;
    options.bulk_data_uri = [&](const mapping::BulkValue& value) -> std::optional<std::string> {
        const bool pixels = value.tag.group == 0x7fe0 && value.tag.element >= 0x0008;
        if (!pixels && value.size <= longest_inline)
            return std::nullopt;
        return bulk_data_url(url, value.path);
    };
    std::string out;
    const auto written = means.xml ? mapping::write_native_xml(**data_set, out, options)
                                   : mapping::write_dicom_json(**data_set, out, options);
    if (!written)
        return written.error();
    return out;
}

using Texts = Result<std::vector<std::string>>;

Texts texts_of(
    const std::vector<OpenInstance>& batch, const Means& means, const std::stop_token& stop
)
{
    std::vector<std::string> out;
    for (const OpenInstance& one : batch) {
        auto text = text_of(one, means, stop);
        if (!text)
            return text.error();
        out.push_back(std::move(*text));
    }
    return out;
}

/// Writes what the origin gives as the body of one response, in its order.
class MetadataResponse final : public RetrieveSink {
public:
    bool reads_whole() const override { return false; }

    MetadataResponse(
        web::Response& response,
        asio::any_io_executor loop,
        WorkerPool& pool,
        Means means,
        Form form
    )
        : response_(response),
          means_(std::move(means)),
          form_(std::move(form)),
          boundary_(web::random_boundary()),
          one_(loop),
          work_(std::move(loop), pool)
    {
    }

    const std::optional<Error>& failure() const { return failure_; }

    bool any() const { return any_ || !batch_.empty() || work_.outstanding() > 0; }

    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> /*instances*/) override
    {
        co_return Result<void>{};
    }

    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override
    {
        auto taken = co_await take_instance(*content, means_.scratch, means_.disk);
        if (!taken)
            co_return fail(taken.error());
        const auto turn = co_await one_.turn(); // several may come at once
        batch_.push_back(std::move(*taken));
        if (batch_.size() < batch_size)
            co_return Result<void>{};
        start();
        while (work_.outstanding() > most_batches)
            if (const auto taken_in = co_await take_next(); !taken_in)
                co_return taken_in.error();
        co_return co_await flush(held_back);
    }

    /// All texts that are still made; they go out beyond what is held back.
    asio::awaitable<Result<void>> settle()
    {
        start();
        while (work_.outstanding() > 0) {
            if (const auto taken = co_await take_next(); !taken)
                co_return taken.error();
            const auto flushed = co_await flush(held_back);
            if (!flushed)
                co_return flushed.error();
        }
        co_return Result<void>{};
    }

    asio::awaitable<Result<void>>
    finish(const web::Request& request, std::uint16_t status) // NOLINT: the caller awaits
    {
        text_ += form_.xml ? web::closing_delimiter(boundary_) : any_ ? "]" : "[]";
        if (response_.begun()) {
            if (const auto flushed = co_await flush(0); !flushed)
                co_return flushed.error();
            co_return co_await response_.finish();
        }
        web::ResponseHead head = make_head();
        head.status = status;
        if (!form_.xml && status == 200) { // a multipart body has another boundary each time
            const std::string tag = entity_tag(std::string_view(text_));
            if (is_known(request, tag))
                co_return co_await response_.send(not_modified(tag, cache_control), {});
            head.fields.add("ETag", tag);
        }
        std::string text = std::move(text_);
        co_return co_await response_.send(std::move(head), std::move(text));
    }

private:
    Error fail(Error why)
    {
        failure_ = why;
        return why;
    }

    web::ResponseHead make_head() const
    {
        web::ResponseHead head;
        head.fields.add(
            "Content-Type",
            form_.xml
                ? "multipart/related; type=\"" + std::string(xml_type) + "\"; boundary=" + boundary_
                : form_.content_type
        );
        head.fields.add("Cache-Control", std::string(cache_control));
        head.fields.add("Vary", "Accept");
        return head;
    }

    void start()
    {
        if (batch_.empty())
            return;
        work_.start([batch = std::exchange(batch_, {}), means = means_](const auto& stop) {
            return texts_of(batch, means, stop);
        });
    }

    asio::awaitable<Result<void>> take_next()
    {
        const Texts texts = co_await work_.next();
        if (!texts)
            co_return fail(texts.error());
        for (const std::string& text : *texts)
            append(text);
        co_return Result<void>{};
    }

    void append(const std::string& text)
    {
        if (form_.xml) {
            web::Fields fields;
            fields.add("Content-Type", std::string(xml_type));
            text_ += web::part_head(boundary_, fields, !any_);
        } else {
            text_ += any_ ? ",\n" : "[";
        }
        any_ = true;
        text_ += text;
    }

    /// What goes beyond `least` bytes; once the response is begun, everything.
    asio::awaitable<Result<void>> flush(std::size_t least)
    {
        if (!response_.begun()) {
            if (text_.size() <= least)
                co_return Result<void>{};
            web::ResponseHead head = make_head();
            const auto begun = co_await response_.begin(std::move(head), std::nullopt);
            if (!begun)
                co_return begun.error();
        }
        const std::string text = std::exchange(text_, {});
        co_return co_await response_.write(std::as_bytes(std::span(text)));
    }

    web::Response& response_;
    Means means_;
    Form form_;
    std::string boundary_;
    OneAtATime one_;
    OrderedJobs<Texts> work_;
    std::vector<OpenInstance> batch_;
    std::string text_;
    bool any_ = false;
    std::optional<Error> failure_;
};

} // namespace

std::string bulk_data_url(const std::string& instance_url, std::string_view path)
{
    std::string out = instance_url + "/bulkdata";
    bool number = false; // every second one is that of an item, from 1
    while (!path.empty()) {
        const std::string_view one = path.substr(0, path.find('.'));
        path.remove_prefix(std::min(path.size(), one.size() + 1));
        unsigned item = 1;
        if (number)
            (void)std::from_chars(one.data(), one.data() + one.size(), item);
        out += '/';
        out += number ? std::to_string(item - 1) : std::string(one);
        number = !number;
    }
    return out;
}

MetadataService::MetadataService(
    const WebFaceOptions& options, const WebTargets& targets, WebPools pools
)
    : options_(options), targets_(targets), pools_(pools)
{
}

asio::awaitable<void>
MetadataService::metadata(const web::Request& request, web::Response& response) const
{
    auto asked = asked_for(request);
    auto form = chosen_form(request);
    if (targets_.retrieve == nullptr)
        asked.problem = Problem{501, "nothing can be retrieved here"};
    else if (!asked.problem && !form)
        asked.problem = Problem{
            406, "on offer: application/dicom+json, multipart/related; type=application/dicom+xml"
        };
    if (asked.problem)
        co_return co_await send_problem(std::move(*asked.problem), options_.retry_after, response);
    Means means{options_.scratch, pools_.disk, service_url(options_, request), form->xml};
    const auto loop = co_await asio::this_coro::executor;
    MetadataResponse sink(response, loop, pools_.disk, std::move(means), std::move(*form));
    const auto end = co_await targets_.retrieve->retrieve(std::move(asked.question), sink);
    Result<void> settled;
    if (!sink.failure())
        settled = co_await sink.settle();
    const std::uint16_t status = status_of(end, sink.any());
    if (!sink.failure() && settled && status < 300 && (end.complete || !response.begun())) {
        (void)co_await sink.finish(request, status);
        co_return;
    }
    if (response.begun()) // never finished: the client sees that it is cut off
        co_return;
    auto problem = sink.failure() ? problem_of(*sink.failure()) : problem_of(end);
    co_await send_problem(std::move(problem), options_.retry_after, response);
}

} // namespace gantry::faces
