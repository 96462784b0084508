#include "gateway/custody/database.h"

#include <sqlite3.h>

#include <array>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace gantry::custody {

namespace {

// What another attempt, or another disk, would not cure.
bool statement_at_fault(int code)
{
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
    case SQLITE_MISUSE:
    case SQLITE_ERROR: return true;
    default: return false;
    }
}

Error database_error(sqlite3* handle, int code)
{
    std::string detail = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
    detail += " (" + std::to_string(code) + ")";
    return error(Errc::database, std::move(detail));
}

} // namespace

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file, Access access)
{
    const bool read_only = access == Access::read_only;
    if (read_only && !std::filesystem::exists(file))
        return error(Errc::not_found, file.string());
    if (!read_only) // SQLite would take the process's umask
        if (const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); fd >= 0)
            ::close(fd);
    sqlite3* handle = nullptr;
    const int flags =
        (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX;
    const int code = sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
    std::unique_ptr<Database> database(new Database(handle)); // NOLINT: private constructor
    if (code != SQLITE_OK)
        return database_error(handle, code);
    sqlite3_extended_result_codes(handle, 1);
    constexpr int busy_ms = 1'000; // only another process that repairs or copies the file
    sqlite3_busy_timeout(handle, busy_ms);
    return database;
}

Database::~Database()
{
    sqlite3_close_v2(handle_);
}

void Database::run(const char* sql)
{
    if (failed())
        return;
    if (const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr); code != SQLITE_OK)
        fail(code);
}

void Database::begin()
{
    clear();
    run("BEGIN IMMEDIATE");
}

Result<void> Database::commit()
{
    run("COMMIT");
    auto done = outcome();
    if (!done)
        rollback();
    return done;
}

void Database::rollback()
{
    if (sqlite3_get_autocommit(handle_) == 0)
        sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
    clear();
}

Result<void> Database::outcome() const
{
    return error_ ? Result<void>(*error_) : Result<void>();
}

Result<void> Database::end_attempt()
{
    if (!failed()) {
        run("RELEASE step");
        return outcome();
    }
    auto why = outcome();
    if (own_fault_) {
        clear();
        run("ROLLBACK TO step");
        run("RELEASE step");
    }
    return why;
}

void Database::fail(int code)
{
    if (failed())
        return;
    error_ = database_error(handle_, code);
    own_fault_ = statement_at_fault(code);
    corrupt_ = corrupt_ || (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

std::int64_t Database::changes() const
{
    return sqlite3_changes64(handle_);
}

Statement::Statement(Database& database, const char* sql) : database_(database)
{
    if (database_.failed())
        return;
    const int code = sqlite3_prepare_v3(
        database_.handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr
    );
    if (code != SQLITE_OK)
        database_.fail(code);
}

Statement::~Statement()
{
    sqlite3_finalize(statement_);
}

bool Statement::step()
{
    if (database_.failed()) {
        reset();
        return false;
    }
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        database_.fail(code);
    sqlite3_reset(statement_);
    return false;
}

void Statement::reset()
{
    if (statement_ == nullptr) // it could not be prepared, and says so when it is stepped
        return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

std::int64_t Statement::integer(int column) const
{
    return sqlite3_column_int64(statement_, column);
}

std::string Statement::text(int column) const
{
    const auto* text = sqlite3_column_text(statement_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return text != nullptr ? std::string(reinterpret_cast<const char*>(text), size) : std::string();
}

ConstBytes Statement::blob(int column) const
{
    const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::null(int column) const
{
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Statement::bind_integer(int at, std::int64_t value)
{
    if (const int code = sqlite3_bind_int64(statement_, at, value); code != SQLITE_OK)
        database_.fail(code);
}

void Statement::bind_text(int at, std::string_view value)
{
    const int code = sqlite3_bind_text64(
        statement_, at, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8
    );
    if (code != SQLITE_OK)
        database_.fail(code);
}

void Statement::bind_blob(int at, ConstBytes value)
{
    const int code =
        sqlite3_bind_blob64(statement_, at, value.data(), value.size(), SQLITE_TRANSIENT);
    if (code != SQLITE_OK)
        database_.fail(code);
}

} // namespace gantry::custody
