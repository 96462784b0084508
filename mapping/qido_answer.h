// What the head of an answer to QIDO-RS says (PS3.18 8.3.4.4, 8.5, 10.6.3). Pure tables; any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gantry::mapping {

enum class SearchAnswer : std::uint8_t {
    results,      // 200; 206: there are more
    nothing,      // 204, and 416 for an offset beyond the end
    no_resource,  // 404, 405, 410, 501: not offered, or an unknown study in the path
    question,     // 400, 414, 422: does not understand what was asked
    unauthorised, // 401, 403, 407
    media_type,   // 406, 415: does not answer in the form that was asked for
    too_much,     // 413: the answer would be too large
    later,        // 408, 429, 503, 504: may be well in a moment
    refused       // everything else
};

SearchAnswer search_answer(unsigned status);

enum class ResultForm : std::uint8_t { json, xml_parts, xml, other };

/// By Content-Type; servers name JSON in more than one way. Empty: JSON, as is the default of
/// PS3.18 10.6.3.
ResultForm result_form(std::string_view content_type);

/// "299 service: There are 12 additional results that can be requested" (PS3.18 8.3.4.4), in the
/// standard's own form or in that of RFC 7234.
struct AdditionalResults {
    bool there = false;
    std::optional<std::uint64_t> count;
};

AdditionalResults additional_results(std::string_view warning);

} // namespace gantry::mapping
