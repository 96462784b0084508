// Any bytes, in any pieces: the scanner answers, and answers the same whatever the pieces are. The
// first byte chooses the transfer syntax and the second the size of the pieces.
#include "mapping/data_set_scanner.h"

#include "fuzz_input.h"

using namespace gantry;
using namespace gantry::mapping;

namespace {

Result<ScannedDataSet> scan(const TransferSyntax& syntax, ConstBytes bytes, std::size_t piece)
{
    DataSetScanner scanner(syntax);
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(piece, bytes.size()))) {
        if (const auto fed = scanner.feed(bytes.first(std::min(piece, bytes.size()))); !fed)
            return fed.error();
    }
    return scanner.finish();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const fuzz::Choices input = fuzz::choices(data, size);
    const auto whole = scan(input.syntax, input.bytes, input.bytes.size() + 1);
    const auto pieces = scan(input.syntax, input.bytes, input.piece);
    fuzz::require(whole.has_value() == pieces.has_value());
    if (whole)
        fuzz::require(whole->sop_instance == pieces->sop_instance && whole->size == pieces->size);
    else
        fuzz::require(whole.error().code == pieces.error().code);
    return 0;
}
