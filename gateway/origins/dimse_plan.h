// What a retrieve over DIMSE expects, what of it has come, and what to ask for next. Claims come
// from the threads of associations, several at once; all else from the loop. Touches nothing.
#pragma once

#include "dimse/association.h"
#include "gateway/origin.h"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace gantry {

/// One C-GET or C-MOVE to be made.
struct DimseJob {
    QueryLevel level = QueryLevel::study;
    Uid study;
    std::vector<Uid> series;                      // at SERIES level; one at IMAGE level
    std::vector<Uid> instances;                   // at IMAGE level
    std::vector<dimse::ProposedContext> contexts; // of a C-GET
    std::vector<std::size_t> brings;              // numbers of the instances
};

/// Why what was asked for did not come.
struct DimseLoss {
    Shortfall shortfall = Shortfall::failed;
    std::string reason;
};

class DimsePlan {
public:
    enum class Claim : std::uint8_t { taken, unexpected, duplicate };

    /// `question`: what `expected` is the answer to. Asks `sink` in which syntaxes it wants them.
    DimsePlan(
        std::vector<InstanceKey> expected, RetrieveQuestion question, const RetrieveSink& sink
    );

    /// As it was asked: studies and series where they are wanted as a whole, else lists of
    /// instances.
    std::vector<DimseJob> as_asked() const;
    /// One for each instance that has not come.
    std::vector<DimseJob> one_by_one() const;

    bool open() const; // something that is wanted has not come
    bool open(const DimseJob& job) const;
    std::unordered_set<Uid> instances(const DimseJob& job) const; // that have not come

    /// This one is being received: another copy is a duplicate. `at` says which it is. Any thread.
    Claim claim(const Uid& sop_instance, std::size_t& at);
    /// It was not whole after all. Any thread.
    void release(std::size_t at, const std::string& why);
    /// The asker has it. Any thread.
    void given(std::size_t at);

    /// As expected. Any thread.
    const InstanceKey& key(std::size_t at) const { return entries_[at].key; }

    /// Why the rest has not come, as far as it is known now; the gravest is kept.
    void lose(const DimseLoss& loss);

    std::size_t received() const; // and given

    /// What was expected and wanted and not given, and why.
    RetrieveEnd end() const;

private:
    enum class State : std::uint8_t { unwanted, open, arriving, given };

    struct Entry {
        InstanceKey key;
        State state;
    };

    struct Group; // instances of one series

    std::vector<Group> groups(std::span<const std::size_t> of) const;
    std::vector<std::size_t> numbers() const; // of what has not come
    std::vector<std::vector<dimse::ProposedContext>> contexts(std::span<const std::size_t> of
    ) const;
    void study_jobs(std::span<const std::size_t> of, std::vector<DimseJob>& out) const;

    std::vector<Entry> entries_;
    RetrieveQuestion question_;
    std::unordered_map<Uid, std::size_t> by_uid_;
    std::unordered_map<Uid, std::optional<std::vector<Uid>>> wanted_; // syntaxes by class
    mutable std::mutex mutex_;                                        // of the states and the loss
    std::optional<DimseLoss> loss_;
    std::string spoilt_; // why the last one that came was not whole
};

} // namespace gantry
