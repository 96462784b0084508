// SQLite, one connection on one thread. Errors stick: after the first one, steps do nothing until
// the transaction is rolled back, so that a sequence of steps reads as a sequence and is judged
// once, at its end. Never builds SQL from values.
#pragma once

#include "gateway/error.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace gantry::custody {

class Database {
public:
    enum class Access : std::uint8_t { read_write, read_only };

    /// Creates the file where needed (mode 0600). Fails: database, not_found (read_only).
    static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file, Access access);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Runs statements without values; a result is discarded.
    void run(const char* sql);
    void begin();
    /// Fails with what went wrong since begin(); nothing of the transaction is kept then.
    Result<void> commit();
    void rollback();
    /// One step among others of a transaction: when it ends with an error of its own (a constraint,
    /// not the disk), only its changes are undone and the error is returned.
    template <std::invocable Step>
    Result<void> attempt(Step&& step);

    bool failed() const { return error_.has_value(); }

    /// What went wrong since begin() or clear().
    Result<void> outcome() const;

    void clear() { error_.reset(); }

    /// Some error meant that the file is not what was written.
    bool corrupt() const { return corrupt_; }

    /// Rows of the last INSERT, UPDATE or DELETE.
    std::int64_t changes() const;

private:
    friend class Statement;

    explicit Database(sqlite3* handle) : handle_(handle) {}

    void fail(int code);
    Result<void> end_attempt();

    sqlite3* handle_;
    std::optional<Error> error_;
    bool own_fault_ = false; // the statement's, not the disk's
    bool corrupt_ = false;
};

/// A prepared statement. bind() in order; rows by step(); columns from 0.
class Statement {
public:
    Statement(Database& database, const char* sql);
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    /// Binds all parameters in order, from the start.
    template <class... Values>
    Statement& with(const Values&... values)
    {
        reset();
        int at = 0;
        (bind(++at, values), ...);
        return *this;
    }

    /// Binds one, from 1: for statements whose number of parameters varies.
    template <class Value>
    Statement& set(int at, const Value& value)
    {
        bind(at, value);
        return *this;
    }

    /// True: there is a row. False: done, or failed.
    bool step();

    /// To the end, without rows.
    void run()
    {
        while (step()) {
        }
    }

    std::int64_t integer(int column) const;
    std::string text(int column) const;
    ConstBytes blob(int column) const;
    bool null(int column) const;
    void reset();

private:
    template <std::integral T>
    void bind(int at, T value)
    {
        bind_integer(at, static_cast<std::int64_t>(value));
    }

    void bind(int at, std::string_view value) { bind_text(at, value); }

    void bind(int at, const std::string& value) { bind_text(at, value); }

    void bind(int at, const char* value) { bind_text(at, value); }

    void bind(int at, ConstBytes value) { bind_blob(at, value); }

    template <class T>
    void bind(int at, const std::optional<T>& value)
    {
        if (value)
            bind(at, *value); // NULL where nothing is bound
    }

    void bind_integer(int at, std::int64_t value);
    void bind_text(int at, std::string_view value);
    void bind_blob(int at, ConstBytes value);

    Database& database_;
    sqlite3_stmt* statement_ = nullptr;
};

template <std::invocable Step>
Result<void> Database::attempt(Step&& step)
{
    run("SAVEPOINT step");
    step();
    return end_attempt();
}

} // namespace gantry::custody
