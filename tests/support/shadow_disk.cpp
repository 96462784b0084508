#include "tests/support/shadow_disk.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <sys/stat.h>

namespace gantry::tests {

namespace {

constexpr std::size_t page_size = 4'096;

struct Entry {
    std::string inode;
    bool folder = false;
};

using Entries = std::map<std::string, Entry>;

std::string content_of_file(const std::filesystem::path& file)
{
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::string inode_of(const std::filesystem::path& path)
{
    struct stat status{};

    return ::stat(path.c_str(), &status) == 0 ? std::to_string(status.st_ino) : std::string();
}

class Rebuilding {
public:
    Rebuilding(std::filesystem::path store, std::optional<unsigned> seed)
        : store_(std::move(store)), mixes_(seed.has_value()), chance_(seed.value_or(0))
    {
    }

    // `inode` of the folder that was flushed; `now` is it as it was left, or is not there.
    void folder(
        const std::string& inode,
        const std::filesystem::path& now,
        const std::filesystem::path& target
    )
    {
        std::filesystem::create_directories(target);
        const Entries flushed = names_of(inode);
        const Entries left = names_in(now);
        Entries all = flushed;
        all.insert(left.begin(), left.end());
        for (const auto& [name, entry] : all) {
            const auto before = flushed.find(name);
            const auto after = left.find(name);
            const bool unchanged = before != flushed.end() && after != left.end() &&
                                   before->second.inode == after->second.inode;
            const bool take_new = !unchanged && mixes_ && coin();
            const auto& from = take_new ? left : flushed;
            if (const auto taken = from.find(name); taken != from.end())
                put(taken->second, now / name, target / name);
        }
    }

private:
    void
    put(const Entry& entry, const std::filesystem::path& now, const std::filesystem::path& target)
    {
        if (entry.folder)
            return folder(entry.inode, now, target);
        const std::string flushed = content_of_file(store_ / ("content-" + entry.inode));
        const bool same_file = inode_of(now) == entry.inode;
        const std::string left = same_file ? content_of_file(now) : flushed;
        std::ofstream(target, std::ios::binary) << (mixes_ ? mixed(flushed, left) : flushed);
    }

    std::string mixed(const std::string& flushed, const std::string& left)
    {
        std::string result(coin() ? flushed.size() : left.size(), '\0');
        for (std::size_t at = 0; at < result.size(); at += page_size) {
            const std::string& from = coin() ? flushed : left;
            if (at >= from.size())
                continue;
            const std::size_t size = std::min({page_size, result.size() - at, from.size() - at});
            result.replace(at, size, from, at, size);
        }
        return result;
    }

    Entries names_of(const std::string& inode) const
    {
        Entries entries;
        std::ifstream stream(store_ / ("names-" + inode));
        std::string number;
        std::string kind;
        std::string name;
        while (stream >> number >> kind >> name)
            entries[name] = {number, kind == "d"};
        return entries;
    }

    static Entries names_in(const std::filesystem::path& folder)
    {
        Entries entries;
        std::error_code none;
        for (const auto& entry : std::filesystem::directory_iterator(folder, none))
            entries[entry.path().filename().string()] = {
                inode_of(entry.path()), entry.is_directory()
            };
        return entries;
    }

    bool coin() { return (chance_() & 1U) != 0; }

    std::filesystem::path store_;
    bool mixes_;
    std::mt19937 chance_;
};

} // namespace

void rebuild_after_power_cut(
    const std::filesystem::path& folder,
    const std::filesystem::path& store,
    const std::filesystem::path& target,
    std::optional<unsigned> seed
)
{
    Rebuilding(store, seed).folder(inode_of(folder), folder, target);
}

} // namespace gantry::tests
