#include "mapping/file_meta.h"
#include "mapping/report_html.h"

#include <doctest/doctest.h>

#include <functional>

#include "transcode_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

DcmItem& code(DcmItem& to, const DcmTagKey& sequence, const char* meaning)
{
    DcmItem* item = nullptr;
    REQUIRE(to.findOrCreateSequenceItem(sequence, item, 0).good());
    CHECK(item->putAndInsertString(DCM_CodeMeaning, meaning).good());
    return *item;
}

DcmItem& child(DcmItem& of, const char* relation, const char* type, const char* name)
{
    DcmItem* item = nullptr;
    REQUIRE(of.findOrCreateSequenceItem(DCM_ContentSequence, item, -2).good());
    CHECK(item->putAndInsertString(DCM_RelationshipType, relation).good());
    CHECK(item->putAndInsertString(DCM_ValueType, type).good());
    code(*item, DCM_ConceptNameCodeSequence, name);
    return *item;
}

void say(DcmItem& item, const DcmTagKey& key, const char* text)
{
    CHECK(item.putAndInsertString(key, text).good());
}

DcmDataset& titled(DcmDataset& report)
{
    say(report, DCM_ValueType, "CONTAINER");
    code(report, DCM_ConceptNameCodeSequence, "Chest X-ray");
    return report;
}

bool holds(const std::string& page, std::string_view text)
{
    return page.find(text) != std::string::npos;
}

} // namespace

TEST_CASE("each kind of content item says its value (PS3.3 C.17.3)")
{
    struct Row {
        const char* type;
        std::function<void(DcmItem&)> fill;
        const char* shown;
    };

    const Row rows[] = {
        {"TEXT", [](DcmItem& to) { say(to, DCM_TextValue, "a\\b"); }, "a\\b"},
        {"DATE", [](DcmItem& to) { say(to, DCM_Date, "20240102"); }, "20240102"},
        {"PNAME", [](DcmItem& to) { say(to, DCM_PersonName, "Doe^Jane=X"); }, "Doe Jane<"},
        {"CODE", [](DcmItem& to) { code(to, DCM_ConceptCodeSequence, "Mass"); }, "Mass"},
        {"UIDREF", [](DcmItem& to) { say(to, DCM_UID, "1.2.3"); }, "1.2.3"},
        {"NUM",
         [](DcmItem& to) {
             DcmItem* measured = nullptr;
             REQUIRE(to.findOrCreateSequenceItem(DCM_MeasuredValueSequence, measured, 0).good());
             say(*measured, DCM_NumericValue, "4.5");
             code(*measured, DCM_MeasurementUnitsCodeSequence, "millimeter");
         },
         "4.5 millimeter"},
        {"NUM", [](DcmItem&) {}, "not measured"},
        {"IMAGE",
         [](DcmItem& to) {
             DcmItem* image = nullptr;
             REQUIRE(to.findOrCreateSequenceItem(DCM_ReferencedSOPSequence, image, 0).good());
             say(*image, DCM_ReferencedSOPClassUID, "1.2.840.10008.5.1.4.1.1.2");
             say(*image, DCM_ReferencedSOPInstanceUID, "1.2.9");
             say(*image, DCM_ReferencedFrameNumber, "2\\3");
         },
         "CTImageStorage 1.2.9, frame 2, 3"},
        {"SCOORD", [](DcmItem& to) { say(to, DCM_GraphicType, "CIRCLE"); }, "CIRCLE"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.type);
        DcmDataset report;
        row.fill(child(titled(report), "CONTAINS", row.type, "Finding"));
        const auto page = mapping::report_html(report);
        REQUIRE(page.has_value());
        CAPTURE(*page);
        CHECK(holds(*page, "<h1>Chest X-ray</h1>"));
        CHECK(holds(*page, "<b>Finding:</b>"));
        CHECK(holds(*page, row.shown));
    }
}

TEST_CASE("items stand in those that contain them with how they relate")
{
    DcmDataset report;
    DcmItem& section = child(titled(report), "CONTAINS", "CONTAINER", "Findings");
    say(child(section, "HAS CONCEPT MOD", "TEXT", "Side"), DCM_TextValue, "left");
    const auto page = mapping::report_html(report);
    REQUIRE(page.has_value());
    CHECK(holds(
        *page,
        "<li><b>Findings</b><span></span><ul>\n<li><i>that is</i> <b>Side:</b> <span>left</span>"
    ));
}

TEST_CASE("nothing of a report becomes markup")
{
    DcmDataset report;
    say(report, DCM_PatientName, "<img src=x onerror=alert(1)>");
    say(child(titled(report), "CONTAINS", "TEXT", "<b>"), DCM_TextValue, "</span><script>'\"&\x01");
    const auto page = mapping::report_html(report);
    REQUIRE(page.has_value());
    CHECK_FALSE(holds(*page, "<script"));
    CHECK_FALSE(holds(*page, "<img"));
    CHECK(holds(*page, "&lt;/span&gt;&lt;script&gt;&#39;&quot;&amp;</span>"));
    CHECK(holds(*page, "<b>&lt;b&gt;:</b>"));
}

TEST_CASE("a report becomes UTF-8 whatever it is written in")
{
    DcmDataset report;
    say(report, DCM_SpecificCharacterSet, "ISO_IR 100");
    say(child(titled(report), "CONTAINS", "TEXT", "Text"), DCM_TextValue, "M\xfcller");
    const auto page = mapping::report_html(report);
    REQUIRE(page.has_value());
    CHECK(holds(*page, "M\xc3\xbcller"));
}

TEST_CASE("what has no content tree is no report")
{
    DcmDataset image;
    say(image, DCM_PatientID, "1");
    CHECK(mapping::report_html(image).error().code == mapping::Errc::unsupported);
}

TEST_CASE("the sample reports are pages with all of their text")
{
    struct Row {
        const char* file;
        std::vector<const char*> shown;
    };

    const Row rows[] = {
        {"reportsi.dcm", {"<h1>", "<li>"}},
        {"test-SR.dcm", {"<h1>", "<li>"}},
        {"report_dfl.dcm", {"<h1>", "<li>"}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.file);
        const Encoded file = sample(row.file);
        if (file.body.empty())
            return;
        const auto body = transcode(file.syntax, syntax::explicit_le, file.body);
        const auto data_set =
            load(body ? *body : file.body, body ? syntax::explicit_le : file.syntax);
        const auto page = mapping::report_html(*data_set);
        REQUIRE(page.has_value());
        for (const char* text : row.shown)
            CHECK(holds(*page, text));
        // Every text of the tree stands in the page.
        DcmStack stack;
        std::size_t texts = 0;
        while (data_set->search(DCM_TextValue, stack, ESM_afterStackTop, OFTrue).good()) {
            OFString text;
            CHECK(dynamic_cast<DcmElement*>(stack.top())->getOFStringArray(text).good());
            const std::string whole = text.c_str();
            const std::string first = whole.substr(0, whole.find_first_of("\r\n&<>'\""));
            CHECK(holds(*page, first));
            ++texts;
        }
        CHECK(texts > 0);
    }
}
