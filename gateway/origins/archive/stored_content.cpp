#include "gateway/origins/archive/stored_content.h"

#include "gateway/error.h"

#include <algorithm>
#include <fcntl.h>

namespace gantry::archive {

namespace {

constexpr std::uint64_t chunk_size = 256U << 10U;

} // namespace

StoredContent::StoredContent(WorkerPool& disk, StoredFile file, std::filesystem::path path)
    : disk_(disk), file_(std::move(file)), path_(std::move(path))
{
}

asio::awaitable<Result<ConstBytes>> StoredContent::read()
{
    if (done_ == file_.length.count)
        co_return ConstBytes{};
    auto work = [this](std::stop_token) { return read_some(); };
    const auto got = co_await offload(disk_, std::move(work));
    if (!got)
        co_return got.error();
    co_return ConstBytes(buffer_).first(*got);
}

void StoredContent::rewind()
{
    done_ = 0;
    digest_.restart();
}

Result<void> StoredContent::open()
{
    const auto folder = custody::open_folder(path_.parent_path());
    if (!folder)
        return folder.error();
    auto file = custody::open_at(*folder, path_.filename(), O_RDONLY);
    if (!file)
        return file.error();
    fd_ = std::move(*file);
    (void)::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL); // only advice
    buffer_.resize(std::min(chunk_size, file_.length.count));
    return {};
}

Result<std::size_t> StoredContent::read_some()
{
    if (!fd_)
        if (const auto opened = open(); !opened)
            return opened.error();
    const std::uint64_t want = std::min<std::uint64_t>(buffer_.size(), file_.length.count - done_);
    const auto into = std::span(buffer_).first(want);
    const auto got = custody::read_at(fd_, into, file_.offset + done_);
    if (!got)
        return got.error();
    if (*got < want)
        return error(Errc::damaged, "file is cut short");
    digest_.update(into);
    done_ += want;
    if (done_ == file_.length.count && digest_.digest() != file_.digest)
        return error(Errc::damaged, "digest differs");
    return *got;
}

} // namespace gantry::archive
