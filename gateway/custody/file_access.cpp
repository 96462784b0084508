#include "gateway/custody/file_access.h"

#include <algorithm>
#include <fcntl.h>
#include <utility>

namespace gantry::custody {

FileAccess::FileAccess(std::filesystem::path path, Stretch stretch)
    : path_(std::move(path)), stretch_(stretch)
{
}

FileAccess::FileAccess(std::shared_ptr<const Fd> file, Stretch stretch)
    : stretch_(stretch), file_(std::move(file))
{
}

void FileAccess::open() const
{
    if (file_)
        return;
    const auto folder = open_folder(path_.parent_path());
    auto file = folder ? open_at(*folder, path_.filename(), O_RDONLY) : Result<Fd>(folder.error());
    if (file)
        file_ = std::make_shared<const Fd>(std::move(*file));
    else
        failed_ = file.error();
}

Result<std::size_t> FileAccess::read(std::uint64_t offset, std::span<std::byte> into) const
{
    const std::uint64_t length = stretch_.length.count;
    const std::uint64_t left = length - std::min(offset, length);
    const auto want =
        into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left)));
    if (want.empty())
        return std::size_t{0};
    std::call_once(once_, [this] { open(); });
    if (failed_)
        return *failed_;
    const auto got = read_at(*file_, want, stretch_.offset + offset);
    if (got && *got < want.size())
        return error(Errc::damaged, "file is cut short");
    return got;
}

} // namespace gantry::custody
