// Identifiers of C-FIND, C-MOVE and C-GET as a peer may send them, in every syntax that they are
// taken in: what is understood can be written, and read again.
#include "dimse/data_set.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/oflog/oflog.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

using namespace gantry;
using namespace gantry::dimse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    const ConstBytes bytes = std::as_bytes(std::span(data, size));
    for (const auto name :
         {transfer_syntax::implicit_le, transfer_syntax::explicit_le, transfer_syntax::explicit_be
         }) {
        const Uid syntax = Uid::parse(name).value_or(Uid{});
        const auto parsed = parse_data_set(bytes, syntax);
        if (!parsed)
            continue;
        wire::Buffer written;
        if (encode_data_set(**parsed, syntax, written) && written.size() <= max_identifier &&
            !parse_data_set(written, syntax))
            std::abort();
    }
    return 0;
}
