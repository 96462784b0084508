#include "gateway/custody/queue_open.h"

#include "gateway/custody/file.h"
#include "gateway/custody/schema.h"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <string>
#include <system_error>
#include <utility>

namespace gantry::custody {

namespace {

// Smaller ones are read whole at every start; larger ones where there is reason for it.
constexpr std::uintmax_t always_checked = 64ULL << 20U;

std::filesystem::path beside(const std::filesystem::path& file, const std::string& suffix)
{
    return file.string() + suffix;
}

bool check_wanted(const std::filesystem::path& file)
{
    std::error_code none;
    const auto size = std::filesystem::file_size(file, none);
    return (!none && size <= always_checked) || std::filesystem::exists(beside(file, ".suspect"));
}

// False: damaged. Other errors stay with the database.
bool intact(Database& database)
{
    Statement check(database, "PRAGMA quick_check(1)");
    return !check.step() || check.text(0) == "ok";
}

Result<void> set_up(Database& database, const std::filesystem::path& file)
{
    database.clear();
    // Before the mode is set: a file that is no database shows here.
    if (check_wanted(file) && !intact(database))
        return error(Errc::damaged, file.string());
    std::error_code ignored;
    std::filesystem::remove(beside(file, ".suspect"), ignored);
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA synchronous = FULL");
    database.run("PRAGMA wal_autocheckpoint = 2000");
    database.run("PRAGMA journal_size_limit = 67108864");
    database.run("PRAGMA cache_size = -8000");
    if (auto ready = database.outcome(); !ready)
        return ready;
    return migrate(database);
}

Result<std::unique_ptr<Database>> open_database(const std::filesystem::path& file, bool& damaged)
{
    auto database = Database::open(file, Database::Access::read_write);
    if (!database)
        return database.error();
    if (auto ready = set_up(**database, file); !ready) {
        damaged = (*database)->corrupt() || ready.error().code == make_error_code(Errc::damaged);
        return ready.error();
    }
    const auto folder = open_folder(std::filesystem::absolute(file).parent_path());
    if (!folder)
        return folder.error();
    if (auto synced = sync_folder(*folder); !synced)
        return synced.error();
    return database;
}

// Kept for whoever wants to look into it; never read again.
void move_aside(const std::filesystem::path& file, const Clock& clock)
{
    const std::string mark = ".damaged-" + std::to_string(clock.wall().time_since_epoch().count());
    for (const char* part : {"", "-wal", "-shm"}) {
        std::error_code ignored;
        std::filesystem::rename(beside(file, part), beside(file, mark + part), ignored);
    }
    std::error_code ignored;
    std::filesystem::remove(beside(file, ".suspect"), ignored);
}

Result<std::unique_ptr<QueueWorker>>
try_open(const QueueOptions& options, Spool& spool, const Clock& clock, bool& damaged)
{
    auto opened = open_database(options.database, damaged);
    if (!opened)
        return opened.error();
    Database& database = **opened;
    auto worker = std::make_unique<QueueWorker>(options, std::move(*opened), spool, clock);
    if (auto ready = worker->prepare(); !ready) {
        damaged = database.corrupt();
        return ready.error();
    }
    return worker;
}

} // namespace

void mark_suspect(const std::filesystem::path& database)
{
    const auto folder = open_folder(std::filesystem::absolute(database).parent_path());
    if (!folder)
        return;
    const auto mark =
        open_at(*folder, database.filename().string() + ".suspect", O_WRONLY | O_CREAT);
    if (!mark || !sync_folder(*folder))
        spdlog::error("could not note that the queue is damaged file={}", database.string());
}

Result<std::unique_ptr<QueueWorker>>
open_worker(const QueueOptions& options, Spool& spool, const Clock& clock)
{
    bool damaged = false;
    auto worker = try_open(options, spool, clock, damaged);
    if (worker || !damaged)
        return worker;
    spdlog::error(
        "the queue's database is damaged: moved aside and built anew from the spool; what was "
        "delivered lately may be delivered again, the ledger and holds are lost file={} "
        "reason=\"{}\"",
        options.database.string(),
        worker.error().text()
    );
    move_aside(options.database, clock);
    return try_open(options, spool, clock, damaged);
}

} // namespace gantry::custody
