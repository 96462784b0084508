// The Identifier of a C-FIND, C-MOVE or C-GET request, held against its information model (PS3.4
// C.4.1.1.3.1, C.4.2.1.4, C.6). Pure; one thread at a time for one data set. Text comes and leaves
// as UTF-8: decode it first (mapping/character_set.h).
#pragma once

#include "mapping/vocabulary/dimse_status.h"
#include "mapping/vocabulary/query_level.h"
#include "mapping/vocabulary/tag.h"
#include "mapping/vocabulary/uid.h"

#include <boost/system/result.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

class DcmDataset;

namespace gantry::mapping {

/// The information model of a Query/Retrieve FIND, MOVE or GET class; nothing: it is none of these.
std::optional<QueryModel> query_model(std::string_view sop_class);

struct IdentifierRules {
    bool lenient = false;    // incomplete hierarchies are relational, superfluous keys are ignored
    bool relational = false; // granted by extended negotiation (PS3.4 C.5.1.1.1, C.5.2.1.1)
    bool timezone = false;   // granted (PS3.4 C.5.1.1.4): (0008,0201) counts
};

/// Refused Identifiers carry the status of the final response: A900 with its Offending Element, or
/// 0122 where the SOP class is none of these.
template <class T>
using Checked = boost::system::result<T, DimseStatus>;

struct FindIdentifier {
    QueryModel model = QueryModel::study_root;
    QueryLevel level = QueryLevel::study;
    bool relational = false; // a unique key of a higher level is missing or not single
    /// What is matched or returned: without (0008,0052), (0008,0054), group lengths, padding and
    /// keys that have no matching; with the unique keys of this level and above, empty where they
    /// were not asked for. (0008,0005) is ISO_IR 192.
    std::shared_ptr<const DcmDataset> keys;
    std::vector<Tag> added;   // unique keys that the request did not have
    std::vector<Tag> ignored; // asked for with a value that nothing can match: never in an answer
};

/// `identifier`: text in UTF-8, whatever its (0008,0005) says.
Checked<FindIdentifier> check_find_identifier(
    std::string_view sop_class, const DcmDataset& identifier, const IdentifierRules& rules
);

struct RetrieveIdentifier {
    QueryModel model = QueryModel::study_root;
    QueryLevel level = QueryLevel::study;
    std::vector<std::string> patient_ids; // Patient Root and Patient/Study Only: one, or none
    std::vector<Uid> studies;             // at their own level any number, above it one
    std::vector<Uid> series;
    std::vector<Uid> instances;
};

/// As above, for C-MOVE and C-GET: no wildcards, no other keys than unique ones (with a value:
/// refused, or ignored where lenient), never without a unique key of its level.
Checked<RetrieveIdentifier> check_retrieve_identifier(
    std::string_view sop_class, const DcmDataset& identifier, const IdentifierRules& rules
);

} // namespace gantry::mapping
