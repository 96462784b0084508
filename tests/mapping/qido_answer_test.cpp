#include "mapping/qido_answer.h"

#include <doctest/doctest.h>

#include <string>

using namespace gantry::mapping;

TEST_CASE("each HTTP status of a search has its meaning (PS3.18 10.6.3)")
{
    struct Row {
        unsigned status;
        SearchAnswer answer;
    };

    const Row rows[] = {
        {200, SearchAnswer::results},      {206, SearchAnswer::results},
        {204, SearchAnswer::nothing},      {416, SearchAnswer::nothing},
        {404, SearchAnswer::no_resource},  {405, SearchAnswer::no_resource},
        {410, SearchAnswer::no_resource},  {501, SearchAnswer::no_resource},
        {400, SearchAnswer::question},     {414, SearchAnswer::question},
        {422, SearchAnswer::question},     {401, SearchAnswer::unauthorised},
        {403, SearchAnswer::unauthorised}, {407, SearchAnswer::unauthorised},
        {406, SearchAnswer::media_type},   {415, SearchAnswer::media_type},
        {413, SearchAnswer::too_much},     {408, SearchAnswer::later},
        {429, SearchAnswer::later},        {503, SearchAnswer::later},
        {504, SearchAnswer::later},        {500, SearchAnswer::refused},
        {502, SearchAnswer::refused},      {302, SearchAnswer::refused},
        {202, SearchAnswer::refused},      {999, SearchAnswer::refused},
    };
    for (const Row& row : rows) {
        CAPTURE(row.status);
        CHECK(search_answer(row.status) == row.answer);
    }
}

TEST_CASE("results are known by their media type, under the names in use")
{
    struct Row {
        const char* content_type;
        ResultForm form;
    };

    const Row rows[] = {
        {"application/dicom+json", ResultForm::json},
        {"application/dicom+json; charset=utf-8", ResultForm::json},
        {"Application/JSON", ResultForm::json},
        {"", ResultForm::json},
        {R"(multipart/related; type="application/dicom+xml"; boundary=x)", ResultForm::xml_parts},
        {"multipart/related; type=application/dicom+xml; boundary=x", ResultForm::xml_parts},
        {"application/dicom+xml", ResultForm::xml},
        {"multipart/related; type=application/dicom; boundary=x", ResultForm::other},
        {"text/html", ResultForm::other},
        {"nonsense", ResultForm::other},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.content_type));
        CHECK(result_form(row.content_type) == row.form);
    }
}

TEST_CASE("a warning of additional results is read in both of its forms (PS3.18 8.3.4.4)")
{
    struct Row {
        const char* warning;
        bool there;
        int count; // -1: not said
    };

    const Row rows[] = {
        {"299 http://a/b: There are 12 additional results that can be requested", true, 12},
        {R"(299 pacs "There are 300 additional results that can be requested")", true, 300},
        {R"(299 - "there are more additional results that can be requested")", true, -1},
        {"299 a: There are 0 additional results that can be requested", false, 0},
        {"299 a: The fuzzymatching parameter is not supported.", false, -1},
        {"199 a: There are 12 additional results", false, -1},
        {"", false, -1},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.warning));
        const AdditionalResults results = additional_results(row.warning);
        CHECK(results.there == row.there);
        CHECK(results.count.has_value() == (row.count >= 0));
        if (results.count)
            CHECK(*results.count == static_cast<std::uint64_t>(row.count));
    }
}
