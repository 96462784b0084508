// The way of an instance from the thread of the association that it comes on to the asker of a
// retrieve, who waits on the loop: a slow asker holds up the C-STORE-RSP, and so the PACS. Never
// gives what is not whole, not what its data set says, or not asked for.
#pragma once

#include "dimse/requestor.h"
#include "gateway/loop/change.h"
#include "gateway/origin.h"
#include "gateway/origins/dimse_plan.h"
#include "gateway/origins/gathered_bytes.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <variant>

namespace gantry {

class DimsePassage : public std::enable_shared_from_this<DimsePassage> {
public:
    struct Ground {
        std::string origin; // its name, for the log
        AeTitle pacs;
        GatheredBytes::Memory memory;
        std::filesystem::path scratch;
        WorkerPool& disk; // outlives all that comes
    };

    using Begun = std::variant<std::unique_ptr<dimse::IncomingInstance>, DimseStatus>;

    /// Loop. `sink` outlives the passage until it is closed and left.
    DimsePassage(
        const asio::any_io_executor& loop,
        RetrieveSink& sink,
        std::unique_ptr<DimsePlan> plan,
        Ground ground
    );

    DimsePlan& plan() noexcept { return *plan_; }

    /// dimse::TakeInstance. Any thread, several at once; never waits.
    Begun take(const dimse::StoreRequest& request);

    /// A Pending response. Any thread. False: nobody waits any more.
    bool note(const dimse::SubOperations& counts);

    /// Loop. Nothing more is given; who is giving is cancelled.
    void close();
    /// Loop. Completes when nobody is giving.
    asio::awaitable<void> left();
    /// Loop. Completes when the asker wants no more, or when nothing has come for `longest`
    /// although nobody kept it waiting. Cancelled, it closes the passage, unless `answered` holds
    /// by then: a thread that waits for the asker would not end otherwise.
    asio::awaitable<void> trouble(std::chrono::milliseconds longest, const bool& answered);

    /// What the asker said to an instance.
    const std::optional<Error>& refusal() const noexcept { return refusal_; }

    /// Wakes when an instance has been given, or given up.
    Change& changed() noexcept { return changed_; }

private:
    class Incoming; // one C-STORE
    class Unneeded; // one that has come before

    struct Arrived {
        std::size_t at = 0;
        std::unique_ptr<InstanceContent> content;
    };

    DimseStatus hand_over(Arrived arrived);
    static asio::awaitable<bool> give(std::shared_ptr<DimsePassage> self, Arrived arrived);
    void touch() noexcept;
    std::chrono::steady_clock::time_point touched() const noexcept;

    asio::any_io_executor loop_;
    RetrieveSink* sink_;
    std::unique_ptr<DimsePlan> plan_;
    Ground ground_;
    Change changed_;
    std::stop_source over_; // requested on the loop, heard on the threads
    std::size_t giving_ = 0;
    std::optional<Error> refusal_;
    std::atomic<std::chrono::steady_clock::rep> touched_;
    std::atomic<std::uint64_t> last_counts_{0};
    std::atomic<std::uint64_t> last_size_{0}; // slices of a series are alike
};

} // namespace gantry
