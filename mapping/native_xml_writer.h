// Writes data sets in the Native DICOM Model (PS3.19 A.1) as application/dicom+xml has them (PS3.18
// 8.7.3.2). Any thread, but one data set in one thread; never changes the data set, never emits
// what is not well-formed XML 1.0 in UTF-8.
#pragma once

#include "mapping/dicom_json.h"

#include <string>

class DcmItem;

namespace gantry::mapping {

/// Where large values go, and what is left out, as in DICOM JSON: `bulk_data_uri` gives the uri of
/// BulkData, nothing means InlineBinary.
using NativeXmlOptions = DicomJsonOptions;

/// Appends one document, with its XML declaration. Text is UTF-8, (0008,0005) says so where it
/// matters; characters that XML 1.0 has no place for become U+FFFD. A private element carries its
/// creator, and 00 for its block. Errors as write_dicom_json(); `out` is then what it was before.
Result<void>
write_native_xml(DcmItem& data_set, std::string& out, const NativeXmlOptions& options = {});

} // namespace gantry::mapping
