// One retrieve from a cached origin: finds out what there is, gives what is here, and waits with
// others for what is not. Loop; holds some 100 bytes for each instance, and what it reads ahead.
#pragma once

#include "gateway/origins/cache/batch.h"
#include "gateway/origins/cache/fetch_plan.h"
#include "gateway/origins/cache/shared_fetch.h"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace gantry::cache {

class CachedRetrieve final : public FetchWaiter {
public:
    /// Both outlive it.
    CachedRetrieve(CacheRoom& room, RetrieveSink& sink);
    /// Leaves all that it waited for.
    ~CachedRetrieve() override;
    CachedRetrieve(const CachedRetrieve&) = delete;
    CachedRetrieve& operator=(const CachedRetrieve&) = delete;

    asio::awaitable<RetrieveEnd> run(RetrieveQuestion question);

    void told(SharedFetch& fetch) override;

    bool prepared() const override { return prepared_; }

    bool takes(const Uid& sop_class) const override;

    Backlog backlog() const override { return backlog_; }

    void arrived(const Arrival& arrival) override;
    void passed_by(const PackedUid& sop) override;
    void ended(SharedFetch& fetch) override;

private:
    enum class State : std::uint8_t {
        open,     // to be found, or fetched
        coming,   // by a fetch
        queued,   // to be given
        given,    // done
        unwanted, // its class is not taken
        lost      // it will not come
    };

    struct Entry {
        State state = State::open;
        std::uint8_t attempts = 0; // that brought nothing
        std::uint16_t fetch = 0;   // while coming: its number
    };

    /// To be given next.
    struct Item {
        std::size_t at = 0;
        Bytes size;
        bool arrived = false; // of the backlog
        std::shared_ptr<InstanceContent> content = {};
    };

    /// Read by one thread at once.
    struct Load {
        std::vector<Item> items;
        std::vector<WantedFile> wanted;
        std::vector<Result<LoadedFile>> files;
        bool into_memory = true;
        bool done = false;
    };

    struct Joined {
        std::shared_ptr<SharedFetch> fetch;
        std::size_t expected = 0; // still to come
    };

    // What there is.
    asio::awaitable<std::optional<RetrieveEnd>> find_out(RetrieveQuestion question);
    asio::awaitable<bool> describe_named();
    bool recall();
    bool is_cold() const;
    std::shared_ptr<SharedFetch> fetch_that_tells();
    std::optional<RetrieveEnd> take_list(const SharedFetch& fetch);
    bool recall_old(const RetrieveEnd& failed);
    void list_is(InstanceList list);

    // What of it is missing.
    void plan();
    void queue_what_is_here();
    void expect_what_comes(std::vector<std::size_t>& missing);
    void fetch_next(std::vector<std::size_t> missing);
    void expect_from(const std::shared_ptr<SharedFetch>& fetch, std::size_t at);
    void join(const std::shared_ptr<SharedFetch>& fetch);
    void leave(std::uint16_t number);
    void leave_all();
    void no_longer_coming(std::size_t at);
    void lose(std::size_t at, const RetrieveEnd& why);
    void try_again(std::size_t at);

    // Giving it.
    asio::awaitable<Result<void>> give_all();
    asio::awaitable<Result<void>> give(std::shared_ptr<Load> load);
    void load_ahead();
    std::shared_ptr<Load> next_load();
    void taken(const Item& item);
    static asio::awaitable<void>
    run_load(std::shared_ptr<Load> load, CacheRoom& room, std::shared_ptr<Change> change);
    std::unique_ptr<InstanceContent> content_of(const Item& item, LoadedFile file) const;
    void mark_unwanted();
    void pin();
    RetrieveEnd end(const Result<void>& taken) const;

    CacheRoom& room_;
    RetrieveSink& sink_;
    std::shared_ptr<Change> change_;
    std::optional<Scope> scope_;
    InstanceList list_;
    std::vector<SeriesFolder> folders_; // of the list's series
    std::vector<Entry> entries_;
    std::unordered_map<PackedUid, std::size_t> places_;
    std::map<std::uint16_t, Joined> joined_;
    std::uint16_t next_number_ = 0;
    std::shared_ptr<SharedFetch> own_; // started by us
    std::deque<Item> queue_;
    std::deque<std::shared_ptr<Load>> loads_;
    Backlog backlog_;
    RetrieveEnd stale_; // why the list is an old one
    RetrieveEnd loss_;  // why something is lost
    std::size_t given_ = 0;
    bool is_stale_ = false;
    bool prepared_ = false;
    bool pinned_ = false;
    bool to_plan_ = true;
};

} // namespace gantry::cache
