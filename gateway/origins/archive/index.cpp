#include "gateway/origins/archive/index.h"

#include "gateway/custody/file.h"
#include "gateway/error.h"

#include <fcntl.h>
#include <utility>

namespace gantry::archive {

namespace {

constexpr std::int64_t schema_version = 1;
constexpr std::int64_t complete_mark = 0x676e7479; // "gnty"

const std::string schema = R"(
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

/// An error where the file is no database of ours.
Result<void> use_schema(Database& database)
{
    std::int64_t version = 0;
    {
        auto asked = database.prepare("PRAGMA user_version");
        if (!asked)
            return error(Errc::damaged, asked.error().detail);
        const auto row = asked->step();
        if (!row)
            return error(Errc::damaged, row.error().detail);
        version = asked->number(0);
    }
    if (version > schema_version)
        return error(Errc::newer_schema, "archive index");
    if (version == 0)
        return database.execute(schema);
    return {};
}

} // namespace

/// The statements of insert(), prepared once.
struct Index::Inserter {
    Statement begin;
    Statement commit;
    Statement roll_back;
    Statement find_study;
    Statement add_study;
    Statement find_series;
    Statement add_series;
    Statement remove;
    Statement add;

    static Result<std::unique_ptr<Inserter>> prepare(Database& database);
    Result<std::int64_t> study(const NewInstance& one, const Database& database);
    Result<std::int64_t>
    series(const NewInstance& one, std::int64_t study, const Database& database);
    Result<void> instance(const NewInstance& one, std::int64_t study, std::int64_t series);
};

Result<std::unique_ptr<Index::Inserter>> Index::Inserter::prepare(Database& database)
{
    constexpr std::string_view texts[] = {
        "BEGIN IMMEDIATE",
        "COMMIT",
        "ROLLBACK",
        "SELECT id FROM study WHERE uid = ?",
        "INSERT INTO study (uid, patient_id, accession_number, date, time, attributes)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        "SELECT id FROM series WHERE uid = ? AND study = ?",
        "INSERT INTO series (study, uid, modality, number, attributes) VALUES (?, ?, ?, ?, ?)",
        "DELETE FROM instance WHERE uid = ?",
        "INSERT INTO instance (study, series, uid, sop_class, transfer_syntax, source, number,"
        " data_offset, length, digest, received_ms, attributes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    };
    std::vector<Statement> ready;
    for (const std::string_view text : texts) {
        auto statement = database.prepare(text);
        if (!statement)
            return statement.error();
        ready.push_back(std::move(*statement));
    }
    return std::unique_ptr<Inserter>(new Inserter{
        std::move(ready[0]),
        std::move(ready[1]),
        std::move(ready[2]),
        std::move(ready[3]),
        std::move(ready[4]),
        std::move(ready[5]),
        std::move(ready[6]),
        std::move(ready[7]),
        std::move(ready[8])
    });
}

Result<std::int64_t> Index::Inserter::study(const NewInstance& one, const Database& database)
{
    const auto there = find_study.bind(one.file.key.study.str()).step();
    const std::int64_t id = there && *there ? find_study.number(0) : 0;
    find_study.reset();
    if (!there)
        return there.error();
    if (*there)
        return id;
    const Attributes& of = one.attributes;
    add_study.bind(one.file.key.study.str()).bind(of.patient_id).bind(of.accession_number);
    const auto added = add_study.bind(of.study_date)
                           .bind(of.study_time)
                           .bind_blob(std::string_view(of.study))
                           .run();
    if (!added)
        return added.error();
    return database.last_row();
}

Result<std::int64_t>
Index::Inserter::series(const NewInstance& one, std::int64_t study, const Database& database)
{
    const auto there = find_series.bind(one.file.key.series.str()).bind(study).step();
    const std::int64_t id = there && *there ? find_series.number(0) : 0;
    find_series.reset();
    if (!there)
        return there.error();
    if (*there)
        return id;
    const Attributes& of = one.attributes;
    add_series.bind(study).bind(one.file.key.series.str()).bind(of.modality).bind(of.series_number);
    const auto added = add_series.bind_blob(std::string_view(of.series)).run();
    if (!added)
        return added.error();
    return database.last_row();
}

Result<void>
Index::Inserter::instance(const NewInstance& one, std::int64_t study, std::int64_t series)
{
    const StoredFile& file = one.file;
    if (const auto gone = remove.bind(file.key.sop.sop_instance.str()).run(); !gone)
        return gone.error();
    add.bind(study).bind(series).bind(file.key.sop.sop_instance.str());
    add.bind(file.key.sop.sop_class.str()).bind(file.key.transfer_syntax.str());
    add.bind(file.source.str()).bind(one.attributes.instance_number);
    add.bind(static_cast<std::int64_t>(file.offset));
    add.bind(static_cast<std::int64_t>(file.length.count)).bind_blob(ConstBytes(file.digest));
    add.bind(one.received.time_since_epoch().count());
    return add.bind_blob(std::string_view(one.attributes.instance)).run();
}

Index::Index(std::filesystem::path file, Database writer, std::unique_ptr<Inserter> inserter)
    : file_(std::move(file)), writer_(std::move(writer)), inserter_(std::move(inserter))
{
}

Index::~Index() = default;

Result<std::unique_ptr<Index>> Index::open(std::filesystem::path file)
{
    auto writer = Database::open(file, Database::Use::write);
    if (!writer)
        return error(Errc::damaged, writer.error().detail);
    if (const auto usable = use_schema(*writer); !usable)
        return usable.error();
    auto inserter = Inserter::prepare(*writer);
    if (!inserter)
        return error(Errc::damaged, inserter.error().detail);
    return std::unique_ptr<Index>(
        new Index(std::move(file), std::move(*writer), std::move(*inserter))
    );
}

Result<bool> Index::complete()
{
    const std::lock_guard lock(writing_);
    auto asked = writer_.prepare("PRAGMA application_id");
    if (!asked)
        return asked.error();
    const auto row = asked->step();
    if (!row)
        return row.error();
    return asked->number(0) == complete_mark;
}

Result<void> Index::set_complete()
{
    const std::lock_guard lock(writing_);
    return writer_.execute("PRAGMA application_id = " + std::to_string(complete_mark));
}

Result<void> Index::insert(std::span<const NewInstance> instances)
{
    const std::lock_guard lock(writing_);
    if (const auto begun = inserter_->begin.run(); !begun)
        return begun.error();
    const auto all = [&]() -> Result<void> {
        for (const NewInstance& one : instances) {
            const auto study = inserter_->study(one, writer_);
            if (!study)
                return study.error();
            const auto series = inserter_->series(one, *study, writer_);
            if (!series)
                return series.error();
            if (const auto added = inserter_->instance(one, *study, *series); !added)
                return added.error();
        }
        return inserter_->commit.run();
    }();
    if (!all)
        (void)inserter_->roll_back.run();
    return all;
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
