// Reads the structure of a data set as it comes off the wire or the disk, chunk by chunk, to its
// end, and takes out the UIDs that say what it is (PS3.5 7). Any thread, one at a time; never keeps
// a value (memory does not depend on the data set), never judges one, never throws on bad input.
#pragma once

#include "mapping/error.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/transfer_syntax.h"
#include "mapping/vocabulary/uid.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace gantry::mapping {

/// What a data set says of itself at its top level. A UID that is absent, empty or no UID is empty.
struct ScannedDataSet {
    Uid sop_class;    // (0008,0016)
    Uid sop_instance; // (0008,0018)
    Uid study;        // (0020,000D)
    Uid series;       // (0020,000E)
    /// Where the element Pixel Data (7FE0,0010) begins, in bytes from the start of the data set (of
    /// the inflated one, where it is deflated).
    std::optional<std::uint64_t> pixel_data;
    /// Bytes of the data set, inflated where it is deflated.
    std::uint64_t size = 0;
};

class DataSetScanner {
public:
    explicit DataSetScanner(const TransferSyntax& syntax);
    ~DataSetScanner();
    DataSetScanner(const DataSetScanner&) = delete;
    DataSetScanner& operator=(const DataSetScanner&) = delete;
    DataSetScanner(DataSetScanner&&) noexcept;
    DataSetScanner& operator=(DataSetScanner&&) noexcept;

    /// The next bytes, in pieces of any size. Fails as soon as the structure does not hold
    /// (Errc::malformed: an item or sequence that runs past its parent, a delimiter or tag where
    /// none may be, a bad deflate stream; Errc::too_deep), and then again at every further call.
    Result<void> feed(ConstBytes chunk);

    /// Nothing follows. Errc::truncated where the data set ends inside an element, item or
    /// sequence.
    Result<ScannedDataSet> finish();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace gantry::mapping
