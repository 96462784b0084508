// One C-MOVE or C-GET under way: takes what the origin brings, a few instances ahead of what is
// being sent, and counts what becomes of each. Loop.
#pragma once

#include "gateway/faces/dimse_retrieve.h"
#include "gateway/faces/store_route.h"
#include "gateway/faces/sub_operation_tally.h"
#include "gateway/loop/change.h"
#include "gateway/loop/fair_turns.h"
#include "gateway/loop/task_group.h"
#include "gateway/origins/outgoing_instance.h"
#include "mapping/retrieve_status.h"

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace gantry::faces {

class RetrieveJob final : public RetrieveSink, public std::enable_shared_from_this<RetrieveJob> {
public:
    struct Task {
        dimse::AssociationInfo peer;
        dimse::RetrieveRequest request;
        RetrieveQuestion question;
        std::unique_ptr<StoreRoute> route;
        Turns* at_destination = nullptr; // null: C-GET
    };

    /// `options`, `means` and `session` outlive the job.
    RetrieveJob(
        const RetrievalOptions& options,
        const Retrieval::Means& means,
        Turns& at_origin,
        Task task,
        dimse::RetrieveSession& session
    );

    /// To its end: done, cancelled by C-CANCEL, or cancelled as a coroutine.
    asio::awaitable<dimse::RetrieveOutcome> run();

    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> instances) override;

    bool takes_number() const override { return true; }

    asio::awaitable<Result<void>>
    expect_number(std::uint64_t instances, std::vector<InstanceKey> examples) override;
    std::optional<std::vector<Uid>> acceptable(const Uid& sop_class) const override;
    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override;

private:
    struct Entry {
        InstanceKey key;
        std::uint64_t bytes = 0;
        std::optional<Result<PreparedInstance>> prepared; // when it is ready to be sent, or failed
    };

    struct Broken {
        mapping::RetrieveFailure why;
        std::string detail;
    };

    asio::awaitable<Result<void>> open_route(std::vector<InstanceKey> instances);
    asio::awaitable<void> work();
    asio::awaitable<bool> take_turns();
    asio::awaitable<std::optional<Turns::Turn>> take_turn(Turns& turns);
    asio::awaitable<void> fetch();
    asio::awaitable<void> send_all();
    asio::awaitable<void> await_names();
    asio::awaitable<void> send(std::shared_ptr<Entry> entry);
    asio::awaitable<void>
    prepare_entry(std::shared_ptr<Entry> entry, std::unique_ptr<InstanceContent> content);
    asio::awaitable<void> until_ended();
    asio::awaitable<void> stop();
    asio::awaitable<void> release();
    asio::awaitable<void> release_route();

    void cancel();
    void give_up(mapping::RetrieveFailure why, std::string detail);
    void fail(const Uid& sop_instance, const std::string& reason);
    void report();
    bool has_room(std::uint64_t bytes) const;
    void notify();
    dimse::RetrieveOutcome outcome();
    DimseStatus status() const;

    const RetrievalOptions& options_;
    const Retrieval::Means& means_;
    Turns& at_origin_;
    Task task_;
    dimse::RetrieveSession& session_;

    SubOperationTally tally_;
    std::map<Uid, std::set<Uid>> stored_; // syntaxes by SOP class; an empty one: not known
    std::deque<std::shared_ptr<Entry>> window_;
    std::uint64_t window_bytes_ = 0;
    RetrieveEnd end_;
    std::optional<Broken> broken_;
    std::optional<Turns::Turn> destination_turn_;
    std::optional<Turns::Turn> origin_turn_;

    bool cancelled_ = false; // by C-CANCEL
    bool closed_ = false;    // nothing more is taken from the origin
    bool fetched_ = false;   // the origin has ended
    bool complete_ = false;  // all that came is sent
    bool worked_ = false;    // that, or given up
    bool released_ = false;
    std::optional<Uid> sending_;

    Change changed_;            // any of the above
    asio::steady_timer grace_;  // how long an end is waited for; cancelled with each change
    asio::steady_timer naming_; // how long the names of what is missing are; likewise
    TaskGroup working_;
    TaskGroup upstream_;
    TaskGroup preparing_;
};

} // namespace gantry::faces
