#include "gateway/faces/moved_context.h"

#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <string_view>

namespace gantry::faces {

namespace {

constexpr std::string_view by_reference[] = {
    "1.2.840.10008.1.2.4.94", // JPIP Referenced
    "1.2.840.10008.1.2.4.95", // JPIP Referenced Deflate
    "1.2.840.10008.1.2.4.204",
    "1.2.840.10008.1.2.4.205"
};

/// The lower the better.
int rank(const Uid& uid)
{
    const TransferSyntax& syntax = TransferSyntax::of(uid.str());
    if (std::ranges::find(by_reference, uid.str()) != std::end(by_reference))
        return 6;
    if (uid.str() == transfer_syntax::explicit_le)
        return 1;
    if (uid.str() == transfer_syntax::implicit_le)
        return 2;
    if (syntax.uid.empty()) // not known, perhaps private
        return 5;
    if (syntax.encapsulated)
        return 0;
    return syntax.encoding == Encoding::deflated_explicit_le ? 3 : 4;
}

} // namespace

dimse::ContextAnswer moved_context(std::span<const Uid> offered)
{
    const auto best = std::ranges::min_element(offered, {}, rank);
    return {dimse::ContextAnswer::Reason::accepted, *best};
}

} // namespace gantry::faces
