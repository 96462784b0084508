// Giving it: while one instance is being sent, the next are read.
#include "gateway/origins/cache/cached_retrieve.h"
#include "gateway/origins/cache/file_content.h"
#include "gateway/origins/cache/shared_content.h"
#include "gateway/origins/held_content.h"

#include <boost/system/system_error.hpp>

#include <exception>
#include <utility>

namespace gantry::cache {

namespace {

constexpr std::size_t loads_ahead = 3;
constexpr std::size_t load_instances = 16;
constexpr std::uint64_t load_bytes = 1U << 20U;

/// What lies in memory needs no thread to be read, however many read it.
std::unique_ptr<InstanceContent>
own_content(std::shared_ptr<InstanceContent> content, WorkerPool& disk)
{
    if (const auto* held = dynamic_cast<const HeldContent*>(content.get()))
        return std::make_unique<HeldContent>(held->key(), held->source_ae(), held->held());
    return std::make_unique<SharedContent>(std::move(content), disk);
}

} // namespace

asio::awaitable<Result<void>> CachedRetrieve::give_all()
{
    for (;;) {
        if (to_plan_)
            plan();
        load_ahead();
        if (loads_.empty()) {
            if (to_plan_)
                continue;
            if (joined_.empty())
                co_return Result<void>{};
            co_await change_->wait();
        } else if (!loads_.front()->done) {
            co_await change_->wait();
        } else {
            auto load = std::move(loads_.front());
            loads_.pop_front();
            load_ahead();
            const auto taken = co_await give(std::move(load));
            if (!taken)
                co_return taken;
        }
    }
}

void CachedRetrieve::load_ahead()
{
    while (loads_.size() < loads_ahead && !queue_.empty()) {
        auto load = next_load();
        loads_.push_back(load);
        if (load->done)
            continue;
        const std::size_t before = room_.tasks.size();
        room_.tasks.spawn(run_load(load, room_, change_));
        if (room_.tasks.size() == before) // the group is being cancelled
            throw boost::system::system_error(asio::error::operation_aborted);
    }
}

// The first one comes alone, so that something leaves soon.
std::shared_ptr<CachedRetrieve::Load> CachedRetrieve::next_load()
{
    auto load = std::make_shared<Load>();
    load->into_memory = sink_.reads_whole();
    const std::size_t most = given_ == 0 && loads_.empty() ? 1 : load_instances;
    std::uint64_t bytes = 0;
    do {
        Item item = std::move(queue_.front());
        queue_.pop_front();
        bytes += item.size.count;
        load->done = item.content != nullptr;
        load->wanted.push_back({folders_[list_.series_of(item.at)], list_.sop(item.at)});
        load->items.push_back(std::move(item));
    } while (!load->done && !queue_.empty() && !queue_.front().content &&
             load->items.size() < most && bytes + queue_.front().size.count <= load_bytes);
    return load;
}

asio::awaitable<void> CachedRetrieve::run_load(
    std::shared_ptr<Load> load,
    CacheRoom& room, // NOLINT(cppcoreguidelines-avoid-reference-coroutine-parameters): it outlives
                     // its tasks
    std::shared_ptr<Change> change
)
{
    try {
        std::shared_ptr<BlockStock> memory = load->into_memory ? room.memory : nullptr;
        auto work = [store = room.store,
                     memory = std::move(memory),
                     wanted = std::move(load->wanted)](const std::stop_token&) {
            return cache::load(*store, wanted, memory.get());
        };
        load->files = co_await offload(room.disk, std::move(work));
    } catch (const std::exception& fault) { // the pool has been stopped
        load->files.assign(load->items.size(), error(Errc::closed, fault.what()));
    }
    load->done = true;
    change->notify();
}

asio::awaitable<Result<void>> CachedRetrieve::give(std::shared_ptr<Load> load)
{
    for (std::size_t i = 0; i < load->items.size(); ++i) {
        Item& item = load->items[i];
        std::unique_ptr<InstanceContent> content;
        if (item.content)
            content = own_content(std::move(item.content), room_.disk);
        else if (load->files[i])
            content = content_of(item, std::move(*load->files[i]));
        if (!content) {
            try_again(item.at);
            taken(item);
            continue;
        }
        room_.store->count_given(!item.arrived, content->length());
        const auto took = co_await sink_.instance(std::move(content));
        if (!took)
            co_return took;
        entries_[item.at].state = State::given;
        ++given_;
        taken(item);
    }
    co_return Result<void>{};
}

void CachedRetrieve::taken(const Item& item)
{
    if (!item.arrived)
        return;
    --backlog_.instances;
    backlog_.bytes -= item.size.count;
    for (auto& [number, joined] : joined_)
        joined.fetch->look();
}

std::unique_ptr<InstanceContent> CachedRetrieve::content_of(const Item& item, LoadedFile file) const
{
    FileNote& note = file.file.note;
    if (!file.block) {
        FileContent::Ground ground{room_.store, room_.disk, room_.tasks};
        SeriesFolder folder = folders_[list_.series_of(item.at)];
        return std::make_unique<FileContent>(
            std::move(ground), std::move(folder), std::move(file.file)
        );
    }
    const ConstBytes data_set = file.block->bytes();
    HeldContent::Held held{std::move(file.block), data_set};
    return std::make_unique<HeldContent>(
        std::move(note.key), std::move(note.source), std::move(held)
    );
}

} // namespace gantry::cache
