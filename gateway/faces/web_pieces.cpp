#include "gateway/faces/web_pieces.h"

#include "gateway/faces/ordered_jobs.h"
#include "gateway/faces/web_conditions.h"
#include "web/multipart.h"

#include <algorithm>
#include <span>
#include <utility>

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller awaits, with
// request and response in its frame

namespace gantry::faces {

namespace {

using PieceBytes = Result<std::vector<std::byte>>;

constexpr std::uint64_t largest_read = 1U << 20U;
constexpr std::uint64_t ahead = 16U << 20U; // bytes of pieces that are made ahead
constexpr std::size_t most_ahead = 8;       // pieces

/// What a piece is made of, kept by the job that makes it.
struct Source {
    std::shared_ptr<const RandomAccess> data_set;
    std::shared_ptr<const mapping::ImageFrames> frames;
    std::string syntax; // of what is encoded
    std::string prefix;
};

PieceBytes make(const Source& from, const Piece& piece)
{
    if (piece.kind == Piece::Kind::prefix) {
        const auto all = std::as_bytes(std::span(from.prefix));
        const auto part = all.subspan(
            static_cast<std::size_t>(piece.bytes.offset),
            static_cast<std::size_t>(piece.bytes.length)
        );
        return std::vector<std::byte>(part.begin(), part.end());
    }
    if (piece.kind == Piece::Kind::bytes) {
        std::vector<std::byte> out(static_cast<std::size_t>(piece.bytes.length));
        const auto got = from.data_set->read(piece.bytes.offset, out);
        if (!got)
            return got.error();
        if (*got < out.size())
            return mapping::error(mapping::Errc::truncated);
        return out;
    }
    if (piece.kind == Piece::Kind::stored_frame)
        return mapping::stored_frame(*from.data_set, *from.frames, piece.frame);
    auto native = mapping::native_frame(*from.data_set, *from.frames, piece.frame);
    if (!native)
        return native.error();
    if (piece.kind == Piece::Kind::native_frame)
        return std::move(native->bytes);
    return mapping::encoded_frame(*native, from.syntax);
}

/// Leaves of a part what lies in the range; all of it is bytes as they are.
void keep_range(Part& part, const ByteRange& range)
{
    std::vector<Piece> kept;
    std::uint64_t at = 0;
    for (const Piece& piece : part.pieces) {
        const std::uint64_t begin = std::max(at, range.offset);
        const std::uint64_t end = std::min(at + piece.bytes.length, range.offset + range.length);
        if (begin < end)
            kept.push_back({piece.kind, {piece.bytes.offset + (begin - at), end - begin}, 0});
        at += piece.bytes.length;
    }
    part.pieces = std::move(kept);
    part.length = range.length;
}

bool may_be_cut(const PartedContent& content)
{
    return content.packaging == Packaging::single && content.parts.front().length &&
           std::ranges::all_of(content.parts.front().pieces, [](const Piece& piece) {
               return piece.kind == Piece::Kind::bytes || piece.kind == Piece::Kind::prefix;
           });
}

class Sending {
public:
    Sending(
        PartedContent content, asio::any_io_executor loop, WebPools pools, web::Response& response
    )
        : content_(std::move(content)),
          source_(std::make_shared<const Source>(Source{
              content_.instance.data_set, content_.frames, content_.offer.syntax, content_.prefix
          })),
          response_(response),
          boundary_(web::random_boundary()),
          work_(std::move(loop), pool_of(content_, pools))
    {
    }

    web::ResponseHead head(const std::string& tag) const
    {
        web::ResponseHead head;
        head.status = content_.status;
        const bool single = content_.packaging == Packaging::single;
        head.fields.add(
            "Content-Type",
            single
                ? content_.offer.content_type()
                : "multipart/related; type=\"" + content_.offer.media + "\"; boundary=" + boundary_
        );
        head.fields.add("Cache-Control", std::string(content_.cache_control));
        head.fields.add("ETag", tag);
        head.fields.add("Vary", "Accept");
        if (single) {
            head.fields.add("Content-Location", content_.parts.front().location);
            head.fields.add("Accept-Ranges", may_be_cut(content_) ? "bytes" : "none");
        }
        return head;
    }

    PartedContent& content() { return content_; }

    /// The first piece is made; then the response is begun.
    asio::awaitable<Result<void>> run(web::ResponseHead head, bool without_body)
    {
        const bool single = content_.packaging == Packaging::single;
        std::optional<std::uint64_t> length;
        if (single)
            length = content_.parts.front().length;
        if (without_body && (!single || length)) {
            if (const auto begun = co_await response_.begin(std::move(head), length); !begun)
                co_return begun.error();
            co_return co_await response_.finish();
        }
        for (std::size_t part = 0; part < content_.parts.size(); ++part) {
            std::uint64_t left = content_.parts[part].pieces.size();
            for (bool first = true; left > 0; --left, first = false) {
                fill();
                const PieceBytes bytes = co_await work_.next();
                if (!bytes)
                    co_return bytes.error();
                if (!response_.begun()) {
                    if (single && !length)
                        length = bytes->size();
                    const auto begun = co_await response_.begin(head, length);
                    if (!begun)
                        co_return begun.error();
                }
                const Result<void> put = co_await put_piece(part, first, *bytes);
                if (!put)
                    co_return put.error();
            }
        }
        co_return co_await end(std::move(head), length);
    }

private:
    static WorkerPool& pool_of(const PartedContent& content, WebPools pools)
    {
        const Part& first = content.parts.front();
        const bool computes =
            !first.pieces.empty() && (first.pieces.front().kind == Piece::Kind::native_frame ||
                                      first.pieces.front().kind == Piece::Kind::encoded_frame);
        return computes ? pools.transcoders : pools.disk;
    }

    std::uint64_t weight_of(const Piece& piece) const
    {
        if (piece.kind == Piece::Kind::bytes || piece.kind == Piece::Kind::prefix)
            return piece.bytes.length;
        return content_.frames ? content_.frames->image().shape.bytes() : 0;
    }

    /// Starts what may be made ahead; at least one piece.
    void fill()
    {
        while (next_part_ < content_.parts.size() && work_.outstanding() < most_ahead) {
            const Part& part = content_.parts[next_part_];
            if (next_piece_ == part.pieces.size()) {
                ++next_part_;
                next_piece_ = 0;
                continue;
            }
            const Piece piece = part.pieces[next_piece_];
            if (work_.outstanding() > 0 && weight_of(piece) * (work_.outstanding() + 1) > ahead)
                return;
            ++next_piece_;
            work_.start([from = source_, piece](const std::stop_token&) {
                return make(*from, piece);
            });
        }
    }

    asio::awaitable<Result<void>> put_piece(std::size_t number, bool first, ConstBytes bytes)
    {
        if (first && content_.packaging == Packaging::multipart) {
            const Part& part = content_.parts[number];
            const std::uint64_t length = part.length.value_or(bytes.size());
            web::Fields fields;
            fields.add("Content-Type", content_.offer.content_type());
            fields.add("Content-Length", std::to_string(length));
            fields.add("Content-Location", part.location);
            const std::string head = web::part_head(boundary_, fields, number == 0);
            if (const auto put = co_await response_.write(std::as_bytes(std::span(head))); !put)
                co_return put.error();
        }
        co_return co_await response_.write(bytes);
    }

    asio::awaitable<Result<void>> end(web::ResponseHead head, std::optional<std::uint64_t> length)
    {
        if (!response_.begun()) // of nothing
            if (const auto begun = co_await response_.begin(std::move(head), length); !begun)
                co_return begun.error();
        if (content_.packaging == Packaging::multipart) {
            const std::string last = web::closing_delimiter(boundary_);
            if (const auto put = co_await response_.write(std::as_bytes(std::span(last))); !put)
                co_return put.error();
        }
        co_return co_await response_.finish();
    }

    PartedContent content_;
    std::shared_ptr<const Source> source_;
    web::Response& response_;
    std::string boundary_;
    OrderedJobs<PieceBytes> work_;
    std::size_t next_part_ = 0;
    std::size_t next_piece_ = 0;
};

} // namespace

std::string entity_tag_of(const PartedContent& content)
{
    const bool single = content.packaging == Packaging::single;
    const std::string tag = entity_tag(
        content.instance.fingerprint + ' ' + content.name + ' ' + content.offer.content_type()
    );
    return single ? tag : "W/" + tag; // boundaries differ
}

void Part::add(mapping::Extent bytes)
{
    while (bytes.length > 0) {
        const std::uint64_t size = std::min(bytes.length, largest_read);
        pieces.push_back({Piece::Kind::bytes, {bytes.offset, size}, 0});
        bytes.offset += size;
        bytes.length -= size;
    }
}

asio::awaitable<void> send_parts(
    PartedContent content,
    WebPools pools,
    std::chrono::seconds retry_after,
    const web::Request& request,
    web::Response& response
)
{
    const std::string tag = entity_tag_of(content);
    if (is_known(request, tag)) {
        (void)co_await response.send(not_modified(tag, content.cache_control), {});
        co_return;
    }
    AskedRange asked;
    const std::uint64_t size = content.parts.front().length.value_or(0);
    const bool is_whole = content.status == 200 && request.method == web::Method::get;
    if (is_whole && may_be_cut(content))
        asked = asked_range(request, size, tag);
    const auto loop = co_await asio::this_coro::executor;
    Sending sending(std::move(content), loop, pools, response);
    web::ResponseHead head = sending.head(tag);
    if (asked.kind == AskedRange::Kind::not_satisfiable) {
        head.status = 416;
        head.fields = {};
        head.fields.add("Content-Range", content_range(std::nullopt, size));
        (void)co_await response.send(std::move(head), {});
        co_return;
    }
    if (asked.kind == AskedRange::Kind::part) {
        head.status = 206;
        head.fields.add("Content-Range", content_range(asked.range, size));
        keep_range(sending.content().parts.front(), asked.range);
    }
    const bool without_body = request.method == web::Method::head;
    const Result<void> sent = co_await sending.run(std::move(head), without_body);
    if (!sent && !response.begun())
        co_await send_problem(problem_of(sent.error()), retry_after, response);
}

} // namespace gantry::faces

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
