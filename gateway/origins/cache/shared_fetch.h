// One retrieve from the origin behind, for all who wait for something of it: writes what comes into
// the cache, says so to those who wait, and stops where nobody does. Loop.
#pragma once

#include "gateway/loop/change.h"
#include "gateway/origins/cache/cache_room.h"
#include "gateway/origins/cache/scope.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace gantry::cache {

/// What has come and lies ready for one who has not taken it yet.
struct Backlog {
    std::size_t instances = 0;
    std::uint64_t bytes = 0;
};

struct Arrival {
    PackedUid sop;
    Bytes size;                                    // of the data set
    std::shared_ptr<InstanceContent> content = {}; // null: only in the cache
};

class FetchWaiter {
public:
    virtual ~FetchWaiter() = default;
    /// The list of the fetch is known. What was expected of it and is not on it will not come.
    virtual void told(SharedFetch& fetch) = 0;
    /// May takes() be asked? Until then it is taken to be true.
    virtual bool prepared() const = 0;
    virtual bool takes(const Uid& sop_class) const = 0;
    virtual Backlog backlog() const = 0;
    /// It may not be waited for.
    virtual void arrived(const Arrival& arrival) = 0;
    /// It came, and cannot be held for who is so far behind.
    virtual void passed_by(const PackedUid& sop) = 0;
    /// Nothing more will come.
    virtual void ended(SharedFetch& fetch) = 0;
};

class SharedFetch final : public RetrieveSink, public std::enable_shared_from_this<SharedFetch> {
public:
    enum class Brings : std::uint8_t { list, instances };

    /// Runs in the room's tasks, and is among its fetches until it has ended or nobody waits.
    static std::shared_ptr<SharedFetch>
    start(CacheRoom& room, RetrieveQuestion question, Brings brings, FetchWaiter& first);

    SharedFetch(CacheRoom& room, RetrieveQuestion question, Brings brings);

    void join(FetchWaiter& waiter);
    /// The last one stops it.
    void leave(FetchWaiter& waiter);

    /// A waiter is prepared, or has taken something.
    void look() { change_.notify(); }

    const std::optional<Scope>& scope() const noexcept { return scope_; }

    bool brings_instances() const noexcept { return brings_ == Brings::instances; }

    bool told() const noexcept { return told_; }

    const InstanceList& list() const noexcept { return list_; } // once told

    SteadyTime asked() const noexcept { return asked_; }

    bool has_ended() const noexcept { return ended_; }

    const RetrieveEnd& end() const noexcept { return end_; } // once ended

    /// Will it come? Until it is told: as far as the question goes.
    bool may_bring(const InstanceKey& key) const;

    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> instances) override;
    std::optional<std::vector<Uid>> acceptable(const Uid& sop_class) const override;
    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override;

private:
    using Waiters = std::vector<FetchWaiter*>;

    static asio::awaitable<void> run(std::shared_ptr<SharedFetch> self);
    asio::awaitable<void> fetch();
    asio::awaitable<void> stopped();
    void finish();
    void forget();
    void tell(InstanceList list);
    void refuse_unwanted();
    bool wants_are_known() const;
    bool wanted(const Uid& sop_class) const;
    asio::awaitable<bool> keep(std::shared_ptr<InstanceContent> content);
    void announce(const Arrival& arrival, bool kept);
    bool has_room(const Backlog& backlog) const;
    bool may_go_on() const;

    bool all_came() const noexcept { return told_ && coming_.empty(); }

    CacheRoom& room_;
    RetrieveQuestion question_;
    std::optional<Scope> scope_;
    Brings brings_;
    Change change_;
    Waiters waiters_;
    InstanceList list_;
    std::unordered_map<PackedUid, std::size_t> coming_; // places in the list
    std::unordered_set<PackedUid> arriving_;            // being written
    std::unordered_set<Uid> refused_;                   // classes
    SteadyTime asked_;
    RetrieveEnd end_;
    bool told_ = false;
    bool stop_ = false;
    bool ended_ = false;
};

} // namespace gantry::cache
