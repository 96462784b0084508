#include "gateway/origins/archive/group_commit.h"

#include "mapping/vocabulary/dimse_status.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <unordered_map>

namespace gantry::archive {

namespace {

constexpr std::size_t max_traces = 256; // then the index is flushed

StoreOutcome failed(const Error& why)
{
    return {StoreOutcome::Kind::transient, status::out_of_resources, why.text(), std::nullopt};
}

bool same(const StoredFile& a, const StoredFile& b)
{
    return a.digest == b.digest && a.length == b.length &&
           a.key.transfer_syntax == b.key.transfer_syntax && a.key.study == b.key.study &&
           a.key.series == b.key.series;
}

StoreOutcome compared(const StoredFile& there, const StoredFile& with)
{
    if (same(there, with))
        return {StoreOutcome::Kind::already_there, 0, "already there", std::nullopt};
    return {
        StoreOutcome::Kind::conflict,
        duplicate_sop_instance,
        "another instance of this UID is there",
        std::nullopt
    };
}

} // namespace

/// One writer on its way through the steps; `outcome` once it is decided.
struct GroupCommit::Entry {
    FileWriter* writer;
    StoreOutcome* outcome;
    bool decided = false;
    bool named = false;
    const Entry* first = nullptr; // the same SOP instance, earlier in this run

    const StoredFile& file() const { return writer->instance().file; }

    void decide(StoreOutcome what)
    {
        *outcome = std::move(what);
        decided = true;
    }
};

GroupCommit::~GroupCommit()
{
    clean();
}

std::vector<StoreOutcome> GroupCommit::commit(std::span<FileWriter* const> writers)
{
    Waiting mine{writers, std::vector<StoreOutcome>(writers.size()), false};
    std::unique_lock lock(mutex_);
    waiting_.push_back(&mine);
    while (!mine.done) {
        if (running_) {
            changed_.wait(lock);
            continue;
        }
        running_ = true;
        std::vector<Waiting*> taken;
        taken.swap(waiting_);
        lock.unlock();
        try {
            run(taken);
        } catch (const std::exception& fault) { // nobody may wait for ever
            spdlog::error("archive commit failed reason={}", fault.what());
        }
        lock.lock();
        running_ = false;
        for (Waiting* one : taken)
            one->done = true;
        changed_.notify_all();
    }
    return std::move(mine.outcomes);
}

void GroupCommit::run(std::span<Waiting* const> waiting)
{
    std::vector<Entry> entries;
    for (Waiting* one : waiting)
        for (std::size_t i = 0; i < one->writers.size(); ++i)
            entries.push_back({one->writers[i], &one->outcomes[i]});
    ArchiveFiles::Touched touched;
    decide(entries);
    name(entries, touched);
    flush(entries, touched);
    record(entries);
    for (Entry& entry : entries) {
        if (entry.first == nullptr)
            continue;
        const bool stored = entry.first->outcome->kind == StoreOutcome::Kind::stored;
        entry.decide(stored ? compared(entry.first->file(), entry.file()) : *entry.first->outcome);
    }
}

void GroupCommit::decide(std::span<Entry> entries)
{
    std::unordered_map<Uid, const Entry*> seen;
    for (Entry& entry : entries) {
        if (entry.decided)
            continue;
        const Uid& uid = entry.file().key.sop.sop_instance;
        const auto there = index_.find(uid);
        if (!there)
            entry.decide(failed(there.error()));
        else if (*there && files_.whole(**there))
            entry.decide(compared(**there, entry.file()));
        else if (const auto [earlier, fresh] = seen.emplace(uid, &entry); !fresh)
            entry.first = earlier->second;
    }
}

void GroupCommit::name(std::span<Entry> entries, ArchiveFiles::Touched& touched)
{
    for (Entry& entry : entries) {
        if (entry.decided || entry.first != nullptr)
            continue;
        const auto named = files_.link(entry.writer->incoming().name, entry.file().key, touched);
        entry.named = named.has_value();
        if (!named)
            entry.decide(failed(named.error()));
    }
}

void GroupCommit::flush(std::span<Entry> entries, const ArchiveFiles::Touched& touched)
{
    std::vector<const custody::Fd*> files;
    for (const Entry& entry : entries)
        if (entry.named)
            files.push_back(&entry.writer->incoming().file);
    if (files.empty())
        return;
    if (const auto flushed = files_.flush(files, touched); !flushed)
        for (Entry& entry : entries)
            if (entry.named)
                entry.decide(failed(flushed.error()));
}

void GroupCommit::record(std::span<Entry> entries)
{
    std::vector<NewInstance> instances;
    for (const Entry& entry : entries)
        if (entry.named && !entry.decided)
            instances.push_back(entry.writer->instance());
    auto recorded = files_.before(Step::index);
    if (recorded && !instances.empty())
        recorded = index_.insert(instances);
    for (Entry& entry : entries) {
        if (entry.named && !entry.decided)
            entry.decide(
                recorded ? StoreOutcome{StoreOutcome::Kind::stored, 0, "stored", std::nullopt}
                         : failed(recorded.error())
            );
        if (!entry.named)
            continue;
        if (entry.outcome->kind == StoreOutcome::Kind::stored)
            traces_.push_back(entry.writer->release());
        else
            files_.unlink(entry.file().key); // nobody knows of it
    }
    if (traces_.size() >= max_traces)
        clean();
}

/// Once the index is durable by itself, nothing needs to be found in incoming/.
void GroupCommit::clean()
{
    if (traces_.empty() || !files_.before(Step::unlink))
        return;
    if (const auto flushed = index_.flush(); !flushed) {
        spdlog::warn("archive index not flushed reason={}", flushed.error().text());
        return; // the next time, or the next start
    }
    for (const std::string& name : traces_)
        files_.discard(name);
    traces_.clear();
}

} // namespace gantry::archive
