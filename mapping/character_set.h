// Whole data sets from and to a Specific Character Set (0008,0005) (PS3.5 6.1, PS3.3 C.12.1.1.2).
// Pure; one thread at a time.
#pragma once

#include "mapping/text_encoder.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

class DcmDataset;

namespace gantry::mapping {

/// The value of (0008,0005) with its backslashes; empty where it is absent.
std::string character_set_of(DcmDataset& data_set);

/// All text of `data_set`, items included, as UTF-8; its (0008,0005) becomes ISO_IR 192, or goes
/// where all is ASCII. `undeclared`: the set of 8-bit text where the data set names none. The
/// number of elements that are not in the set that they should be in: U+FFFD stands in them.
std::size_t decode_text(DcmDataset& data_set, std::string_view undeclared = {});

struct Encoded {
    std::string character_set; // of (0008,0005); empty: all is ASCII and the element is absent
    std::size_t replaced = 0;  // characters that had no place and became "?"
};

/// The reverse, for many data sets to one peer.
class DataSetEncoder {
public:
    /// Sets in the order in which they are wanted; those that nobody knows are passed over.
    explicit DataSetEncoder(const std::vector<std::string>& wanted);

    /// Into the first set that all text of `data_set` has a place in; where there is none, into the
    /// first, with "?".
    Encoded encode(DcmDataset& data_set);

private:
    std::vector<TextEncoder> sets_;
};

} // namespace gantry::mapping
