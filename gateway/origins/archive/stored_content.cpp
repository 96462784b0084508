#include "gateway/origins/archive/stored_content.h"

#include "gateway/custody/file_access.h"
#include "gateway/error.h"

#include <algorithm>
#include <fcntl.h>
#include <memory>

namespace gantry::archive {

namespace {

constexpr std::uint64_t chunk_size = 256U << 10U;
constexpr std::uint64_t large_piece = 512U << 10U; // of what is not checked whole
constexpr std::uint64_t ahead = 4U << 20U;         // from there the kernel sees the pattern

Result<custody::Fd> open_file(const std::filesystem::path& path)
{
    const auto folder = custody::open_folder(path.parent_path());
    if (!folder)
        return folder.error();
    return custody::open_at(*folder, path.filename(), O_RDONLY);
}

class StoredSource final : public ByteSource {
public:
    StoredSource(StoredFile file, std::filesystem::path path)
        : reader_(std::move(file), std::move(path)),
          size_(static_cast<std::size_t>(
              length() <= StoredContent::checked_whole.count ? length() : large_piece
          ))
    {
    }

    Result<ConstBytes> next() override
    {
        if (!buffer_)
            buffer_ = std::make_unique_for_overwrite<std::byte[]>(size_);
        const auto got = reader_.read({buffer_.get(), size_});
        if (!got)
            return got.error();
        return ConstBytes(buffer_.get(), *got);
    }

private:
    std::uint64_t length() const { return reader_.file().length.count; }

    StoredReader reader_;
    std::size_t size_;
    std::unique_ptr<std::byte[]> buffer_;
};

} // namespace

StoredReader::StoredReader(StoredFile file, std::filesystem::path path)
    : file_(std::move(file)), path_(std::move(path))
{
}

void StoredReader::rewind()
{
    done_ = 0;
    digest_.restart();
}

Result<void> StoredReader::open()
{
    auto file = open_file(path_);
    if (!file)
        return file.error();
    fd_ = std::move(*file);
    (void)::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL); // only advice
    return {};
}

Result<std::size_t> StoredReader::read(std::span<std::byte> into)
{
    if (!fd_)
        if (const auto opened = open(); !opened)
            return opened.error();
    const std::uint64_t left = file_.length.count - done_;
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left));
    if (want == 0)
        return std::size_t{0};
    const auto part = into.first(want);
    const auto got = custody::read_at(fd_, part, file_.offset + done_);
    if (!got)
        return got.error();
    if (*got < want)
        return error(Errc::damaged, "file is cut short");
    digest_.update(part);
    done_ += want;
    if (done_ == file_.length.count && digest_.digest() != file_.digest)
        return error(Errc::damaged, "digest differs");
    return want;
}

void read_ahead(const Span& file)
{
    const auto opened = open_file(file.path);
    if (!opened)
        return;
    const auto size = std::min(file.length.count, ahead);
    (void)::posix_fadvise(opened->get(), 0, static_cast<off_t>(size), POSIX_FADV_WILLNEED);
}

StoredContent::StoredContent(WorkerPool& disk, StoredFile file, std::filesystem::path path)
    : disk_(disk), path_(path), reader_(std::move(file), std::move(path))
{
}

asio::awaitable<Result<ConstBytes>> StoredContent::read()
{
    buffer_.resize(static_cast<std::size_t>(std::min(chunk_size, length().count)));
    auto work = [this](std::stop_token) { return reader_.read(buffer_); };
    const auto got = co_await offload(disk_, std::move(work));
    if (!got)
        co_return got.error();
    co_return ConstBytes(buffer_).first(*got);
}

std::unique_ptr<ByteSource> StoredContent::source() const
{
    return std::make_unique<StoredSource>(reader_.file(), path_);
}

std::shared_ptr<const RandomAccess> StoredContent::random_access() const
{
    const StoredFile& file = reader_.file();
    const custody::FileAccess::Stretch data_set{file.offset, file.length};
    return std::make_shared<custody::FileAccess>(path_, data_set);
}

} // namespace gantry::archive
