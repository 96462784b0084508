#include "gateway/origins/archive/index.h"
#include "gateway/origins/local_origin.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <doctest/doctest.h>

#include <set>

#include "tests/gateway/archive_support.h"
#include "tests/support/run.h"
#include "tests/support/samples.h"
#include "tests/support/skip.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

struct OpenOrigin {
    ScratchFolder folder;
    ManualClock clock;
    WorkerPool disk{"disk", 4};
    std::unique_ptr<LocalOrigin> local = open();

    std::unique_ptr<LocalOrigin> open()
    {
        LocalOriginOptions options;
        options.folder = folder.path() / "archive";
        options.min_free = {};
        return LocalOrigin::open(std::move(options), disk, clock).value();
    }

    void put(const Instance& instance)
    {
        REQUIRE(store(local->archive(), instance).kind == StoreOutcome::Kind::stored);
    }

    FindEnd ask(FindQuestion question, KeepMatches& matches)
    {
        return test::run(local->find(std::move(question), matches));
    }
};

Change with(std::vector<std::pair<DcmTagKey, const char*>> values)
{
    return [values](DcmDataset& data_set) {
        for (const auto& [tag, value] : values)
            REQUIRE(data_set.putAndInsertOFStringArray(tag, value).good());
    };
}

Change with_request(const char* step, const char* procedure)
{
    return [step, procedure](DcmDataset& data_set) {
        DcmItem* item = nullptr;
        REQUIRE(data_set.findOrCreateSequenceItem(DCM_RequestAttributesSequence, item, 0).good());
        REQUIRE(item->putAndInsertString(DCM_ScheduledProcedureStepID, step).good());
        REQUIRE(item->putAndInsertString(DCM_RequestedProcedureID, procedure).good());
    };
}

using Keys = std::vector<std::pair<const char*, const char*>>;

FindQuestion question(QueryLevel level, const Keys& keys)
{
    FindQuestion out;
    out.level = level;
    out.keys = keys_of(keys);
    return out;
}

/// An index without files: enough to be searched.
void fill_index(const std::filesystem::path& root, unsigned series, unsigned each)
{
    std::filesystem::create_directories(root);
    const auto index = archive::Index::open(root / "index.sqlite").value();
    for (unsigned s = 1; s <= series; ++s) {
        std::vector<archive::NewInstance> instances;
        for (unsigned n = 1; n <= each; ++n) {
            const Instance made = make_instance({1, s, n}, {}, 2);
            archive::NewInstance one;
            one.file.key = made.key;
            one.attributes.series_number = s;
            one.attributes.instance_number = n;
            one.attributes.study = made.data_set;
            one.attributes.series = made.data_set;
            one.attributes.instance = made.data_set;
            instances.push_back(std::move(one));
        }
        index->insert(instances).value();
    }
    index->set_complete().value();
}

} // namespace

TEST_CASE("studies are found by what they are asked for")
{
    OpenOrigin origin;
    origin.put(
        make_instance({1}, with({{DCM_PatientName, "Doe^Jane"}, {DCM_StudyDate, "20240101"}}))
    );
    origin.put(
        make_instance({2}, with({{DCM_PatientName, "Doe^John"}, {DCM_StudyDate, "20240215"}}))
    );
    origin.put(make_instance(
        {3}, with({{DCM_PatientName, "Roe^Ann"}, {DCM_StudyDate, "20240301"}, {DCM_Modality, "CT"}})
    ));
    origin.put(make_instance({3, 2}, with({{DCM_Modality, "SR"}})));

    struct Row {
        const char* says;
        Keys keys;
        std::multiset<std::string> studies;
    };

    const Row rows[] = {
        {"no key matches all", {}, {"1.2.1", "1.2.2", "1.2.3"}},
        {"a universal key matches all", {{"PatientID", "*"}}, {"1.2.1", "1.2.2", "1.2.3"}},
        {"single value", {{"PatientID", "P2"}}, {"1.2.2"}},
        {"single value is exact", {{"PatientID", "p2"}}, {}},
        {"names without regard to case", {{"PatientName", "doe^jane"}}, {"1.2.1"}},
        {"wildcard", {{"PatientName", "Doe*"}}, {"1.2.1", "1.2.2"}},
        {"one character", {{"PatientID", "P?"}}, {"1.2.1", "1.2.2", "1.2.3"}},
        {"accession number", {{"AccessionNumber", "A3"}}, {"1.2.3"}},
        {"list of UIDs", {{"StudyInstanceUID", "1.2.1\\1.2.3\\9.9"}}, {"1.2.1", "1.2.3"}},
        {"a UID that is not here", {{"StudyInstanceUID", "9.9"}}, {}},
        {"date", {{"StudyDate", "20240215"}}, {"1.2.2"}},
        {"date range", {{"StudyDate", "20240101-20240215"}}, {"1.2.1", "1.2.2"}},
        {"open date range", {{"StudyDate", "20240215-"}}, {"1.2.2", "1.2.3"}},
        {"range up to", {{"StudyDate", "-20240214"}}, {"1.2.1"}},
        {"modality in study", {{"ModalitiesInStudy", "SR"}}, {"1.2.3"}},
        {"modality in study none", {{"ModalitiesInStudy", "MR"}}, {}},
        {"two keys", {{"PatientName", "Doe*"}, {"StudyDate", "20240215"}}, {"1.2.2"}},
        {"a key of a lower level is no key here", {{"Modality", "SR"}}, {"1.2.1", "1.2.2", "1.2.3"}
        },
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        KeepMatches found;
        CHECK(origin.ask(question(QueryLevel::study, row.keys), found).complete);
        std::multiset<std::string> studies;
        for (const auto& match : found.matches)
            studies.insert(value_of(*match, "StudyInstanceUID"));
        CHECK(studies == row.studies);
    }
}

TEST_CASE("a date and a time range are one range where they are combined")
{
    OpenOrigin origin;
    const std::pair<const char*, const char*> moments[] = {
        {"20240105", "090000"},
        {"20240105", "110000"},
        {"20240106", "030000"},
        {"20240107", "170000"},
        {"20240107", "190000"},
    };
    unsigned study = 0;
    for (const auto& [date, time] : moments)
        origin.put(make_instance({++study}, with({{DCM_StudyDate, date}, {DCM_StudyTime, time}})));
    auto asked = question(
        QueryLevel::study, {{"StudyDate", "20240105-20240107"}, {"StudyTime", "1000-1800"}}
    );
    KeepMatches apart;
    CHECK(origin.ask(asked, apart).complete);
    CHECK(apart.matches.size() == 2);
    asked.combined_date_time = true;
    KeepMatches together;
    CHECK(origin.ask(asked, together).complete);
    CHECK(together.matches.size() == 3);
}

TEST_CASE("a match has what was asked for and the unique keys and nothing else")
{
    OpenOrigin origin;
    origin.put(make_instance({1, 1, 1}));
    origin.put(make_instance({1, 1, 2}));
    origin.put(make_instance({1, 2, 1}, with({{DCM_Modality, "SR"}})));
    KeepMatches found;
    const Keys keys{
        {"PatientName", ""},
        {"ModalitiesInStudy", ""},
        {"NumberOfStudyRelatedSeries", ""},
        {"NumberOfStudyRelatedInstances", ""},
        {"StudyDescription", ""},
        {"InstanceAvailability", ""}
    };
    CHECK(origin.ask(question(QueryLevel::study, keys), found).complete);
    REQUIRE(found.matches.size() == 1);
    DcmDataset& study = *found.matches[0];
    CHECK(value_of(study, "StudyInstanceUID") == "1.2.1");
    CHECK(value_of(study, "PatientName") == "Doe^Jane");
    CHECK(value_of(study, "ModalitiesInStudy") == "OT\\SR");
    CHECK(value_of(study, "NumberOfStudyRelatedSeries") == "2");
    CHECK(value_of(study, "NumberOfStudyRelatedInstances") == "3");
    CHECK(value_of(study, "StudyDescription").empty());
    CHECK(value_of(study, "InstanceAvailability") == "ONLINE");
    CHECK(study.card() == 7);
}

TEST_CASE("series and images are found below their parents and across them")
{
    OpenOrigin origin;
    for (unsigned study = 1; study <= 2; ++study)
        for (unsigned series = 1; series <= 2; ++series)
            for (unsigned number = 1; number <= 3; ++number)
                origin.put(make_instance({study, series, number}));

    struct Row {
        const char* says;
        QueryLevel level;
        Keys keys;
        std::size_t matches;
    };

    const Row rows[] = {
        {"series of a study", QueryLevel::series, {{"StudyInstanceUID", "1.2.1"}}, 2},
        {"all series", QueryLevel::series, {}, 4},
        {"series by number", QueryLevel::series, {{"SeriesNumber", "2"}}, 2},
        {"series by patient", QueryLevel::series, {{"PatientID", "P2"}}, 2},
        {"images of a series",
         QueryLevel::image,
         {{"StudyInstanceUID", "1.2.1"}, {"SeriesInstanceUID", "1.2.1.2"}},
         3},
        {"images of a study", QueryLevel::image, {{"StudyInstanceUID", "1.2.2"}}, 6},
        {"all images", QueryLevel::image, {}, 12},
        {"images by number", QueryLevel::image, {{"InstanceNumber", "3"}}, 4},
        {"an image by UID", QueryLevel::image, {{"SOPInstanceUID", "1.2.1.1.2"}}, 1},
        {"a series of another study",
         QueryLevel::image,
         {{"StudyInstanceUID", "1.2.1"}, {"SeriesInstanceUID", "1.2.2.1"}},
         0},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        KeepMatches found;
        CHECK(origin.ask(question(row.level, row.keys), found).complete);
        CHECK(found.matches.size() == row.matches);
    }
    KeepMatches found;
    const Keys keys{
        {"SOPInstanceUID", "1.2.2.1.3"},
        {"PatientID", ""},
        {"Modality", ""},
        {"Rows", ""},
        {"NumberOfSeriesRelatedInstances", ""}
    };
    CHECK(origin.ask(question(QueryLevel::image, keys), found).complete);
    REQUIRE(found.matches.size() == 1);
    CHECK(value_of(*found.matches[0], "PatientID") == "P2");
    CHECK(value_of(*found.matches[0], "Modality") == "OT");
    CHECK(value_of(*found.matches[0], "Rows") == "8");
    CHECK(value_of(*found.matches[0], "NumberOfSeriesRelatedInstances") == "3");
    CHECK(value_of(*found.matches[0], "SeriesInstanceUID") == "1.2.2.1");
}

TEST_CASE("a sequence matches where one item satisfies all of its keys")
{
    OpenOrigin origin;
    origin.put(make_instance({1}, with_request("S1", "R1")));
    origin.put(make_instance({2}, with_request("S2", "R1")));
    const auto ask = [&](const char* step, const char* procedure) {
        auto asked = question(QueryLevel::series, {});
        auto keys = std::make_shared<DcmDataset>();
        with_request(step, procedure)(*keys);
        asked.keys = keys;
        KeepMatches found;
        CHECK(origin.ask(asked, found).complete);
        return found.matches.size();
    };
    CHECK(ask("S1", "R1") == 1);
    CHECK(ask("", "R1") == 2);
    CHECK(ask("S*", "") == 2);
    CHECK(ask("S1", "R2") == 0);
}

TEST_CASE("studies come newest first and pages of them do not overlap")
{
    OpenOrigin origin;
    for (unsigned study = 1; study <= 9; ++study) {
        const std::string date = "2024010" + std::to_string(study % 3 + 1);
        origin.put(make_instance({study}, with({{DCM_StudyDate, date.c_str()}})));
    }
    std::vector<std::string> seen;
    for (unsigned offset = 0; offset < 12; offset += 4) {
        auto asked = question(QueryLevel::study, {{"StudyDate", ""}});
        asked.limit = 4;
        asked.offset = offset;
        KeepMatches found;
        const auto end = origin.ask(asked, found);
        CHECK(end.complete);
        CHECK(end.remaining == (offset < 8 ? 5 - offset : 0));
        for (const auto& match : found.matches)
            seen.push_back(value_of(*match, "StudyDate") + value_of(*match, "StudyInstanceUID"));
    }
    CHECK(seen.size() == 9);
    CHECK(std::set(seen.begin(), seen.end()).size() == 9);
    CHECK(std::ranges::is_sorted(seen, std::greater<>{}));
}

TEST_CASE("ten thousand instances are listed in pages and each once")
{
    constexpr unsigned series = 50;
    constexpr unsigned each = 200;
    ScratchFolder folder;
    const auto root = folder.path() / "archive";
    fill_index(root, series, each);
    WorkerPool disk("disk", 2);
    ManualClock clock;
    LocalOriginOptions options;
    options.folder = root;
    const auto origin = LocalOrigin::open(std::move(options), disk, clock).value();

    class Count final : public FindSink {
    public:
        asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> one) override
        {
            seen.insert(value_of(*one, "SOPInstanceUID"));
            ++count;
            co_return Result<void>{};
        }

        std::set<std::string> seen;
        std::size_t count = 0;
    } counted;

    auto asked =
        question(QueryLevel::image, {{"StudyInstanceUID", "1.2.1"}, {"InstanceNumber", ""}});
    CHECK(test::run(origin->find(asked, counted)).complete);
    CHECK(counted.count == series * each);
    CHECK(counted.seen.size() == series * each);
    asked.offset = 9'990;
    asked.limit = 100;
    KeepMatches last;
    CHECK(test::run(origin->find(asked, last)).complete);
    CHECK(last.matches.size() == 10);
}

TEST_CASE("an asker that stops ends the find as cut off")
{
    OpenOrigin origin;
    origin.put(make_instance({1}));

    class Stop final : public FindSink {
    public:
        asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset>) override
        {
            co_return Error{
                boost::system::errc::make_error_code(boost::system::errc::io_error), "x"
            };
        }
    } stop;

    const auto end = test::run(origin.local->find(question(QueryLevel::study, {}), stop));
    CHECK(!end.complete);
    CHECK(end.shortfall == Shortfall::failed);
}

TEST_CASE("the patient level is not offered and says so")
{
    OpenOrigin origin;
    KeepMatches found;
    const auto end = origin.ask(question(QueryLevel::patient, {}), found);
    CHECK(!end.complete);
    CHECK(!end.reason.empty());
}

TEST_CASE("names of every character set are found and returned as UTF-8")
{
    const auto folder = samples_folder();
    if (!folder)
        return skip("no sample files");

    struct Row {
        const char* file;
        const char* name;
    };

    const Row rows[] = {
        {"chrGerm.dcm", "Äneas^Rüdiger"},
        {"chrGreek.dcm", "Διονυσιος"},
        {"chrRuss.dcm", "Люкceмбypг"},
        {"chrH31.dcm", "Yamada^Tarou=山田^太郎=やまだ^たろう"},
        {"chrI2.dcm", "Hong^Gildong=洪^吉洞=홍^길동"},
        {"chrX1.dcm", "Wang^XiaoDong=王^小東="},
        {"chrX2.dcm", "Wang^XiaoDong=王^小东="},
    };
    for (const Row& row : rows) {
        CAPTURE(row.file);
        OpenOrigin origin;
        origin.put(read_instance(*folder / row.file));
        KeepMatches found;
        const Keys keys{{"PatientName", row.name}, {"SpecificCharacterSet", "ISO_IR 192"}};
        CHECK(origin.ask(question(QueryLevel::study, keys), found).complete);
        REQUIRE(found.matches.size() == 1);
        CHECK(value_of(*found.matches[0], "PatientName") == row.name);
        CHECK(value_of(*found.matches[0], "SpecificCharacterSet") == "ISO_IR 192");
    }
}
