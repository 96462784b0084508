#include "gateway/origins/archive/archive.h"

#include "gateway/error.h"
#include "gateway/origins/archive/group_commit.h"
#include "gateway/origins/archive/rebuild.h"

#include <spdlog/spdlog.h>

namespace gantry::archive {

namespace {

class FileArchive final : public Archive {
public:
    FileArchive(
        ArchiveOptions options,
        const Clock& clock,
        std::unique_ptr<ArchiveFiles> files,
        std::unique_ptr<Index> index
    )
        : options_(std::move(options)),
          clock_(clock),
          files_(std::move(files)),
          index_(std::move(index)),
          group_(*files_, *index_)
    {
    }

    // statvfs() of a local file system reads memory: it does not hold up the loop.
    Result<void> admit() const override
    {
        if (files_->free_space() < options_.min_free)
            return error(Errc::spool_full, "archive");
        return {};
    }

    Result<std::unique_ptr<ArchiveWriter>> begin(mapping::FileHead head) override
    {
        if (const auto admitted = admit(); !admitted)
            return admitted.error();
        auto incoming = files_->create();
        if (!incoming)
            return incoming.error();
        return std::make_unique<FileWriter>(*files_, clock_, std::move(*incoming), std::move(head));
    }

    std::vector<StoreOutcome> commit(std::vector<std::unique_ptr<ArchiveWriter>> writers) override
    {
        std::vector<FileWriter*> own;
        for (const auto& writer : writers)
            own.push_back(static_cast<FileWriter*>(writer.get())); // begin() makes no others
        return group_.commit(own);
    }

    Catalogue& catalogue() override { return *index_; }

    std::filesystem::path path_of(const Uid& study, const Uid& sop_instance) const override
    {
        return files_->path_of(study, sop_instance);
    }

    bool whole(const StoredFile& file) const override { return files_->whole(file); }

private:
    ArchiveOptions options_;
    const Clock& clock_;
    std::unique_ptr<ArchiveFiles> files_;
    std::unique_ptr<Index> index_;
    GroupCommit group_;
};

/// An index that cannot be read is put aside, never deleted.
Result<std::unique_ptr<Index>> open_index(const std::filesystem::path& folder, const Clock& clock)
{
    const std::filesystem::path file = folder / "index.sqlite";
    auto index = Index::open(file);
    if (index || index.error().code != make_error_code(Errc::damaged))
        return index;
    spdlog::error("archive index cannot be read, rebuilding reason={}", index.error().text());
    const auto when = std::to_string(clock.wall().time_since_epoch().count());
    for (const char* part : {"", "-wal", "-shm"}) {
        const std::filesystem::path from = file.string() + part;
        std::error_code ignored; // not all of them need be there
        std::filesystem::rename(from, from.string() + ".damaged-" + when, ignored);
    }
    return Index::open(file);
}

/// The index and its log are where they are after a power cut as well.
Result<void> sync_names(const std::filesystem::path& path)
{
    const auto folder = custody::open_folder(path);
    return folder ? custody::sync_folder(*folder) : Result<void>(folder.error());
}

} // namespace

Result<std::unique_ptr<Archive>> Archive::open(ArchiveOptions options, const Clock& clock)
{
    auto files = ArchiveFiles::open(options);
    if (!files)
        return files.error();
    auto index = open_index(options.folder, clock);
    if (!index)
        return index.error();
    if (const auto named = sync_names(options.folder); !named)
        return named.error();
    const auto complete = (*index)->complete();
    if (!complete)
        return complete.error();
    if (!*complete)
        if (const auto filled = rebuild_index(**files, **index); !filled)
            return filled.error();
    if (const auto swept = sweep_incoming(**files, **index); !swept)
        return swept.error();
    return std::make_unique<FileArchive>(
        std::move(options), clock, std::move(*files), std::move(*index)
    );
}

} // namespace gantry::archive
