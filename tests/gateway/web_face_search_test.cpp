#include "gateway/origins/archive/archive.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <doctest/doctest.h>

#include "tests/gateway/web_face_support.h"
#include "tests/support/data_sets.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

void fill(OpenFace& face)
{
    for (unsigned study = 1; study <= 2; ++study)
        for (unsigned series = 1; series <= 2; ++series)
            for (unsigned number = 1; number <= 3; ++number)
                REQUIRE(
                    store(face.local().archive(), make_instance({study, series, number})).kind ==
                    StoreOutcome::Kind::stored
                );
}

std::unique_ptr<FakeResponse> ask(OpenFace& face, std::string target, const char* accept = nullptr)
{
    Ask what{web::Method::get, std::move(target)};
    if (accept != nullptr)
        what.fields = {{"Accept", accept}};
    return face.ask(std::move(what));
}

/// Gives so many studies, or those that it was given, then ends as it is told.
class Scripted final : public Origin {
public:
    Scripted(unsigned matches, FindEnd end) : matches_(matches), end_(std::move(end)) {}

    Scripted(std::vector<const char*> matches, FindEnd end)
        : lines_(std::move(matches)), end_(std::move(end))
    {
    }

    const std::string& name() const override { return name_; }

    Abilities abilities() const override { return {true, false, false, false, exact}; }

    asio::awaitable<FindEnd> find(FindQuestion asked, FindSink& sink) override
    {
        question = std::move(asked);
        if (fuzzy)
            sink.matched_fuzzily();
        for (const char* line : lines_)
            if (const auto taken = co_await sink.match(data_set(line)); !taken)
                co_return FindEnd{false, Shortfall::failed, "the asker is gone"};
        for (unsigned n = 0; n < matches_; ++n) {
            auto match = std::make_unique<DcmDataset>();
            (void)match->putAndInsertString(DCM_StudyInstanceUID, "1.2.3");
            (void)match->putAndInsertString(DCM_StudyDescription, std::string(60, 'x').c_str());
            const auto taken = co_await sink.match(std::move(match));
            if (!taken)
                co_return FindEnd{false, Shortfall::failed, "the asker is gone"};
        }
        co_return end_;
    }

    asio::awaitable<std::vector<StoreOutcome>>
    store(std::vector<std::unique_ptr<InstanceContent>>) override
    {
        co_return std::vector<StoreOutcome>{};
    }

    asio::awaitable<RetrieveEnd> retrieve(RetrieveQuestion, RetrieveSink&) override
    {
        co_return RetrieveEnd{};
    }

    asio::awaitable<Result<std::vector<bool>>> verify(std::vector<InstanceKey>) override
    {
        co_return std::vector<bool>{};
    }

    asio::awaitable<Health> health() override { co_return Health{}; }

    FindQuestion question;
    bool exact = true;
    bool fuzzy = false;

private:
    std::string name_ = "scripted";
    unsigned matches_ = 0;
    std::vector<const char*> lines_;
    FindEnd end_;
};

int count_of(const std::string& text, std::string_view part)
{
    int count = 0;
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

} // namespace

TEST_CASE("each resource is found at its level and below its path")
{
    OpenFace face;
    fill(face);

    struct Row {
        const char* target;
        int matches;
    };

    const Row rows[] = {
        {"/studies", 2},
        {"/studies?PatientID=P2", 1},
        {"/studies?00100020=P2", 1},
        {"/studies?PatientID=nobody", 0},
        {"/studies?PatientName=doe%5EJ*", 2},
        {"/studies?StudyInstanceUID=1.2.1,1.2.2,9.9", 2},
        {"/studies?StudyDate=20240101-20241231", 2},
        {"/studies?StudyDate=20240102-", 0},
        {"/studies?StudyDate=20240101-20240101&StudyTime=1000-1100", 2},
        {"/studies?limit=1", 1},
        {"/studies?limit=0", 0},
        {"/studies?offset=1", 1},
        {"/studies?offset=5", 0},
        {"/series", 4},
        {"/series?SeriesNumber=1", 2},
        {"/instances", 12},
        {"/instances?PatientID=P1&InstanceNumber=3", 2},
        {"/studies/1.2.1/series", 2},
        {"/studies/9.9/series", 0},
        {"/studies/1.2.1/series?SeriesInstanceUID=1.2.1.2", 1},
        {"/studies/1.2.1/instances", 6},
        {"/studies/1.2.1/series/1.2.1.2/instances", 3},
        {"/studies/1.2.1/series/1.2.1.2/instances?SOPInstanceUID=1.2.1.2.3", 1},
        {"/studies/1.2.1/series/1.2.2.2/instances", 0},
    };
    for (const Row& row : rows) {
        CAPTURE(row.target);
        const auto answer = ask(face, row.target);
        CHECK(answer->status() == 200);
        CHECK(answer->field("Content-Type") == "application/dicom+json");
        CHECK(answer->finished);
        CHECK(size_at(answer->body, "") == row.matches);
    }
}

TEST_CASE("what must be returned is there even where it is empty")
{
    OpenFace face;
    fill(face);

    struct Row {
        const char* target;
        std::vector<const char*> tags;
        const char* retrieve_url;
    };

    const std::string base = "http://pacs.test:8080/dicom-web/studies/1.2.1";
    const Row rows[] = {
        {"/studies?PatientID=P1",
         {"00080020",
          "00080030",
          "00080050",
          "00080061",
          "00080090",
          "00100010",
          "00100020",
          "00100030",
          "00100040",
          "0020000D",
          "00200010",
          "00201206",
          "00201208"},
         ""},
        {"/studies/1.2.1/series",
         {"00080060", "0020000E", "00200011", "00201209"},
         "/series/1.2.1.1"},
        {"/studies/1.2.1/series/1.2.1.1/instances",
         {"00080016", "00080018", "00200013", "00280010"},
         "/series/1.2.1.1/instances/1.2.1.1.1"},
        {"/instances?StudyInstanceUID=1.2.1",
         {"00080016", "00080060", "00100010", "00201208"},
         "/series/1.2.1.1/instances/1.2.1.1.1"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.target);
        const auto answer = ask(face, row.target);
        for (const char* tag : row.tags) {
            CAPTURE(tag);
            CHECK(size_at(answer->body, "/0/" + std::string(tag)) >= 1);
        }
        CHECK(at(answer->body, "/0/00081190/Value/0") == base + row.retrieve_url);
        CHECK(at(answer->body, "/0/00081190/vr") == "UR");
    }
    const auto study = ask(face, "/studies?PatientID=P1");
    CHECK(at(study->body, "/0/00100010/Value/0/Alphabetic") == "Doe^Jane");
    CHECK(at(study->body, "/0/00080061/Value/0") == "OT");
    CHECK(at(study->body, "/0/00201208/Value/0") == "6");
    CHECK(at(study->body, "/0/00081030") == "-");
}

TEST_CASE("fields are included when asked for")
{
    OpenFace face;
    REQUIRE(
        store(
            face.local().archive(),
            make_instance(
                {},
                [](DcmDataset& data_set) {
                    (void)data_set.putAndInsertString(DCM_StudyDescription, "Head");
                }
            )
        ).kind == StoreOutcome::Kind::stored
    );
    for (const char* query :
         {"includefield=StudyDescription",
          "includefield=00081030",
          "includefield=all",
          "StudyDescription=H*"}) {
        CAPTURE(query);
        const auto answer = ask(face, std::string("/studies?") + query);
        CHECK(at(answer->body, "/0/00081030/Value/0") == "Head");
    }
}

TEST_CASE("a question that makes no sense is refused")
{
    OpenFace face;
    fill(face);
    for (const char* target :
         {"/studies?limit=-1",
          "/studies?limit=x",
          "/studies?offset=1.5",
          "/studies?PatientID=%zz",
          "/studies?PatientID=%ff",
          "/studies?PatientID=a&PatientID=b",
          "/studies?00411001=x",
          "/studies?00411001=x",
          "/studies/not-a-uid/series"}) {
        CAPTURE(target);
        const auto answer = ask(face, target);
        CHECK(answer->status() == 400);
        CHECK(answer->field("Content-Type") == "application/problem+json");
        CHECK(at(answer->body, "/status") == "400");
    }
}

TEST_CASE("results come as DICOM JSON or in the Native DICOM Model")
{
    OpenFace face;
    fill(face);
    CHECK(ask(face, "/studies", "*/*")->status() == 200);
    CHECK(ask(face, "/studies", "application/dicom+json, multipart/related")->status() == 200);
    CHECK(ask(face, "/studies", "application/json")->field("Content-Type") == "application/json");
    CHECK(ask(face, "/studies?accept=application/dicom%2Bjson", "text/html")->status() == 200);
    CHECK(ask(face, "/studies", "text/html")->status() == 406);
    CHECK(ask(face, "/studies", "application/dicom+json;q=0")->status() == 406);

    constexpr const char* xml = "multipart/related; type=\"application/dicom+xml\"";
    const auto answer = ask(face, "/studies?PatientID=P1", xml);
    CHECK(answer->status() == 200);
    const std::string type(answer->field("Content-Type"));
    REQUIRE(type.starts_with(std::string(xml) + "; boundary="));
    const std::string boundary = type.substr(type.rfind('=') + 1);
    CHECK(answer->body.starts_with("--" + boundary + "\r\n"));
    CHECK(answer->body.ends_with("\r\n--" + boundary + "--\r\n"));
    CHECK(count_of(answer->body, "Content-Type: application/dicom+xml\r\n") == 1);
    CHECK(count_of(answer->body, "<NativeDicomModel") == 1);
    CHECK(count_of(answer->body, R"(keyword="RetrieveURL")") == 1);
    CHECK(count_of(answer->body, "<FamilyName>Doe</FamilyName>") == 1);
    CHECK(count_of(ask(face, "/instances", xml)->body, "<NativeDicomModel") == 12);
    const auto none = ask(face, "/studies?PatientID=nobody", xml);
    CHECK(none->status() == 204);
    CHECK(none->body.empty());
}

TEST_CASE("a key that the archive ignores never widens the answer")
{
    OpenFace face;
    Scripted origin(
        {"0020,000d=1.1 | 0010,0020=A | 0008,0061=CT",
         "0020,000d=1.2 | 0010,0020=B | 0008,0061=MR",
         "0020,000d=1.3 | 0010,0020=C | 0008,0061=CT\\SR"},
        {true}
    );
    origin.exact = false;
    face.serve({nullptr, &origin, nullptr});

    struct Row {
        const char* query;
        int matches;
    };

    const Row rows[] = {
        {"", 3},
        {"?ModalitiesInStudy=CT", 2},
        {"?ModalitiesInStudy=CT&PatientID=C", 1},
        {"?PatientID=D", 0},
    };
    for (const Row& row : rows) {
        CAPTURE(row.query);
        const auto answer = ask(face, std::string("/studies") + row.query);
        CHECK(size_at(answer->body, "") == row.matches);
        CHECK(answer->field("Warning").empty());
    }
    const auto unmatched = ask(face, "/studies?StudyDescription=Head");
    CHECK(size_at(unmatched->body, "") == 3);
    CHECK(
        std::string(unmatched->field("Warning")).find("may not have been applied") !=
        std::string::npos
    );
}

TEST_CASE("limit and offset are counted here where the archive's matches may be too many")
{
    OpenFace face;
    Scripted origin(
        {"0020,000d=1.1 | 0010,0020=A",
         "0020,000d=1.2 | 0010,0020=B",
         "0020,000d=1.3 | 0010,0020=A",
         "0020,000d=1.4 | 0010,0020=A"},
        {true}
    );
    origin.exact = false;
    face.serve({nullptr, &origin, nullptr});
    const auto first = ask(face, "/studies?PatientID=A&limit=2");
    CHECK(size_at(first->body, "") == 2);
    CHECK(at(first->body, "/1/0020000D/Value/0") == "1.3");
    CHECK(
        first->field("Warning") ==
        "299 http://pacs.test:8080/dicom-web: There are additional results that can be requested"
    );
    CHECK(!origin.question.limit);
    const auto second = ask(face, "/studies?PatientID=A&limit=2&offset=2");
    CHECK(size_at(second->body, "") == 1);
    CHECK(at(second->body, "/0/0020000D/Value/0") == "1.4");
    CHECK(second->field("Warning").empty());
}

TEST_CASE("names that the archive matches by their sound are its own to match")
{
    OpenFace face;
    Scripted origin({"0020,000d=1.1 | 0010,0010=Meyer"}, {true});
    origin.exact = false;
    face.serve({nullptr, &origin, nullptr});
    CHECK(size_at(ask(face, "/studies?PatientName=Mayr&fuzzymatching=true")->body, "") == 0);
    origin.fuzzy = true;
    const auto answer = ask(face, "/studies?PatientName=Mayr&fuzzymatching=true");
    CHECK(size_at(answer->body, "") == 1);
    CHECK(answer->field("Warning").empty());
}

TEST_CASE("what is not supported is warned of in the words of the standard")
{
    OpenFace face;
    fill(face);
    const std::string service = "299 http://pacs.test:8080/dicom-web: ";
    CHECK(
        ask(face, "/studies?fuzzymatching=true")->field("Warning") ==
        service + "The fuzzymatching parameter is not supported. Only literal matching has been "
                  "performed."
    );
    CHECK(ask(face, "/studies?fuzzymatching=false")->field("Warning").empty());
    CHECK(
        ask(face, "/instances?limit=5")->field("Warning") ==
        service + "There are 7 additional results that can be requested"
    );
    CHECK(ask(face, "/instances?limit=12")->field("Warning").empty());
}

TEST_CASE("a search that fails is never an empty answer")
{
    OpenFace face;

    struct Row {
        const char* says;
        unsigned matches;
        FindEnd end;
        unsigned status;
    };

    const Row rows[] = {
        {"the origin does not answer", 0, {false, Shortfall::unavailable, "down"}, 503},
        {"the origin says no", 0, {false, Shortfall::failed, "refused"}, 502},
        {"it lets nobody in", 0, {false, Shortfall::unauthorised, "refused"}, 502},
        {"it falls silent", 0, {false, Shortfall::timed_out, "silence"}, 504},
        {"it has more than it gives", 2, {false, Shortfall::limit, "A700"}, 413},
        {"it does not understand us", 0, {false, Shortfall::question, "A900"}, 502},
        {"it breaks off after some", 3, {false, Shortfall::unavailable, "down"}, 503},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        Scripted origin(row.matches, row.end);
        face.serve({nullptr, &origin, nullptr});
        const auto answer = ask(face, "/studies");
        CHECK(answer->status() == row.status);
        CHECK(answer->field("Content-Type") == "application/problem+json");
        CHECK(answer->body.find("down") == std::string::npos);
        CHECK(answer->field("Retry-After") == (row.status == 503 ? "30" : ""));
    }
    Scripted strict(0, {false, Shortfall::question, "A900"});
    face.serve({nullptr, &strict, nullptr});
    CHECK(ask(face, "/studies?PatientID=1")->status() == 400);
    Scripted nameless({"0010,0020=A"}, {true});
    face.serve({nullptr, &nameless, nullptr});
    CHECK(ask(face, "/studies")->status() == 502);
    face.serve({});
    CHECK(ask(face, "/studies")->status() == 501);
}

TEST_CASE("a search that fails late is cut off and one of any size is streamed")
{
    OpenFace face;
    Scripted breaking(50'000, {false, Shortfall::unavailable, "down"});
    face.serve({nullptr, &breaking, nullptr});
    const auto cut = ask(face, "/studies");
    CHECK(cut->status() == 200);
    CHECK(!cut->finished);
    Scripted whole(50'000, {true});
    face.serve({nullptr, &whole, nullptr});
    const auto answer = ask(face, "/studies");
    CHECK(answer->finished);
    CHECK(size_at(answer->body, "") == 50'000);
    CHECK(answer->largest_write < (1U << 20U) + 1'000);
}

TEST_CASE("the origin is asked what the client asked")
{
    OpenFace face;
    Scripted origin(0, {true});
    face.serve({nullptr, &origin, nullptr});
    (void)ask(
        face,
        "/studies/1.2.1/instances?limit=7&offset=3&PatientName=M%C3%BCller*"
        "&RequestAttributesSequence.ScheduledProcedureStepID=S1&includefield=all"
    );
    const FindQuestion& asked = origin.question;
    CHECK(asked.level == QueryLevel::image);
    CHECK(asked.model == QueryModel::study_root);
    CHECK(asked.relational);
    CHECK(asked.combined_date_time);
    CHECK(asked.all_fields);
    CHECK(asked.limit == 7);
    CHECK(asked.offset == 3);
    DcmDataset keys(*asked.keys);
    CHECK(value_of(keys, "StudyInstanceUID") == "1.2.1");
    CHECK(value_of(keys, "PatientName") == "Müller*");
    CHECK(value_of(keys, "SpecificCharacterSet") == "ISO_IR 192");
    DcmItem* item = nullptr;
    REQUIRE(keys.findAndGetSequenceItem(DCM_RequestAttributesSequence, item).good());
    CHECK(item->tagExists(DCM_RequestedProcedureID));
    OFString step;
    CHECK(item->findAndGetOFString(DCM_ScheduledProcedureStepID, step).good());
    CHECK(step == "S1");
}

TEST_CASE("links name the public address where one is configured")
{
    faces::WebFaceOptions options;
    options.public_url = "https://pacs.example.org";
    OpenFace face(options);
    fill(face);
    const auto answer = ask(face, "/studies?PatientID=P1");
    CHECK(
        at(answer->body, "/0/00081190/Value/0") ==
        "https://pacs.example.org/dicom-web/studies/1.2.1"
    );
}
