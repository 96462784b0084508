#include "gateway/faces/web_offer.h"

#include "mapping/media_type.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <array>
#include <set>

namespace gantry::faces {

namespace {

// PS3.5 8.2, 10: compressed, and every value can be had back.
constexpr auto lossless = std::to_array<std::string_view>({
    "1.2.840.10008.1.2.5",     // RLE
    "1.2.840.10008.1.2.4.57",  // JPEG process 14
    "1.2.840.10008.1.2.4.70",  // JPEG process 14, selection value 1
    "1.2.840.10008.1.2.4.80",  // JPEG-LS
    "1.2.840.10008.1.2.4.90",  // JPEG 2000
    "1.2.840.10008.1.2.4.92",  // JPEG 2000 part 2
    "1.2.840.10008.1.2.4.201", // HTJ2K
    "1.2.840.10008.1.2.4.202", // HTJ2K RPCL
    "1.2.840.10008.1.2.4.110", // JPEG XL
});

std::set<std::string> syntaxes_of(std::span<const InstanceKey> instances)
{
    std::set<std::string> out;
    for (const InstanceKey& one : instances)
        out.insert(web_syntax(one.transfer_syntax).str());
    return out;
}

mapping::MediaType offer(Packaging packaging, const std::string& syntax)
{
    mapping::MediaType type;
    if (packaging == Packaging::multipart) {
        type = {"multipart", "related", {{"type", "application/dicom"}}};
    } else {
        type = {"application", "dicom", {}};
    }
    type.parameters.emplace_back("transfer-syntax", syntax);
    return type;
}

bool takes(const mapping::MediaRange& range, Packaging packaging, const std::string& syntax)
{
    if (!mapping::satisfies(offer(packaging, syntax), range.media))
        return false;
    const bool anything = range.media.type == "*";
    const bool names = !range.media.parameter("transfer-syntax").empty();
    return anything || names || syntax == transfer_syntax::explicit_le ||
           std::ranges::find(lossless, syntax) == lossless.end();
}

/// How well the client likes one instance in that form, thousandths; 0: not at all.
unsigned
liking(std::span<const mapping::MediaRange> ranges, Packaging packaging, const std::string& syntax)
{
    unsigned best = 0;
    for (const mapping::MediaRange& range : ranges)
        if (takes(range, packaging, syntax))
            best = std::max(best, range.quality);
    return best;
}

} // namespace

Uid web_syntax(const Uid& stored)
{
    if (TransferSyntax::of(stored.str()).web_allowed)
        return stored;
    return Uid::parse(transfer_syntax::explicit_le).value();
}

std::optional<Packaging>
choose_packaging(std::span<const InstanceKey> instances, std::string_view accept)
{
    if (accept.empty())
        return Packaging::multipart;
    const auto ranges = mapping::parse_accept(accept);
    const auto all_liked = [&](Packaging packaging) {
        unsigned least = 1000;
        for (const std::string& syntax : syntaxes_of(instances))
            least = std::min(least, liking(ranges, packaging, syntax));
        return least;
    };
    const unsigned multipart = all_liked(Packaging::multipart);
    const unsigned single = instances.size() == 1 ? all_liked(Packaging::single) : 0;
    if (multipart == 0 && single == 0)
        return std::nullopt;
    return single > multipart ? Packaging::single : Packaging::multipart;
}

std::string on_offer(std::span<const InstanceKey> instances)
{
    std::string out;
    for (const std::string& syntax : syntaxes_of(instances))
        out += (out.empty() ? "" : ", ") + syntax;
    return out;
}

} // namespace gantry::faces
