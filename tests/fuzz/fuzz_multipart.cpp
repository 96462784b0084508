// The multipart reader's core: the first byte chooses how the rest is cut into pieces. Whatever the
// cut, the steps, fields and contents must be those of the uncut body.
#include "web/multipart_parser.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace gantry;
using namespace gantry::web;

namespace {

std::string transcript(ConstBytes body, std::size_t piece)
{
    using Step = MultipartParser::Step;
    MultipartLimits limits;
    limits.max_part_header = 256;
    limits.max_parts = 8;
    MultipartParser parser("boundary", limits);
    std::string out;
    for (;;) {
        const auto step = parser.next();
        if (!step)
            return out + "!" + step.error().detail;
        if (*step == Step::need_more) {
            if (body.empty())
                return out + (parser.complete() ? "." : "~");
            const auto n = std::min(piece, body.size());
            parser.feed(body.first(n));
            body = body.subspan(n);
        } else if (*step == Step::content) {
            if (parser.content().empty())
                std::abort();
            out.append(
                reinterpret_cast<const char*>(parser.content().data()), parser.content().size()
            );
        } else {
            out += *step == Step::part       ? "[part]"
                   : *step == Step::part_end ? "[part_end]"
                                             : "[end]";
            if (*step == Step::part)
                for (const auto& [name, value] : parser.fields())
                    out += name + "=" + value + ";";
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return 0;
    const auto body = std::as_bytes(std::span(data + 1, size - 1));
    const std::string whole = transcript(body, body.size() + 1);
    if (transcript(body, 1U + data[0]) != whole || transcript(body, 1) != whole)
        std::abort();
    return 0;
}
