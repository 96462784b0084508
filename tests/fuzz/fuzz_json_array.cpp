// The splitter of JSON arrays: the first byte chooses how the rest is cut into pieces. Whatever the
// cut, the objects and the end must be those of the uncut text.
#include "mapping/json_array_splitter.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace gantry;
using namespace gantry::mapping;

namespace {

std::string transcript(std::string_view text, std::size_t piece)
{
    JsonArraySplitter splitter(Bytes{64});
    std::string out;
    while (!text.empty()) {
        const std::size_t size = std::min(piece, text.size());
        splitter.feed(text.substr(0, size));
        text.remove_prefix(size);
        while (true) {
            const auto object = splitter.next();
            if (!object)
                return out + '!' + object.error().detail;
            if (!*object)
                break;
            if ((*object)->size() > 64)
                std::abort();
            out.append(**object).push_back('|');
        }
    }
    return out + (splitter.finish() ? "." : "~");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return 0;
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    const std::string whole = transcript(text, size);
    if (transcript(text, 1U + data[0]) != whole || transcript(text, 1) != whole)
        std::abort();
    return 0;
}
