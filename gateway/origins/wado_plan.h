// What a retrieve expects, what of it has come, and what to ask for next. Pure; one thread.
#pragma once

#include "gateway/origins/numbered_series.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gantry {

/// One request to be made.
struct WadoJob {
    std::size_t series = 0;
    std::optional<std::size_t> instance; // else the whole series
    std::size_t accept = 0;              // whose syntaxes are wanted, see WadoPlan::accepts()
    unsigned attempts = 0;               // that have failed
    std::size_t form = 0;                // of the Accept header
};

/// Why what was asked for did not come.
struct WadoLoss {
    Shortfall shortfall = Shortfall::failed;
    std::string reason;
};

class WadoPlan {
public:
    enum class Claim : std::uint8_t { taken, unexpected, duplicate };

    struct Expected {
        std::vector<InstanceKey> instances;   // each once, those of a series together
        bool whole_series = false;            // they are all that their series have
        std::vector<NumberedSeries> numbered; // others, whose instances have no names yet
    };

    /// Asks `sink` in which syntaxes it wants them.
    WadoPlan(const Expected& expected, const RetrieveSink& sink);
    WadoPlan(const WadoPlan&) = delete;
    WadoPlan& operator=(const WadoPlan&) = delete;

    /// The next request, if there is one now.
    std::optional<WadoJob> next();

    std::size_t jobs() const noexcept { return jobs_.size(); }

    std::string target(const WadoJob& job) const;

    const std::optional<std::vector<Uid>>& accepts(const WadoJob& job) const
    {
        return accepts_[job.accept];
    }

    /// This one is being received: nobody else's is taken meanwhile. `at` says which it is.
    Claim claim(const Uid& sop_instance, std::size_t& at);
    /// As claim(), for one that is not known, and is where `key` says: it may belong to a series
    /// whose instances have no names yet, where `job` asks for that.
    Claim adopt(const WadoJob& job, const InstanceKey& key, std::size_t& at);
    /// It was not whole after all.
    void release(std::size_t at);
    /// It is whole, or the asker has it.
    void received(std::size_t at);
    void given(std::size_t at);

    /// Where the instance stands, with its class as expected; no transfer syntax.
    InstanceKey key(std::size_t at) const;

    bool open(const WadoJob& job) const; // something that it asks for has not come

    /// The series of the job is known by number only.
    bool nameless(const WadoJob& job) const { return series_[job.series].number.has_value(); }

    /// Jobs for all such series; for those of a class that is not wanted at all.
    std::vector<WadoJob> nameless_jobs() const;
    std::vector<WadoJob> unwanted_jobs() const;
    /// What is known by name of the series of the job; no transfer syntaxes.
    std::vector<InstanceKey> names(const WadoJob& job) const;
    /// It has been read to its end: where as many have come as the series has, these are its names.
    void settle(const WadoJob& job);
    /// All that the series of the job has.
    void
    name(const WadoJob& job, const std::vector<InstanceKey>& instances, const RetrieveSink& sink);
    /// How many are expected, with and without names.
    std::uint64_t total() const;
    /// Study and series of the job.
    InstanceKey place(const WadoJob& job) const;

    /// Asks for what has not come of a series, instance by instance.
    void split(const WadoJob& job);
    /// What has not come of the job is lost; or of everything.
    void lose(const WadoJob& job, const WadoLoss& loss);
    void lose_all(const WadoLoss& loss);

    /// What was expected and wanted and not given, and why.
    RetrieveEnd end() const;

private:
    enum class State : std::uint8_t { unwanted, open, arriving, received, given };

    struct Entry {
        SopReference sop;
        std::size_t series;
        std::size_t accept;
        State state;
        bool lost = false;
    };

    struct Series {
        Uid study;
        Uid series;
        std::vector<std::size_t> members = {}; // of entries_
        std::size_t open = 0;                  // of these, and not lost
        /// So many, and `members` are what has come.
        std::optional<std::uint64_t> number = {};
        std::size_t accept = 0; // where there is a number
        bool lost = false;      // what has no name
    };

    std::size_t accept_of(const Uid& sop_class, const RetrieveSink& sink);

    bool unwanted(std::size_t accept) const
    {
        return accepts_[accept] && accepts_[accept]->empty();
    }

    std::size_t add(std::size_t series, const SopReference& sop, std::size_t accept);
    void change(Entry& entry, State state);
    std::size_t lose_nameless(Series& series);
    void plan_series(std::size_t series, bool whole);
    void note(const WadoLoss& loss, std::size_t count);

    std::deque<Entry> entries_; // stay where they are: by_uid_ names them
    std::vector<Series> series_;
    std::unordered_map<std::string_view, std::size_t> by_uid_; // into entries_
    std::vector<std::optional<std::vector<Uid>>> accepts_;
    std::unordered_map<Uid, std::size_t> accept_of_class_;
    std::deque<WadoJob> jobs_;
    Shortfall shortfall_ = Shortfall::none; // the gravest
    std::string reason_;                    // of the first that was as grave
};

} // namespace gantry
