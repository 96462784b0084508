// WADO-RS as far as a store needs it: fetches what the archive has under a UID and compares it with
// ours, byte by byte, and attribute by attribute where the archive writes them in another way.
#include "gateway/error.h"
#include "gateway/origins/archive_inquiry.h"
#include "gateway/origins/data_set_comparison.h"
#include "gateway/origins/scratch_file.h"
#include "mapping/file_meta.h"
#include "web/error.h"
#include "web/media_type.h"
#include "web/multipart.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace gantry {

namespace {

using What = Finding::What;
using Fetched = boost::system::result<std::shared_ptr<ScratchFile>, Finding>;

// What stands under our UID and is so much larger than ours is something else: not fetched whole.
std::uint64_t most_to_fetch(const InstanceContent& ours)
{
    return ours.length().count * 16 + (64ULL << 20U);
}

Finding as(What what, std::string reason)
{
    return {what, std::move(reason), false};
}

asio::awaitable<Result<void>> copy_to(
    web::ByteSource source, std::shared_ptr<ScratchFile> file, std::uint64_t most, WorkerPool* disk
)
{
    for (;;) {
        const auto chunk = co_await source();
        if (!chunk)
            co_return chunk.error();
        if (chunk->empty())
            co_return Result<void>{};
        if (file->size().count + chunk->size() > most)
            co_return error(Errc::unsupported, "far larger than ours");
        auto work = [file, bytes = *chunk](const std::stop_token&) { return file->append(bytes); };
        const Result<void> written = co_await offload(*disk, std::move(work));
        if (!written)
            co_return written.error();
    }
}

asio::awaitable<Result<ConstBytes>> next_of(web::ClientResponse* response)
{
    co_return co_await response->read();
}

asio::awaitable<Result<ConstBytes>> next_of_part(web::MultipartReader* parts)
{
    co_return co_await parts->read();
}

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller
// awaits, with all of it in its frame

// The first instance of the response: the only part, or the body itself.
asio::awaitable<Result<void>> save(
    web::ClientResponse& response,
    std::shared_ptr<ScratchFile> file,
    std::uint64_t most,
    WorkerPool& disk
)
{
    const auto type = web::parse_media_type(response.head().fields.find("Content-Type"));
    web::ByteSource whole = [from = &response] { return next_of(from); };
    if (!type || !type->type.starts_with("multipart/"))
        co_return co_await copy_to(std::move(whole), std::move(file), most, &disk);
    web::MultipartReader parts(
        std::string(type->parameter("boundary")), std::move(whole), web::MultipartLimits{}
    );
    const auto first = co_await parts.next_part();
    if (!first)
        co_return first.error();
    if (!*first)
        co_return error(Errc::not_found, "no part in the answer");
    web::ByteSource part = [from = &parts] { return next_of_part(from); };
    const Result<void> copied = co_await copy_to(std::move(part), std::move(file), most, &disk);
    if (!copied)
        co_return copied;
    const auto end = co_await parts.next_part(); // cut off within the part shows here
    co_return end ? Result<void>{} : Result<void>(end.error());
}

Finding refusal(unsigned status)
{
    const std::string reason = "WADO: HTTP " + std::to_string(status);
    const bool may_pass = status >= 500 || status == 429 || status == 408 || status == 401;
    return as(may_pass && status != 501 ? What::unknown : What::incomparable, reason);
}

Finding broken_off(const Error& reason)
{
    const bool larger = reason.code == Errc::unsupported;
    return as(larger ? What::different : What::unknown, "WADO: " + reason.text());
}

asio::awaitable<web::ClientResult> ask_for(web::Client& client, InstanceKey key, const char* accept)
{
    web::ClientRequest request;
    request.target = "/studies/" + key.study.str() + "/series/" + key.series.str() + "/instances/" +
                     key.sop.sop_instance.str();
    request.fields.add("Accept", accept);
    co_return co_await client.request(std::move(request));
}

asio::awaitable<Fetched> fetch(const InquiryRoom& room, const InstanceContent& ours)
{
    // as it is stored; archives that do not know "*" get the plain form
    web::ClientResult response = co_await ask_for(
        room.client, ours.key(), R"(multipart/related; type="application/dicom"; transfer-syntax=*)"
    );
    if (response && ((*response)->head().status == 406 || (*response)->head().status == 400)) {
        *response = nullptr; // its connection may be the only one
        response = co_await ask_for(
            room.client, ours.key(), R"(multipart/related; type="application/dicom")"
        );
    }
    if (!response)
        co_return Finding{
            What::unknown,
            "WADO: " + response.error().error.text(),
            response.error().phase < web::Phase::send
        };
    if (const unsigned status = (*response)->head().status; status != 200)
        co_return refusal(status);
    auto create = [folder = room.scratch](const std::stop_token&) {
        return ScratchFile::create(folder);
    };
    auto file = co_await offload(room.disk, std::move(create));
    if (!file)
        co_return broken_off(file.error());
    const Result<void> saved = co_await save(**response, *file, most_to_fetch(ours), room.disk);
    if (!saved)
        co_return broken_off(saved.error());
    co_return *file;
}

Result<mapping::ReadFileHead> head_of(const ScratchFile& file)
{
    std::vector<std::byte> prefix(static_cast<std::size_t>(mapping::max_file_head.count));
    const auto got = file.read(0, prefix);
    if (!got)
        return got.error();
    prefix.resize(*got);
    return mapping::read_file_head(prefix, *got == file.size().count);
}

asio::awaitable<Result<bool>> same_bytes(InstanceContent& ours, InstanceContent& theirs)
{
    if (ours.length() != theirs.length())
        co_return false;
    ours.rewind();
    ConstBytes left_of_theirs;
    for (;;) {
        const auto mine = co_await ours.read();
        if (!mine)
            co_return mine.error();
        if (mine->empty())
            co_return true;
        ConstBytes rest = *mine;
        while (!rest.empty()) {
            if (left_of_theirs.empty()) {
                const auto next = co_await theirs.read();
                if (!next)
                    co_return next.error();
                left_of_theirs = *next;
            }
            const std::size_t size = std::min(rest.size(), left_of_theirs.size());
            if (size == 0 || !std::ranges::equal(rest.first(size), left_of_theirs.first(size)))
                co_return false;
            rest = rest.subspan(size);
            left_of_theirs = left_of_theirs.subspan(size);
        }
    }
}

asio::awaitable<Result<bool>>
same_values(const InquiryRoom& room, InstanceContent& ours, DataSetFile theirs)
{
    auto create = [folder = room.scratch](const std::stop_token&) {
        return ScratchFile::create(folder);
    };
    const auto file = co_await offload(room.disk, std::move(create));
    if (!file)
        co_return file.error();
    ours.rewind();
    const Result<void> copied = co_await spill(ours, *file, room.disk);
    if (!copied)
        co_return copied.error();
    auto compare =
        [file = *file, theirs, syntax = ours.key().transfer_syntax](const std::stop_token&) {
            return same_attributes({file->path(), 0, syntax}, theirs);
        };
    co_return co_await offload(room.disk, std::move(compare));
}

Finding compared(const Result<bool>& same)
{
    if (!same)
        return as(What::unknown, "comparison: " + same.error().text());
    if (*same)
        return as(What::identical, {});
    return as(What::different, "there with another content");
}

asio::awaitable<Finding>
compare(const InquiryRoom& room, InstanceContent& ours, std::shared_ptr<ScratchFile> file)
{
    auto read_head = [file](const std::stop_token&) { return head_of(*file); };
    const auto head = co_await offload(room.disk, std::move(read_head));
    if (!head)
        co_return as(What::incomparable, "WADO: " + head.error().text());
    const Uid syntax = head->head.transfer_syntax;
    if (syntax == ours.key().transfer_syntax) {
        ScratchContent theirs(file, {ours.key(), {}, head->data_set_offset}, room.disk);
        const Result<bool> same = co_await same_bytes(ours, theirs);
        if (!same || *same)
            co_return compared(same);
    }
    DataSetFile theirs{file->path(), head->data_set_offset, syntax};
    const Result<bool> same = co_await same_values(room, ours, std::move(theirs));
    co_return compared(same);
}

} // namespace

asio::awaitable<Finding> compare_with_archive(InquiryRoom room, InstanceContent& ours)
{
    const Finding there = co_await look_for(room, ours.key());
    if (there.what != What::there)
        co_return there;
    const Fetched fetched = co_await fetch(room, ours);
    if (!fetched)
        co_return fetched.error();
    const Finding finding = co_await compare(room, ours, *fetched);
    ours.rewind();
    co_return finding;
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry
