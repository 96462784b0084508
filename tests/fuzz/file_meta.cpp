// Any beginning of a file is a head, no head, or wants more; more never changes what was found.
#include "mapping/file_meta.h"

#include "fuzz_input.h"

using namespace gantry;
using namespace gantry::mapping;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ConstBytes bytes = std::as_bytes(std::span(data, size));
    const auto whole = read_file_head(bytes, true);
    if (whole) {
        fuzz::require(whole->data_set_offset <= size);
        fuzz::require(!whole->head.transfer_syntax.empty());
        const std::string written = write_file_head(whole->head);
        const auto again = read_file_head(std::as_bytes(std::span(written)), true);
        fuzz::require(again && again->head.sop == whole->head.sop);
        fuzz::require(again->head.source == whole->head.source);
    } else {
        fuzz::require(whole.error().code != Errc::incomplete);
    }
    const auto half = read_file_head(bytes.first(size / 2));
    if (half)
        fuzz::require(whole && whole->data_set_offset == half->data_set_offset);
    return 0;
}
