// The archive on our own disk: the embedded default, and what still answers when the uplink is
// down. Files and their index are in archive/; here is the contract. Runs on the loop; the disk is
// touched on the pool given.
#pragma once

#include "gateway/loop/clock.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace gantry {

namespace archive {

class Archive;

} // namespace archive

struct LocalOriginOptions {
    std::string name = "here";
    std::filesystem::path folder; // state_dir/archive
    Bytes min_free{1ULL << 30U};  // of the file system: below, nothing is taken
};

class LocalOrigin final : public Origin {
public:
    /// Blocking; before the loop runs. Creates the folder (mode 0700) where needed and takes an
    /// exclusive lock on it, ends what the last run left half done, and rebuilds the index from the
    /// files where it is missing or damaged. Errors: in_use, newer_schema, database, disk. `disk`
    /// and `clock` outlive the origin.
    static Result<std::unique_ptr<LocalOrigin>>
    open(LocalOriginOptions options, WorkerPool& disk, const Clock& clock);
    ~LocalOrigin() override;
    LocalOrigin(const LocalOrigin&) = delete;
    LocalOrigin& operator=(const LocalOrigin&) = delete;

    const std::string& name() const override;
    Abilities abilities() const override;

    /// `stored` only when file and index entry would survive a power cut. The same data set again
    /// is `already_there`; another one under the same SOP Instance UID is a `conflict`, and the one
    /// that is here stays.
    asio::awaitable<std::vector<StoreOutcome>>
    store(std::vector<std::unique_ptr<InstanceContent>> batch) override;
    /// Study, series and image level, relational or not; studies newest first. Returned values are
    /// UTF-8. Patient level: ends incomplete, and says so.
    asio::awaitable<FindEnd> find(FindQuestion question, FindSink& matches) override;
    /// As stored, whatever is acceptable: series by series, by Instance Number. Reads ahead.
    asio::awaitable<RetrieveEnd> retrieve(RetrieveQuestion question, RetrieveSink& sink) override;
    asio::awaitable<Result<std::vector<bool>>> verify(std::vector<InstanceKey> instances) override;
    asio::awaitable<Health> health() override;

    /// For those who stream into it by themselves (the web face). Blocking: on a worker.
    archive::Archive& archive() noexcept;

private:
    struct State;
    explicit LocalOrigin(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace gantry
