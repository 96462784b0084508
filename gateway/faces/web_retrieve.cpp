#include "gateway/faces/web_retrieve.h"

#include "gateway/error.h"
#include "gateway/faces/web_offer.h"
#include "mapping/file_meta.h"
#include "mapping/reencode.h"
#include "web/multipart.h"

#include <span>

namespace gantry::faces {

namespace {

constexpr std::size_t gather = 64U << 10U; // small writes go together up to this

/// Writes what the origin gives as the body of one response.
class FilesResponse final : public RetrieveSink {
public:
    FilesResponse(
        web::Response& response, WorkerPool& disk, std::string service, std::string accept
    )
        : response_(response),
          disk_(disk),
          service_(std::move(service)),
          accept_(std::move(accept)),
          boundary_(web::random_boundary())
    {
    }

    /// Why it was not begun, where that is known here.
    const std::optional<Problem>& problem() const { return problem_; }

    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> instances) override
    {
        co_return negotiate(instances);
    }

    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override;
    /// The origin has given all that it has.
    asio::awaitable<Result<void>> finish();

private:
    Result<void> negotiate(const std::vector<InstanceKey>& instances);
    asio::awaitable<Result<void>> begin(std::optional<std::uint64_t> length);
    asio::awaitable<Result<void>> put(ConstBytes bytes);
    asio::awaitable<Result<void>> flush();
    asio::awaitable<Result<void>> put_as_it_is(InstanceContent& content, ConstBytes first);
    asio::awaitable<Result<void>> put_reencoded(InstanceContent& content, ConstBytes first);
    std::string part_head(const InstanceKey& key, std::optional<std::uint64_t> length);

    web::Response& response_;
    WorkerPool& disk_;
    std::string service_;
    std::string accept_;
    std::string boundary_;
    std::optional<Packaging> packaging_;
    std::optional<Problem> problem_;
    std::vector<std::byte> pending_;
    bool any_ = false;
};

Result<void> FilesResponse::negotiate(const std::vector<InstanceKey>& instances)
{
    if (instances.empty()) {
        problem_ = Problem{404, "nothing of that is here"};
        return error(Errc::not_found, "nothing of that is here");
    }
    packaging_ = choose_packaging(instances, accept_);
    if (packaging_)
        return {};
    problem_ = Problem{
        406,
        "on offer as application/dicom in transfer-syntax " + on_offer(instances) +
            "; nothing is transcoded: ask for that, or for transfer-syntax=*"
    };
    return error(Errc::unsupported, "not acceptable");
}

asio::awaitable<Result<void>> FilesResponse::begin(std::optional<std::uint64_t> length)
{
    web::ResponseHead head;
    if (packaging_ == Packaging::single)
        head.fields.add("Content-Type", "application/dicom");
    else
        head.fields.add(
            "Content-Type", "multipart/related; type=\"application/dicom\"; boundary=" + boundary_
        );
    head.fields.add("Cache-Control", "private, no-cache");
    return response_.begin(std::move(head), length);
}

asio::awaitable<Result<void>> FilesResponse::flush()
{
    if (pending_.empty())
        co_return Result<void>{};
    const auto written = co_await response_.write(pending_);
    pending_.clear();
    co_return written;
}

asio::awaitable<Result<void>> FilesResponse::put(ConstBytes bytes)
{
    if (pending_.size() + bytes.size() <= gather) {
        pending_.insert(pending_.end(), bytes.begin(), bytes.end());
        co_return Result<void>{};
    }
    if (const auto flushed = co_await flush(); !flushed)
        co_return flushed.error();
    if (bytes.size() >= gather)
        co_return co_await response_.write(bytes);
    pending_.assign(bytes.begin(), bytes.end());
    co_return Result<void>{};
}

std::string FilesResponse::part_head(const InstanceKey& key, std::optional<std::uint64_t> length)
{
    web::Fields fields;
    const std::string syntax = web_syntax(key.transfer_syntax).str();
    fields.add("Content-Type", "application/dicom; transfer-syntax=" + syntax);
    if (length)
        fields.add("Content-Length", std::to_string(*length));
    fields.add("Content-Location", resource_url(service_, key, QueryLevel::image));
    return web::part_head(boundary_, fields, !any_);
}

asio::awaitable<Result<void>> FilesResponse::instance(std::unique_ptr<InstanceContent> given)
{
    InstanceContent& content = *given;
    const InstanceKey& key = content.key();
    if (!packaging_) // the origin could not say before what it has
        if (const auto agreed = negotiate({key}); !agreed)
            co_return agreed.error();
    // Read before the response is begun: a file that cannot be opened can still be said.
    const auto first = co_await content.read();
    if (!first)
        co_return first.error();
    const Uid syntax = web_syntax(key.transfer_syntax);
    const bool as_it_is = syntax == key.transfer_syntax;
    const std::string head = mapping::write_file_head({key.sop, syntax, content.source_ae()});
    std::optional<std::uint64_t> length;
    if (as_it_is)
        length = head.size() + content.length().count;
    const bool multipart = packaging_ == Packaging::multipart;
    if (!response_.begun())
        if (const auto begun = co_await begin(multipart ? std::nullopt : length); !begun)
            co_return begun.error();
    std::string before = multipart ? part_head(key, length) : std::string();
    any_ = true;
    before += head;
    if (const auto written = co_await put(std::as_bytes(std::span(before))); !written)
        co_return written.error();
    if (as_it_is)
        co_return co_await put_as_it_is(content, *first);
    co_return co_await put_reencoded(content, *first);
}

asio::awaitable<Result<void>>
FilesResponse::put_as_it_is(InstanceContent& content, ConstBytes first)
{
    for (ConstBytes chunk = first; !chunk.empty();) {
        if (const auto written = co_await put(chunk); !written)
            co_return written.error();
        const auto next = co_await content.read();
        if (!next)
            co_return next.error();
        chunk = *next;
    }
    co_return Result<void>{};
}

asio::awaitable<Result<void>>
FilesResponse::put_reencoded(InstanceContent& content, ConstBytes first)
{
    std::vector<std::byte> out;
    mapping::Reencoder::Out collect = [&out](ConstBytes bytes) -> Result<void> {
        out.insert(out.end(), bytes.begin(), bytes.end());
        return {};
    };
    const auto& from = TransferSyntax::of(content.key().transfer_syntax.str());
    mapping::Reencoder reencoder(from, std::move(collect));
    for (ConstBytes chunk = first;;) {
        auto work = [&reencoder, chunk](std::stop_token) {
            return chunk.empty() ? reencoder.finish() : reencoder.feed(chunk);
        };
        const auto done = co_await offload(disk_, std::move(work));
        if (!done)
            co_return done.error();
        if (const auto written = co_await put(out); !written)
            co_return written.error();
        out.clear();
        if (chunk.empty())
            co_return Result<void>{};
        const auto next = co_await content.read();
        if (!next)
            co_return next.error();
        chunk = *next;
    }
}

asio::awaitable<Result<void>> FilesResponse::finish()
{
    if (packaging_ == Packaging::multipart) {
        const std::string end = web::closing_delimiter(boundary_);
        if (const auto written = co_await put(std::as_bytes(std::span(end))); !written)
            co_return written.error();
    }
    if (const auto flushed = co_await flush(); !flushed)
        co_return flushed.error();
    co_return co_await response_.finish();
}

/// What to say where nothing could be begun.
Problem nothing_given(const FilesResponse& files, const RetrieveEnd& end)
{
    if (files.problem())
        return *files.problem();
    if (end.complete)
        return {404, "nothing of that is here"};
    if (end.shortfall == Shortfall::unavailable)
        return {503, "the origin does not answer"};
    return {500, "what is stored cannot be read"};
}

} // namespace

RetrieveService::RetrieveService(
    const WebFaceOptions& options, const WebTargets& targets, WorkerPool& disk
)
    : options_(options), targets_(targets), disk_(disk)
{
}

asio::awaitable<void>
RetrieveService::retrieve(const web::Request& request, web::Response& response) const
{
    auto asked = asked_for(request);
    if (targets_.retrieve == nullptr)
        asked.problem = Problem{501, "nothing can be retrieved here"};
    if (asked.problem)
        co_return co_await send_problem(std::move(*asked.problem), options_.retry_after, response);
    FilesResponse files(response, disk_, service_url(options_, request), accept_of(request));
    const auto end = co_await targets_.retrieve->retrieve(std::move(asked.question), files);
    if (!response.begun()) {
        auto problem = nothing_given(files, end);
        co_return co_await send_problem(std::move(problem), options_.retry_after, response);
    }
    if (end.complete) // else never finished: the client sees that it is cut off
        (void)co_await files.finish();
}

} // namespace gantry::faces
