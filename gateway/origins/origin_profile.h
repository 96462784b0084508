// What is known of one DICOMweb archive beyond the standard: quirks as data. Written by `gantry
// doctor` or by hand, read at the start from the file that origins[].profile names. Pure but for
// the two functions that touch a file, which block.
#pragma once

#include "mapping/vocabulary/result.h"
#include "mapping/vocabulary/tag.h"
#include "mapping/vocabulary/uid.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry {

/// What is absent is not known, and found out where that is possible.
struct OriginProfile {
    struct Search {                               // QIDO-RS
        std::optional<bool> raw_caret;            // finds "DOE^J*" only where "^" is not encoded
        std::optional<std::uint32_t> page_size;   // the most results that one answer holds
        std::optional<bool> honours_offset;       // false: every page is the first
        std::optional<bool> combines_date_time;   // date and time ranges as one (PS3.18 8.3.4.1)
        std::optional<bool> relational_series;    // offers /series
        std::optional<bool> relational_instances; // offers /instances
        std::optional<bool> study_instances;      // offers /studies/{study}/instances
        std::optional<bool> xml_only;             // answers application/dicom+xml only
        std::vector<Tag> unsearchable;            // refused or ignored as keys to match
    };

    struct Retrieve {                            // WADO-RS
        std::optional<bool> any_transfer_syntax; // takes transfer-syntax=* and gives it as stored
        std::optional<std::vector<Uid>> transfer_syntaxes; // that it gives when asked for them
        std::optional<bool> study_level;                   // offers /studies/{study}
        std::optional<bool> series_level;              // offers /studies/{study}/series/{series}
        std::optional<bool> metadata;                  // offers .../metadata
        std::optional<std::uint16_t> requests_at_once; // beyond that it gets slower
    };

    std::string made_by; // who wrote it and when, for people
    Search search;
    Retrieve retrieve;
};

/// JSON: {"made_by": "...", "search": {"raw_caret": true, ...}, "retrieve": {...}}; tags are 8 hex
/// digits, UIDs text. Errors (invalid) name the key that is unknown or of a wrong kind.
Result<OriginProfile> parse_origin_profile(std::string_view json);

/// What parse_origin_profile() reads; absent fields are left out.
std::string write_origin_profile(const OriginProfile& profile);

/// At most 64 KiB. Errors: disk, invalid; the detail says what an operator must know.
Result<OriginProfile> load_origin_profile(const std::filesystem::path& path);

/// Replaces the file as a whole (mode 0644). Error: disk.
Result<void> save_origin_profile(const OriginProfile& profile, const std::filesystem::path& path);

} // namespace gantry
