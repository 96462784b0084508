// Why one fdatasync is enough, and why a head that was left in a slot can do no harm:
//
// (1) A slot's name is durable before the slot is handed out (SlotPool), and never changes.
// (2) Data and head are written to the page cache, the head last; one fdatasync brings both, and
//     the file's size, to the disk before Success is said. Until then any mixture of old and new
//     pages may be on the disk. The head has a checksum of its own and holds the data's digest: a
//     mixture either reads as the old head, or as no head, or as the new head over data that does
//     not match it, or as the new instance whole. The last is taken into custody although nobody
//     was told; the sender will send again, and identical instances are one.
// (3) The index learns of a receipt only after (2). What the index knows needs no digest check at
//     the next start; what it does not know is read whole.
// (4) A slot is released only after the index durably holds that nothing is left to deliver. An old
//     head that survives in it names a receipt that the index knows as finished, so the sweep frees
//     the slot: it resurrects nothing. A head that was wiped hides nothing that is still owed.
// (5) A receipt leaves the index (ledger_age) only when it is finished, and the index keeps the
//     number up to which that is so: an old head below it is finished as well.
// (6) Receipt numbers never repeat, so no old head can be taken for another receipt.
// If the index is lost, (4) falls to at-least-once: slots whose wiped head had not reached the disk
// are delivered again, and the archive answers that it has them.
#include "gateway/custody/spool.h"

#include "gateway/custody/spool_files.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace gantry::custody {

namespace {

constexpr const char* quarantine_name = "quarantine";
constexpr const char* lock_name = "lock";

class SpoolFolder final : public Spool {
public:
    SpoolFolder(SpoolOptions options, const Clock& clock, Fd folder, Fd quarantine, Fd lock)
        : options_(std::move(options)),
          clock_(clock),
          folder_(std::move(folder)),
          quarantine_(std::move(quarantine)),
          lock_(std::move(lock)),
          space_(folder_, clock),
          numbers_(clock),
          first_number_(next_number()),
          pool_(folder_, options_, first_number_)
    {
    }

    Result<std::unique_ptr<SpoolWriter>> reserve(Bytes expected) override
    {
        if (space_.free().count < options_.min_free.count + expected.count)
            return error(Errc::spool_full, options_.folder.string());
        auto slot = pool_.take(expected);
        if (!slot)
            return slot.error();
        return make_writer({pool_, space_, numbers_, clock_, flushed_}, std::move(*slot));
    }

    Result<std::unique_ptr<SpoolReader>> read(const std::string& slot) override
    {
        return make_reader(folder_, slot);
    }

    std::filesystem::path path(const std::string& slot) const override
    {
        return options_.folder / slot;
    }

    void release(const std::string& slot) override { pool_.recycle(slot, accepting()); }

    Result<std::filesystem::path>
    quarantine(const std::string& slot, const std::string& reason) override;
    Result<void> sweep(
        const std::function<bool(const StoredInstance&)>& suspect,
        const std::function<void(SweptSlot)>& found
    ) override;

    Bytes free_space() const override { return space_.free(); }

    Bytes used() const override { return pool_.used(); }

    bool accepting() const override { return space_.free() >= options_.min_free; }

    void number_above(ReceiptId seen) override { numbers_.above(seen); }

    void on_flush(std::function<void(std::chrono::nanoseconds)> observer) override
    {
        flushed_ = std::move(observer);
    }

private:
    std::uint64_t next_number() const;

    SpoolOptions options_;
    const Clock& clock_;
    Fd folder_;
    Fd quarantine_;
    Fd lock_;
    SpoolSpace space_;
    ReceiptNumbers numbers_;
    FlushObserver flushed_;
    const std::uint64_t first_number_; // of this run: below are those that the sweep looks at
    SlotPool pool_;
};

// Above every slot's number, here and in quarantine: a name never means two things.
std::uint64_t SpoolFolder::next_number() const
{
    std::uint64_t highest = 0;
    for (const auto& folder : {options_.folder, options_.folder / quarantine_name})
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            const std::string stem = entry.path().stem().string();
            highest = std::max(highest, SlotPool::number_of(stem));
        }
    return highest + 1;
}

Result<std::filesystem::path>
SpoolFolder::quarantine(const std::string& slot, const std::string& reason)
{
    const auto file = open_at(folder_, slot, O_RDONLY);
    if (!file)
        return file.error();
    const std::uint64_t size = size_or(*file, 0);
    // The reason first: a file in quarantine without one would be a riddle.
    const auto note = open_at(quarantine_, slot + ".reason", O_WRONLY | O_CREAT | O_TRUNC);
    if (!note)
        return note.error();
    const std::string line = reason + '\n';
    if (auto written = write_at(*note, std::as_bytes(std::span(line)), 0); !written)
        return written.error();
    if (auto flushed = sync_data(*note); !flushed)
        return flushed.error();
    if (::renameat(folder_.get(), slot.c_str(), quarantine_.get(), slot.c_str()) != 0)
        return disk_error(errno, "moving " + slot + " to quarantine");
    pool_.forget(size);
    if (auto synced = sync_folder(quarantine_); !synced)
        return synced.error();
    if (auto synced = sync_folder(folder_); !synced)
        return synced.error();
    return options_.folder / quarantine_name / slot;
}

Result<void> SpoolFolder::sweep(
    const std::function<bool(const StoredInstance&)>& suspect,
    const std::function<void(SweptSlot)>& found
)
{
    std::vector<std::string> slots;
    std::error_code failed;
    std::filesystem::directory_iterator entries(options_.folder, failed);
    if (failed)
        return disk_error(failed.value(), "listing " + options_.folder.string());
    for (const auto& entry : entries) {
        std::string name = entry.path().filename().string();
        const std::uint64_t number = SlotPool::number_of(name);
        if (number != 0 && number < first_number_)
            slots.push_back(std::move(name));
        else if (number == 0 && name != quarantine_name && name != lock_name)
            spdlog::warn("stray file left alone file={}", entry.path().string());
    }
    std::ranges::sort(slots);
    for (const std::string& slot : slots) {
        SweptSlot swept = look_at(folder_, slot, suspect);
        numbers_.above(swept.instance.envelope.id);
        if (const auto file = open_at(folder_, slot, O_RDONLY); file)
            pool_.found(size_or(*file, 0));
        found(std::move(swept));
    }
    return {};
}

Result<Fd> make_folder(const std::filesystem::path& folder)
{
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return disk_error(errno, "making " + folder.string());
    return open_folder(folder);
}

} // namespace

Result<std::unique_ptr<Spool>> Spool::open(SpoolOptions options, const Clock& clock)
{
    options.folder = std::filesystem::absolute(options.folder);
    auto folder = make_folder(options.folder);
    if (!folder)
        return folder.error();
    auto lock = open_at(*folder, lock_name, O_RDWR | O_CREAT);
    if (!lock)
        return lock.error();
    if (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0)
        return error(Errc::in_use, options.folder.string());
    auto quarantine = make_folder(options.folder / quarantine_name);
    if (!quarantine)
        return quarantine.error();
    const auto parent = open_folder(options.folder.parent_path());
    if (!parent)
        return parent.error();
    // The folders' own names.
    for (const Fd& names : {std::cref(*parent), std::cref(*folder)})
        if (auto synced = sync_folder(names); !synced)
            return synced.error();
    return std::make_unique<SpoolFolder>(
        std::move(options), clock, std::move(*folder), std::move(*quarantine), std::move(*lock)
    );
}

} // namespace gantry::custody
