// Any query string is understood or refused; what is understood is UTF-8 and matches without end.
#include "mapping/qido_query.h"

#include "mapping/matching.h"
#include "mapping/utf8.h"

#include "fuzz_input.h"

using namespace gantry;
using namespace gantry::mapping;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto query = parse_qido_query(QueryLevel::study, fuzz::text(data, size));
    if (!query)
        return 0;
    for (const QidoKey& key : query->keys) {
        fuzz::require(!key.path.empty());
        for (const std::string& value : key.values) {
            fuzz::require(is_utf8(value));
            matches_any(key.vr, value, "20240131\\DOE^JOHN\\7\\1.2.3");
            matches(key.vr, value, value);
        }
    }
    return 0;
}
