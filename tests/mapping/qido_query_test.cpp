#include "mapping/qido_query.h"

#include <doctest/doctest.h>

using namespace gantry;
using namespace gantry::mapping;

namespace {

std::string describe(const TagPath& path)
{
    std::string text;
    for (const Tag tag : path)
        text += (text.empty() ? "" : ".") + tag.hex();
    return text;
}

std::string describe(const QidoQuery& query)
{
    std::string text;
    for (const QidoKey& key : query.keys) {
        text += describe(key.path) + ' ' + to_string(key.vr);
        for (const std::string& value : key.values)
            text += " <" + value + '>';
        text += ';';
    }
    for (const TagPath& path : query.include_fields)
        text += " +" + describe(path);
    text += query.include_all ? " all" : "";
    text += query.limit ? " limit " + std::to_string(*query.limit) : "";
    text += query.offset != 0 ? " offset " + std::to_string(query.offset) : "";
    text += query.fuzzy_matching ? " fuzzy" : "";
    text += query.empty_value_matching ? " empty" : "";
    text += query.multiple_value_matching ? " multiple" : "";
    for (const std::string& name : query.unknown_parameters)
        text += " ?" + name;
    return text;
}

} // namespace

TEST_CASE("a QIDO-RS query is read into keys, fields and paging (PS3.18 8.3.4)")
{
    struct Row {
        const char* says;
        std::string_view query;
        std::string reads;
    };

    const Row rows[] = {
        {"nothing", "", ""},
        {"a keyword", "PatientName=DOE*", "00100010 PN <DOE*>;"},
        {"a tag", "00100020=123", "00100020 LO <123>;"},
        {"a tag in lower case", "0020000d=1.2", "0020000D UI <1.2>;"},
        {"percent-encoding", "PatientName=M%C3%BCller%5EJ%3F", "00100010 PN <M\xc3\xbcller^J?>;"},
        {"a plus is a plus", "StudyDescription=a+b", "00081030 LO <a+b>;"},
        {"a raw question mark and equals sign", "PatientName=D?E=x", "00100010 PN <D?E=x>;"},
        {"a list of UIDs", "StudyInstanceUID=1.2,1.3", "0020000D UI <1.2> <1.3>;"},
        {"a list of UIDs as DIMSE has it", "StudyInstanceUID=1.2%5C1.3", "0020000D UI <1.2> <1.3>;"
        },
        {"a comma in other values is data", "PatientID=a,b%2Cc", "00100020 LO <a,b,c>;"},
        {"a key without a value is universal", "PatientID=&StudyDate", "00100020 LO;00080020 DA;"},
        {"a star alone is universal", "StudyInstanceUID=*&StudyDate=*", "0020000D UI;00080020 DA;"},
        {"ranges",
         "StudyDate=20240101-20241231&StudyTime=10-&00080020.x=1",
         "00080020 DA <20240101-20241231>;00080030 TM <10->; ?00080020.x"},
        {"a path",
         "RequestAttributesSequence.ScheduledProcedureStepID=S1",
         "00400275.00400009 SH <S1>;"},
        {"a path in tags and words",
         "OtherPatientIDsSequence.00100020=S1",
         "00101002.00100020 LO <S1>;"},
        {"a private attribute", "00231001=x&00230010=Acme", "00231001 UN <x>;00230010 LO <Acme>;"},
        {"fields",
         "includefield=StudyDescription,00081030&includefield=00400275&includefield=all",
         " +00081030 +00400275 all"},
        {"paging", "limit=10&offset=20&fuzzymatching=true", " limit 10 offset 20 fuzzy"},
        {"newer options", "emptyvaluematching=true&multiplevaluematching=TRUE", " empty multiple"},
        {"what nobody knows",
         "orderby=StudyDate&includefield=nonsense&patientname=x",
         " ?orderby ?includefield=nonsense ?patientname"},
        {"parameters of every service", "accept=application/dicom%2Bjson&charset=utf-8", ""},
        {"empty pairs", "&&limit=0&", " limit 0"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto query = parse_qido_query(QueryLevel::study, row.query);
        REQUIRE_MESSAGE(query.has_value(), (query ? "" : query.error().text()));
        CHECK(describe(*query) == row.reads);
    }
}

TEST_CASE("a query that cannot be meant is refused, and no value is repeated (PS3.18 8.3.3)")
{
    std::string many;
    for (int i = 0; i < 300; ++i)
        many += "x=1&";
    const std::string_view bad[] = {
        "limit=-1",
        "limit=",
        "limit=1x",
        "limit=4294967296",
        "offset=a",
        "limit=1&limit=2",
        "fuzzymatching=yes",
        "PatientID=1&00100020=2",
        "PatientName.PatientID=1",
        "includefield=PatientName.PatientID",
        "RequestAttributesSequence=1",
        "PatientID=%",
        "PatientID=%4",
        "PatientID=%zz",
        "PatientID=%ff",
        "PatientID=%C0%80",
        "PatientID=%00",
        "%ff=1",
        "StudyInstanceUID=1.2*",
        "StudyDate=2024*",
        "StudyDate=2024-01-31",
        "StudyDate=-",
        "StudyTime=noon",
        "NumberOfStudyRelatedSeries=1*",
        many,
    };
    for (const std::string_view text : bad) {
        CAPTURE(text);
        const auto query = parse_qido_query(QueryLevel::study, text);
        REQUIRE_FALSE(query.has_value());
        CHECK(query.error().code == Errc::malformed);
        CHECK_FALSE(query.error().detail.empty());
    }
    const auto query = parse_qido_query(QueryLevel::study, "StudyDate=SECRET");
    REQUIRE_FALSE(query.has_value());
    CHECK(query.error().text().find("SECRET") == std::string::npos);
}
