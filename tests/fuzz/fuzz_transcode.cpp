// Compressed images as a peer or an origin may send them: any data set, in any of the syntaxes that
// are decoded, and encoded from what comes out. The first byte chooses.
#include "mapping/transcode.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

using namespace gantry;
using namespace gantry::mapping;

namespace {

struct Way {
    std::string_view from;
    std::string_view to;
};

constexpr std::string_view explicit_le = "1.2.840.10008.1.2.1";
constexpr std::string_view implicit_le = "1.2.840.10008.1.2";

constexpr Way ways[] = {
    {"1.2.840.10008.1.2.5", explicit_le},
    {"1.2.840.10008.1.2.4.50", explicit_le},
    {"1.2.840.10008.1.2.4.70", implicit_le},
    {"1.2.840.10008.1.2.4.80", explicit_le},
    {"1.2.840.10008.1.2.4.90", explicit_le},
    {"1.2.840.10008.1.2.4.201", implicit_le},
    {explicit_le, "1.2.840.10008.1.2.5"},
    {explicit_le, "1.2.840.10008.1.2.4.70"},
    {explicit_le, "1.2.840.10008.1.2.4.80"},
    {explicit_le, "1.2.840.10008.1.2.4.90"},
    {explicit_le, implicit_le},
    {implicit_le, "1.2.840.10008.1.2.5"},
};

constexpr TranscodeLimits limits{Bytes{1U << 20U}, Bytes{1U << 20U}};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 1)
        return 0;
    const Way& way = ways[data[0] % std::size(ways)];
    const ConstBytes bytes = std::as_bytes(std::span(data + 1, size - 1));
    std::size_t total = 0;
    Transcoder transcoder(
        way.from,
        way.to,
        [&total](ConstBytes piece) {
            total += piece.size();
            return Result<void>();
        },
        limits
    );
    const std::size_t half = bytes.size() / 2;
    if (transcoder.feed(bytes.first(half)) && transcoder.feed(bytes.subspan(half)))
        (void)transcoder.finish();
    return 0;
}
