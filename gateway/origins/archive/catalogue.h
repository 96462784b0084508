// What the index of the archive can be asked. Reads see whole commits only and never wait for a
// writer. Blocking: not on the loop; any thread, several at once.
#pragma once

#include "gateway/custody/spool.h"
#include "mapping/vocabulary/ae_title.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/query_level.h"
#include "mapping/vocabulary/result.h"
#include "mapping/vocabulary/sop_reference.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gantry::archive {

using custody::Digest;

/// One stored instance, as far as reading it needs.
struct StoredFile {
    InstanceKey key;
    AeTitle source;
    std::uint64_t offset = 0; // of the data set in the file
    Bytes length;             // of the data set
    Digest digest{};
};

/// Which rows. All that is given must hold; an empty list is no condition. A superset of what the
/// full matching will keep.
struct Selection {
    QueryLevel level = QueryLevel::study; // study, series or image
    std::vector<std::string> studies;
    std::vector<std::string> series;
    std::vector<std::string> instances;
    std::optional<std::string> patient_id;       // one value, no wildcard
    std::optional<std::string> accession_number; // one value, no wildcard
    std::string first_date;                      // YYYYMMDD of the study, inclusive; empty: open
    std::string last_date;
};

/// One match of a level, with what is above it. The attribute blobs are data sets in Explicit VR
/// Little Endian, text in UTF-8; those below the level are empty.
struct Row {
    std::string study_attributes;
    std::string series_attributes;
    std::string instance_attributes;
    std::string modalities; // of the study, "CT\MR"
    std::uint64_t study_series = 0;
    std::uint64_t study_instances = 0;
    std::uint64_t series_instances = 0;
    Uid transfer_syntax; // of the instance
};

/// Where a listing goes on: opaque; empty before the first page and after the last.
struct Position {
    std::string date; // study level
    std::string time;
    std::int64_t study = 0;
    std::int64_t series = 0;
    std::int64_t number = 0;
    std::int64_t id = 0;
};

struct Page {
    std::vector<Row> rows;
    std::optional<Position> next; // nothing: this was the last
};

struct FilePage {
    std::vector<StoredFile> files;
    std::optional<Position> next;
};

class Catalogue {
public:
    virtual ~Catalogue() = default;
    /// In an order that does not change: studies by date and time, newest first; series by study
    /// and Series Number; instances by series and Instance Number.
    virtual Result<Page>
    list(const Selection& selection, const std::optional<Position>& from, std::size_t limit) = 0;
    virtual Result<FilePage>
    files(const Selection& selection, const std::optional<Position>& from, std::size_t limit) = 0;
    virtual Result<std::optional<StoredFile>> find(const Uid& sop_instance) = 0;
    /// How many rows of that level.
    virtual Result<std::uint64_t> count(const Selection& selection) = 0;
};

} // namespace gantry::archive
