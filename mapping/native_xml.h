// Reads the Native DICOM Model (PS3.19 A.1) as far as responses need it. Pure. No entity but the
// five of XML itself and characters by number, no document type, nothing fetched from anywhere.
#pragma once

#include "mapping/error.h"

#include <boost/json/object.hpp>

#include <string_view>

namespace gantry::mapping {

/// The data set in the DICOM JSON model: attributes with Value of text, person names by their
/// groups, sequences of items. Bulk data is left out. Errc::malformed, Errc::too_deep.
Result<boost::json::object> read_native_xml(std::string_view xml);

} // namespace gantry::mapping
