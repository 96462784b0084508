#include "gateway/faces/web_files.h"

#include "gateway/error.h"
#include "gateway/faces/web_conditions.h"
#include "gateway/faces/web_pieces.h"
#include "mapping/file_meta.h"
#include "web/multipart.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <span>
#include <utility>

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller awaits

namespace gantry::faces {

namespace {

constexpr std::uint64_t read_whole = 2U << 20U; // instances up to that size
constexpr std::uint64_t window = 16U << 20U;    // bytes of instances that are not written
constexpr std::size_t most_ahead = 32;          // instances

FilePart begun_with(const std::string& head, std::size_t room)
{
    FilePart part;
    part.bytes = std::make_unique_for_overwrite<std::byte[]>(head.size() + room);
    std::memcpy(part.bytes.get(), head.data(), head.size());
    part.size = head.size();
    return part;
}

/// The whole of a data set of that length behind its head. On a worker.
Result<FilePart> read_all(ByteSource& from, const std::string& head, std::uint64_t length)
{
    FilePart part = begun_with(head, static_cast<std::size_t>(length));
    std::size_t left = static_cast<std::size_t>(length);
    for (;;) {
        const auto piece = from.next();
        if (!piece)
            return piece.error();
        if (piece->empty() && left == 0)
            return part;
        if (piece->empty() || piece->size() > left)
            return error(Errc::damaged, "a data set is not as long as it was");
        std::memcpy(part.bytes.get() + part.size, piece->data(), piece->size());
        part.size += piece->size();
        left -= piece->size();
    }
}

} // namespace

FilesResponse::FilesResponse(
    What what,
    const web::Request& request,
    web::Response& response,
    asio::any_io_executor loop,
    PreparationMeans means
)
    : what_(std::move(what)),
      request_(request),
      response_(response),
      means_(std::move(means)),
      boundary_(web::random_boundary()),
      one_(loop),
      changed_(loop),
      reads_(loop, means_.disk),
      transcodings_(loop, means_.transcoders)
{
}

Error FilesResponse::fail(Problem problem)
{
    problem_ = std::move(problem);
    failed_ = true;
    changed_.notify();
    return error(Errc::unsupported, "an instance that cannot be given");
}

Error FilesResponse::enough()
{
    failed_ = true;
    changed_.notify();
    return error(Errc::closed, "answered");
}

bool FilesResponse::is_asked_for(const InstanceKey& key) const
{
    const auto in = [](const std::vector<Uid>& asked, const Uid& uid) {
        return asked.empty() || std::ranges::find(asked, uid) != asked.end();
    };
    return in(what_.question.studies, key.study) && in(what_.question.series, key.series) &&
           in(what_.question.instances, key.sop.sop_instance);
}

/// All of them have to be had in some way that is taken; what is liked least of each packaging
/// decides.
Result<void> FilesResponse::negotiate(const std::vector<InstanceKey>& instances)
{
    std::set<Uid> syntaxes;
    for (const InstanceKey& one : instances)
        syntaxes.insert(one.transfer_syntax);
    if (syntaxes.contains(Uid())) // not known yet: each says its own
        return {};
    unsigned multipart = 1000;
    unsigned single = what_.question.level == QueryLevel::image || instances.size() == 1 ? 1000 : 0;
    for (const Uid& syntax : syntaxes) {
        const auto offers = instance_offers(syntax);
        multipart =
            std::min(multipart, best_offer(offers, what_.accept, Packaging::multipart).quality);
        single = std::min(single, best_offer(offers, what_.accept, Packaging::single).quality);
    }
    if (multipart == 0 && single == 0) {
        std::string offered;
        for (const Uid& syntax : syntaxes)
            offered += (offered.empty() ? "" : "; ") + on_offer(instance_offers(syntax));
        return fail(Problem{406, "on offer, as parts of multipart/related: " + offered});
    }
    packaging_ = single > multipart ? Packaging::single : Packaging::multipart;
    return {};
}

asio::awaitable<Result<void>> FilesResponse::expect(std::vector<InstanceKey> instances)
{
    if (instances.empty())
        co_return fail(Problem{404, "nothing of that is here"});
    expected_ = instances.size();
    if (const auto agreed = negotiate(instances); !agreed)
        co_return agreed.error();
    if (request_.method == web::Method::head && packaging_ == Packaging::multipart &&
        what_.question.level != QueryLevel::image) {
        if (const auto begun = co_await begin(Item{}); !begun)
            co_return begun.error();
        (void)co_await response_.finish();
        co_return enough();
    }
    co_return Result<void>{};
}

asio::awaitable<Result<void>> FilesResponse::instance(std::unique_ptr<InstanceContent> content)
{
    const auto turn = co_await one_.turn(); // several may come at once
    while (!failed_ && (weight_ >= window || items_.size() >= most_ahead))
        co_await changed_.wait();
    if (failed_)
        co_return error(Errc::closed, "the response has failed");
    if (!is_asked_for(content->key()))
        co_return Result<void>{};
    if (!packaging_) // the origin could not say before what it has
        if (const auto agreed = negotiate({content->key()}); !agreed)
            co_return agreed.error();
    const auto offers = instance_offers(content->key().transfer_syntax);
    const Liking liked = best_offer(offers, what_.accept, *packaging_);
    if (liked.quality == 0)
        co_return fail(Problem{406, "on offer: " + on_offer(offers)});
    co_return co_await take(std::move(content), offers[liked.offer]);
}

asio::awaitable<Result<void>>
FilesResponse::take(std::unique_ptr<InstanceContent> content, const Offer& offer)
{
    const Uid from = content->key().transfer_syntax;
    Item item;
    item.key = content->key();
    item.key.transfer_syntax = Uid::parse(offer.syntax).value_or(Uid());
    item.source = content->source_ae();
    item.weight = std::min(content->length().count, window / 2);
    item.reencoded = offer.stored && item.key.transfer_syntax != from;
    if (offer.stored && !item.reencoded)
        item.length = content->length().count;
    if (what_.question.level == QueryLevel::image && item.length) {
        if (const auto answered = co_await answer_at_once(*content, item); !answered)
            co_return answered.error();
    }
    item.head = head_of(item);
    std::shared_ptr<ByteSource> source;
    if (!offer.stored || (item.length && *item.length <= read_whole))
        source = content->source();
    if (!offer.stored && !source) { // can be read in its order only
        std::vector<Uid> accepted{item.key.transfer_syntax};
        auto prepared = co_await prepare(std::move(content), std::move(accepted), means_);
        if (!prepared)
            co_return fail(problem_of(prepared.error()));
        FilePart part = begun_with(item.head, 0);
        part.rest = std::move(prepared->data_set);
        auto kept = std::make_shared<FilePart>(std::move(part));
        item.jobs = &reads_;
        reads_.start([kept](const auto&) -> Result<FilePart> { return std::move(*kept); });
    } else if (!offer.stored) {
        transcode_ahead(item, std::move(source), from);
    } else if (source) {
        read_ahead(item, std::move(source));
    } else {
        item.content = std::move(content);
    }
    ++taken_;
    weight_ += item.weight;
    items_.push_back(std::move(item));
    changed_.notify();
    co_return Result<void>{};
}

void FilesResponse::read_ahead(Item& item, std::shared_ptr<ByteSource> source)
{
    item.jobs = &reads_;
    reads_.start([source, head = item.head, length = *item.length](const auto&) {
        return read_all(*source, head, length);
    });
}

void FilesResponse::transcode_ahead(Item& item, std::shared_ptr<ByteSource> source, Uid from)
{
    item.jobs = &transcodings_;
    InstanceKey stored = item.key;
    stored.transfer_syntax = std::move(from);
    auto work = [source,
                 stored = std::move(stored),
                 to = item.key.transfer_syntax,
                 head = item.head,
                 means = means_](const std::stop_token& stop) -> Result<FilePart> {
        auto done = transcoded(*source, stored, to, means, stop);
        if (!done)
            return done.error();
        FilePart part = begun_with(head, 0);
        part.rest = std::move(*done);
        return part;
    };
    transcodings_.start(std::move(work));
}

/// What comes before the data set: the head of the part, and that of the file.
std::string FilesResponse::head_of(const Item& item) const
{
    const std::string file =
        mapping::write_file_head({item.key.sop, item.key.transfer_syntax, item.source});
    if (packaging_ == Packaging::single)
        return file;
    web::Fields fields;
    fields.add(
        "Content-Type", "application/dicom; transfer-syntax=" + item.key.transfer_syntax.str()
    );
    if (item.length)
        fields.add("Content-Length", std::to_string(*item.length + file.size()));
    fields.add("Content-Location", resource_url(what_.service, item.key, QueryLevel::image));
    return web::part_head(boundary_, fields, taken_ == 0) + file;
}

/// One instance as it is stored that can be read at any place: If-None-Match, Range and HEAD are
/// answered, and end the retrieve.
asio::awaitable<Result<void>> FilesResponse::answer_at_once(InstanceContent& content, Item& item)
{
    if (!content.random_access())
        co_return Result<void>{};
    auto taken = co_await take_instance(content, means_.scratch, means_.disk);
    if (!taken)
        co_return fail(problem_of(taken.error()));
    auto look = [open = *taken, means = means_](const std::stop_token& stop) {
        return made_readable(open, means.scratch, means.disk, stop);
    };
    auto open = co_await offload(means_.disk, std::move(look));
    if (!open)
        co_return fail(problem_of(open.error()));
    PartedContent parts;
    parts.offer = {"application/dicom", item.key.transfer_syntax.str(), true, true, true};
    parts.packaging = *packaging_;
    parts.name = "file";
    parts.cache_control = revalidated;
    parts.prefix = mapping::write_file_head({item.key.sop, item.key.transfer_syntax, item.source});
    Part part;
    part.location = resource_url(what_.service, item.key, QueryLevel::image);
    part.pieces.push_back({Piece::Kind::prefix, {0, parts.prefix.size()}, 0});
    part.add({0, *item.length});
    part.length = parts.prefix.size() + *item.length;
    parts.parts.push_back(std::move(part));
    parts.instance = std::move(*open);
    item.tag = entity_tag_of(parts);
    const bool partial = request_.fields.has("Range") && packaging_ == Packaging::single;
    if (request_.method != web::Method::head && !partial && !is_known(request_, item.tag))
        co_return Result<void>{}; // goes the way on which every byte is checked
    const WebPools pools{means_.disk, means_.transcoders};
    co_await send_parts(std::move(parts), pools, what_.retry_after, request_, response_);
    co_return enough();
}

} // namespace gantry::faces

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
