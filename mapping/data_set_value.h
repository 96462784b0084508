// Finds one value in a data set by the path that its BulkDataURI has (PS3.18 8.6.1.1.2). For
// threads that may block; reads the structure before it, never values.
#pragma once

#include "mapping/error.h"
#include "mapping/image_frames.h"
#include "mapping/value_representation.h"
#include "mapping/vocabulary/random_access.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace gantry::mapping {

/// A tag, or sequences and items before it: "00540016/0/00181072". Items from 0.
struct ValuePath {
    std::vector<Tag> tags;
    std::vector<std::uint32_t> items; // one less

    /// Nothing where it is none.
    static std::optional<ValuePath> parse(std::string_view text);
};

struct ValuePlace {
    Extent bytes; // empty of fragments
    Vr vr = vr::none;
    bool fragments = false; // encapsulated
};

/// Nothing where it is not there, or is a sequence. Any syntax but a deflated one. Errors as
/// DataSetTokenizer; Errc::truncated where the value is cut short.
Result<std::optional<ValuePlace>>
find_value(const RandomAccess& data_set, std::string_view transfer_syntax, const ValuePath& path);

} // namespace gantry::mapping
