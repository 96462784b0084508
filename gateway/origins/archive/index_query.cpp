// Reading the index: selections become SQL, rows become values.
#include "gateway/error.h"
#include "gateway/origins/archive/index.h"
#include "gateway/origins/archive/selection_query.h"

#include <cstring>
#include <utility>

namespace gantry::archive {

using custody::Database;
using custody::Statement;

namespace {

constexpr std::size_t max_idle = 8; // connections kept for the next reader

Uid uid_of(const std::string& text)
{
    return Uid::parse(text).value_or(Uid{});
}

} // namespace

class Index::Lease {
public:
    Lease(Index& index, Connection database) : index_(&index), database_(std::move(database)) {}

    Lease(Lease&& other) noexcept
        : index_(std::exchange(other.index_, nullptr)), database_(std::move(other.database_))
    {
    }

    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Lease& operator=(Lease&&) = delete;

    ~Lease()
    {
        if (index_ == nullptr)
            return;
        const std::lock_guard lock(index_->idle_mutex_);
        if (!database_->failed() && index_->idle_.size() < max_idle)
            index_->idle_.push_back(std::move(database_));
    }

    Database& database() { return *database_; }

private:
    Index* index_;
    Connection database_;
};

Result<Index::Lease> Index::lease()
{
    {
        const std::lock_guard lock(idle_mutex_);
        if (!idle_.empty()) {
            Connection database = std::move(idle_.back());
            idle_.pop_back();
            return Lease(*this, std::move(database));
        }
    }
    auto opened = Database::open(file_, Database::Access::read_only);
    if (!opened)
        return opened.error();
    return Lease(*this, std::move(*opened));
}

namespace {

std::string from(QueryLevel level)
{
    if (level == QueryLevel::study)
        return " FROM study s";
    if (level == QueryLevel::series)
        return " FROM series e JOIN study s ON s.id = e.study";
    return " FROM instance i JOIN series e ON e.id = i.series JOIN study s ON s.id = i.study";
}

std::string order(QueryLevel level)
{
    if (level == QueryLevel::study)
        return " ORDER BY s.date DESC, s.time DESC, s.id DESC";
    if (level == QueryLevel::series)
        return " ORDER BY e.study, e.number, e.id";
    return " ORDER BY i.study, i.series, i.number, i.id";
}

constexpr int position_columns = 6;

std::string position_of(QueryLevel level)
{
    if (level == QueryLevel::study)
        return "s.date, s.time, s.id, 0, 0, 0";
    if (level == QueryLevel::series)
        return "'', '', e.study, 0, e.number, e.id";
    return "'', '', i.study, i.series, i.number, i.id";
}

Position read_position(const Statement& row)
{
    return {
        row.text(0), row.text(1), row.integer(2), row.integer(3), row.integer(4), row.integer(5)
    };
}

std::string row_columns(QueryLevel level)
{
    const bool study = level == QueryLevel::study;
    const bool image = level == QueryLevel::image;
    std::string out = ", s.attributes, ";
    out += study ? "''" : "e.attributes";
    out += image ? ", i.attributes" : ", ''";
    out += ", (SELECT group_concat(modality, '\\') FROM (SELECT DISTINCT modality FROM series"
           " WHERE study = s.id AND modality <> '' ORDER BY modality))";
    out += ", s.series, s.instances, ";
    out += study ? "0" : "e.instances";
    out += image ? ", i.transfer_syntax" : ", ''";
    return out;
}

std::string blob(const Statement& row, int column)
{
    const ConstBytes bytes = row.blob(column);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Row read_row(const Statement& row)
{
    constexpr int at = position_columns;
    Row out;
    out.study_attributes = blob(row, at);
    out.series_attributes = blob(row, at + 1);
    out.instance_attributes = blob(row, at + 2);
    out.modalities = row.text(at + 3);
    out.study_series = static_cast<std::uint64_t>(row.integer(at + 4));
    out.study_instances = static_cast<std::uint64_t>(row.integer(at + 5));
    out.series_instances = static_cast<std::uint64_t>(row.integer(at + 6));
    out.transfer_syntax = uid_of(row.text(at + 7));
    return out;
}

constexpr const char* file_columns = "s.uid, e.uid, i.uid, i.sop_class, i.transfer_syntax,"
                                     " i.source, i.data_offset, i.length, i.digest";

StoredFile read_file(const Statement& row, int at)
{
    StoredFile out;
    out.key.study = uid_of(row.text(at));
    out.key.series = uid_of(row.text(at + 1));
    out.key.sop = {uid_of(row.text(at + 3)), uid_of(row.text(at + 2))};
    out.key.transfer_syntax = uid_of(row.text(at + 4));
    out.source = AeTitle::parse(row.text(at + 5)).value_or(AeTitle{});
    out.offset = static_cast<std::uint64_t>(row.integer(at + 6));
    out.length = {static_cast<std::uint64_t>(row.integer(at + 7))};
    const ConstBytes digest = row.blob(at + 8);
    if (digest.size() == out.digest.size())
        std::memcpy(out.digest.data(), digest.data(), digest.size());
    return out;
}

/// One page of a listing, what `columns` of each row says taken by `take`.
struct Listing {
    QueryLevel level;
    std::string columns;
    std::size_t limit;
};

template <class Take>
Result<std::optional<Position>>
list_page(Database& database, const SelectionQuery& query, const Listing& listing, Take take)
{
    const std::string sql = "SELECT " + position_of(listing.level) + listing.columns +
                            from(listing.level) + query.where() + order(listing.level) + " LIMIT " +
                            std::to_string(listing.limit);
    Statement rows(database, sql.c_str());
    query.bind(rows);
    std::optional<Position> last;
    std::size_t count = 0;
    for (; rows.step(); ++count) {
        take(rows);
        last = read_position(rows);
    }
    if (const auto read = database.outcome(); !read)
        return read.error();
    if (count < listing.limit)
        last.reset();
    return last;
}

} // namespace

Result<Page>
Index::list(const Selection& selection, const std::optional<Position>& position, std::size_t limit)
{
    auto reader = lease();
    if (!reader)
        return reader.error();
    auto query = SelectionQuery::of(reader->database(), selection);
    if (!query)
        return query.error();
    Page page;
    if (query->impossible())
        return page;
    if (position)
        query->after(selection.level, *position);
    const Listing listing{selection.level, row_columns(selection.level), limit};
    auto next = list_page(reader->database(), *query, listing, [&](const Statement& row) {
        page.rows.push_back(read_row(row));
    });
    if (!next)
        return next.error();
    page.next = std::move(*next);
    return page;
}

Result<FilePage>
Index::files(const Selection& selection, const std::optional<Position>& position, std::size_t limit)
{
    auto reader = lease();
    if (!reader)
        return reader.error();
    auto query = SelectionQuery::of(reader->database(), selection);
    if (!query)
        return query.error();
    FilePage page;
    if (query->impossible())
        return page;
    if (position)
        query->after(QueryLevel::image, *position);
    const Listing listing{QueryLevel::image, std::string(", ") + file_columns, limit};
    auto next = list_page(reader->database(), *query, listing, [&](const Statement& row) {
        page.files.push_back(read_file(row, position_columns));
    });
    if (!next)
        return next.error();
    page.next = std::move(*next);
    return page;
}

Result<std::optional<StoredFile>> Index::find(const Uid& sop_instance)
{
    auto reader = lease();
    if (!reader)
        return reader.error();
    const std::string sql =
        "SELECT " + std::string(file_columns) + from(QueryLevel::image) + " WHERE i.uid = ?";
    Statement asked(reader->database(), sql.c_str());
    std::optional<StoredFile> found;
    if (asked.with(sop_instance.str()).step())
        found = read_file(asked, 0);
    if (const auto read = reader->database().outcome(); !read)
        return read.error();
    return found;
}

Result<std::uint64_t> Index::count(const Selection& selection)
{
    auto reader = lease();
    if (!reader)
        return reader.error();
    auto query = SelectionQuery::of(reader->database(), selection);
    if (!query)
        return query.error();
    if (query->impossible())
        return 0U;
    const std::string sql = "SELECT count(*)" + from(selection.level) + query->where();
    Statement asked(reader->database(), sql.c_str());
    query->bind(asked);
    if (!asked.step())
        return error(Errc::database, "counting");
    return static_cast<std::uint64_t>(asked.integer(0));
}

} // namespace gantry::archive
