#include "mapping/qido_answer.h"

#include "mapping/media_type.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

namespace gantry::mapping {

SearchAnswer search_answer(unsigned status)
{
    switch (status) {
    case 200:
    case 206: return SearchAnswer::results;
    case 204:
    case 416: return SearchAnswer::nothing;
    case 404:
    case 405:
    case 410:
    case 501: return SearchAnswer::no_resource;
    case 400:
    case 414:
    case 422: return SearchAnswer::question;
    case 401:
    case 403:
    case 407: return SearchAnswer::unauthorised;
    case 406:
    case 415: return SearchAnswer::media_type;
    case 413: return SearchAnswer::too_much;
    case 408:
    case 429:
    case 503:
    case 504: return SearchAnswer::later;
    default: return SearchAnswer::refused;
    }
}

ResultForm result_form(std::string_view content_type)
{
    if (content_type.empty())
        return ResultForm::json;
    const auto media = parse_media_type(content_type);
    if (!media)
        return ResultForm::other;
    const std::string essence = media->essence();
    if (essence == "application/dicom+json" || essence == "application/json" ||
        essence == "text/json")
        return ResultForm::json;
    if (essence == "application/dicom+xml")
        return ResultForm::xml;
    const std::string_view type = media->parameter("type");
    const bool xml_parts = essence == "multipart/related" && type == "application/dicom+xml";
    return xml_parts ? ResultForm::xml_parts : ResultForm::other;
}

AdditionalResults additional_results(std::string_view warning)
{
    std::string text(warning);
    std::ranges::transform(text, text.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    const std::size_t at = text.find("additional results");
    if (at == std::string::npos || text.find("299") == std::string::npos)
        return {};
    AdditionalResults results{true, std::nullopt};
    constexpr std::string_view lead = "there are ";
    const std::size_t number = text.rfind(lead, at);
    std::uint64_t count = 0;
    if (number != std::string::npos) {
        const char* const begin = text.data() + number + lead.size();
        const auto [end, failed] = std::from_chars(begin, text.data() + at, count);
        if (failed == std::errc() && end != begin)
            results.count = count;
    }
    results.there = results.count != 0U;
    return results;
}

} // namespace gantry::mapping
