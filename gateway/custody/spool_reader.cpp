// The way out, and the look that the sweep takes: nothing is given on that is not what was
// acknowledged.
#include "gateway/custody/digest.h"
#include "gateway/custody/slot_head.h"
#include "gateway/custody/spool_files.h"

#include <algorithm>
#include <fcntl.h>
#include <utility>
#include <vector>

namespace gantry::custody {

namespace {

class Reader final : public SpoolReader {
public:
    Reader(std::string slot, Fd file, Envelope envelope)
        : slot_(std::move(slot)), file_(std::move(file)), envelope_(std::move(envelope))
    {
    }

    const Envelope& envelope() const override { return envelope_; }

    Result<std::size_t> read(std::span<std::byte> buffer) override
    {
        const std::uint64_t rest = envelope_.length.count - offset_;
        const auto want =
            buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(rest, buffer.size())));
        const auto got = read_at(file_, want, slot_head_size + offset_);
        if (!got)
            return error(Errc::disk, slot_ + ": " + got.error().detail);
        if (*got < want.size())
            return error(Errc::damaged, slot_ + " is shorter than what was acknowledged");
        digest_.update(want);
        offset_ += want.size();
        if (offset_ == envelope_.length.count && digest_.digest() != envelope_.digest)
            return error(Errc::damaged, slot_ + " does not hold what was acknowledged");
        return want.size();
    }

    void rewind() override
    {
        offset_ = 0;
        digest_.restart();
    }

private:
    std::string slot_;
    Fd file_;
    Envelope envelope_;
    DigestStream digest_;
    std::uint64_t offset_ = 0;
};

Result<DecodedHead> head_of(const Fd& file)
{
    HeadPage page;
    const auto got = read_at(file, page, 0);
    if (!got)
        return got.error();
    return decode_head(std::span(page).first(*got));
}

// Why the data is not that of the head; empty where it is.
std::string fault_of_data(Reader& reader, std::uint64_t file_size)
{
    constexpr std::size_t buffer_size = 1U << 20U;
    const std::uint64_t length = reader.envelope().length.count;
    if (file_size < slot_head_size + length)
        return "shorter than its head says";
    std::vector<std::byte> buffer(std::min<std::uint64_t>(buffer_size, length));
    for (std::uint64_t done = 0; done < length;) {
        const auto got = reader.read(buffer);
        if (!got)
            return got.error().text();
        done += *got;
    }
    return {};
}

} // namespace

Result<std::unique_ptr<SpoolReader>> make_reader(const Fd& folder, const std::string& slot)
{
    auto file = open_at(folder, slot, O_RDONLY);
    if (!file)
        return file.error();
    auto head = head_of(*file);
    if (!head)
        return error(Errc::disk, slot + ": " + head.error().detail);
    if (head->state != DecodedHead::State::valid)
        return error(Errc::damaged, slot + ": " + (head->reason.empty() ? "empty" : head->reason));
    (void)::posix_fadvise(file->get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    return std::make_unique<Reader>(slot, std::move(*file), std::move(head->envelope));
}

SweptSlot look_at(
    const Fd& folder,
    const std::string& slot,
    const std::function<bool(const StoredInstance&)>& suspect
)
{
    SweptSlot swept;
    swept.state = SweptSlot::State::torn;
    swept.instance.slot = slot;
    auto file = open_at(folder, slot, O_RDONLY);
    const auto size = file ? size_of(*file) : Result<std::uint64_t>(file.error());
    auto head = size ? head_of(*file) : Result<DecodedHead>(size.error());
    if (!head) {
        swept.reason = head.error().text();
        return swept;
    }
    swept.reason = head->reason;
    if (head->state == DecodedHead::State::empty)
        swept.state = SweptSlot::State::empty;
    if (head->state != DecodedHead::State::valid)
        return swept;
    swept.instance.envelope = std::move(head->envelope);
    if (suspect(swept.instance)) {
        Reader reader(slot, std::move(*file), swept.instance.envelope);
        swept.reason = fault_of_data(reader, *size);
    } else if (*size < slot_head_size + swept.instance.envelope.length.count) {
        swept.reason = "shorter than its head says";
    }
    if (swept.reason.empty())
        swept.state = SweptSlot::State::complete;
    return swept;
}

} // namespace gantry::custody
