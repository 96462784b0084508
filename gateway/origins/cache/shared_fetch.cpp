#include "gateway/origins/cache/shared_fetch.h"

#include "gateway/error.h"
#include "gateway/origins/expected_instances.h"
#include "gateway/origins/held_content.h"
#include "gateway/origins/scratch_file.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace gantry::cache {

namespace {

// Tried first: a large instance lies in a file already.
Result<void> keep_file(
    CacheStore& store,
    const CacheStore::What& what,
    const std::shared_ptr<ScratchFile>& file,
    std::uint64_t offset
)
{
    if (!file)
        return error(Errc::unsupported);
    return store.adopt(what, file->path(), offset);
}

} // namespace

SharedFetch::SharedFetch(CacheRoom& room, RetrieveQuestion question, Brings brings)
    : room_(room),
      question_(std::move(question)),
      scope_(Scope::of(question_)),
      brings_(brings),
      change_(room.tasks.executor()),
      asked_(room.clock.steady())
{
}

std::shared_ptr<SharedFetch>
SharedFetch::start(CacheRoom& room, RetrieveQuestion question, Brings brings, FetchWaiter& first)
{
    auto fetch = std::make_shared<SharedFetch>(room, std::move(question), brings);
    fetch->join(first);
    room.fetches.push_back(fetch);
    const std::size_t before = room.tasks.size();
    room.tasks.spawn(run(fetch));
    if (room.tasks.size() == before) { // the group is being cancelled
        fetch->end_ = {false, Shortfall::unavailable, {}, "shutting down"};
        fetch->finish();
    }
    return fetch;
}

void SharedFetch::join(FetchWaiter& waiter)
{
    if (std::ranges::find(waiters_, &waiter) == waiters_.end())
        waiters_.push_back(&waiter);
    change_.notify();
}

void SharedFetch::leave(FetchWaiter& waiter)
{
    if (std::erase(waiters_, &waiter) == 0)
        return;
    if (waiters_.empty() && !ended_) {
        stop_ = !all_came(); // else the origin may end it as it should
        forget();
    }
    change_.notify();
}

void SharedFetch::forget()
{
    std::erase_if(room_.fetches, [this](const auto& fetch) { return fetch.get() == this; });
}

bool SharedFetch::may_bring(const InstanceKey& key) const
{
    if (brings_ == Brings::list)
        return false;
    if (told_)
        return coming_.contains(PackedUid(key.sop.sop_instance));
    return scope_ && scope_->holds(key);
}

asio::awaitable<void> SharedFetch::run(std::shared_ptr<SharedFetch> self)
{
    using namespace asio::experimental::awaitable_operators;
    try {
        (void)co_await (self->fetch() || self->stopped());
    } catch (const std::exception& fault) { // cancelled
        self->end_ = {false, Shortfall::unavailable, {}, fault.what()};
    }
    self->finish();
}

asio::awaitable<void> SharedFetch::stopped()
{
    while (!stop_)
        co_await change_.wait();
}

asio::awaitable<void> SharedFetch::fetch()
{
    end_ = {false, Shortfall::unavailable, {}, "cancelled"};
    try {
        if (brings_ == Brings::instances) {
            end_ = co_await room_.behind.retrieve(question_, *this);
            co_return;
        }
        AskFind ask = [this](FindQuestion question, FindSink& matches) {
            return room_.behind.find(std::move(question), matches);
        };
        ExpectedInstances found = co_await expected_instances(std::move(ask), question_);
        if (found.end.complete)
            tell(InstanceList(found.instances));
        end_ = {found.end.complete, found.end.shortfall, {}, std::move(found.end.reason)};
    } catch (const std::exception& fault) {
        end_ = {false, Shortfall::unavailable, {}, fault.what()};
    }
}

void SharedFetch::finish()
{
    ended_ = true;
    coming_.clear();
    forget();
    const auto self = shared_from_this(); // until all have heard of it
    for (FetchWaiter* waiter : Waiters(waiters_))
        waiter->ended(*this);
    waiters_.clear();
    change_.notify();
}

void SharedFetch::tell(InstanceList list)
{
    list_ = std::move(list);
    told_ = true;
    if (brings_ == Brings::instances)
        for (std::size_t at = 0; at < list_.size(); ++at)
            coming_.emplace(list_.sop(at), at);
    if (scope_)
        room_.lists.learn(*scope_, list_, asked_);
    for (FetchWaiter* waiter : Waiters(waiters_))
        waiter->told(*this);
}

bool SharedFetch::wanted(const Uid& sop_class) const
{
    return std::ranges::any_of(waiters_, [&](const FetchWaiter* one) {
        return !one->prepared() || one->takes(sop_class);
    });
}

// Nobody's preparations hold up one who is prepared and takes all there is.
bool SharedFetch::wants_are_known() const
{
    const auto prepared = [](const FetchWaiter* one) { return one->prepared(); };
    if (std::ranges::all_of(waiters_, prepared))
        return true;
    const std::vector<Uid> classes = list_.sop_classes();
    return std::ranges::any_of(waiters_, [&](const FetchWaiter* one) {
        const auto taken = [one](const Uid& sop_class) { return one->takes(sop_class); };
        return one->prepared() && std::ranges::all_of(classes, taken);
    });
}

asio::awaitable<Result<void>> SharedFetch::expect(std::vector<InstanceKey> instances)
{
    tell(InstanceList(instances));
    while (!stop_ && !wants_are_known())
        co_await change_.wait();
    if (stop_)
        co_return error(Errc::closed);
    refuse_unwanted();
    co_return Result<void>{};
}

void SharedFetch::refuse_unwanted()
{
    for (const Uid& sop_class : list_.sop_classes())
        if (!wanted(sop_class))
            refused_.insert(sop_class);
    for (std::size_t at = 0; at < list_.size() && !refused_.empty(); ++at)
        if (refused_.contains(list_.sop_class(at)))
            coming_.erase(list_.sop(at));
}

// How it is stored is what is kept, whoever asked for it first.
std::optional<std::vector<Uid>> SharedFetch::acceptable(const Uid& sop_class) const
{
    if (refused_.contains(sop_class))
        return std::vector<Uid>{};
    return std::nullopt;
}

asio::awaitable<Result<void>> SharedFetch::instance(std::unique_ptr<InstanceContent> content)
{
    if (stop_)
        co_return error(Errc::closed);
    std::shared_ptr<InstanceContent> shared = std::move(content);
    const PackedUid sop(shared->key().sop.sop_instance);
    // Nobody waits for what is not on the list, and what comes twice is what has come.
    if (!coming_.contains(sop) || !arriving_.insert(sop).second)
        co_return Result<void>{};
    const bool kept = co_await keep(shared);
    arriving_.erase(sop);
    coming_.erase(sop);
    announce({sop, shared->length(), shared}, kept);
    shared.reset();
    while (!stop_ && !all_came() && !may_go_on())
        co_await change_.wait();
    co_return stop_ ? error(Errc::closed) : Result<void>{};
}

// What was kept is read from there, except by who stands waiting for it while it is in memory
// anyway.
void SharedFetch::announce(const Arrival& arrival, bool kept)
{
    const auto behind = [](const FetchWaiter* one) { return one->backlog().instances; };
    const auto fastest = std::ranges::min_element(waiters_, {}, behind);
    const FetchWaiter* first = fastest == waiters_.end() ? nullptr : *fastest;
    const bool in_memory = dynamic_cast<const HeldContent*>(arrival.content.get()) != nullptr;
    const bool one_reader = !kept && arrival.content->source() == nullptr;
    for (FetchWaiter* waiter : Waiters(waiters_)) {
        const Backlog backlog = waiter->backlog();
        const bool held = one_reader || !has_room(backlog);
        if (kept && (!in_memory || backlog.instances > 0))
            waiter->arrived({arrival.sop, arrival.size});
        else if (kept || waiter == first || !held)
            waiter->arrived(arrival);
        else
            waiter->passed_by(arrival.sop);
    }
}

bool SharedFetch::has_room(const Backlog& backlog) const
{
    const CacheOptions& options = room_.store->options();
    return backlog.instances < options.ahead_instances && backlog.bytes < options.ahead_bytes.count;
}

bool SharedFetch::may_go_on() const
{
    return std::ranges::any_of(waiters_, [this](const FetchWaiter* one) {
        return has_room(one->backlog());
    });
}

asio::awaitable<bool> SharedFetch::keep(std::shared_ptr<InstanceContent> content)
{
    const InstanceKey& key = content->key();
    const auto& series =
        list_.series()[list_.series_of(coming_.at(PackedUid(key.sop.sop_instance)))];
    if (series.study != key.study || series.series != key.series)
        co_return false; // the origin says one thing, and the data set another
    CacheStore::What what{room_.folder(series), key, content->source_ae(), content->length()};
    std::shared_ptr<ScratchFile> file;
    std::uint64_t offset = 0;
    if (const auto* scratch = dynamic_cast<const ScratchContent*>(content.get())) {
        file = scratch->file();
        offset = scratch->offset();
    }
    std::shared_ptr<ByteSource> source = content->source();
    if (!source)
        co_return false;
    auto work = [store = room_.store, file, offset, what, source](const std::stop_token&) {
        auto kept = keep_file(*store, what, file, offset);
        if (!kept && kept.error().code == make_error_code(Errc::unsupported))
            kept = store->keep(what, *source);
        return kept;
    };
    const Result<void> kept = co_await offload(room_.disk, std::move(work));
    if (!kept)
        spdlog::debug("instance not kept reason=\"{}\"", kept.error().text());
    co_return kept.has_value();
}

} // namespace gantry::cache
