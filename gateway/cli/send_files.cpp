#include "gateway/cli/send_files.h"

#include "gateway/error.h"
#include "mapping/file_meta.h"

#include <algorithm>
#include <fstream>
#include <set>

namespace gantry::cli {

namespace fs = std::filesystem;

namespace {

Result<dimse::InstanceToSend> examine(const fs::path& path)
{
    std::ifstream file(path, std::ios::binary);
    std::string prefix(mapping::max_file_head.count, '\0');
    file.read(prefix.data(), static_cast<std::streamsize>(prefix.size()));
    const bool whole = file.eof();
    prefix.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    std::error_code ec;
    const std::uint64_t size = fs::file_size(path, ec);
    if (ec || (file.fail() && !whole))
        return error(Errc::disk, "cannot be read");
    const auto head = mapping::read_file_head(std::as_bytes(std::span(prefix)), whole);
    if (!head)
        return head.error();
    if (head->head.sop.sop_class.empty() || head->head.sop.sop_instance.empty())
        return error(Errc::unsupported, "says no SOP class or instance in its head");
    dimse::InstanceToSend instance;
    instance.key.sop = head->head.sop;
    instance.key.transfer_syntax = head->head.transfer_syntax;
    instance.file = path;
    instance.offset = Bytes{head->data_set_offset};
    instance.length = Bytes{size - std::min(size, head->data_set_offset)};
    return instance;
}

void take_file(const fs::path& path, bool named, Candidates& found)
{
    auto instance = examine(path);
    if (instance)
        found.instances.push_back(std::move(*instance));
    else if (named)
        found.refused.emplace_back(path, instance.error().text());
    else
        ++found.skipped;
}

Result<void> take_folder(const fs::path& folder, Candidates& found)
{
    std::error_code ec;
    std::vector<fs::path> files;
    const auto options = fs::directory_options::skip_permission_denied;
    for (fs::recursive_directory_iterator each(folder, options, ec), end; !ec && each != end;
         each.increment(ec)) {
        if (each->is_regular_file())
            files.push_back(each->path());
    }
    if (ec)
        return error(Errc::disk, folder.string() + ": " + ec.message());
    std::ranges::sort(files);
    for (const fs::path& file : files)
        take_file(file, false, found);
    return {};
}

} // namespace

Result<Candidates> find_candidates(const std::vector<std::string>& paths)
{
    Candidates found;
    for (const std::string& name : paths) {
        const fs::path path(name);
        std::error_code ec;
        const auto status = fs::status(path, ec);
        if (!fs::exists(status))
            return error(Errc::not_found, name + " is not there");
        if (!fs::is_directory(status))
            take_file(path, true, found);
        else if (const auto taken = take_folder(path, found); !taken)
            return taken.error();
    }
    return found;
}

std::vector<std::vector<dimse::InstanceToSend>>
split_by_contexts(std::vector<dimse::InstanceToSend> instances)
{
    constexpr std::size_t most_contexts = 128;
    constexpr std::size_t most_instances = 2'000; // one association need not last a day
    std::vector<std::vector<dimse::InstanceToSend>> parts;
    std::set<std::pair<Uid, Uid>> contexts;
    for (dimse::InstanceToSend& each : instances) {
        contexts.emplace(each.key.sop.sop_class, each.key.transfer_syntax);
        if (parts.empty() || contexts.size() > most_contexts ||
            parts.back().size() >= most_instances) {
            parts.emplace_back();
            contexts = {{each.key.sop.sop_class, each.key.transfer_syntax}};
        }
        parts.back().push_back(std::move(each));
    }
    return parts;
}

} // namespace gantry::cli
