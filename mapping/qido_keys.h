// The keys of an Identifier as QIDO-RS parameters (PS3.18 8.3.4.1). Internal to mapping/. Pure.
#pragma once

#include "mapping/qido_request.h"
#include "mapping/value_representation.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

class DcmItem;

namespace gantry::mapping {

/// An attribute to match.
struct MatchKey {
    std::string name; // "PatientName", "RequestAttributesSequence.RequestedProcedureID"
    Tag tag;          // the outermost
    Vr vr = vr::un;   // of the innermost
    std::vector<std::string> values; // UTF-8, any of them; never empty
};

struct QidoKeys {
    std::vector<MatchKey> matches;
    std::vector<Tag> fields; // to be returned, the outermost of sequences; matches among them
};

/// Every key with what it asks for; universal ones have no match. Errc::malformed with the tag.
Result<QidoKeys> collect_qido_keys(DcmItem& keys, const QidoDialect& dialect);

/// A range (PS3.4 C.2.2.2.5) of DA or TM: has a "-".
bool is_range(std::string_view value);

/// "PatientID"; where the dictionary has no keyword: "00091001".
std::string attribute_name(Tag tag);

/// Percent-encodes a value of `vr` (RFC 3986 3.4): "*" and "?" stay as they are. For a server that
/// does not decode, "*" stands for what must be encoded, where the VR has wildcards.
void append_encoded(std::string& out, Vr vr, std::string_view value, const QidoDialect& dialect);

} // namespace gantry::mapping
