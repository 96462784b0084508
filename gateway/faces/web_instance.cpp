#include "gateway/faces/web_instance.h"

#include "gateway/custody/digest.h"
#include "gateway/error.h"
#include "gateway/origins/scratch_file.h"
#include "mapping/reencode.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <list>
#include <utility>

namespace gantry::faces {

namespace {

constexpr std::size_t beginning = 64U << 10U; // of a data set, that tells it from another
constexpr std::size_t ending = 4U << 10U;
constexpr std::size_t chunk = 256U << 10U;
constexpr std::uint64_t most_inflated = 4ULL << 30U;
constexpr std::uint64_t worth_keeping = 1U << 20U; // instances whose frame table is kept
constexpr std::size_t most_kept = 24U << 20U;      // of all tables

/// Keeps the one instance that was asked for, where its bytes can be read at any place.
class OneInstance final : public RetrieveSink {
public:
    bool reads_whole() const override { return false; }

    OneInstance(InstanceKey which, std::filesystem::path scratch, WorkerPool& disk)
        : which_(std::move(which)), scratch_(std::move(scratch)), disk_(disk)
    {
    }

    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> /*instances*/) override
    {
        co_return Result<void>{};
    }

    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override
    {
        const InstanceKey& key = content->key();
        if (taken_ || key.sop.sop_instance != which_.sop.sop_instance ||
            key.study != which_.study || key.series != which_.series)
            co_return Result<void>{}; // not what was asked for
        auto open = co_await take_instance(*content, scratch_, disk_);
        if (!open)
            co_return fail(open.error());
        taken_ = std::move(*open);
        co_return Result<void>{};
    }

    std::optional<OpenInstance>& taken() { return taken_; }

    /// What went wrong here, not at the origin.
    const std::optional<Error>& failure() const { return failure_; }

private:
    Error fail(Error why)
    {
        failure_ = why;
        return why;
    }

    InstanceKey which_;
    std::filesystem::path scratch_;
    WorkerPool& disk_;
    std::optional<OpenInstance> taken_;
    std::optional<Error> failure_;
};

/// Into Explicit VR Little Endian. On a worker.
Result<std::shared_ptr<ScratchFile>> reencoded(
    const RandomAccess& data_set,
    const Uid& syntax,
    const std::filesystem::path& scratch,
    const std::stop_token& stop
)
{
    auto file = ScratchFile::create(scratch);
    if (!file)
        return file.error();
    mapping::Reencoder reencoder(
        TransferSyntax::of(syntax.str()),
        [&out = **file](ConstBytes bytes) -> Result<void> {
            if (out.size().count + bytes.size() > most_inflated)
                return mapping::error(mapping::Errc::too_large, "an inflated data set");
            return out.append(bytes);
        }
    );
    std::vector<std::byte> buffer(chunk);
    for (std::uint64_t at = 0;;) {
        if (stop.stop_requested())
            return error(Errc::closed);
        const auto got = data_set.read(at, buffer);
        if (!got)
            return got.error();
        if (*got == 0)
            break;
        at += *got;
        if (const auto fed = reencoder.feed(ConstBytes(buffer).first(*got)); !fed)
            return fed.error();
    }
    if (const auto ended = reencoder.finish(); !ended)
        return ended.error();
    return std::move(*file);
}

/// On a worker.
Result<std::string> fingerprint_of(const OpenInstance& instance)
{
    const RandomAccess& data_set = *instance.data_set;
    const std::uint64_t size = data_set.size().count;
    const InstanceKey& key = instance.key;
    const std::string names = key.study.str() + ' ' + key.series.str() + ' ' +
                              key.sop.sop_instance.str() + ' ' + instance.stored_syntax.str() +
                              ' ' + std::to_string(size) + ' ';
    custody::DigestStream digest;
    digest.update(std::as_bytes(std::span(names)));
    std::vector<std::byte> bytes(static_cast<std::size_t>(std::min<std::uint64_t>(size, beginning))
    );
    auto got = data_set.read(0, bytes);
    if (!got)
        return got.error();
    digest.update(ConstBytes(bytes).first(*got));
    if (size > beginning) {
        bytes.resize(ending);
        got = data_set.read(size - ending, bytes);
        if (!got)
            return got.error();
        digest.update(ConstBytes(bytes).first(*got));
    }
    std::string out;
    for (const std::byte byte : digest.digest())
        for (const unsigned shift : {4U, 0U})
            out.push_back("0123456789abcdef"[std::to_integer<unsigned>(byte) >> shift & 0xfU]);
    return out;
}

bool readable_within(const Uid& syntax)
{
    const Encoding encoding = TransferSyntax::of(syntax.str()).encoding;
    return encoding == Encoding::explicit_le || encoding == Encoding::implicit_le;
}

} // namespace

struct InstanceDesk::State {
    struct Kept {
        std::string fingerprint;
        std::shared_ptr<const mapping::ImageFrames> frames;
    };

    const WebFaceOptions& options;
    const WebTargets& targets;
    WebPools pools;
    std::list<Kept> kept = {}; // the last one asked for first
    std::size_t kept_size = 0;

    std::shared_ptr<const mapping::ImageFrames> find(const std::string& fingerprint)
    {
        const auto found = std::ranges::find(kept, fingerprint, &Kept::fingerprint);
        if (found == kept.end())
            return nullptr;
        kept.splice(kept.begin(), kept, found);
        return found->frames;
    }

    void keep(const std::string& fingerprint, std::shared_ptr<const mapping::ImageFrames> frames)
    {
        const std::size_t size = frames->footprint();
        if (size > most_kept / 2 || find(fingerprint))
            return;
        kept.push_front({fingerprint, std::move(frames)});
        kept_size += size;
        while (kept_size > most_kept) {
            kept_size -= kept.back().frames->footprint();
            kept.pop_back();
        }
    }
};

InstanceDesk::InstanceDesk(const WebFaceOptions& options, const WebTargets& targets, WebPools pools)
    : state_(new State{options, targets, pools})
{
}

InstanceDesk::~InstanceDesk() = default;

asio::awaitable<Answer<OpenInstance>> InstanceDesk::open(InstanceKey which) const
{
    if (state_->targets.retrieve == nullptr)
        co_return Problem{501, "nothing can be retrieved here"};
    const std::filesystem::path scratch = state_->options.scratch;
    WorkerPool& disk = state_->pools.disk;
    OneInstance one(which, scratch, disk);
    RetrieveQuestion question;
    question.level = QueryLevel::image;
    question.studies = {which.study};
    question.series = {which.series};
    question.instances = {which.sop.sop_instance};
    const RetrieveEnd end = co_await state_->targets.retrieve->retrieve(std::move(question), one);
    if (one.failure())
        co_return problem_of(*one.failure());
    if (!one.taken())
        co_return problem_of(end);
    OpenInstance instance = std::move(*one.taken());
    auto look = [instance, scratch, &disk](const std::stop_token& stop) {
        return made_readable(instance, scratch, disk, stop);
    };
    auto looked = co_await offload(disk, std::move(look));
    if (!looked)
        co_return problem_of(looked.error());
    co_return std::move(*looked);
}

asio::awaitable<Answer<std::shared_ptr<const mapping::ImageFrames>>>
InstanceDesk::frames(OpenInstance instance) const
{
    if (auto kept = state_->find(instance.fingerprint))
        co_return kept;
    auto read = [data_set = instance.data_set,
                 syntax = instance.key.transfer_syntax](const std::stop_token&) {
        return mapping::ImageFrames::read(*data_set, syntax.str());
    };
    auto found = co_await offload(state_->pools.disk, std::move(read));
    if (!found)
        co_return problem_of(found.error());
    auto frames = std::make_shared<const mapping::ImageFrames>(std::move(*found));
    if (instance.data_set->size().count >= worth_keeping)
        state_->keep(instance.fingerprint, frames);
    co_return frames;
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller awaits
asio::awaitable<Result<OpenInstance>>
take_instance(InstanceContent& content, std::filesystem::path scratch, WorkerPool& disk)
{
    OpenInstance out;
    out.key = content.key();
    out.stored_syntax = out.key.transfer_syntax;
    out.source = content.source_ae();
    out.data_set = content.random_access();
    if (out.data_set)
        co_return out;
    auto create = [scratch](const std::stop_token&) { return ScratchFile::create(scratch); };
    auto created = co_await offload(disk, std::move(create));
    if (!created)
        co_return created.error();
    const std::shared_ptr<ScratchFile> file = std::move(*created);
    const Result<void> spilt = co_await spill(content, file, disk);
    if (!spilt)
        co_return spilt.error();
    out.data_set = ScratchContent(file, {out.key, {}, 0}, disk).random_access();
    co_return out;
}

Result<OpenInstance> made_readable(
    OpenInstance taken,
    const std::filesystem::path& scratch,
    WorkerPool& disk,
    const std::stop_token& stop
)
{
    if (!readable_within(taken.stored_syntax)) {
        const auto file = reencoded(*taken.data_set, taken.stored_syntax, scratch, stop);
        if (!file)
            return file.error();
        taken.key.transfer_syntax = Uid::parse(transfer_syntax::explicit_le).value_or(Uid());
        taken.data_set = ScratchContent(*file, {taken.key, {}, 0}, disk).random_access();
    }
    auto fingerprint = fingerprint_of(taken);
    if (!fingerprint)
        return fingerprint.error();
    taken.fingerprint = std::move(*fingerprint);
    return taken;
}

Problem problem_of(const RetrieveEnd& end)
{
    switch (end.shortfall) {
    case Shortfall::none:
        if (end.complete)
            return {404, "nothing of that is here"};
        break;
    case Shortfall::unavailable: return {503, "the origin does not answer"};
    case Shortfall::timed_out: return {504, "the origin was silent for too long"};
    case Shortfall::limit:
    case Shortfall::question:
    case Shortfall::unauthorised:
    case Shortfall::failed: break;
    }
    return {502, "the origin could not give what was asked for"};
}

std::uint16_t status_of(const RetrieveEnd& end, bool any)
{
    if (any && end.complete)
        return 200;
    const bool others_are_missing = !end.missing.empty() && (end.shortfall == Shortfall::none ||
                                                             end.shortfall == Shortfall::failed);
    return any && others_are_missing ? 206 : problem_of(end).status;
}

Problem problem_of(const Error& why)
{
    if (why.code == mapping::make_error_code(mapping::Errc::not_dicom))
        return {404, "the instance has no pixels"};
    if (why.code == mapping::make_error_code(mapping::Errc::unsupported) ||
        why.code == mapping::make_error_code(mapping::Errc::too_large))
        return {406, "what is stored cannot be brought into that form: " + why.detail};
    if (why.code == make_error_code(Errc::not_found))
        return {404, "nothing of that is here"};
    if (why.code == make_error_code(Errc::closed))
        return {503, "shutting down"};
    return {500, "what is stored cannot be read"};
}

} // namespace gantry::faces
