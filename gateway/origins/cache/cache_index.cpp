#include "gateway/origins/cache/cache_index.h"

#include <algorithm>
#include <utility>

namespace gantry::cache {

namespace {

const PackedUid& uid_of(const IndexedFile& file)
{
    return file.name.sop;
}

std::string study_of(const SeriesFolder& folder)
{
    return folder.substr(0, folder.rfind('/') + 1);
}

} // namespace

CacheIndex::Series& CacheIndex::at(const SeriesFolder& folder)
{
    const auto [at, is_new] = series_.try_emplace(folder);
    if (is_new)
        at->second.used = used_.insert(used_.end(), folder);
    return at->second;
}

void CacheIndex::forget_if_empty(ByFolder::iterator series)
{
    if (!series->second.files.empty() || series->second.pins != 0)
        return;
    used_.erase(series->second.used);
    series_.erase(series);
}

std::optional<GivenUp> CacheIndex::put(const SeriesFolder& folder, IndexedFile file)
{
    Series& series = at(folder);
    size_ += file.name.size.count;
    auto place = std::ranges::lower_bound(series.files, file.name.sop, {}, uid_of);
    if (place != series.files.end() && place->name.sop == file.name.sop) {
        size_ -= place->name.size.count;
        GivenUp before{folder, place->name};
        const bool same = before.name == file.name;
        *place = std::move(file);
        return same ? std::nullopt : std::optional(std::move(before));
    }
    series.files.insert(place, std::move(file));
    ++files_;
    ++studies_[study_of(folder)];
    return std::nullopt;
}

const IndexedFile* CacheIndex::find(const SeriesFolder& folder, const PackedUid& sop) const
{
    const auto series = series_.find(folder);
    if (series == series_.end())
        return nullptr;
    const auto& files = series->second.files;
    const auto place = std::ranges::lower_bound(files, sop, {}, uid_of);
    return place != files.end() && place->name.sop == sop ? &*place : nullptr;
}

void CacheIndex::trust(const SeriesFolder& folder, const FileName& name)
{
    const auto series = series_.find(folder);
    if (series == series_.end())
        return;
    for (IndexedFile& file : series->second.files)
        if (file.name == name)
            file.suspect = false;
}

bool CacheIndex::remove(const SeriesFolder& folder, const FileName& name)
{
    const auto series = series_.find(folder);
    if (series == series_.end())
        return false;
    auto& files = series->second.files;
    const auto place = std::ranges::lower_bound(files, name.sop, {}, uid_of);
    if (place == files.end() || !(place->name == name))
        return false;
    files.erase(place);
    count_out(name);
    if (--studies_[study_of(folder)] == 0)
        studies_.erase(study_of(folder));
    forget_if_empty(series);
    return true;
}

void CacheIndex::count_out(const FileName& name)
{
    size_ -= name.size.count;
    --files_;
}

bool CacheIndex::any_below(const std::string& prefix) const
{
    if (prefix.ends_with('/'))
        return studies_.contains(prefix);
    const auto series = series_.find(prefix);
    return series != series_.end() && !series->second.files.empty();
}

void CacheIndex::touch(const SeriesFolder& folder)
{
    const auto series = series_.find(folder);
    if (series != series_.end())
        used_.splice(used_.end(), used_, series->second.used);
}

void CacheIndex::pin(const SeriesFolder& folder)
{
    ++at(folder).pins;
}

void CacheIndex::unpin(const SeriesFolder& folder)
{
    const auto series = series_.find(folder);
    if (series == series_.end())
        return;
    --series->second.pins;
    forget_if_empty(series);
}

std::vector<GivenUp> CacheIndex::evict(Bytes at_least)
{
    std::vector<GivenUp> out;
    std::uint64_t found = 0;
    for (const SeriesFolder& folder : used_) {
        const Series& series = series_.at(folder);
        if (series.pins != 0)
            continue;
        for (auto file = series.files.rbegin(); file != series.files.rend(); ++file) {
            if (found >= at_least.count)
                break;
            found += file->name.size.count;
            out.push_back({folder, file->name});
        }
        if (found >= at_least.count)
            break;
    }
    if (found < at_least.count)
        return {};
    for (const GivenUp& file : out)
        (void)remove(file.folder, file.name);
    return out;
}

std::vector<GivenUp> CacheIndex::expire(WallTime oldest, WallTime newest)
{
    std::vector<GivenUp> out;
    for (const auto& [folder, series] : series_) {
        if (series.pins != 0)
            continue;
        for (const IndexedFile& file : series.files)
            if (file.name.fetched < oldest || file.name.fetched > newest)
                out.push_back({folder, file.name});
    }
    for (const GivenUp& file : out)
        (void)remove(file.folder, file.name);
    return out;
}

} // namespace gantry::cache
