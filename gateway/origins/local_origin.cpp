#include "gateway/origins/local_origin.h"

#include "gateway/error.h"
#include "gateway/origins/archive/archive.h"
#include "gateway/origins/archive/search.h"
#include "gateway/origins/archive/stored_content.h"
#include "mapping/vocabulary/dimse_status.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <algorithm>

namespace gantry {

using archive::Archive;
using archive::ArchiveWriter;
using archive::FilePage;
using archive::Page;
using archive::Position;
using archive::Search;
using archive::Selection;
using archive::StoredContent;
using archive::StoredFile;

namespace {

constexpr std::size_t page_size = 200;
constexpr std::size_t files_ahead = 16; // of a retrieve

StoreOutcome not_taken(const Error& why)
{
    const bool ours = why.code == make_error_code(Errc::damaged);
    const auto kind = ours ? StoreOutcome::Kind::damaged : StoreOutcome::Kind::transient;
    return {kind, status::out_of_resources, why.text(), std::nullopt};
}

/// One page of matches, and where the next begins.
struct Matches {
    std::vector<std::unique_ptr<DcmDataset>> found;
    std::optional<Position> next;
};

Result<Matches>
page_of_matches(Archive& archive, const Search& search, const std::optional<Position>& from)
{
    auto page = archive.catalogue().list(search.selection(), from, page_size);
    if (!page)
        return page.error();
    Matches out;
    for (const archive::Row& row : page->rows)
        if (auto match = search.match(row))
            out.found.push_back(std::move(match));
    out.next = std::move(page->next);
    return out;
}

std::vector<std::string> texts(const std::vector<Uid>& uids)
{
    std::vector<std::string> out;
    for (const Uid& uid : uids)
        out.push_back(uid.str());
    return out;
}

Result<std::vector<StoredFile>> all_files(Archive& archive, const Selection& selection)
{
    std::vector<StoredFile> out;
    std::optional<Position> from;
    do {
        auto page = archive.catalogue().files(selection, from, 1'000);
        if (!page)
            return page.error();
        std::ranges::move(page->files, std::back_inserter(out));
        from = std::move(page->next);
    } while (from);
    return out;
}

// Of each patient in turn, where patients are named (PS3.4 C.4.2.1.4).
Result<std::vector<StoredFile>> files_of(Archive& archive, const RetrieveQuestion& question)
{
    Selection selection;
    selection.level = QueryLevel::image;
    selection.studies = texts(question.studies);
    selection.series = texts(question.series);
    selection.instances = texts(question.instances);
    if (question.patient_ids.empty())
        return all_files(archive, selection);
    std::vector<StoredFile> out;
    for (const std::string& patient_id : question.patient_ids) {
        selection.patient_id = patient_id;
        auto files = all_files(archive, selection);
        if (!files)
            return files;
        std::ranges::move(*files, std::back_inserter(out));
    }
    return out;
}

Shortfall shortfall_of(const Error& why)
{
    return why.code == make_error_code(Errc::unsupported) ? Shortfall::failed
                                                          : Shortfall::unavailable;
}

} // namespace

struct LocalOrigin::State {
    std::string name;
    WorkerPool& disk;
    std::unique_ptr<Archive> archive;

    asio::awaitable<Result<std::unique_ptr<ArchiveWriter>>> take(InstanceContent& content);
    void read_ahead(const std::vector<StoredFile>& files, std::size_t from);
};

LocalOrigin::LocalOrigin(std::unique_ptr<State> state) : state_(std::move(state)) {}

LocalOrigin::~LocalOrigin() = default;

Result<std::unique_ptr<LocalOrigin>>
LocalOrigin::open(LocalOriginOptions options, WorkerPool& disk, const Clock& clock)
{
    archive::ArchiveOptions files;
    files.folder = std::move(options.folder);
    files.min_free = options.min_free;
    auto archive = Archive::open(std::move(files), clock);
    if (!archive)
        return archive.error();
    std::unique_ptr<State> state(new State{std::move(options.name), disk, std::move(*archive)});
    return std::unique_ptr<LocalOrigin>(new LocalOrigin(std::move(state)));
}

const std::string& LocalOrigin::name() const
{
    return state_->name;
}

Abilities LocalOrigin::abilities() const
{
    return {true, true, true, true, true};
}

archive::Archive& LocalOrigin::archive() noexcept
{
    return *state_->archive;
}

/// The files after the one that is given next, by a thread that nobody waits for: what the disk has
/// ready in time is not waited for later.
void LocalOrigin::State::read_ahead(const std::vector<StoredFile>& files, std::size_t from)
{
    const std::size_t begin = from == 0 ? 1 : from + files_ahead;
    const std::size_t end = std::min(from + 2 * files_ahead, files.size());
    if (begin >= end)
        return;
    std::vector<archive::Span> soon; // by themselves: the thread may be slower than we live
    for (std::size_t i = begin; i < end; ++i) {
        const StoredFile& file = files[i];
        auto path = archive->path_of(file.key.study, file.key.sop.sop_instance);
        soon.push_back({std::move(path), {file.offset + file.length.count}});
    }
    disk.submit([soon = std::move(soon)](const std::stop_token& stop) {
        for (const archive::Span& file : soon)
            if (!stop.stop_requested())
                archive::read_ahead(file);
    });
}

/// Streams one instance into the archive, up to the point where it can be committed.
asio::awaitable<Result<std::unique_ptr<ArchiveWriter>>>
LocalOrigin::State::take(InstanceContent& content)
{
    const mapping::FileHead head{
        content.key().sop, content.key().transfer_syntax, content.source_ae()
    };
    auto begin = [this, &head](std::stop_token) { return archive->begin(head); };
    auto begun = co_await offload(disk, std::move(begin));
    if (!begun)
        co_return begun.error();
    ArchiveWriter& writer = **begun;
    for (;;) {
        const auto chunk = co_await content.read();
        if (!chunk)
            co_return chunk.error();
        if (chunk->empty())
            break;
        auto write = [&writer, bytes = *chunk](std::stop_token) { return writer.write(bytes); };
        const auto written = co_await offload(disk, std::move(write));
        if (!written)
            co_return written.error();
    }
    auto seal = [&](std::stop_token) { return writer.seal(content.key(), content.source_ae()); };
    const auto sealed = co_await offload(disk, std::move(seal));
    if (!sealed)
        co_return sealed.error();
    co_return std::move(*begun);
}

asio::awaitable<std::vector<StoreOutcome>>
LocalOrigin::store(std::vector<std::unique_ptr<InstanceContent>> batch)
{
    std::vector<StoreOutcome> outcomes(batch.size());
    std::vector<std::unique_ptr<ArchiveWriter>> writers;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        auto taken = co_await state_->take(*batch[i]);
        if (!taken) {
            outcomes[i] = not_taken(taken.error());
            continue;
        }
        writers.push_back(std::move(*taken));
        places.push_back(i);
    }
    auto commit = [this, &writers](std::stop_token) {
        return state_->archive->commit(std::move(writers));
    };
    auto committed = co_await offload(state_->disk, std::move(commit));
    for (std::size_t i = 0; i < places.size(); ++i)
        outcomes[places[i]] = std::move(committed[i]);
    co_return outcomes;
}

asio::awaitable<FindEnd> LocalOrigin::find(FindQuestion question, FindSink& matches)
{
    if (question.level == QueryLevel::patient)
        co_return FindEnd{false, Shortfall::failed, "the local archive is not asked by patient"};
    auto prepare = [&question](std::stop_token) { return std::make_unique<Search>(question); };
    const auto search = co_await offload(state_->disk, std::move(prepare));
    std::uint64_t to_skip = question.offset;
    std::uint64_t sent = 0;
    std::optional<Position> from;
    do {
        if (question.limit && sent == *question.limit)
            break;
        auto read = [this, &search, &from](std::stop_token) {
            return page_of_matches(*state_->archive, *search, from);
        };
        auto page = co_await offload(state_->disk, std::move(read));
        if (!page)
            co_return FindEnd{false, shortfall_of(page.error()), page.error().text()};
        for (auto& match : page->found) {
            if (to_skip > 0) {
                --to_skip;
                continue;
            }
            if (question.limit && sent == *question.limit)
                break;
            ++sent;
            const auto taken = co_await matches.match(std::move(match));
            if (!taken)
                co_return FindEnd{false, Shortfall::failed, taken.error().text()};
        }
        from = std::move(page->next);
    } while (from);
    FindEnd end{true};
    if (question.limit && search->exact()) {
        auto count = [this, &search](std::stop_token) {
            return state_->archive->catalogue().count(search->selection());
        };
        const auto total = co_await offload(state_->disk, std::move(count));
        if (total)
            end.remaining = *total - std::min(*total, question.offset + sent);
    }
    co_return end;
}

asio::awaitable<RetrieveEnd> LocalOrigin::retrieve(RetrieveQuestion question, RetrieveSink& sink)
{
    RetrieveEnd end;
    if (question.patient_ids.empty() && question.studies.empty() && question.series.empty() &&
        question.instances.empty()) {
        end.reason = "no patient, study, series or instance named";
        end.shortfall = Shortfall::question;
        co_return end;
    }
    auto read = [this, &question](std::stop_token) { return files_of(*state_->archive, question); };
    auto files = co_await offload(state_->disk, std::move(read));
    if (!files) {
        end.shortfall = shortfall_of(files.error());
        end.reason = files.error().text();
        co_return end;
    }
    std::vector<InstanceKey> keys;
    keys.reserve(files->size());
    for (const StoredFile& file : *files)
        keys.push_back(file.key);
    std::size_t given = 0;
    Result<void> taken = co_await sink.expect(std::move(keys));
    while (taken && given < files->size()) {
        if (given % files_ahead == 0)
            state_->read_ahead(*files, given);
        const StoredFile& file = (*files)[given];
        auto path = state_->archive->path_of(file.key.study, file.key.sop.sop_instance);
        auto content = std::make_unique<StoredContent>(state_->disk, file, std::move(path));
        taken = co_await sink.instance(std::move(content));
        if (taken)
            ++given;
    }
    end.complete = taken.has_value();
    if (taken)
        co_return end;
    end.shortfall = Shortfall::failed;
    end.reason = taken.error().text();
    for (; given < files->size(); ++given)
        end.missing.push_back((*files)[given].key.sop);
    co_return end;
}

asio::awaitable<Result<std::vector<bool>>> LocalOrigin::verify(std::vector<InstanceKey> instances)
{
    auto look = [this, &instances](std::stop_token) -> Result<std::vector<bool>> {
        std::vector<bool> there;
        for (const InstanceKey& key : instances) {
            const auto found = state_->archive->catalogue().find(key.sop.sop_instance);
            if (!found)
                return found.error();
            const bool same = *found && (key.sop.sop_class.empty() || (*found)->key.sop == key.sop);
            there.push_back(same && state_->archive->whole(**found));
        }
        return there;
    };
    co_return co_await offload(state_->disk, std::move(look));
}

asio::awaitable<Health> LocalOrigin::health()
{
    const auto started = std::chrono::steady_clock::now();
    auto look = [this](std::stop_token) {
        Selection one;
        one.level = QueryLevel::study;
        const auto listed = state_->archive->catalogue().list(one, std::nullopt, 1);
        return listed ? state_->archive->admit() : Result<void>(listed.error());
    };
    const auto usable = co_await offload(state_->disk, std::move(look));
    Health health;
    health.reachable = usable.has_value();
    health.reason = usable ? std::string() : usable.error().text();
    health.round_trip = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - started
    );
    co_return health;
}

} // namespace gantry
