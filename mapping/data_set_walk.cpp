#include "mapping/data_set_walk.h"

#include <algorithm>
#include <array>
#include <vector>

namespace gantry::mapping {

namespace {

constexpr std::size_t first_chunk = 16U << 10U; // most heads of images
constexpr std::size_t largest_chunk = 256U << 10U;
constexpr std::size_t after_skip = 1U << 10U;

} // namespace

Result<void> walk_data_set(const RandomAccess& bytes, const TransferSyntax& syntax, WalkSink& sink)
{
    if (syntax.encoding == Encoding::deflated_explicit_le)
        return error(Errc::unsupported, "reading within a deflated data set");
    DataSetTokenizer tokens(syntax, sink);
    sink.attach(tokens);
    std::vector<std::byte> chunk(first_chunk);
    const std::uint64_t size = bytes.size().count;
    for (std::uint64_t at = 0; at < size;) {
        const auto got = bytes.read(at, chunk);
        if (!got)
            return got.error();
        if (*got == 0)
            break;
        if (const auto fed = tokens.feed(ConstBytes(chunk).first(*got)); !fed)
            return sink.stopped() ? Result<void>() : fed;
        at += *got;
        const std::uint64_t left = tokens.value_left();
        if (left == 0 || sink.wants_rest()) {
            chunk.resize(std::min(chunk.size() * 2, largest_chunk));
            continue;
        }
        const std::uint64_t passed = std::min(left, size - at);
        if (const auto skipped = tokens.skip(passed); !skipped)
            return sink.stopped() ? Result<void>() : skipped;
        at += passed;
        chunk.resize(after_skip);
    }
    return tokens.finish();
}

Result<void>
read_exactly(const RandomAccess& bytes, std::uint64_t offset, std::span<std::byte> into)
{
    const auto got = bytes.read(offset, into);
    if (!got)
        return got.error();
    return *got == into.size() ? Result<void>() : error(Errc::truncated, "a data set");
}

} // namespace gantry::mapping
