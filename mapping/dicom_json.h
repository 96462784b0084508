// Writes data sets in the DICOM JSON model (PS3.18 annex F). Any thread, but one data set in one
// thread; never changes the data set, never emits invalid UTF-8.
#pragma once

#include "mapping/error.h"
#include "mapping/vocabulary/tag.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

class DcmItem;

namespace gantry::mapping {

/// A value that may be left out of the text and fetched by itself.
struct BulkValue {
    Tag tag;
    std::string vr;         // two letters
    std::uint32_t size = 0; // bytes; 0xFFFFFFFF: encapsulated
    std::string path;       // where it is: "7FE00010", or with item numbers "54000100.1.54001010"
};

struct DicomJsonOptions {
    /// Top-level elements to write; all, where there is no function.
    std::function<bool(Tag)> wanted = {};
    /// The BulkDataURI of a binary value (OB OD OF OL OV OW UN; encapsulated pixel data), or
    /// nothing: then it is written inline, and encapsulated pixel data is left out.
    std::function<std::optional<std::string>(const BulkValue&)> bulk_data_uri = {};
};

/// Appends one object. Group lengths, groups 0000 and 0002, and padding are left out (PS3.18
/// F.2.2); text is UTF-8, (0008,0005) says so where it matters. Errc::too_deep; Errc::malformed
/// where a value cannot be read: `out` is then what it was before.
Result<void>
write_dicom_json(DcmItem& data_set, std::string& out, const DicomJsonOptions& options = {});

} // namespace gantry::mapping
