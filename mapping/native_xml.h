// Reads the Native DICOM Model (PS3.19 A.1) as far as responses need it. Pure. No entity but the
// five of XML itself and characters by number, no document type, nothing fetched from anywhere.
#pragma once

#include "mapping/error.h"

#include <boost/json/object.hpp>

#include <string_view>

namespace gantry::mapping {

/// The data set in the DICOM JSON model: attributes with Value of text (null where an earlier
/// number is missing), person names by their groups, sequences of items, InlineBinary, BulkData by
/// its uri or uuid. Private attributes are in a block of their own for each creator, which is added
/// where it is missing (PS3.5 7.8.1). Errc::malformed, also an attribute twice; Errc::too_deep.
Result<boost::json::object> read_native_xml(std::string_view xml);

} // namespace gantry::mapping
