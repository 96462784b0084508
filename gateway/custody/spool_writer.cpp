// The way in: data first, head last, one flush.
#include "gateway/custody/digest.h"
#include "gateway/custody/slot_head.h"
#include "gateway/custody/spool_files.h"

#include <fcntl.h>
#include <utility>

namespace gantry::custody {

namespace {

// A large instance starts its way to the disk while it still arrives, so that the flush at its end
// is short.
constexpr std::uint64_t write_back_step = 4ULL << 20U;

class Writer final : public SpoolWriter {
public:
    Writer(WriterContext context, Slot slot) : context_(context), slot_(std::move(slot)) {}

    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    ~Writer() override
    {
        if (!slot_.file)
            return;
        if (failed_)
            context_.pool.give_up(std::move(slot_));
        else
            context_.pool.give_back(std::move(slot_));
    }

    Result<void> write(ConstBytes bytes) override
    {
        if (failed_)
            return *failed_;
        if (!slot_.file)
            return error(Errc::closed, "this instance is committed");
        const std::uint64_t offset = slot_head_size + length_;
        if (auto written = write_at(slot_.file, bytes, offset); !written)
            return fail(written.error());
        digest_.update(bytes);
        length_ += bytes.size();
        if (const std::uint64_t end = offset + bytes.size(); end > slot_.capacity)
            context_.space.spent(std::min<std::uint64_t>(end - slot_.capacity, bytes.size()));
        start_write_back();
        return {};
    }

    Result<StoredInstance> commit(Envelope envelope) override
    {
        if (failed_)
            return *failed_;
        if (!slot_.file)
            return error(Errc::closed, "this instance is committed");
        envelope.id = context_.numbers.next();
        envelope.received = context_.clock.wall();
        envelope.length = Bytes{length_};
        envelope.digest = digest_.digest();
        const auto head = encode_head(envelope);
        if (!head)
            return head.error();
        if (auto written = write_at(slot_.file, *head, 0); !written)
            return fail(written.error());
        if (auto flushed = flush(); !flushed)
            return fail(flushed.error());
        context_.pool.keep(slot_, length_);
        const Slot done = std::move(slot_); // closes the file
        return StoredInstance{.envelope = std::move(envelope), .slot = done.name};
    }

private:
    Error fail(Error cause)
    {
        cause.detail = slot_.name + ": " + cause.detail;
        failed_ = cause;
        return cause;
    }

    void start_write_back()
    {
        if (length_ - write_back_from_ < write_back_step)
            return;
        // Advice only: whether it was taken shows in the flush.
        (void)::sync_file_range(
            slot_.file.get(),
            static_cast<off64_t>(slot_head_size + write_back_from_),
            static_cast<off64_t>(length_ - write_back_from_),
            SYNC_FILE_RANGE_WRITE
        );
        write_back_from_ = length_;
    }

    Result<void> flush()
    {
        const auto start = std::chrono::steady_clock::now();
        auto flushed = sync_data(slot_.file);
        if (flushed && context_.flushed)
            context_.flushed(std::chrono::steady_clock::now() - start);
        return flushed;
    }

    WriterContext context_;
    Slot slot_;
    DigestStream digest_;
    std::uint64_t length_ = 0;
    std::uint64_t write_back_from_ = 0;
    std::optional<Error> failed_;
};

} // namespace

ReceiptId ReceiptNumbers::next()
{
    const auto now =
        static_cast<ReceiptId>(std::max<std::int64_t>(clock_.wall().time_since_epoch().count(), 0));
    ReceiptId last = last_.load();
    ReceiptId mine = 0;
    do
        mine = std::max(last + 1, now);
    while (!last_.compare_exchange_weak(last, mine));
    return mine;
}

void ReceiptNumbers::above(ReceiptId seen)
{
    ReceiptId last = last_.load();
    while (last < seen && !last_.compare_exchange_weak(last, seen)) {
    }
}

std::unique_ptr<SpoolWriter> make_writer(WriterContext context, Slot slot)
{
    return std::make_unique<Writer>(context, std::move(slot));
}

} // namespace gantry::custody
