// The index of the archive: SQLite, one connection that writes, and as many that read as there are
// readers. Can be rebuilt from the files at any time. Blocking; any thread, several at once.
#pragma once

#include "gateway/custody/database.h"
#include "gateway/loop/clock.h"
#include "gateway/origins/archive/attributes.h"
#include "gateway/origins/archive/catalogue.h"

#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace gantry::archive {

struct NewInstance {
    StoredFile file;
    Attributes attributes;
    WallTime received;
};

class Index final : public Catalogue {
public:
    /// Errors: newer_schema; damaged, where it is no database of ours; database.
    static Result<std::unique_ptr<Index>> open(std::filesystem::path file);
    ~Index() override;
    Index(const Index&) = delete;
    Index& operator=(const Index&) = delete;

    /// Whether it has been filled to its end: a new one is not, before the files have been read.
    Result<bool> complete();
    Result<void> set_complete();

    /// All of them or none. One that is there already is replaced. Seen by everybody when it
    /// returns, durable after the next flush().
    Result<void> insert(std::span<const NewInstance> instances);
    /// What has been inserted would survive a power cut.
    Result<void> flush();

    Result<Page> list(
        const Selection& selection, const std::optional<Position>& from, std::size_t limit
    ) override;
    Result<FilePage> files(
        const Selection& selection, const std::optional<Position>& from, std::size_t limit
    ) override;
    Result<std::optional<StoredFile>> find(const Uid& sop_instance) override;
    Result<std::uint64_t> count(const Selection& selection) override;

private:
    struct Inserter;
    class Lease; // a connection for reading, given back at its end

    using Connection = std::unique_ptr<custody::Database>;

    Index(std::filesystem::path file, Connection writer);
    Result<Lease> lease();

    std::filesystem::path file_;
    std::mutex writing_;
    Connection writer_;
    std::unique_ptr<Inserter> inserter_; // its statements end before the connection
    std::mutex idle_mutex_;
    std::vector<Connection> idle_;
};

} // namespace gantry::archive
