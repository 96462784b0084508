// SQLite as the archive uses it: a connection, and statements that are finalised by themselves.
// Blocking; one thread at a time per connection.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace gantry::archive {

struct CloseDatabase {
    void operator()(sqlite3* database) const noexcept;
};

struct FinaliseStatement {
    void operator()(sqlite3_stmt* statement) const noexcept;
};

/// A prepared statement. Parameters are bound in order, columns are read by number.
class Statement {
public:
    Statement& bind(std::string_view text);
    Statement& bind(std::int64_t number);
    Statement& bind_blob(ConstBytes bytes);
    Statement& bind_blob(std::string_view bytes);

    /// True: there is a row. Errors: database.
    Result<bool> step();
    /// For statements that give no rows; ready for the next use.
    Result<void> run();
    void reset();

    std::string text(int column) const; // blobs too
    std::int64_t number(int column) const;

private:
    friend class Database;

    explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

    std::unique_ptr<sqlite3_stmt, FinaliseStatement> statement_;
    int bound_ = 0;
};

class Database {
public:
    enum class Use : std::uint8_t { write, read };

    /// write: creates it where needed; WAL, consistent after a power cut but flushed at
    /// checkpoints only (see Index::flush()).
    static Result<Database> open(const std::filesystem::path& file, Use use);

    Result<Statement> prepare(std::string_view sql);
    /// Several statements without parameters.
    Result<void> execute(const std::string& sql);
    std::int64_t last_row() const;

private:
    explicit Database(sqlite3* database) : database_(database) {}

    std::unique_ptr<sqlite3, CloseDatabase> database_;
};

} // namespace gantry::archive
