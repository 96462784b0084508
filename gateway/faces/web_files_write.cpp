// The writing side of FilesResponse (web_files.h).
#include "gateway/faces/web_files.h"
#include "gateway/faces/web_pieces.h"
#include "mapping/file_meta.h"
#include "mapping/reencode.h"
#include "web/multipart.h"

#include <span>
#include <utility>

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller awaits

namespace gantry::faces {

void FilesResponse::close(const RetrieveEnd& end)
{
    closed_ = true;
    complete_ = end.complete && (!expected_ || taken_ >= *expected_);
    changed_.notify();
}

asio::awaitable<void> FilesResponse::write()
{
    for (;;) {
        while (items_.empty() && !closed_ && !failed_)
            co_await changed_.wait();
        if (failed_)
            co_return;
        if (items_.empty())
            break;
        Item item = std::move(items_.front());
        items_.pop_front();
        const std::uint64_t weight = item.weight;
        const Result<void> written = co_await write_item(std::move(item));
        weight_ -= weight;
        failed_ = failed_ || !written;
        if (!written && !response_.begun())
            problem_ = problem_of(written.error());
        changed_.notify();
        if (failed_)
            co_return;
    }
    if (complete_ && response_.begun())
        (void)co_await finish();
}

asio::awaitable<Result<void>> FilesResponse::begin(const Item& item)
{
    web::ResponseHead head;
    std::optional<std::uint64_t> length;
    if (packaging_ == Packaging::single) {
        head.fields.add(
            "Content-Type", "application/dicom; transfer-syntax=" + item.key.transfer_syntax.str()
        );
        head.fields.add(
            "Content-Location", resource_url(what_.service, item.key, QueryLevel::image)
        );
        if (item.length)
            length = *item.length +
                     mapping::write_file_head({item.key.sop, item.key.transfer_syntax, item.source})
                         .size();
        head.fields.add("Accept-Ranges", item.tag.empty() ? "none" : "bytes");
    } else {
        head.fields.add(
            "Content-Type", "multipart/related; type=\"application/dicom\"; boundary=" + boundary_
        );
    }
    if (!item.tag.empty())
        head.fields.add("ETag", item.tag);
    head.fields.add("Cache-Control", std::string(revalidated));
    head.fields.add("Vary", "Accept");
    return response_.begin(std::move(head), length);
}

asio::awaitable<Result<void>> FilesResponse::write_item(Item item)
{
    if (item.jobs == nullptr)
        co_return co_await write_streamed(std::move(item));
    auto part = co_await item.jobs->next();
    if (!part)
        co_return part.error();
    if (!response_.begun())
        if (const auto begun = co_await begin(item); !begun)
            co_return begun.error();
    const Result<void> written = co_await response_.write(part->span());
    if (!written || !part->rest)
        co_return written;
    co_return co_await write_rest(std::move(part->rest));
}

asio::awaitable<Result<void>> FilesResponse::write_rest(std::shared_ptr<ByteSource> source)
{
    for (;;) {
        auto read = [source](const std::stop_token&) { return source->next(); };
        const auto bytes = co_await offload(means_.disk, std::move(read));
        if (!bytes)
            co_return bytes.error();
        if (bytes->empty())
            co_return Result<void>{};
        if (const auto written = co_await response_.write(*bytes); !written)
            co_return written.error();
    }
}

asio::awaitable<Result<void>> FilesResponse::finish()
{
    if (packaging_ == Packaging::multipart) {
        const std::string end = web::closing_delimiter(boundary_);
        if (const auto put = co_await response_.write(std::as_bytes(std::span(end))); !put)
            co_return put.error();
    }
    co_return co_await response_.finish();
}

/// Large instances, and those that are re-encoded: piece by piece.
asio::awaitable<Result<void>> FilesResponse::write_streamed(Item item)
{
    const std::shared_ptr<InstanceContent> content = std::move(item.content);
    // Read before the response is begun: a file that cannot be opened can still be said.
    const auto first = co_await content->read();
    if (!first)
        co_return first.error();
    if (!response_.begun())
        if (const auto begun = co_await begin(item); !begun)
            co_return begun.error();
    const auto head = std::as_bytes(std::span(item.head));
    if (const auto written = co_await response_.write(head); !written)
        co_return written.error();
    content->rewind();
    co_return item.reencoded ? co_await stream_reencoded(content) : co_await stream(content);
}

asio::awaitable<Result<void>> FilesResponse::stream(std::shared_ptr<InstanceContent> content)
{
    for (;;) {
        const auto bytes = co_await content->read();
        if (!bytes)
            co_return bytes.error();
        if (bytes->empty())
            co_return Result<void>{};
        if (const auto written = co_await response_.write(*bytes); !written)
            co_return written.error();
    }
}

asio::awaitable<Result<void>>
FilesResponse::stream_reencoded(std::shared_ptr<InstanceContent> content)
{
    std::vector<std::byte> out;
    mapping::Reencoder::Out collect = [&out](ConstBytes bytes) -> Result<void> {
        out.insert(out.end(), bytes.begin(), bytes.end());
        return {};
    };
    const auto& from = TransferSyntax::of(content->key().transfer_syntax.str());
    mapping::Reencoder reencoder(from, std::move(collect));
    for (bool last = false; !last;) {
        const auto chunk = co_await content->read();
        if (!chunk)
            co_return chunk.error();
        last = chunk->empty();
        auto work = [&reencoder, bytes = *chunk](const std::stop_token&) {
            return bytes.empty() ? reencoder.finish() : reencoder.feed(bytes);
        };
        const auto done = co_await offload(means_.disk, std::move(work));
        if (!done)
            co_return done.error();
        if (const auto written = co_await response_.write(out); !written)
            co_return written.error();
        out.clear();
    }
    co_return Result<void>{};
}

} // namespace gantry::faces

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
