// An archive reached over DIMSE (PS3.4 annex C): finds by C-FIND, retrieves by C-GET or by C-MOVE
// to ourselves, stores by C-STORE, verifies by C-FIND, health by C-ECHO. Runs on the loop;
// conversations on the outbound pool. What it holds in memory on its way does not grow with the
// instance or the study.
#pragma once

#include "dimse/requestor.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"
#include "gateway/origins/memory_budget.h"
#include "gateway/origins/move_arrivals.h"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace gantry {

struct DimseOriginOptions {
    enum class RetrieveBy : std::uint8_t {
        automatic, // C-GET, and C-MOVE where the PACS does not take that; remembered
        get,
        move
    };

    AeTitle ae_title;     // of the PACS
    AeTitle own_ae_title; // the destination of C-MOVE, as the PACS knows us
    RetrieveBy retrieve_by = RetrieveBy::automatic;
    /// What the PACS writes text in and reads it in, where an answer does not say; empty: ASCII.
    std::string character_set;
    /// What it takes in C-STORE as it is; empty: what it accepts in negotiation.
    std::vector<Uid> transfer_syntaxes;
    /// Counts and modalities that it leaves out of its answers are asked for at the levels below.
    bool complete_answers = true;
    /// Questions that one find may cost where the PACS has no relational queries (a walk down), and
    /// where its answers are completed. Beyond that the find is incomplete (limit).
    std::size_t max_questions = 2'000;
    /// Matches that one find may hold, where it has to hold any.
    std::size_t max_held = 10'000;
    Bytes in_memory{1ULL << 20U}; // a larger instance goes through a scratch file
    unsigned attempts = 2;        // of a retrieve, for what did not come
    std::chrono::milliseconds last_store_grace{5'000}; // after the final C-MOVE-RSP
    /// Of a retrieve in which nothing comes although the PACS goes on to say Pending.
    std::chrono::milliseconds longest_pause{180'000};
    /// For its turn, where C-MOVEs to ourselves have to go one at a time.
    std::chrono::milliseconds longest_wait{120'000};
    std::vector<AeTitle> moves_as = {}; // other calling AE titles that its C-STOREs may come from
    /// Shared with whoever else fetches; null: one of its own.
    std::shared_ptr<MemoryBudget> memory;
};

class DimseOrigin final : public Origin {
public:
    struct Means {
        dimse::Requestor& requestor; // to the PACS; its options bound the associations
        MoveArrivals& arrivals;
        WorkerPool& disk;
        WorkerPool& transcoders;
        std::filesystem::path scratch; // exists; files in it are unlinked while open
    };

    /// What `means` refers to outlives the origin.
    DimseOrigin(std::string name, DimseOriginOptions options, Means means);
    ~DimseOrigin() override;
    DimseOrigin(const DimseOrigin&) = delete;
    DimseOrigin& operator=(const DimseOrigin&) = delete;

    const std::string& name() const override;
    Abilities abilities() const override;
    /// On one association. What the PACS does not take as it is, is transcoded where that loses
    /// nothing; else refused, with the reason.
    asio::awaitable<std::vector<StoreOutcome>>
    store(std::vector<std::unique_ptr<InstanceContent>> batch) override;
    /// All that the levels require is there (PS3.18 tables 10.6.3-3 to 5), as far as the PACS has
    /// it. Matches are filtered; limit and offset are of what is left, in the order of the PACS.
    /// Patient level: ends incomplete.
    asio::awaitable<FindEnd> find(FindQuestion question, FindSink& matches) override;
    asio::awaitable<RetrieveEnd> retrieve(RetrieveQuestion question, RetrieveSink& sink) override;
    asio::awaitable<Result<std::vector<bool>>> verify(std::vector<InstanceKey> instances) override;
    asio::awaitable<Health> health() override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry
