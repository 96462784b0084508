// Any Content-Type or Accept is read or left; a type that is read is acceptable to itself.
#include "mapping/media_type.h"

#include "fuzz_input.h"

using namespace gantry;
using namespace gantry::mapping;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = fuzz::text(data, size);
    const auto accept = parse_accept(text);
    for (const MediaRange& range : accept)
        fuzz::require(range.quality <= 1000);
    const auto media = parse_media_type(text);
    if (media) {
        fuzz::require(satisfies(*media, *media));
        fuzz::require(choose({&*media, 1}, {}) == 0);
        choose({&*media, 1}, accept);
    }
    return 0;
}
