#include "gateway/origins/archive/selection_query.h"

#include "gateway/error.h"

#include <utility>

namespace gantry::archive {

using custody::Database;
using custody::Statement;

namespace {

constexpr std::size_t max_uids = 10'000; // in one list

std::string marks(std::size_t count)
{
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
        out += i == 0 ? "?" : ", ?";
    return out;
}

} // namespace

void SelectionQuery::text(const std::string& condition, std::string value)
{
    where_ += " AND " + condition;
    values_.emplace_back(std::move(value));
}

void SelectionQuery::bind(Statement& statement) const
{
    int at = 0;
    for (const auto& value : values_)
        std::visit([&](const auto& one) { statement.set(++at, one); }, value);
}

/// Rows of a table by their UIDs become conditions on its number, so that the order of the listing
/// is that of an index.
Result<void> SelectionQuery::ids(
    Database& database, const char* table, const char* column, const std::vector<std::string>& uids
)
{
    if (uids.empty())
        return {};
    if (uids.size() > max_uids)
        return error(Errc::unsupported, "more than 10000 UIDs in a list");
    const std::string sql =
        "SELECT id FROM " + std::string(table) + " WHERE uid IN (" + marks(uids.size()) + ")";
    Statement asked(database, sql.c_str());
    for (std::size_t i = 0; i < uids.size(); ++i)
        asked.set(static_cast<int>(i) + 1, uids[i]);
    std::vector<std::int64_t> found;
    while (asked.step())
        found.push_back(asked.integer(0));
    if (const auto read = database.outcome(); !read)
        return read;
    impossible_ = impossible_ || found.empty();
    where_ += " AND " + std::string(column) + " IN (" + marks(found.size()) + ")";
    values_.insert(values_.end(), found.begin(), found.end());
    return {};
}

Result<SelectionQuery> SelectionQuery::of(Database& database, const Selection& selection)
{
    const bool study = selection.level == QueryLevel::study;
    const bool image = selection.level == QueryLevel::image;
    SelectionQuery query;
    const char* study_column = study ? "s.id" : image ? "i.study" : "e.study";
    if (const auto ok = query.ids(database, "study", study_column, selection.studies); !ok)
        return ok.error();
    if (!study) {
        const char* column = image ? "i.series" : "e.id";
        if (const auto ok = query.ids(database, "series", column, selection.series); !ok)
            return ok.error();
    }
    if (image) {
        if (const auto ok = query.ids(database, "instance", "i.id", selection.instances); !ok)
            return ok.error();
    }
    if (selection.patient_id)
        query.text("s.patient_id = ?", *selection.patient_id);
    if (selection.accession_number)
        query.text("s.accession_number = ?", *selection.accession_number);
    if (!selection.first_date.empty())
        query.text("s.date >= ?", selection.first_date);
    if (!selection.last_date.empty())
        query.text("s.date <= ? AND s.date <> ''", selection.last_date);
    return query;
}

void SelectionQuery::after(QueryLevel level, const Position& position)
{
    if (level == QueryLevel::study) {
        where_ += " AND (s.date, s.time, s.id) < (?, ?, ?)";
        values_.emplace_back(position.date);
        values_.emplace_back(position.time);
        values_.emplace_back(position.study);
        return;
    }
    if (level == QueryLevel::series) {
        where_ += " AND (e.study, e.number, e.id) > (?, ?, ?)";
        values_.emplace_back(position.study);
    } else {
        where_ += " AND (i.study, i.series, i.number, i.id) > (?, ?, ?, ?)";
        values_.emplace_back(position.study);
        values_.emplace_back(position.series);
    }
    values_.emplace_back(position.number);
    values_.emplace_back(position.id);
}

} // namespace gantry::archive
