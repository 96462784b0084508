// A selection of the catalogue as SQL: conditions, and what stands for their question marks.
// Blocking (it looks UIDs up); one thread at a time.
#pragma once

#include "gateway/custody/database.h"
#include "gateway/origins/archive/catalogue.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace gantry::archive {

/// Tables are named s (study), e (series) and i (instance).
class SelectionQuery {
public:
    /// Errors: unsupported, where a list is too long; database.
    static Result<SelectionQuery> of(custody::Database& database, const Selection& selection);

    /// What follows that position, in the order of Catalogue.
    void after(QueryLevel level, const Position& position);

    const std::string& where() const noexcept { return where_; }

    /// No row can be selected.
    bool impossible() const noexcept { return impossible_; }

    void bind(custody::Statement& statement) const;

private:
    Result<void>
    ids(custody::Database& database,
        const char* table,
        const char* column,
        const std::vector<std::string>& uids);
    void text(const std::string& condition, std::string value);

    std::string where_ = " WHERE 1";
    std::vector<std::variant<std::string, std::int64_t>> values_;
    bool impossible_ = false;
};

} // namespace gantry::archive
