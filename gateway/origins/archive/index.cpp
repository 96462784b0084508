#include "gateway/origins/archive/index.h"

#include "gateway/custody/file.h"
#include "gateway/error.h"

#include <fcntl.h>
#include <utility>

namespace gantry::archive {

using custody::Database;
using custody::Statement;

namespace {

constexpr std::int64_t schema_version = 1;
constexpr std::int64_t complete_mark = 0x676e7479; // "gnty"

constexpr const char* schema = R"(
BEGIN;
CREATE TABLE study (
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, patient_id TEXT NOT NULL,
    accession_number TEXT NOT NULL, date TEXT NOT NULL, time TEXT NOT NULL,
    series INTEGER NOT NULL DEFAULT 0, instances INTEGER NOT NULL DEFAULT 0,
    attributes BLOB NOT NULL) STRICT;
CREATE INDEX study_newest ON study (date, time, id);
CREATE INDEX study_patient ON study (patient_id);
CREATE INDEX study_accession ON study (accession_number);
CREATE TABLE series (
    id INTEGER PRIMARY KEY, study INTEGER NOT NULL REFERENCES study (id), uid TEXT NOT NULL,
    modality TEXT NOT NULL, number INTEGER NOT NULL, instances INTEGER NOT NULL DEFAULT 0,
    attributes BLOB NOT NULL, UNIQUE (uid, study)) STRICT;
CREATE INDEX series_order ON series (study, number, id);
CREATE TABLE instance (
    id INTEGER PRIMARY KEY, study INTEGER NOT NULL REFERENCES study (id),
    series INTEGER NOT NULL REFERENCES series (id), uid TEXT NOT NULL UNIQUE,
    sop_class TEXT NOT NULL, transfer_syntax TEXT NOT NULL, source TEXT NOT NULL,
    number INTEGER NOT NULL, data_offset INTEGER NOT NULL, length INTEGER NOT NULL,
    digest BLOB NOT NULL, received_ms INTEGER NOT NULL, attributes BLOB NOT NULL) STRICT;
CREATE INDEX instance_order ON instance (study, series, number, id);
CREATE INDEX instance_series ON instance (series);
CREATE TRIGGER series_in AFTER INSERT ON series BEGIN
    UPDATE study SET series = series + 1 WHERE id = NEW.study;
END;
CREATE TRIGGER instance_in AFTER INSERT ON instance BEGIN
    UPDATE series SET instances = instances + 1 WHERE id = NEW.series;
    UPDATE study SET instances = instances + 1 WHERE id = NEW.study;
END;
CREATE TRIGGER instance_out AFTER DELETE ON instance BEGIN
    UPDATE series SET instances = instances - 1 WHERE id = OLD.series;
    UPDATE study SET instances = instances - 1 WHERE id = OLD.study;
END;
PRAGMA user_version = 1;
COMMIT;
)";

ConstBytes bytes_of(const std::string& text)
{
    return std::as_bytes(std::span(text));
}

/// Errors: newer_schema; damaged, where the file is not what was written; database.
Result<void> use_schema(Database& database)
{
    // A power cut leaves it consistent and may take the last commits: see flush().
    database.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                 "PRAGMA foreign_keys = ON");
    std::int64_t version = 0;
    {
        Statement asked(database, "PRAGMA user_version");
        if (asked.step())
            version = asked.integer(0);
    }
    if (version > schema_version)
        return error(Errc::newer_schema, "archive index");
    if (version == 0)
        database.run(schema);
    if (database.corrupt())
        return error(Errc::damaged, database.outcome().error().detail);
    return database.outcome();
}

/// The id of the row that a statement finds or adds; 0 where it does not.
std::int64_t id_of(Statement& statement)
{
    const std::int64_t id = statement.step() ? statement.integer(0) : 0;
    statement.reset();
    return id;
}

} // namespace

/// The statements of insert(), prepared once.
struct Index::Inserter {
    explicit Inserter(Database& database);

    std::int64_t study(const NewInstance& one);
    std::int64_t series(const NewInstance& one, std::int64_t study);
    void instance(const NewInstance& one, std::int64_t study, std::int64_t series);

    Statement find_study;
    Statement add_study;
    Statement find_series;
    Statement add_series;
    Statement remove;
    Statement add;
};

Index::Inserter::Inserter(Database& database)
    : find_study(database, "SELECT id FROM study WHERE uid = ?"),
      add_study(
          database,
          "INSERT INTO study (uid, patient_id, accession_number, date, time, attributes)"
          " VALUES (?, ?, ?, ?, ?, ?) RETURNING id"
      ),
      find_series(database, "SELECT id FROM series WHERE uid = ? AND study = ?"),
      add_series(
          database,
          "INSERT INTO series (study, uid, modality, number, attributes)"
          " VALUES (?, ?, ?, ?, ?) RETURNING id"
      ),
      remove(database, "DELETE FROM instance WHERE uid = ?"),
      add(database,
          "INSERT INTO instance (study, series, uid, sop_class, transfer_syntax, source, number,"
          " data_offset, length, digest, received_ms, attributes)"
          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
{
}

std::int64_t Index::Inserter::study(const NewInstance& one)
{
    const std::string& uid = one.file.key.study.str();
    if (const std::int64_t id = id_of(find_study.with(uid)); id != 0)
        return id;
    const Attributes& of = one.attributes;
    add_study.with(
        uid, of.patient_id, of.accession_number, of.study_date, of.study_time, bytes_of(of.study)
    );
    return id_of(add_study);
}

std::int64_t Index::Inserter::series(const NewInstance& one, std::int64_t study)
{
    const std::string& uid = one.file.key.series.str();
    if (const std::int64_t id = id_of(find_series.with(uid, study)); id != 0)
        return id;
    const Attributes& of = one.attributes;
    add_series.with(study, uid, of.modality, of.series_number, bytes_of(of.series));
    return id_of(add_series);
}

void Index::Inserter::instance(const NewInstance& one, std::int64_t study, std::int64_t series)
{
    const StoredFile& file = one.file;
    remove.with(file.key.sop.sop_instance.str()).run();
    add.with(
           study,
           series,
           file.key.sop.sop_instance.str(),
           file.key.sop.sop_class.str(),
           file.key.transfer_syntax.str(),
           file.source.str(),
           one.attributes.instance_number,
           file.offset,
           file.length.count,
           ConstBytes(file.digest),
           one.received.time_since_epoch().count(),
           bytes_of(one.attributes.instance)
    )
        .run();
}

Index::Index(std::filesystem::path file, Connection writer)
    : file_(std::move(file)),
      writer_(std::move(writer)),
      inserter_(std::make_unique<Inserter>(*writer_))
{
}

Index::~Index() = default;

Result<std::unique_ptr<Index>> Index::open(std::filesystem::path file)
{
    auto writer = Database::open(file, Database::Access::read_write);
    if (!writer)
        return writer.error();
    if (const auto usable = use_schema(**writer); !usable)
        return usable.error();
    std::unique_ptr<Index> index(new Index(std::move(file), std::move(*writer)));
    if (const auto ready = index->writer_->outcome(); !ready)
        return error(Errc::damaged, ready.error().detail); // it says it is ours, and is not
    return index;
}

Result<bool> Index::complete()
{
    const std::lock_guard lock(writing_);
    writer_->clear();
    Statement asked(*writer_, "PRAGMA application_id");
    if (!asked.step())
        return error(Errc::database, "application_id");
    return asked.integer(0) == complete_mark;
}

Result<void> Index::set_complete()
{
    const std::lock_guard lock(writing_);
    writer_->clear();
    writer_->run(("PRAGMA application_id = " + std::to_string(complete_mark)).c_str());
    return writer_->outcome();
}

Result<void> Index::insert(std::span<const NewInstance> instances)
{
    const std::lock_guard lock(writing_);
    writer_->begin();
    for (const NewInstance& one : instances) {
        const std::int64_t study = inserter_->study(one);
        const std::int64_t series = inserter_->series(one, study);
        inserter_->instance(one, study, series);
    }
    return writer_->commit();
}

/// A commit is in the write-ahead log, or by a checkpoint already in the database.
Result<void> Index::flush()
{
    const std::lock_guard lock(writing_);
    auto folder = custody::open_folder(file_.parent_path());
    if (!folder)
        return folder.error();
    const std::string log_name = file_.filename().string() + "-wal";
    const auto log = custody::open_at(*folder, log_name, O_RDONLY);
    if (!log)
        return log.error();
    return custody::sync_data(*log);
}

} // namespace gantry::archive
