#include "gateway/origins/cache/file_content.h"

#include "gateway/custody/file_access.h"
#include "gateway/loop/change.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

namespace gantry::cache {

namespace {

constexpr std::uint64_t piece_size = 512U << 10U;
constexpr std::uint64_t checked_whole = 2U << 20U; // before a source gives any of it

class FileSource final : public ByteSource {
public:
    FileSource(std::shared_ptr<CacheStore> store, SeriesFolder folder, CachedFile file)
        : reader_(std::move(store), std::move(folder), std::move(file)),
          size_(static_cast<std::size_t>(
              reader_.left() <= checked_whole ? reader_.left() : piece_size
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
    FileReader reader_;
    std::size_t size_;
    std::unique_ptr<std::byte[]> buffer_;
};

} // namespace

FileReader::FileReader(std::shared_ptr<CacheStore> store, SeriesFolder folder, CachedFile file)
    : store_(std::move(store)), folder_(std::move(folder)), file_(std::move(file))
{
}

Result<std::size_t> FileReader::read(std::span<std::byte> into)
{
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left()));
    if (want == 0)
        return std::size_t{0};
    const auto part = into.first(want);
    const auto got = custody::read_at(*file_.file, part, note().offset + done_);
    if (!got)
        return got.error();
    digest_.update(part.first(*got));
    done_ += *got;
    if (*got == want && (left() > 0 || digest_.digest() == note().digest))
        return want;
    store_->give_up_damaged(folder_, file_.name);
    return error(Errc::damaged, "a file of the cache");
}

/// Filled on the pool, while nobody else looks at it; `done` and what wakes belong to the loop.
struct FileContent::Piece {
    struct Filled {
        std::shared_ptr<FileReader> reader;
        std::vector<std::byte> bytes;
    };

    explicit Piece(asio::any_io_executor loop) : change(std::move(loop)) {}

    std::shared_ptr<Filled> filled = std::make_shared<Filled>();
    Change change;
    bool done = false;
    Result<std::size_t> result{std::size_t{0}};
};

FileContent::FileContent(Ground ground, SeriesFolder folder, CachedFile file)
    : ground_(std::move(ground)), folder_(std::move(folder)), file_(std::move(file))
{
}

FileContent::~FileContent() = default;

asio::awaitable<Result<ConstBytes>> FileContent::read()
{
    const auto loop = co_await asio::this_coro::executor;
    if (!reader_) {
        reader_ = std::make_shared<FileReader>(ground_.store, folder_, file_);
        read_ahead(loop);
    }
    if (!next_) {
        given_.reset();
        co_return ConstBytes{};
    }
    const auto piece = next_;
    while (!piece->done)
        co_await piece->change.wait();
    if (!piece->result)
        co_return piece->result.error();
    next_.reset();
    std::swap(given_, next_); // its memory is used again
    const std::size_t got = *piece->result;
    given_ = piece;
    if (reader_->left() > 0)
        read_ahead(loop);
    else
        next_.reset();
    co_return ConstBytes(given_->filled->bytes).first(got);
}

void FileContent::rewind()
{
    reader_.reset(); // what is read at this moment ends unseen
    given_.reset();
    next_.reset();
}

void FileContent::read_ahead(const asio::any_io_executor& loop)
{
    if (reader_->left() == 0)
        return;
    auto piece = std::make_shared<Piece>(loop);
    if (next_)
        piece->filled->bytes = std::move(next_->filled->bytes);
    piece->filled->reader = reader_;
    const auto size = std::min<std::uint64_t>(piece_size, reader_->left());
    piece->filled->bytes.resize(static_cast<std::size_t>(size));
    next_ = piece;
    const std::size_t before = ground_.tasks.size();
    ground_.tasks.spawn(fill(piece, ground_.disk));
    if (ground_.tasks.size() > before)
        return;
    piece->done = true; // the group is being cancelled
    piece->result = error(Errc::closed);
}

asio::awaitable<void> FileContent::fill(
    std::shared_ptr<Piece> piece,
    WorkerPool& disk // NOLINT(cppcoreguidelines-avoid-reference-coroutine-parameters): see Ground
)
{
    try {
        auto work = [filled = piece->filled](const std::stop_token&) {
            return filled->reader->read(filled->bytes);
        };
        piece->result = co_await offload(disk, std::move(work));
    } catch (const std::exception& fault) { // the pool has been stopped
        piece->result = error(Errc::closed, fault.what());
    }
    piece->done = true;
    piece->change.notify();
}

std::unique_ptr<ByteSource> FileContent::source() const
{
    return std::make_unique<FileSource>(ground_.store, folder_, file_);
}

std::shared_ptr<const RandomAccess> FileContent::random_access() const
{
    const custody::FileAccess::Stretch data_set{file_.note.offset, file_.note.length};
    return std::make_shared<custody::FileAccess>(file_.file, data_set);
}

} // namespace gantry::cache
