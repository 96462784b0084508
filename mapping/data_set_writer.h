// Writes a data set that is in memory, but for its large values: those come from elsewhere on the
// way. Any thread that may block; memory does not depend on the values that come.
#pragma once

#include "mapping/error.h"
#include "mapping/vocabulary/bytes.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

class DcmItem;

namespace gantry::mapping {

/// A value that takes the place of one in the data set.
struct SuppliedValue {
    std::vector<std::uint64_t> pieces; // bytes of each: one frame each, or one value all together
    bool encapsulated = false;         // each piece is a fragment (PS3.5 A.4)

    using Take = std::function<Result<void>(ConstBytes)>;
    /// Gives all bytes of a piece.
    std::function<Result<void>(std::size_t piece, const Take& take)> give;
};

/// By where they stand: "7FE00010", or with item numbers "54000100.1.54001010".
using SuppliedValues = std::map<std::string, SuppliedValue>;

/// Explicit VR Little Endian (PS3.5 A.2, A.4): sequences and items of undefined length, values of
/// even length, no group lengths, nothing of groups 0000 and 0002. Errc::too_large: a supplied
/// value of 4 GiB; Errc::malformed, Errc::too_deep of the data set; what `supplied` and `out` fail
/// with.
Result<void>
write_data_set(DcmItem& data_set, const SuppliedValues& supplied, const SuppliedValue::Take& out);

} // namespace gantry::mapping
