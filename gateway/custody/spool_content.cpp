// Reads a spooled instance on the disk pool, one chunk ahead. What a pool thread touches (Reading)
// holds no Asio object, so that it may die there; all else stays on the loop.
#include "gateway/custody/spool_content.h"

#include "gateway/error.h"
#include "gateway/loop/change.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace gantry::custody {

namespace {

constexpr std::uint64_t checked_whole = 2ULL << 20U;
constexpr std::uint64_t large_piece = 512U << 10U;

// A committed slot that still holds this very instance.
Result<std::unique_ptr<SpoolReader>> open_slot(Spool& spool, const StoredInstance& instance)
{
    auto opened = spool.read(instance.slot);
    if (!opened)
        return opened.error();
    if ((*opened)->envelope().id != instance.envelope.id) // slots are used again
        return error(Errc::damaged, instance.slot + " holds another instance");
    return opened;
}

class SpoolSource final : public ByteSource {
public:
    SpoolSource(Spool& spool, StoredInstance instance)
        : spool_(spool), instance_(std::move(instance))
    {
    }

    Result<ConstBytes> next() override
    {
        if (!reader_) {
            auto opened = open_slot(spool_, instance_);
            if (!opened)
                return opened.error();
            reader_ = std::move(*opened);
            const std::uint64_t length = instance_.envelope.length.count;
            size_ = static_cast<std::size_t>(length <= checked_whole ? length : large_piece);
            buffer_ = std::make_unique_for_overwrite<std::byte[]>(size_);
        }
        const auto got = reader_->read({buffer_.get(), size_});
        if (!got)
            return got.error();
        return ConstBytes(buffer_.get(), *got);
    }

private:
    Spool& spool_;
    StoredInstance instance_;
    std::unique_ptr<SpoolReader> reader_;
    std::unique_ptr<std::byte[]> buffer_;
    std::size_t size_ = 0;
};

} // namespace

/// Used by one thread at a time: the loop hands it to the pool and gets it back.
struct SpoolContent::Reading {
    Spool& spool;
    StoredInstance instance;
    std::uint64_t left; // not yet read from the slot
    std::unique_ptr<SpoolReader> reader = {};
    std::array<std::vector<std::byte>, 2> chunks = {};
    std::size_t next = 0; // the chunk to be filled

    Result<std::size_t> fill()
    {
        if (!reader) {
            auto opened = open_slot(spool, instance);
            if (!opened)
                return opened.error();
            reader = std::move(*opened);
        }
        std::vector<std::byte>& chunk = chunks.at(next);
        chunk.resize(static_cast<std::size_t>(std::min<std::uint64_t>(chunk_size, left)));
        const auto got = reader->read(chunk);
        if (!got)
            return got.error();
        if (*got == 0)
            return error(Errc::damaged, instance.slot + " is shorter than what was acknowledged");
        left -= *got;
        if (left == 0)
            reader.reset();
        return *got;
    }
};

struct SpoolContent::Ahead {
    Ahead(const asio::any_io_executor& loop, std::shared_ptr<Reading> source)
        : reading(std::move(source)), wake(loop)
    {
    }

    std::shared_ptr<Reading> reading;
    Change wake;
    bool done = false;
    Result<std::size_t> result{std::size_t{0}};
};

SpoolContent::SpoolContent(
    const ReadingRoom& room, StoredInstance instance, std::shared_ptr<bool> begun
)
    : room_(room), instance_(std::move(instance)), begun_(std::move(begun))
{
}

SpoolContent::~SpoolContent() = default;

AeTitle SpoolContent::source_ae() const
{
    return AeTitle::parse(instance_.envelope.calling_ae).value_or(AeTitle{});
}

asio::awaitable<Result<ConstBytes>> SpoolContent::read()
{
    if (begun_)
        *begun_ = true;
    if (given_ == length().count) {
        reading_.reset(); // its chunks: others of the batch are still to come
        co_return ConstBytes{};
    }
    if (!reading_)
        reading_ = std::make_shared<Reading>(Reading{room_.spool, instance_, length().count});
    const Result<std::size_t> got = co_await fill();
    if (!got) {
        reading_.reset();
        co_return got.error();
    }
    given_ += *got;
    const ConstBytes chunk(reading_->chunks.at(reading_->next).data(), *got);
    reading_->next = 1 - reading_->next;
    if (reading_->left > 0)
        read_ahead(co_await asio::this_coro::executor);
    co_return chunk;
}

void SpoolContent::rewind()
{
    given_ = 0;
    ahead_.reset(); // what still runs keeps its Reading alive and ends unseen
    reading_.reset();
}

std::unique_ptr<ByteSource> SpoolContent::source() const
{
    if (begun_)
        *begun_ = true;
    return std::make_unique<SpoolSource>(room_.spool, instance_);
}

// The next chunk: what was read ahead, else read now.
asio::awaitable<Result<std::size_t>> SpoolContent::fill()
{
    if (const auto ahead = std::exchange(ahead_, nullptr)) {
        while (!ahead->done)
            co_await ahead->wake.wait();
        co_return std::move(ahead->result);
    }
    auto work = [reading = reading_](const std::stop_token&) { return reading->fill(); };
    co_return co_await offload(room_.disk, std::move(work));
}

void SpoolContent::read_ahead(const asio::any_io_executor& loop)
{
    auto ahead = std::make_shared<Ahead>(loop, reading_);
    const std::size_t before = room_.tasks.size();
    room_.tasks.spawn(run_ahead(ahead, room_.disk));
    if (room_.tasks.size() > before) // else the group is being cancelled: read when asked
        ahead_ = std::move(ahead);
}

asio::awaitable<void> SpoolContent::run_ahead(
    std::shared_ptr<Ahead> ahead,
    WorkerPool&
        disk // NOLINT(cppcoreguidelines-avoid-reference-coroutine-parameters): see ReadingRoom
)
{
    try {
        auto work = [reading = ahead->reading](const std::stop_token&) { return reading->fill(); };
        ahead->result = co_await offload(disk, std::move(work));
    } catch (const std::exception& fault) { // the pool has been stopped
        ahead->result = error(Errc::closed, fault.what());
    }
    ahead->done = true;
    ahead->wake.notify();
}

} // namespace gantry::custody
