#include "mapping/identifier.h"
#include "mapping/query_keys.h"
#include "support/data_sets.h"

#include <doctest/doctest.h>

#include <vector>

using namespace gantry;
using gantry::mapping::IdentifierRules;
using gantry::tests::data_set;
using gantry::tests::lines_of;

namespace {

const char* const patient_root_find = "1.2.840.10008.5.1.4.1.2.1.1";
const char* const study_root_find = "1.2.840.10008.5.1.4.1.2.2.1";
const char* const patient_study_find = "1.2.840.10008.5.1.4.1.2.3.1";
const char* const patient_root_move = "1.2.840.10008.5.1.4.1.2.1.2";
const char* const study_root_get = "1.2.840.10008.5.1.4.1.2.2.3";

constexpr IdentifierRules strict{};
constexpr IdentifierRules lenient{true, false, false};
constexpr IdentifierRules relational{false, true, false};

std::string text(const std::vector<Uid>& uids)
{
    std::string out;
    for (const Uid& uid : uids)
        out += (out.empty() ? "" : "\\") + uid.str();
    return out;
}

} // namespace

TEST_CASE("the nine query/retrieve classes have their information model (PS3.4 C.6)")
{
    struct Row {
        const char* sop_class;
        QueryModel model;
    };

    const Row rows[] = {
        {"1.2.840.10008.5.1.4.1.2.1.1", QueryModel::patient_root},
        {"1.2.840.10008.5.1.4.1.2.1.2", QueryModel::patient_root},
        {"1.2.840.10008.5.1.4.1.2.1.3", QueryModel::patient_root},
        {"1.2.840.10008.5.1.4.1.2.2.1", QueryModel::study_root},
        {"1.2.840.10008.5.1.4.1.2.2.2", QueryModel::study_root},
        {"1.2.840.10008.5.1.4.1.2.2.3", QueryModel::study_root},
        {"1.2.840.10008.5.1.4.1.2.3.1", QueryModel::patient_study_only},
        {"1.2.840.10008.5.1.4.1.2.3.2", QueryModel::patient_study_only},
        {"1.2.840.10008.5.1.4.1.2.3.3", QueryModel::patient_study_only},
    };
    for (const Row& row : rows) {
        CAPTURE(row.sop_class);
        CHECK(mapping::query_model(row.sop_class) == row.model);
    }
    CHECK_FALSE(mapping::query_model("1.2.840.10008.5.1.4.31"));
    const auto worklist =
        mapping::check_find_identifier("1.2.840.10008.5.1.4.31", *data_set(""), strict);
    CHECK(worklist.error().code == status::sop_class_not_supported);
}

TEST_CASE(
    "a C-FIND Identifier that does not fit its model is refused with its element (PS3.4 C.4.1)"
)
{
    struct Row {
        const char* says;
        const char* sop_class;
        const char* identifier;
        IdentifierRules rules;
        Tag offending;
    };

    const Row rows[] = {
        {"no level", study_root_find, "0010,0010=", strict, {0x0008, 0x0052}},
        {"unknown level", study_root_find, "0008,0052=INSTANCE", strict, {0x0008, 0x0052}},
        {"level in lower case", study_root_find, "0008,0052=study", strict, {0x0008, 0x0052}},
        {"study root has no patients",
         study_root_find,
         "0008,0052=PATIENT",
         strict,
         {0x0008, 0x0052}},
        {"the retired model ends at the study",
         patient_study_find,
         "0008,0052=SERIES | 0010,0020=P | 0020,000d=1.2",
         strict,
         {0x0008, 0x0052}},
        {"series of no study", study_root_find, "0008,0052=SERIES", strict, {0x0020, 0x000d}},
        {"series of two studies",
         study_root_find,
         "0008,0052=SERIES | 0020,000d=1.2\\1.3",
         strict,
         {0x0020, 0x000d}},
        {"images of no series",
         study_root_find,
         "0008,0052=IMAGE | 0020,000d=1.2",
         strict,
         {0x0020, 0x000e}},
        {"studies of no patient", patient_root_find, "0008,0052=STUDY", strict, {0x0010, 0x0020}},
        {"studies of all patients that begin with A",
         patient_root_find,
         "0008,0052=STUDY | 0010,0020=A*",
         strict,
         {0x0010, 0x0020}},
        {"a UID with a wildcard",
         study_root_find,
         "0008,0052=STUDY | 0020,000d=1.2.*",
         lenient,
         {0x0020, 0x000d}},
        {"two items in a sequence key",
         study_root_find,
         "0008,0052=STUDY | 0008,1110>0008,1155=1.2",
         strict,
         {0x0008, 0x1110}},
        {"a view that nobody negotiated",
         study_root_find,
         "0008,0052=STUDY | 0008,0053=ENHANCED",
         strict,
         {0x0008, 0x0053}},
        {"a study key at the patient level",
         patient_root_find,
         "0008,0052=PATIENT | 0008,0020=20240101",
         strict,
         {0x0008, 0x0020}},
        {"the unique key of a lower level",
         study_root_find,
         "0008,0052=STUDY | 0020,000e=1.2",
         strict,
         {0x0020, 0x000e}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        auto identifier = data_set(row.identifier);
        DcmItem* second = nullptr;
        if (row.offending == Tag{0x0008, 0x1110})
            REQUIRE(identifier->findOrCreateSequenceItem(DcmTag(0x0008, 0x1110), second, -2).good()
            );
        const auto checked = mapping::check_find_identifier(row.sop_class, *identifier, row.rules);
        REQUIRE(checked.has_error());
        CHECK(checked.error().code == status::data_set_mismatch);
        CHECK(checked.error().offending == row.offending);
        CHECK(checked.error().comment.size() <= 64);
    }
}

TEST_CASE("a C-FIND Identifier becomes the keys that an origin is asked (PS3.4 C.4.1.1.3)")
{
    struct Row {
        const char* says;
        const char* sop_class;
        const char* identifier;
        IdentifierRules rules;
        const char* keys;
        bool is_relational;
    };

    const Row rows[] = {
        {"level and AE title are no keys, the unique key is always asked for",
         study_root_find,
         "0008,0052=STUDY  | 0008,0054=PACS | 0010,0010=DOE*",
         strict,
         "0008,0005=ISO_IR 192 | 0010,0010=DOE* | 0020,000d=",
         false},
        {"a UID list stays a list, without its padding",
         study_root_find,
         "0008,0052=STUDY | 0020,000d=1.2\\1.3 ",
         strict,
         "0008,0005=ISO_IR 192 | 0020,000d=1.2\\1.3",
         false},
        {"a lone star for a UID is universal",
         study_root_find,
         "0008,0052=STUDY | 0020,000d=*",
         strict,
         "0008,0005=ISO_IR 192 | 0020,000d=",
         false},
        {"availability and the locations of others are for answers only",
         study_root_find,
         "0008,0052=STUDY | 0008,0056=ONLINE | 0008,1190=http://x | 0008,0201=+0100",
         strict,
         "0008,0005=ISO_IR 192 | 0008,0056= | 0020,000d=",
         false},
        {"a timezone counts where it was negotiated",
         study_root_find,
         "0008,0052=STUDY | 0008,0201=+0100",
         {false, false, true},
         "0008,0005=ISO_IR 192 | 0008,0201=+0100 | 0020,000d=",
         false},
        {"group lengths are no keys",
         study_root_find,
         "0008,0000= | 0008,0052=STUDY",
         strict,
         "0008,0005=ISO_IR 192 | 0020,000d=",
         false},
        {"an incomplete hierarchy is relational where that is granted",
         study_root_find,
         "0008,0052=IMAGE | 0020,000d=1.2",
         relational,
         "0008,0005=ISO_IR 192 | 0008,0018= | 0020,000d=1.2 | 0020,000e=",
         true},
        {"and where the setting is lenient",
         patient_root_find,
         "0008,0052=SERIES | 0010,0020=A*",
         lenient,
         "0008,0005=ISO_IR 192 | 0010,0020=A* | 0020,000d= | 0020,000e=",
         true},
        {"a complete one is not",
         patient_root_find,
         "0008,0052=SERIES | 0010,0020=A | 0020,000d=1.2",
         relational,
         "0008,0005=ISO_IR 192 | 0010,0020=A | 0020,000d=1.2 | 0020,000e=",
         false},
        {"patient keys of a patient query",
         patient_study_find,
         "0008,0052=PATIENT | 0008,0020= | 0010,0010=A* | 0020,1200=",
         strict,
         "0008,0005=ISO_IR 192 | 0010,0010=A* | 0010,0020= | 0020,1200=",
         false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto identifier = data_set(row.identifier);
        const auto checked = mapping::check_find_identifier(row.sop_class, *identifier, row.rules);
        REQUIRE(checked.has_value());
        auto keys = *checked->keys;
        CHECK(lines_of(keys) == row.keys);
        CHECK(checked->relational == row.is_relational);
    }
}

TEST_CASE("keys without matching are named so that the answer can say that they did not count")
{
    const auto identifier = data_set("0008,0052=STUDY | 0009,0010=ACME | 0009,1002LO=y");
    const Uint8 bytes[] = {1, 2};
    const DcmTag bulk(0x0042, 0x0011, DcmVR(EVR_OB));
    REQUIRE(identifier->putAndInsertUint8Array(bulk, bytes, sizeof bytes).good());
    const auto checked = mapping::check_find_identifier(study_root_find, *identifier, strict);
    REQUIRE(checked.has_value());
    CHECK(checked->ignored == std::vector<Tag>{{0x0042, 0x0011}});
    CHECK(checked->added == std::vector<Tag>{tag::study_instance_uid});

    const auto patient = mapping::check_find_identifier(
        patient_root_find, *data_set("0008,0052=PATIENT | 0008,0020=20240101"), lenient
    );
    REQUIRE(patient.has_value());
    CHECK(patient->ignored == std::vector<Tag>{mapping::key::study_date});
}

TEST_CASE("a C-MOVE or C-GET Identifier names what is retrieved (PS3.4 C.4.2.1.4)")
{
    struct Row {
        const char* says;
        const char* sop_class;
        const char* identifier;
        IdentifierRules rules;
        const char* patient;
        const char* studies;
        const char* series;
        const char* instances;
    };

    const Row rows[] = {
        {"a patient",
         patient_root_move,
         "0008,0052=PATIENT | 0010,0020=P1",
         strict,
         "P1",
         "",
         "",
         ""},
        {"studies",
         study_root_get,
         "0008,0052=STUDY | 0020,000d=1.2\\1.3",
         strict,
         "",
         "1.2\\1.3",
         "",
         ""},
        {"a study of a patient",
         patient_root_move,
         "0008,0052=STUDY | 0010,0020=P1 | 0020,000d=1.2",
         strict,
         "P1",
         "1.2",
         "",
         ""},
        {"the patient of a study counts for nothing in study root",
         study_root_get,
         "0008,0052=STUDY | 0010,0020=P* | 0020,000d=1.2",
         strict,
         "",
         "1.2",
         "",
         ""},
        {"three images",
         study_root_get,
         "0008,0052=IMAGE | 0020,000d=1.2 | 0020,000e=1.4 | 0008,0018=1.5\\1.6\\1.7",
         strict,
         "",
         "1.2",
         "1.4",
         "1.5\\1.6\\1.7"},
        {"images alone where relational retrieval is granted",
         study_root_get,
         "0008,0052=IMAGE | 0008,0018=1.5",
         relational,
         "",
         "",
         "",
         "1.5"},
        {"series alone where the setting is lenient",
         patient_root_move,
         "0008,0052=SERIES | 0020,000e=1.5 | 0008,0060=CT",
         lenient,
         "",
         "",
         "1.5",
         ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto identifier = data_set(row.identifier);
        const auto read = mapping::check_retrieve_identifier(row.sop_class, *identifier, row.rules);
        REQUIRE(read.has_value());
        CHECK((read->patient_ids.empty() ? "" : read->patient_ids.front()) == row.patient);
        CHECK(text(read->studies) == row.studies);
        CHECK(text(read->series) == row.series);
        CHECK(text(read->instances) == row.instances);
    }
}

TEST_CASE("a C-MOVE or C-GET Identifier that could mean more than it says is refused")
{
    struct Row {
        const char* says;
        const char* sop_class;
        const char* identifier;
        IdentifierRules rules;
        Tag offending;
    };

    const Row rows[] = {
        {"no unique key", study_root_get, "0008,0052=STUDY", lenient, {0x0020, 0x000d}},
        {"a wildcard", study_root_get, "0008,0052=STUDY | 0020,000d=*", lenient, {0x0020, 0x000d}},
        {"a wildcard for patients",
         patient_root_move,
         "0008,0052=PATIENT | 0010,0020=P*",
         lenient,
         {0x0010, 0x0020}},
        {"two patients",
         patient_root_move,
         "0008,0052=PATIENT | 0010,0020=P1\\P2",
         lenient,
         {0x0010, 0x0020}},
        {"series of no study",
         study_root_get,
         "0008,0052=SERIES | 0020,000e=1.2",
         strict,
         {0x0020, 0x000d}},
        {"study of no patient",
         patient_root_move,
         "0008,0052=STUDY | 0020,000d=1.2",
         strict,
         {0x0010, 0x0020}},
        {"another key",
         study_root_get,
         "0008,0052=STUDY | 0008,0060=CT | 0020,000d=1.2",
         strict,
         {0x0008, 0x0060}},
        {"study root has no patients",
         study_root_get,
         "0008,0052=PATIENT | 0010,0020=P1",
         lenient,
         {0x0008, 0x0052}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto identifier = data_set(row.identifier);
        const auto read = mapping::check_retrieve_identifier(row.sop_class, *identifier, row.rules);
        REQUIRE(read.has_error());
        CHECK(read.error().code == status::data_set_mismatch);
        CHECK(read.error().offending == row.offending);
        CHECK(read.error().comment.size() <= 64);
    }
}
