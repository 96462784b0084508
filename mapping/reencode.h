// Turns a data set that may not stand in a web request (PS3.18 8.7.3.5.2: Implicit VR, big endian,
// deflated) into Explicit VR Little Endian, and what a DIMSE peer takes in Implicit VR only into
// that, chunk by chunk. Any thread, one at a time; memory does
// not depend on the data set. Values stay what they are; what surrounds them is written anew.
#pragma once

#include "mapping/error.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <functional>
#include <memory>

namespace gantry::mapping {

/// What comes out is PS3.5 A.2: sequences and items of undefined length, values of even length, no
/// group lengths, no trailing padding. VRs that were not written come from the data dictionary,
/// private ones by their creator, else UN; choices (US or SS, OB or OW) are made as PS3.5 annex A
/// says, from elements before them. A value that its VR's 16-bit length cannot hold becomes UN
/// (PS3.5 6.2.2). Deflated is inflated, and else kept as it is.
class Reencoder {
public:
    /// Takes the next bytes, in pieces of at most 64 KiB or the size of the chunk fed; what it
    /// fails with ends the re-encoding.
    using Out = std::function<Result<void>(ConstBytes)>;

    /// `from`: any syntax. One that is explicit little endian already keeps its bytes as they are.
    Reencoder(const TransferSyntax& from, Out out);

    /// `to`: explicit_le or implicit_le (PS3.5 A.1, where no VR is written). Errc::unsupported for
    /// encapsulated pixel data that would come to stand in implicit VR.
    Reencoder(const TransferSyntax& from, Encoding to, Out out);
    ~Reencoder();
    Reencoder(const Reencoder&) = delete;
    Reencoder& operator=(const Reencoder&) = delete;
    Reencoder(Reencoder&&) noexcept;
    Reencoder& operator=(Reencoder&&) noexcept;

    /// Errors as DataSetScanner; Errc::unsupported without a data dictionary (implicit VR only).
    Result<void> feed(ConstBytes chunk);
    Result<void> finish();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace gantry::mapping
