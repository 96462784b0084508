#include "gateway/origins/scratch_file.h"

#include "gateway/error.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace gantry {

namespace {

constexpr std::size_t chunk_size = 256U << 10U;
constexpr std::size_t source_piece = 512U << 10U;

Error disk_error(const char* doing)
{
    return error(Errc::disk, std::string(doing) + ": " + std::generic_category().message(errno));
}

class ScratchSource final : public ByteSource {
public:
    ScratchSource(std::shared_ptr<const ScratchFile> file, std::uint64_t offset)
        : file_(std::move(file)), at_(offset)
    {
    }

    Result<ConstBytes> next() override
    {
        if (!buffer_)
            buffer_ = std::make_unique_for_overwrite<std::byte[]>(source_piece);
        const std::uint64_t left = file_->size().count - at_; // others may have written behind it
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(source_piece, left));
        const auto got = file_->read(at_, {buffer_.get(), want});
        if (!got)
            return got.error();
        if (*got == 0 && want > 0)
            return error(Errc::disk, "a scratch file became shorter");
        at_ += *got;
        return ConstBytes(buffer_.get(), *got);
    }

private:
    std::shared_ptr<const ScratchFile> file_;
    std::uint64_t at_;
    std::unique_ptr<std::byte[]> buffer_;
};

// Of what has been written when it is made.
class ScratchAccess final : public RandomAccess {
public:
    ScratchAccess(std::shared_ptr<const ScratchFile> file, std::uint64_t offset)
        : file_(std::move(file)), offset_(offset), size_(file_->size().count - offset)
    {
    }

    Bytes size() const override { return {size_}; }

    Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) const override
    {
        const std::uint64_t left = size_ - std::min(offset, size_);
        const auto want = std::min<std::uint64_t>(into.size(), left);
        std::size_t done = 0;
        while (done < want) {
            const auto rest = into.subspan(done, static_cast<std::size_t>(want - done));
            const auto got = file_->read(offset_ + offset + done, rest);
            if (!got)
                return got.error();
            if (*got == 0)
                return error(Errc::disk, "a scratch file became shorter");
            done += *got;
        }
        return done;
    }

private:
    std::shared_ptr<const ScratchFile> file_;
    std::uint64_t offset_; // of the data set in the file
    std::uint64_t size_;
};

} // namespace

Result<std::shared_ptr<ScratchFile>> ScratchFile::create(const std::filesystem::path& folder)
{
    if (const int nameless = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        nameless >= 0)
        return std::shared_ptr<ScratchFile>(new ScratchFile(nameless));
    std::string name = (folder / "scratch-XXXXXX").string();
    const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor < 0)
        return disk_error("scratch file");
    std::shared_ptr<ScratchFile> file(new ScratchFile(descriptor));
    if (::unlink(name.c_str()) != 0)
        return disk_error("scratch file");
    return file;
}

ScratchFile::~ScratchFile()
{
    ::close(descriptor_);
}

Result<void> ScratchFile::append(ConstBytes bytes)
{
    while (!bytes.empty()) {
        const ssize_t written =
            ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return disk_error("writing a scratch file");
        size_ += static_cast<std::uint64_t>(written);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<std::size_t> ScratchFile::read(std::uint64_t offset, std::span<std::byte> buffer) const
{
    for (;;) {
        const ssize_t got =
            ::pread(descriptor_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
        if (got >= 0)
            return static_cast<std::size_t>(got);
        if (errno != EINTR)
            return disk_error("reading a scratch file");
    }
}

std::filesystem::path ScratchFile::path() const
{
    return "/proc/self/fd/" + std::to_string(descriptor_);
}

ScratchContent::ScratchContent(std::shared_ptr<ScratchFile> file, What what, WorkerPool& disk)
    : file_(std::move(file)), what_(std::move(what)), disk_(disk)
{
}

asio::awaitable<Result<ConstBytes>> ScratchContent::read()
{
    const std::uint64_t left = length().count - given_;
    if (left == 0) {
        chunk_.reset();
        co_return ConstBytes{};
    }
    chunk_ = std::make_shared<std::vector<std::byte>>(
        static_cast<std::size_t>(std::min<std::uint64_t>(left, chunk_size))
    );
    auto work = [file = file_, chunk = chunk_, at = what_.offset + given_](const std::stop_token&) {
        return file->read(at, *chunk);
    };
    const Result<std::size_t> got = co_await offload(disk_, std::move(work));
    if (!got)
        co_return got.error();
    if (*got == 0)
        co_return error(Errc::disk, "a scratch file became shorter");
    given_ += *got;
    co_return ConstBytes(chunk_->data(), *got);
}

std::unique_ptr<ByteSource> ScratchContent::source() const
{
    return std::make_unique<ScratchSource>(file_, what_.offset);
}

std::shared_ptr<const RandomAccess> ScratchContent::random_access() const
{
    return std::make_shared<ScratchAccess>(file_, what_.offset);
}

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller
// awaits, with all of it in its frame

asio::awaitable<Result<void>>
spill(InstanceContent& from, std::shared_ptr<ScratchFile> to, WorkerPool& disk)
{
    for (;;) {
        const auto chunk = co_await from.read();
        if (!chunk)
            co_return chunk.error();
        if (chunk->empty())
            co_return Result<void>{};
        auto work = [to, bytes = *chunk](const std::stop_token&) { return to->append(bytes); };
        const Result<void> written = co_await offload(disk, std::move(work));
        if (!written)
            co_return written.error();
    }
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry
