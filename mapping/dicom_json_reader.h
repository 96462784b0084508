// Reads data sets from the DICOM JSON model (PS3.18 annex F), as servers write it. Any thread, no
// state; never invents a value, never repeats one in an error.
#pragma once

#include "mapping/error.h"
#include "mapping/vocabulary/tag.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

class DcmDataset;

namespace gantry::mapping {

/// A value that stands elsewhere (PS3.18 F.2.6).
struct BulkReference {
    std::string path; // "7FE00010", or with item numbers "54000100.1.54001010"
    std::string vr;   // two letters
    std::string uri;  // as it was written: may be relative
};

struct DicomJsonReadOptions {
    /// Told of each BulkDataURI; the element is in the data set without a value.
    std::function<void(const BulkReference&)> bulk_data = {};
    /// Told of each element (the outermost) whose value has no meaning: it is left out. Where there
    /// is no function, such a value is an error.
    std::function<void(Tag)> unreadable = {};
    std::size_t max_depth = 32; // of sequences
};

/// One object, or an array of one. Text is UTF-8; (0008,0005) is ISO_IR 192 where there is text
/// beyond ASCII, else absent, whatever was written. What a reader can tell is taken: any order,
/// lower case, numbers as text and text as numbers, a name as plain text, null; VRs that are
/// missing or contradict the data dictionary. Groups 0000, 0002 and group lengths are left out.
/// Errc::malformed (with the tag), Errc::too_deep.
Result<std::unique_ptr<DcmDataset>>
read_dicom_json(std::string_view text, const DicomJsonReadOptions& options = {});

} // namespace gantry::mapping
