// Whatever the scanner accepts is re-encoded, the same in any pieces, and to something that the
// scanner accepts as explicit little endian.
#include "mapping/reencode.h"

#include "mapping/data_set_scanner.h"

#include <string>

#include "fuzz_input.h"

using namespace gantry;
using namespace gantry::mapping;

namespace {

constexpr std::size_t max_out = std::size_t{32} << 20U; // of a deflated bomb nothing more is kept

template <class Reader>
Result<void> feed(Reader& reader, ConstBytes bytes, std::size_t piece)
{
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(piece, bytes.size()))) {
        if (const auto fed = reader.feed(bytes.first(std::min(piece, bytes.size()))); !fed)
            return fed.error();
    }
    return {};
}

Result<std::string> reencode(const TransferSyntax& from, ConstBytes bytes, std::size_t piece)
{
    std::string out;
    Reencoder reencoder(from, [&out](ConstBytes more) -> Result<void> {
        if (out.size() + more.size() > max_out)
            return error(Errc::too_large);
        out.append(reinterpret_cast<const char*>(more.data()), more.size());
        return {};
    });
    if (const auto fed = feed(reencoder, bytes, piece); !fed)
        return fed.error();
    if (const auto ended = reencoder.finish(); !ended)
        return ended.error();
    return out;
}

bool scans(const TransferSyntax& syntax, ConstBytes bytes)
{
    DataSetScanner scanner(syntax);
    return feed(scanner, bytes, bytes.size() + 1).has_value() && scanner.finish().has_value();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const fuzz::Choices input = fuzz::choices(data, size);
    const auto whole = reencode(input.syntax, input.bytes, input.bytes.size() + 1);
    const auto pieces = reencode(input.syntax, input.bytes, input.piece);
    if (!whole && whole.error().code == Errc::too_large)
        return 0;
    fuzz::require(whole.has_value() == pieces.has_value());
    if (!whole || input.syntax.encoding == Encoding::explicit_le)
        return 0;
    fuzz::require(*whole == *pieces);
    const bool accepted = scans(input.syntax, input.bytes);
    const TransferSyntax& explicit_le = TransferSyntax::of(transfer_syntax::explicit_le);
    const auto bytes = std::as_bytes(std::span(*whole));
    fuzz::require(!accepted || scans(explicit_le, bytes));
    return 0;
}
