#include "gateway/origins/outgoing_instance.h"

#include "gateway/error.h"
#include "gateway/origins/held_content.h"
#include "gateway/origins/scratch_file.h"
#include "mapping/transcode.h"

#include <utility>

namespace gantry {

namespace {

constexpr std::size_t most_in_memory = 1U << 20U;

/// What a transcoding gives: in memory as long as it is small.
class Outcome {
public:
    explicit Outcome(std::filesystem::path folder) : folder_(std::move(folder)) {}

    Result<void> append(ConstBytes bytes)
    {
        if (!file_ && memory_->size() + bytes.size() <= most_in_memory) {
            memory_->insert(memory_->end(), bytes.begin(), bytes.end());
            return {};
        }
        if (!file_) {
            auto created = ScratchFile::create(folder_);
            if (!created)
                return created.error();
            file_ = std::move(*created);
            if (const auto written = file_->append(*memory_); !written)
                return written.error();
            memory_ = std::make_shared<std::vector<std::byte>>();
        }
        return file_->append(bytes);
    }

    std::unique_ptr<ByteSource> source(const InstanceKey& key, WorkerPool& disk) const
    {
        if (file_)
            return ScratchContent(file_, {key, {}, 0}, disk).source();
        return HeldContent(key, {}, {memory_, *memory_}).source();
    }

private:
    std::filesystem::path folder_;
    std::shared_ptr<std::vector<std::byte>> memory_ = std::make_shared<std::vector<std::byte>>();
    std::shared_ptr<ScratchFile> file_;
};

// On a worker.
Result<void>
transcode(ByteSource& from, mapping::Transcoder& transcoder, const std::stop_token& stop)
{
    for (;;) {
        if (stop.stop_requested())
            return error(Errc::closed);
        const auto piece = from.next();
        if (!piece)
            return piece.error();
        if (piece->empty())
            return transcoder.finish();
        if (const auto fed = transcoder.feed(*piece); !fed)
            return fed.error();
    }
}

/// The bytes of `content` for a thread that may block.
asio::awaitable<Result<std::shared_ptr<ByteSource>>>
source_of(std::shared_ptr<InstanceContent> content, PreparationMeans means)
{
    std::shared_ptr<ByteSource> source = content->source();
    if (source)
        co_return source;
    auto create = [folder = means.scratch](const std::stop_token&) {
        return ScratchFile::create(folder);
    };
    auto created = co_await offload(means.disk, std::move(create));
    if (!created)
        co_return created.error();
    const std::shared_ptr<ScratchFile> file = std::move(*created);
    content->rewind();
    const Result<void> spilt = co_await spill(*content, file, means.disk);
    if (!spilt)
        co_return spilt.error();
    source = ScratchContent(file, {content->key(), {}, 0}, means.disk).source();
    co_return source;
}

/// Keeps a shared source as one's own.
class Shared final : public ByteSource {
public:
    explicit Shared(std::shared_ptr<ByteSource> source) : source_(std::move(source)) {}

    Result<ConstBytes> next() override { return source_->next(); }

private:
    std::shared_ptr<ByteSource> source_;
};

} // namespace

Result<std::unique_ptr<ByteSource>> transcoded(
    ByteSource& from,
    const InstanceKey& key,
    const Uid& to,
    const PreparationMeans& means,
    const std::stop_token& stop
)
{
    Outcome outcome(means.scratch);
    mapping::Transcoder transcoder(
        key.transfer_syntax.str(),
        to.str(),
        [&outcome](ConstBytes piece) { return outcome.append(piece); }
    );
    if (const auto done = transcode(from, transcoder, stop); !done)
        return done.error();
    InstanceKey made = key;
    made.transfer_syntax = to;
    return outcome.source(made, means.disk);
}

asio::awaitable<Result<PreparedInstance>>
prepare(std::unique_ptr<InstanceContent> content, std::vector<Uid> accepted, PreparationMeans means)
{
    const std::shared_ptr<InstanceContent> kept = std::move(content);
    PreparedInstance prepared;
    prepared.key = kept->key();
    const Uid from = prepared.key.transfer_syntax;
    const Uid to = mapping::best_syntax(from, accepted);
    if (to.empty())
        co_return error(
            Errc::unsupported, "stored in " + from.str() + ", which the receiver does not take"
        );
    auto source = co_await source_of(kept, means);
    if (!source)
        co_return source.error();
    if (from == to) {
        prepared.data_set = std::make_unique<Shared>(std::move(*source));
        co_return prepared;
    }
    auto work = [key = prepared.key, to, means, bytes = std::move(*source)](const auto& stop) {
        return transcoded(*bytes, key, to, means, stop);
    };
    auto done = co_await offload(means.transcoders, std::move(work));
    if (!done)
        co_return done.error();
    prepared.key.transfer_syntax = to;
    prepared.data_set = std::move(*done);
    co_return prepared;
}

} // namespace gantry
