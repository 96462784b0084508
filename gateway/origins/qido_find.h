// Answers a find from a DICOMweb archive by QIDO-RS (PS3.18 10.6): all pages, as a stream, each
// match once. Runs on the loop; holds one match at a time, and a digest of each match's UIDs.
#pragma once

#include "gateway/origin.h"
#include "gateway/origins/origin_profile.h"
#include "web/client.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace gantry {

/// What an origin shows of itself while it is asked. Loop.
struct SearchMemory {
    std::uint32_t page_size = 0;      // the largest page that it gave
    std::uint32_t accepted_limit = 0; // the largest that it took
    std::uint32_t refused_limit = 0;  // it does not take so large a limit, 0: none so far
    bool honours_offset = false;      // a page was another one than the first
    bool probed = false;              // page_size: it was asked for a page of all studies
    bool raw_caret = false;           // it found with "^" what it did not find with "%5E"
    bool decodes = false;             // it finds with "%5E"
    bool xml_only = false;            // it has no JSON
    bool no_series = false;           // does not offer /series
    bool no_instances = false;        // does not offer /instances
    bool no_study_instances = false;  // does not offer /studies/{study}/instances
};

/// What a profile says of it already.
SearchMemory known_of(const OriginProfile& profile);

struct SearchLimits {
    std::uint32_t first_page = 200; // so that the first match comes early; few archives give less
    std::uint32_t page = 5'000;     // the largest: reached by tens, from full page to full page
    std::uint32_t attempts = 3;     // of one page, without a match in between
    std::chrono::milliseconds retry_delay{250};
    std::chrono::milliseconds longest_delay{10'000}; // an origin that asks for more is unavailable
    Bytes max_match{4U << 20U};
    std::uint64_t max_matches = 2'000'000;
    std::size_t max_parents = 10'000; // of one level, where a hierarchy is walked
};

/// What is needed to ask. The references outlive every search.
struct SearchRoom {
    const std::string& name; // of the origin, for logs
    web::Client& client;
    const OriginProfile& profile;
    SearchMemory& learned;
    SearchLimits limits;
};

/// As Origin::find() says. Patient level: Shortfall::question.
asio::awaitable<FindEnd> find_by_qido(SearchRoom room, FindQuestion question, FindSink& matches);

} // namespace gantry
