// From the keys of a C-FIND Identifier to QIDO-RS requests (PS3.4 C.2.2, PS3.18 8.3.4, 10.6.1).
// Pure; any thread. What a request cannot say is left out, never guessed: it then matches more, and
// who asked looks again.
#pragma once

#include "mapping/error.h"
#include "mapping/vocabulary/query_level.h"
#include "mapping/vocabulary/tag.h"
#include "mapping/vocabulary/uid.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

class DcmItem;

namespace gantry::mapping {

/// What is known of the server.
struct QidoDialect {
    /// It does not decode what it is sent: "^" goes as it is, and "*" for what cannot (it matches
    /// more then).
    bool raw_caret = false;
    bool combines_date_time = true; // as PS3.18 8.3.4.1 wants it; false: the date alone is asked
    std::vector<Tag> unsearchable;  // asked for, never matched
};

struct QidoQuestion {
    QueryLevel level = QueryLevel::study;
    bool fuzzy = false;
    bool combined_date_time = false; // PS3.4 C.2.2.2.5
    bool timezone = false;           // (0008,0201) of the keys counts
    bool all_fields = false;
    bool unique_keys_only = false; // of results: a step on the way down
    Uid study;                     // asked for within these, whatever the keys say
    Uid series;
};

/// One request, but for limit and offset.
struct QidoRequest {
    QueryLevel level = QueryLevel::study;
    Uid study;            // of the path: the answer need not repeat it
    Uid series;           // likewise
    std::size_t most = 0; // results, where it asks for so many UIDs of its own level; 0: any number
    std::string path;     // "/studies/1.2.3/series"
    std::string query;    // "PatientID=4711&includefield=00081030", may be empty

    /// Path and query; limit and offset are added where they are not 0.
    std::string target(std::uint64_t limit = 0, std::uint64_t offset = 0) const;
};

/// The requests whose results, united by their unique keys, answer the question. Several where a
/// key has several values that are no UIDs, or where a hierarchy is asked for several of its
/// entities. `keys` are UTF-8. Errc::malformed: a key that says nothing (a sequence of two items, a
/// wildcard in a UID; detail: its tag); Errc::unsupported: patient level (PS3.18 has no such
/// resource); Errc::too_large: more than 1,024 requests.
Result<std::vector<QidoRequest>>
qido_requests(const QidoQuestion& question, DcmItem& keys, const QidoDialect& dialect = {});

} // namespace gantry::mapping
