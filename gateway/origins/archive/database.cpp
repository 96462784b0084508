#include "gateway/origins/archive/database.h"

#include "gateway/error.h"

#include <sqlite3.h>

namespace gantry::archive {

namespace {

constexpr int busy_timeout_ms = 10'000;

Error database_error(sqlite3* database, const char* doing)
{
    // Messages name tables and columns, never values.
    return error(Errc::database, std::string(doing) + ": " + sqlite3_errmsg(database));
}

} // namespace

void CloseDatabase::operator()(sqlite3* database) const noexcept
{
    sqlite3_close_v2(database);
}

void FinaliseStatement::operator()(sqlite3_stmt* statement) const noexcept
{
    sqlite3_finalize(statement);
}

Statement& Statement::bind(std::string_view text)
{
    const auto size = static_cast<sqlite3_uint64>(text.size());
    const char* data = text.data() != nullptr ? text.data() : "";
    sqlite3_bind_text64(
        statement_.get(), ++bound_, data, size, SQLITE_TRANSIENT, SQLITE_UTF8 // NOLINT: its cast
    );
    return *this;
}

Statement& Statement::bind(std::int64_t number)
{
    sqlite3_bind_int64(statement_.get(), ++bound_, number);
    return *this;
}

Statement& Statement::bind_blob(ConstBytes bytes)
{
    return bind_blob(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Statement& Statement::bind_blob(std::string_view bytes)
{
    const auto size = static_cast<sqlite3_uint64>(bytes.size());
    const char* data = bytes.data() != nullptr ? bytes.data() : "";
    sqlite3_bind_blob64(statement_.get(), ++bound_, data, size, SQLITE_TRANSIENT); // NOLINT
    return *this;
}

Result<bool> Statement::step()
{
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW)
        return true;
    if (code == SQLITE_DONE)
        return false;
    return database_error(sqlite3_db_handle(statement_.get()), "reading the index");
}

Result<void> Statement::run()
{
    const auto done = step();
    reset();
    if (!done)
        return done.error();
    return {};
}

void Statement::reset()
{
    sqlite3_reset(statement_.get());
    bound_ = 0;
}

std::string Statement::text(int column) const
{
    const void* data = sqlite3_column_blob(statement_.get(), column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

std::int64_t Statement::number(int column) const
{
    return sqlite3_column_int64(statement_.get(), column);
}

Result<Database> Database::open(const std::filesystem::path& file, Use use)
{
    const int flags =
        use == Use::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(file.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database(raw);
    if (code != SQLITE_OK)
        return database_error(raw, "opening the index");
    sqlite3_busy_timeout(raw, busy_timeout_ms);
    if (use == Use::write) {
        const auto set = database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                                          "PRAGMA foreign_keys = ON;");
        if (!set)
            return set.error();
    }
    return database;
}

Result<Statement> Database::prepare(std::string_view sql)
{
    sqlite3_stmt* raw = nullptr;
    const int size = static_cast<int>(sql.size());
    if (sqlite3_prepare_v2(database_.get(), sql.data(), size, &raw, nullptr) != SQLITE_OK)
        return database_error(database_.get(), "asking the index");
    return Statement(raw);
}

Result<void> Database::execute(const std::string& sql)
{
    if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        return database_error(database_.get(), "writing the index");
    return {};
}

std::int64_t Database::last_row() const
{
    return sqlite3_last_insert_rowid(database_.get());
}

} // namespace gantry::archive
