#include "gateway/custody/slot_pool.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <iterator>
#include <pthread.h>
#include <unistd.h>

namespace gantry::custody {

namespace {

constexpr std::size_t batch = 32; // made for one flush of the folder
constexpr std::size_t low_ready =
    24; // below: the maintenance thread makes a batch, while eight peers take what is left
constexpr std::string_view prefix = "slot-";
constexpr std::size_t digits = 12;
constexpr unsigned classes_above = 2; // how much larger than needed a recycled slot may be
constexpr std::array<std::byte, slot_head_size> no_head{};

// Slots are written ahead only when nothing has come in for so long: the disk belongs to instances.
constexpr std::chrono::milliseconds quiet{250};
// Before anything is known of what comes: a CT image of 512 by 512 with what goes before its
// pixels.
constexpr std::uint64_t first_guess = 576U << 10U;
constexpr std::chrono::seconds pause_after_failure{1};

unsigned class_of(std::uint64_t size)
{
    return static_cast<unsigned>(std::bit_width(size));
}

} // namespace

std::string SlotPool::name_of(std::uint64_t number)
{
    std::array<char, 32> text{};
    std::snprintf(
        text.data(), text.size(), "slot-%012llu", static_cast<unsigned long long>(number)
    );
    return text.data();
}

std::uint64_t SlotPool::number_of(const std::string& name)
{
    if (!name.starts_with(prefix) || name.size() < prefix.size() + digits)
        return 0;
    std::uint64_t number = 0;
    const char* end = name.data() + name.size();
    const auto [ptr, ec] = std::from_chars(name.data() + prefix.size(), end, number);
    return ec == std::errc() && ptr == end ? number : 0;
}

SlotPool::SlotPool(const Fd& folder, const SpoolOptions& options, std::uint64_t next_number)
    : folder_(folder),
      max_recycled_(options.max_recycled.count),
      max_recycled_slot_(options.max_recycled_slot.count),
      prepared_(std::min(options.prepared.count, options.max_recycled.count / 2)),
      min_free_(options.min_free.count),
      next_number_(next_number),
      maintenance_([this](const std::stop_token& stop) { maintain(stop); })
{
}

SlotPool::~SlotPool()
{
    maintenance_.request_stop();
    maintenance_.join();
    // Empty files that nobody used would only be looked at by the next sweep.
    for (const std::string& name : ready_)
        unlink_now(name);
}

Result<Slot> SlotPool::take(Bytes expected)
{
    std::string name;
    {
        const std::lock_guard lock(mutex_);
        if (!take_recycled(expected, name) && !ready_.empty()) {
            name = std::move(ready_.back());
            ready_.pop_back();
        }
        last_taken_ = std::chrono::steady_clock::now();
        if (!name.empty())
            own_.insert(name);
        if (ready_.size() < low_ready || (content_ && wants_prepared()))
            wake_.notify_one();
    }
    if (!name.empty())
        if (auto slot = open(name))
            return slot;
    return take_new();
}

// None is at hand, or the one at hand cannot be opened.
Result<Slot> SlotPool::take_new()
{
    const auto made = make(1);
    if (!made)
        return made.error();
    auto slot = open(made->front());
    const std::lock_guard lock(mutex_);
    if (slot)
        own_.insert(slot->name);
    return slot;
}

bool SlotPool::take_recycled(Bytes expected, std::string& name)
{
    const std::uint64_t size =
        slot_head_size +
        (expected.count != 0 ? expected.count : typical_.load(std::memory_order_relaxed));
    const unsigned wanted = class_of(size);
    auto from = recycled_.lower_bound(wanted);
    if (size == slot_head_size && !recycled_.empty())
        from = std::prev(recycled_.end()); // nothing is known of what comes
    else if (from == recycled_.end() || from->first > wanted + classes_above) {
        if (from == recycled_.begin() || size > max_recycled_slot_)
            return false;
        --from; // a smaller one grows: no dearer than a new one
    }
    name = std::move(from->second.back().first);
    recycled_bytes_ -= from->second.back().second;
    from->second.pop_back();
    if (from->second.empty())
        recycled_.erase(from);
    return true;
}

Result<Slot> SlotPool::open(const std::string& name) const
{
    auto file = open_at(folder_, name, O_RDWR);
    if (!file)
        return file.error();
    const auto size = size_of(*file);
    if (!size)
        return size.error();
    return Slot{.name = name, .file = std::move(*file), .capacity = *size};
}

void SlotPool::give_back(Slot slot)
{
    const auto size = size_or(slot.file, slot.capacity);
    if (size > slot.capacity)
        used_ += size - slot.capacity;
    const std::lock_guard lock(mutex_);
    put_recycled(std::move(slot.name), size, true);
}

void SlotPool::give_up(Slot slot)
{
    // The head may have reached the disk although the flush failed: this instance was refused, and
    // need not be found again. Best effort; finding it would do no harm.
    (void)write_at(slot.file, no_head, 0);
    const std::lock_guard lock(mutex_);
    unlink_later(std::move(slot.name), slot.capacity);
}

void SlotPool::keep(const Slot& slot, std::uint64_t length)
{
    const std::uint64_t size = slot_head_size + length;
    if (size > slot.capacity)
        used_ += size - slot.capacity;
    const std::uint64_t before = typical_.load(std::memory_order_relaxed);
    typical_.store(before - before / 8 + length / 8, std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    own_.erase(slot.name);
}

void SlotPool::recycle(const std::string& name, bool may_keep)
{
    {
        const std::lock_guard lock(mutex_);
        if (own_.contains(name)) // two owners of one slot would be the end of both
            return spdlog::error("slot released twice slot={}", name);
        own_.insert(name);
    }
    auto slot = open(name);
    if (!slot) {
        spdlog::warn("slot lost slot={} reason=\"{}\"", name, slot.error().text());
        return;
    }
    const bool wiped = slot->capacity == 0 || write_at(slot->file, no_head, 0).has_value();
    const std::lock_guard lock(mutex_);
    put_recycled(name, slot->capacity, may_keep && wiped);
}

void SlotPool::put_recycled(std::string name, std::uint64_t size, bool may_keep)
{
    if (!may_keep || size > max_recycled_slot_ || recycled_bytes_ + size > max_recycled_)
        return unlink_later(std::move(name), size);
    recycled_bytes_ += size;
    recycled_[class_of(size)].emplace_back(std::move(name), size);
}

void SlotPool::unlink_later(std::string name, std::uint64_t size)
{
    forget(size);
    own_.erase(name);
    doomed_.push_back(std::move(name));
    wake_.notify_one();
}

void SlotPool::forget(std::uint64_t size)
{
    used_ -= std::min(size, used_.load());
}

void SlotPool::found(std::uint64_t size)
{
    used_ += size;
}

Result<std::vector<std::string>> SlotPool::make(std::size_t count)
{
    std::vector<std::string> names;
    Result<void> done;
    while (done && names.size() < count) {
        std::unique_lock lock(mutex_);
        const std::string name = name_of(next_number_++);
        lock.unlock();
        if (const auto file = open_at(folder_, name, O_RDWR | O_CREAT | O_EXCL); file)
            names.push_back(name);
        else
            done = file.error();
    }
    if (done)
        done = sync_folder(folder_);
    if (done)
        return names;
    for (const std::string& name : names)
        unlink_now(name);
    return done.error();
}

bool SlotPool::wants_prepared() const
{
    return recycled_bytes_ + first_guess <= prepared_ && !ready_.empty();
}

// The name of an empty slot to write ahead, or none: something came in just now, or there are
// enough. With the mutex held.
std::string SlotPool::next_to_prepare()
{
    if (!wants_prepared() || std::chrono::steady_clock::now() - last_taken_ < quiet)
        return {};
    std::string name = std::move(ready_.back());
    ready_.pop_back();
    own_.insert(name);
    return name;
}

// Gives an empty slot its blocks. Zeros, as a slot that has been wiped has at its beginning: no
// head.
Result<std::uint64_t> SlotPool::write_ahead(const std::string& name) const
{
    const auto space = free_bytes(folder_);
    if (!space || *space < min_free_ + prepared_)
        return space ? error(Errc::spool_full) : space.error();
    auto slot = open(name);
    if (!slot)
        return slot.error();
    const std::uint64_t usual = typical_.load(std::memory_order_relaxed);
    const std::uint64_t enough = usual == 0 ? first_guess : slot_head_size + usual + usual / 8;
    const std::uint64_t size = std::min(enough, max_recycled_slot_);
    static constexpr std::array<std::byte, 64U << 10U> zeros{};
    Result<void> done;
    for (std::uint64_t at = 0; done && at < size; at += zeros.size())
        done = write_at(
            slot->file, std::span(zeros).first(std::min<std::uint64_t>(zeros.size(), size - at)), at
        );
    if (done)
        done = sync_data(slot->file);
    return done ? Result<std::uint64_t>(size) : done.error();
}

void SlotPool::prepare(const std::string& name)
{
    const auto written = write_ahead(name);
    const std::lock_guard lock(mutex_);
    if (written)
        used_ += *written;
    else // no room, or a disk that fails: not now
        last_taken_ = std::chrono::steady_clock::now() + pause_after_failure;
    put_recycled(name, written ? *written : 0, written.has_value());
}

void SlotPool::unlink_now(const std::string& name)
{
    if (::unlinkat(folder_.get(), name.c_str(), 0) != 0)
        spdlog::warn("slot not deleted slot={} errno={}", name, errno);
}

void SlotPool::maintain(const std::stop_token& stop)
{
    pthread_setname_np(pthread_self(), "spool-slots");
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested() || !doomed_.empty()) {
        const std::vector<std::string> doomed = std::exchange(doomed_, {});
        const bool make_some =
            ready_.size() < low_ready && !making_failed_ && !stop.stop_requested();
        making_failed_ = false;
        const std::string ahead = stop.stop_requested() ? std::string() : next_to_prepare();
        lock.unlock();
        for (const std::string& name : doomed)
            unlink_now(name);
        if (!ahead.empty())
            prepare(ahead);
        auto made = make_some ? make(batch) : std::vector<std::string>{};
        lock.lock();
        if (made)
            ready_.insert(ready_.end(), made->begin(), made->end());
        else
            making_failed_ = true; // whoever needs one makes it and hears why not
        const auto need = [this] { return !doomed_.empty() || ready_.size() < low_ready; };
        if (making_failed_)
            wake_.wait_for(lock, stop, pause_after_failure, [this] { return !doomed_.empty(); });
        else if (!wants_prepared()) {
            content_ = true;
            wake_.wait(lock, stop, [&] { return need() || wants_prepared(); });
            content_ = false;
        } else if (std::chrono::steady_clock::now() - last_taken_ < quiet)
            wake_.wait_until(lock, stop, last_taken_ + quiet, need);
    }
}

} // namespace gantry::custody
