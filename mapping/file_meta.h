// The head of a DICOM file: preamble, prefix and file meta information (PS3.10 7.1). Pure; any
// thread. Tolerant in reading, exact in writing.
#pragma once

#include "mapping/error.h"
#include "mapping/vocabulary/ae_title.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/sop_reference.h"
#include "mapping/vocabulary/uid.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace gantry::mapping {

/// What a file head says. A UID that is absent or no UID is empty.
struct FileHead {
    SopReference sop;    // (0002,0002), (0002,0003)
    Uid transfer_syntax; // (0002,0010)
    AeTitle source;      // (0002,0016) Source Application Entity Title; may be empty
};

struct ReadFileHead {
    FileHead head; // transfer_syntax is never empty: guessed from the data set where not stated
    std::uint64_t data_set_offset = 0;
    bool has_prefix = false;             // preamble and "DICM" were there (a DICOM file must)
    bool transfer_syntax_stated = false; // not guessed
};

/// No head is longer: what is, is taken for garbage (Errc::too_large).
inline constexpr Bytes max_file_head{128U << 10U};

/// Reads the head from the first bytes of a file. Errc::incomplete: come back with more of the file
/// (all of it, or at the most `max_file_head`, is always enough, unless `whole_file` says that
/// there is no more: then Errc::truncated). Tolerated: no preamble, no "DICM", no or a wrong group
/// length, no transfer syntax, no file meta information at all, where the bytes are still
/// recognisably a data set. Errc::not_dicom: they are not. Errc::malformed: the meta information
/// does not hold together.
Result<ReadFileHead> read_file_head(ConstBytes prefix, bool whole_file = false);

/// A fresh head: zero preamble, "DICM", (0002,0000), 0001, 0002, 0003, 0010, 0012, 0013 and, with a
/// source, 0016. The data set follows directly.
std::string write_file_head(const FileHead& head);

} // namespace gantry::mapping
