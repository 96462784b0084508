#include "mapping/qido_request.h"
#include "mapping/utc_date_time.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace gantry;
using namespace gantry::mapping;

namespace {

using Keys = std::vector<std::pair<DcmTagKey, std::string>>;

DcmDataset data_set_of(const Keys& keys)
{
    DcmDataset data_set;
    for (const auto& [tag, value] : keys) {
        DcmElement* element = DcmItem::newDicomElement(tag);
        REQUIRE(data_set.insert(element).good());
        REQUIRE(element->putString(value.c_str()).good());
    }
    return data_set;
}

std::string targets(const QidoQuestion& question, DcmDataset& keys, const QidoDialect& dialect = {})
{
    const auto requests = qido_requests(question, keys, dialect);
    if (!requests)
        return '!' + requests.error().text();
    std::string out;
    for (const QidoRequest& request : *requests)
        out += (out.empty() ? "" : " ") + request.target();
    return out;
}

std::string study_query(const Keys& keys, const QidoDialect& dialect = {})
{
    DcmDataset data_set = data_set_of(keys);
    const std::string target = targets({}, data_set, dialect);
    constexpr std::string_view path = "/studies?";
    return target.starts_with(path) ? target.substr(path.size()) : target;
}

struct Row {
    const char* says;
    Keys keys;
    const char* expected;
};

} // namespace

TEST_CASE("C-FIND keys become QIDO-RS match parameters (PS3.18 8.3.4.1)")
{
    const Row rows[] = {
        {"nothing", {}, "/studies"},
        {"an empty key asks for the field", {{DCM_StudyDescription, ""}}, "includefield=00081030"},
        {"a single value", {{DCM_PatientID, "4711"}}, "PatientID=4711&includefield=00100020"},
        {"wildcards stay as they are",
         {{DCM_PatientID, "4?1*"}},
         "PatientID=4?1*&includefield=00100020"},
        {"a caret is encoded",
         {{DCM_PatientName, "DOE^J*"}},
         "PatientName=DOE%5EJ*&includefield=00100010"},
        {"groups of a name are encoded",
         {{DCM_PatientName, "Y=\xe5\xb1\xb1"}},
         "PatientName=Y%3D%E5%B1%B1&includefield=00100010"},
        {"what separates is encoded",
         {{DCM_StudyID, "a,b&c=d#e[f]+ g"}},
         "StudyID=a%2Cb%26c%3Dd%23e%5Bf%5D%2B%20g&includefield=00200010"},
        {"a backslash where it is a character",
         {{DCM_PatientComments, "a\\b"}},
         "PatientComments=a%5Cb&includefield=00104000"},
        {"a star alone is universal", {{DCM_PatientID, "*"}}, "includefield=00100020"},
        {"a name of wildcards alone", {{DCM_PatientName, "*^*"}}, "includefield=00100010"},
        {"a name of delimiters alone", {{DCM_PatientName, "^^"}}, "includefield=00100010"},
        {"a question mark is not universal",
         {{DCM_PatientName, "?"}},
         "PatientName=?&includefield=00100010"},
        {"a date range",
         {{DCM_StudyDate, "20240101-20240131"}},
         "StudyDate=20240101-20240131&includefield=00080020"},
        {"a date range with blanks",
         {{DCM_StudyDate, "20240101 - 20240131"}},
         "StudyDate=20240101-20240131&includefield=00080020"},
        {"an ACR-NEMA date",
         {{DCM_StudyDate, "2024.01.31"}},
         "StudyDate=20240131&includefield=00080020"},
        {"a time with colons",
         {{DCM_StudyTime, "10:20:30-"}},
         "StudyTime=102030-&includefield=00080030"},
        {"a list of UIDs", {{DCM_StudyInstanceUID, "1.2\\1.3"}}, "StudyInstanceUID=1.2,1.3"},
        {"a UID of a star", {{DCM_StudyInstanceUID, "*"}}, "/studies"},
        {"a UID with wildcards", {{DCM_StudyInstanceUID, "1.2*"}}, "!0020000D: malformed"},
        {"the archive's own elements are no keys",
         {{DCM_SpecificCharacterSet, "ISO_IR 192"},
          {DCM_QueryRetrieveLevel, "STUDY"},
          {DCM_RetrieveAETitle, "X"},
          {DCM_InstanceAvailability, "ONLINE"},
          {DCM_TimezoneOffsetFromUTC, "+0100"}},
         "/studies"},
        {"what a study does not have is not asked",
         {{DCM_Modality, "CT"}, {DCM_SOPInstanceUID, "1.2"}, {DCM_PatientID, ""}},
         "includefield=00100020"},
        {"binary numbers as text",
         {{DCM_PregnancyStatus, "4"}},
         "PregnancyStatus=4&includefield=001021C0"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        CHECK(study_query(row.keys) == std::string(row.expected));
    }
}

TEST_CASE("several values that are no UIDs become several requests")
{
    CHECK(
        study_query({{DCM_ModalitiesInStudy, "CT\\MR"}}) ==
        "ModalitiesInStudy=CT&includefield=00080061 "
        "/studies?ModalitiesInStudy=MR&includefield=00080061"
    );
    CHECK(
        study_query({{DCM_ModalitiesInStudy, "CT\\MR"}, {DCM_PatientID, "1\\2"}}) ==
        "ModalitiesInStudy=CT&PatientID=1&includefield=00080061,00100020 "
        "/studies?ModalitiesInStudy=MR&PatientID=1&includefield=00080061,00100020 "
        "/studies?ModalitiesInStudy=CT&PatientID=2&includefield=00080061,00100020 "
        "/studies?ModalitiesInStudy=MR&PatientID=2&includefield=00080061,00100020"
    );
    std::string many;
    for (int i = 0; i < 40; ++i)
        many += (many.empty() ? "" : "\\") + std::to_string(i);
    CHECK(
        study_query({{DCM_AccessionNumber, many}, {DCM_PatientID, many}}) ==
        "!more than 1024 requests: too large"
    );
}

TEST_CASE("a long list of UIDs is asked for in parts that a target has room for")
{
    std::string list;
    for (int i = 1; i <= 120; ++i)
        list += (list.empty() ? "" : "\\") + ("1.2." + std::to_string(i));
    DcmDataset keys = data_set_of({{DCM_StudyInstanceUID, list}});
    const auto requests = qido_requests({}, keys);
    REQUIRE(requests.has_value());
    REQUIRE(requests->size() == 3);
    CHECK((*requests)[0].query.ends_with(",1.2.50"));
    CHECK((*requests)[2].query.starts_with("StudyInstanceUID=1.2.101,"));
}

TEST_CASE("the level and what is known of the hierarchy choose the resource (PS3.18 10.6.1)")
{
    struct ResourceRow {
        const char* says;
        QueryLevel level;
        Keys keys;
        const char* expected;
    };

    const Keys::value_type study{DCM_StudyInstanceUID, "1.2"};
    const Keys::value_type series{DCM_SeriesInstanceUID, "1.2.3"};
    const ResourceRow rows[] = {
        {"patients", QueryLevel::patient, {}, "!patient level: not supported"},
        {"series of a study", QueryLevel::series, {study}, "/studies/1.2/series"},
        {"one series",
         QueryLevel::series,
         {study, series},
         "/studies/1.2/series?SeriesInstanceUID=1.2.3"},
        {"series of several studies",
         QueryLevel::series,
         {{DCM_StudyInstanceUID, "1.2\\1.3"}},
         "/studies/1.2/series /studies/1.3/series"},
        {"any series",
         QueryLevel::series,
         {{DCM_Modality, "CT"}, {DCM_StudyDate, "20240101"}},
         "/series?StudyDate=20240101&Modality=CT&includefield=00080020,00080060"},
        {"instances of a series",
         QueryLevel::image,
         {study, series},
         "/studies/1.2/series/1.2.3/instances"},
        {"instances of several series",
         QueryLevel::image,
         {study, {DCM_SeriesInstanceUID, "1.2.3\\1.2.4"}},
         "/studies/1.2/series/1.2.3/instances /studies/1.2/series/1.2.4/instances"},
        {"instances of series of several studies",
         QueryLevel::image,
         {{DCM_StudyInstanceUID, "1.2\\1.3"}, series},
         "/studies/1.2/instances?SeriesInstanceUID=1.2.3&includefield=0020000E "
         "/studies/1.3/instances?SeriesInstanceUID=1.2.3&includefield=0020000E"},
        {"instances of a study", QueryLevel::image, {study}, "/studies/1.2/instances"},
        {"instances of a series of an unknown study",
         QueryLevel::image,
         {series},
         "/instances?SeriesInstanceUID=1.2.3&includefield=0020000E"},
        {"any instances",
         QueryLevel::image,
         {{DCM_SOPInstanceUID, "1.9\\1.8"}},
         "/instances?SOPInstanceUID=1.9,1.8"},
        {"a study's attribute is asked for and not matched below it",
         QueryLevel::series,
         {study, {DCM_StudyDate, "20240101"}, {DCM_PatientID, "1"}},
         "/studies/1.2/series?PatientID=1&includefield=00080020,00100020"},
        {"a series' attribute likewise",
         QueryLevel::image,
         {study, series, {DCM_Modality, "CT"}, {DCM_InstanceNumber, "1"}},
         "/studies/1.2/series/1.2.3/instances?InstanceNumber=1&includefield=00080060,00200013"},
        {"a UID that is none has no path",
         QueryLevel::series,
         {{DCM_StudyInstanceUID, "1.2/../x"}},
         "!0020000D: malformed"},
    };
    for (const ResourceRow& row : rows) {
        CAPTURE(std::string(row.says));
        DcmDataset keys = data_set_of(row.keys);
        QidoQuestion question;
        question.level = row.level;
        CHECK(targets(question, keys) == std::string(row.expected));
    }
}

TEST_CASE("ranges of date and time are one range only where both sides mean that")
{
    struct PairRow {
        const char* says;
        bool combined;
        const char* date;
        const char* time;
        const char* query;
    };

    constexpr const char* date_only = "StudyDate=20060705-20060707";
    constexpr const char* both = "StudyDate=20060705-20060707&StudyTime=1000-1800";
    const PairRow rows[] = {
        {"not negotiated", false, "20060705-20060707", "1000-1800", date_only},
        {"negotiated", true, "20060705-20060707", "1000-1800", both},
        {"of different forms", true, "20060705-", "1000-1800", "StudyDate=20060705-"},
        {"both open", true, "20060705-", "1000-", "StudyDate=20060705-&StudyTime=1000-"},
        {"one day", false, "20060705", "1000-1800", "StudyDate=20060705&StudyTime=1000-1800"},
        {"no date", false, "", "1000-1800", "StudyTime=1000-1800"},
        {"one time",
         false,
         "20060705-20060707",
         "1000",
         "StudyDate=20060705-20060707&StudyTime=1000"},
    };
    for (const PairRow& row : rows) {
        CAPTURE(std::string(row.says));
        DcmDataset keys = data_set_of({{DCM_StudyDate, row.date}, {DCM_StudyTime, row.time}});
        QidoQuestion question;
        question.combined_date_time = row.combined;
        CHECK(
            targets(question, keys) ==
            "/studies?" + std::string(row.query) + "&includefield=00080020,00080030"
        );
    }
    DcmDataset keys =
        data_set_of({{DCM_StudyDate, "20060705-20060707"}, {DCM_StudyTime, "1000-1800"}});
    QidoQuestion question;
    question.combined_date_time = true;
    QidoDialect apart;
    apart.combines_date_time = false;
    CHECK(
        targets(question, keys, apart) ==
        "/studies?StudyDate=20060705-20060707&includefield=00080020,00080030"
    );
}

TEST_CASE("sequences are asked for by dotted paths and returned as a whole")
{
    const auto request = [](const std::vector<Keys>& items) {
        DcmDataset keys;
        (void)keys.insertEmptyElement(DCM_RequestAttributesSequence);
        for (std::size_t i = 0; i < items.size(); ++i) {
            DcmItem* item = nullptr;
            REQUIRE(keys.findOrCreateSequenceItem(
                            DCM_RequestAttributesSequence, item, static_cast<long>(i)
            )
                        .good());
            *item = data_set_of(items[i]);
        }
        QidoQuestion question;
        question.level = QueryLevel::series;
        return targets(question, keys);
    };
    CHECK(request({}) == "/series?includefield=00400275");
    CHECK(request({Keys{}}) == "/series?includefield=00400275");
    CHECK(
        request({{{DCM_ScheduledProcedureStepID, "S1"}, {DCM_RequestedProcedureID, ""}}}) ==
        "/series?RequestAttributesSequence.ScheduledProcedureStepID=S1&includefield=00400275"
    );
    CHECK(
        request({{{DCM_ScheduledProcedureStepID, "S1"}}, {{DCM_ScheduledProcedureStepID, "S2"}}}) ==
        "!00400275: malformed"
    );
}

TEST_CASE("a private attribute is asked for with its creator (PS3.18 8.3.4.1)")
{
    DcmDataset keys;
    REQUIRE(keys.putAndInsertString(DcmTag(0x0009, 0x0010, EVR_LO), "ACME").good());
    REQUIRE(keys.putAndInsertString(DcmTag(0x0009, 0x1001, EVR_LO), "x").good());
    CHECK(targets({}, keys) == "/studies?00090010=ACME&00091001=x&includefield=00091001");

    DcmDataset implicit;
    REQUIRE(implicit.putAndInsertString(DcmTag(0x0009, 0x0010, EVR_LO), "ACME").good());
    auto* const unknown = new DcmOtherByteOtherWord(DcmTag(0x0009, 0x1001, EVR_UN));
    REQUIRE(implicit.insert(unknown).good());
    REQUIRE(unknown->putUint8Array(reinterpret_cast<const Uint8*>("xy"), 2).good());
    CHECK(targets({}, implicit) == "/studies?00090010=ACME&00091001=xy&includefield=00091001");
}

TEST_CASE("options of the question are parameters of their own")
{
    DcmDataset keys = data_set_of({{DCM_PatientName, "DOE"}, {DCM_TimezoneOffsetFromUTC, "+0100"}});
    QidoQuestion question;
    question.fuzzy = true;
    CHECK(
        targets(question, keys) ==
        "/studies?PatientName=DOE&fuzzymatching=true&includefield=00100010"
    );
    question.timezone = true;
    question.all_fields = true;
    CHECK(
        targets(question, keys) ==
        "/studies?PatientName=DOE&TimezoneOffsetFromUTC=%2B0100&fuzzymatching=true&includefield=all"
    );
    question = {};
    question.unique_keys_only = true;
    CHECK(targets(question, keys) == "/studies?PatientName=DOE");
    question.level = QueryLevel::series;
    question.study = *Uid::parse("1.2");
    CHECK(targets(question, keys) == "/studies/1.2/series?PatientName=DOE");
}

TEST_CASE(
    "a server that does not decode gets nothing encoded, one that cannot search is not asked to"
)
{
    QidoDialect dialect;
    dialect.raw_caret = true;
    dialect.unsearchable = {{0x0008, 0x1030}};
    CHECK(
        study_query({{DCM_PatientName, "DOE^J* X"}, {DCM_StudyDescription, "CHEST"}}, dialect) ==
        "PatientName=DOE^J*X&includefield=00081030,00100010"
    );
    CHECK(
        study_query({{DCM_PatientName, "M\xc3\xbcLLER^UTE=\xe5\xb1\xb1"}}, dialect) ==
        "PatientName=M*LLER^UTE*&includefield=00100010"
    );
}

TEST_CASE("limit and offset go behind whatever there is")
{
    QidoRequest request;
    request.path = "/studies";
    CHECK(request.target() == "/studies");
    CHECK(request.target(10) == "/studies?limit=10");
    CHECK(request.target(0, 20) == "/studies?offset=20");
    request.query = "PatientID=1";
    CHECK(request.target(10, 20) == "/studies?PatientID=1&limit=10&offset=20");
}

TEST_CASE("a date-time west of Greenwich does not look like a range (PS3.18 8.3.4.1)")
{
    const std::pair<const char*, const char*> rows[] = {
        {"20240131200000-0500", "20240201010000+0000"},
        {"202401312000-0530", "202402010130+0000"},
        {"2024013120-0500", "2024020101+0000"},
        {"2024013120-0530", "202402010130+0000"},
        {"20231231233000.5-0100", "20240101003000.5+0000"},
        {"20240131200000+0100", "20240131200000+0100"},
        {"20240131200000", "20240131200000"},
        {"20240101-20240131", "20240101-20240131"},
        {"2024010112-2025", "2024010112-2025"},
        {"20240101-", "20240101-"},
        {"20241301200000-0500", "20241301200000-0500"},
    };
    for (const auto& [value, expected] : rows)
        CHECK(in_utc(value) == std::string(expected));
}
