#include "gateway/faces/web_retrieve.h"

#include "gateway/error.h"
#include "gateway/faces/web_instance.h"
#include "gateway/faces/web_offer.h"
#include "gateway/loop/one_at_a_time.h"
#include "gateway/origins/outgoing_instance.h"
#include "mapping/file_meta.h"
#include "mapping/reencode.h"
#include "web/multipart.h"

#include <algorithm>
#include <set>
#include <span>

namespace gantry::faces {

namespace {

constexpr std::size_t gather = 64U << 10U; // small writes go together up to this

/// Writes what the origin gives as the body of one response.
class FilesResponse final : public RetrieveSink {
public:
    FilesResponse(
        web::Response& response,
        asio::any_io_executor loop,
        PreparationMeans means,
        std::string service,
        std::string accept
    )
        : response_(response),
          means_(std::move(means)),
          service_(std::move(service)),
          accept_(std::move(accept)),
          boundary_(web::random_boundary()),
          one_(std::move(loop))
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
    asio::awaitable<Result<void>>
    put_head(InstanceKey key, AeTitle source, std::optional<std::uint64_t> length);
    asio::awaitable<Result<void>> put_transcoded(std::unique_ptr<InstanceContent> content, Uid to);

    Error fail(Problem problem)
    {
        problem_ = std::move(problem);
        return error(Errc::unsupported, "an instance that cannot be given");
    }

    web::Response& response_;
    PreparationMeans means_;
    std::string service_;
    std::string accept_;
    std::string boundary_;
    OneAtATime one_;
    std::optional<Packaging> packaging_;
    std::optional<Problem> problem_;
    std::vector<std::byte> pending_;
    bool any_ = false;
};

/// All of them have to be had in some way that is taken; what is liked least of each packaging
/// decides.
Result<void> FilesResponse::negotiate(const std::vector<InstanceKey>& instances)
{
    if (instances.empty()) {
        problem_ = Problem{404, "nothing of that is here"};
        return error(Errc::not_found, "nothing of that is here");
    }
    std::set<Uid> syntaxes;
    for (const InstanceKey& one : instances)
        syntaxes.insert(one.transfer_syntax);
    if (syntaxes.contains(Uid())) // not known yet: each says its own
        return {};
    unsigned multipart = 1000;
    unsigned single = instances.size() == 1 ? 1000 : 0;
    for (const Uid& syntax : syntaxes) {
        const auto offers = instance_offers(syntax);
        multipart = std::min(multipart, best_offer(offers, accept_, Packaging::multipart).quality);
        single = std::min(single, best_offer(offers, accept_, Packaging::single).quality);
    }
    if (multipart == 0 && single == 0) {
        std::string offered;
        for (const Uid& syntax : syntaxes)
            offered += (offered.empty() ? "" : "; ") + on_offer(instance_offers(syntax));
        problem_ = Problem{406, "on offer, as parts of multipart/related: " + offered};
        return error(Errc::unsupported, "not acceptable");
    }
    packaging_ = single > multipart ? Packaging::single : Packaging::multipart;
    return {};
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
    fields.add("Content-Type", "application/dicom; transfer-syntax=" + key.transfer_syntax.str());
    if (length)
        fields.add("Content-Length", std::to_string(*length));
    fields.add("Content-Location", resource_url(service_, key, QueryLevel::image));
    return web::part_head(boundary_, fields, !any_);
}

/// What stands before the data set of an instance in the syntax of `key`; `length` of the data set.
asio::awaitable<Result<void>>
FilesResponse::put_head(InstanceKey key, AeTitle source, std::optional<std::uint64_t> length)
{
    const std::string head = mapping::write_file_head({key.sop, key.transfer_syntax, source});
    if (length)
        *length += head.size();
    const bool multipart = packaging_ == Packaging::multipart;
    if (!response_.begun())
        if (const auto begun = co_await begin(multipart ? std::nullopt : length); !begun)
            co_return begun.error();
    std::string before = multipart ? part_head(key, length) : std::string();
    any_ = true;
    before += head;
    co_return co_await put(std::as_bytes(std::span(before)));
}

asio::awaitable<Result<void>> FilesResponse::instance(std::unique_ptr<InstanceContent> content)
{
    const auto turn = co_await one_.turn(); // several may come at once
    InstanceKey key = content->key();
    if (!packaging_) // the origin could not say before what it has
        if (const auto agreed = negotiate({key}); !agreed)
            co_return agreed.error();
    const auto offers = instance_offers(key.transfer_syntax);
    const Liking liked = best_offer(offers, accept_, *packaging_);
    if (liked.quality == 0)
        co_return fail(Problem{406, "on offer: " + on_offer(offers)});
    const Offer& offer = offers[liked.offer];
    if (!offer.stored)
        co_return co_await put_transcoded(
            std::move(content), Uid::parse(offer.syntax).value_or(Uid())
        );
    // Read before the response is begun: a file that cannot be opened can still be said.
    const auto first = co_await content->read();
    if (!first)
        co_return fail(problem_of(first.error()));
    const bool as_it_is = offer.syntax == key.transfer_syntax.str();
    std::optional<std::uint64_t> length;
    if (as_it_is)
        length = content->length().count;
    key.transfer_syntax = web_syntax(key.transfer_syntax);
    const Result<void> begun = co_await put_head(key, content->source_ae(), length);
    if (!begun)
        co_return begun.error();
    if (as_it_is)
        co_return co_await put_as_it_is(*content, *first);
    co_return co_await put_reencoded(*content, *first);
}

/// It is transcoded to its end before a byte of it goes out.
asio::awaitable<Result<void>>
FilesResponse::put_transcoded(std::unique_ptr<InstanceContent> content, Uid to)
{
    const AeTitle source = content->source_ae();
    std::vector<Uid> accepted{std::move(to)};
    auto prepared = co_await prepare(std::move(content), std::move(accepted), means_);
    if (!prepared)
        co_return fail(problem_of(prepared.error()));
    const Result<void> begun = co_await put_head(prepared->key, source, std::nullopt);
    if (!begun)
        co_return begun.error();
    const std::shared_ptr<ByteSource> data_set = std::move(prepared->data_set);
    for (;;) {
        auto read = [data_set](const std::stop_token&) { return data_set->next(); };
        const auto bytes = co_await offload(means_.disk, std::move(read));
        if (!bytes)
            co_return bytes.error();
        if (bytes->empty())
            co_return Result<void>{};
        if (const auto written = co_await put(*bytes); !written)
            co_return written.error();
    }
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
        const auto done = co_await offload(means_.disk, std::move(work));
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

} // namespace

RetrieveService::RetrieveService(
    const WebFaceOptions& options, const WebTargets& targets, WebPools pools
)
    : options_(options), targets_(targets), pools_(pools)
{
}

asio::awaitable<void>
RetrieveService::retrieve(const web::Request& request, web::Response& response) const
{
    auto asked = asked_for(request);
    std::string accept = accept_of(request);
    if (targets_.retrieve == nullptr)
        asked.problem = Problem{501, "nothing can be retrieved here"};
    else if (!asked.problem && mixes_rendered(accept))
        asked.problem = Problem{400, "DICOM and rendered media types in one Accept"};
    if (asked.problem)
        co_return co_await send_problem(std::move(*asked.problem), options_.retry_after, response);
    const auto loop = co_await asio::this_coro::executor;
    PreparationMeans means{options_.scratch, pools_.disk, pools_.transcoders};
    FilesResponse files(
        response, loop, std::move(means), service_url(options_, request), std::move(accept)
    );
    const auto end = co_await targets_.retrieve->retrieve(std::move(asked.question), files);
    if (!response.begun()) {
        auto problem = files.problem() ? *files.problem() : problem_of(end);
        co_return co_await send_problem(std::move(problem), options_.retry_after, response);
    }
    if (end.complete) // else never finished: the client sees that it is cut off
        (void)co_await files.finish();
}

} // namespace gantry::faces
