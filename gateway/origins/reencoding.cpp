#include "gateway/origins/reencoding.h"

#include "gateway/origins/scratch_file.h"
#include "mapping/reencode.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <optional>
#include <string>
#include <utility>

namespace gantry {

namespace {

// Touched by one pool thread at a time.
struct Job {
    std::filesystem::path folder;
    std::string from;
    std::shared_ptr<ScratchFile> file = {};
    std::optional<mapping::Reencoder> encoder = {};

    Result<void> open()
    {
        auto created = ScratchFile::create(folder);
        if (!created)
            return created.error();
        file = std::move(*created);
        auto out = [to = file.get()](ConstBytes bytes) { return to->append(bytes); };
        encoder.emplace(TransferSyntax::of(from), std::move(out));
        return {};
    }
};

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller
// awaits, with all of it in its frame

asio::awaitable<Result<void>>
run_job(InstanceContent& from, std::shared_ptr<Job> job, WorkerPool& disk)
{
    auto open = [job](const std::stop_token&) { return job->open(); };
    const Result<void> opened = co_await offload(disk, std::move(open));
    if (!opened)
        co_return opened.error();
    from.rewind();
    for (;;) {
        const auto chunk = co_await from.read();
        if (!chunk)
            co_return chunk.error();
        const bool last = chunk->empty();
        auto feed = [job, last, bytes = *chunk](const std::stop_token&) {
            return last ? job->encoder->finish() : job->encoder->feed(bytes);
        };
        const Result<void> fed = co_await offload(disk, std::move(feed));
        if (!fed || last)
            co_return fed;
    }
}

} // namespace

asio::awaitable<Result<std::unique_ptr<InstanceContent>>>
reencode(InstanceContent& from, std::filesystem::path scratch, WorkerPool& disk)
{
    const auto job =
        std::make_shared<Job>(Job{std::move(scratch), from.key().transfer_syntax.str()});
    const Result<void> done = co_await run_job(from, job, disk);
    from.rewind();
    if (!done)
        co_return done.error();
    ScratchContent::What what{from.key(), from.source_ae(), 0};
    what.key.transfer_syntax = Uid::parse(transfer_syntax::explicit_le).value_or(Uid{});
    std::unique_ptr<InstanceContent> content =
        std::make_unique<ScratchContent>(job->file, std::move(what), disk);
    co_return content;
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry
