#include "gateway/origins/store_proposals.h"

#include "mapping/transcode.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace gantry {

namespace {

// What archives store, most frequent first.
constexpr std::string_view usual[] = {
    "1.2.840.10008.1.2.4.70", // JPEG lossless
    "1.2.840.10008.1.2.4.90", // JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91", // JPEG 2000
    "1.2.840.10008.1.2.4.50", // JPEG baseline
    "1.2.840.10008.1.2.4.80", // JPEG-LS lossless
    "1.2.840.10008.1.2.5",    // RLE
    "1.2.840.10008.1.2.4.51", // JPEG extended
    "1.2.840.10008.1.2.4.201" // HTJ2K lossless
};

constexpr std::string_view made_here[] = {
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90"
};

constexpr std::string_view native[] = {transfer_syntax::explicit_le, transfer_syntax::implicit_le};

void add(std::vector<Uid>& syntaxes, std::string_view text, std::span<const Uid> taken)
{
    const auto syntax = Uid::parse(text);
    if (!syntax || std::ranges::find(syntaxes, *syntax) != syntaxes.end())
        return;
    if (taken.empty() || std::ranges::find(taken, *syntax) != taken.end())
        syntaxes.push_back(*syntax);
}

} // namespace

std::vector<Uid> proposed_syntaxes(const std::set<Uid>& stored, std::span<const Uid> taken)
{
    std::vector<Uid> syntaxes;
    for (const Uid& syntax : stored)
        if (!syntax.empty())
            add(syntaxes, syntax.str(), taken);
    if (stored.contains(Uid{}))
        for (const std::string_view syntax : usual)
            add(syntaxes, syntax, taken);
    const auto has_native = [&](std::string_view text) {
        return taken.empty() || std::ranges::find(taken, text, &Uid::str) != taken.end();
    };
    if (std::ranges::none_of(native, has_native))
        for (const std::string_view syntax : made_here)
            add(syntaxes, syntax, taken);
    for (const std::string_view syntax : native)
        add(syntaxes, syntax, taken);
    return syntaxes;
}

std::vector<std::vector<dimse::ProposedContext>>
in_associations(std::span<const ClassSyntaxes> classes, std::size_t most)
{
    std::vector<std::vector<dimse::ProposedContext>> batches;
    for (const auto& [sop_class, all] : classes) {
        const auto syntaxes = std::span(all).first(std::min(all.size(), most));
        if (batches.empty() || batches.back().size() + syntaxes.size() > most)
            batches.emplace_back();
        for (const Uid& syntax : syntaxes) {
            dimse::ProposedContext context;
            context.id = static_cast<std::uint8_t>(2 * batches.back().size() + 1);
            context.abstract_syntax = sop_class;
            context.transfer_syntaxes = {syntax};
            batches.back().push_back(std::move(context));
        }
    }
    return batches;
}

std::vector<std::vector<dimse::ProposedContext>>
store_proposals(std::span<const InstanceKey> instances, std::span<const Uid> taken)
{
    std::map<Uid, std::set<Uid>> stored;
    for (const InstanceKey& key : instances)
        if (!key.sop.sop_class.empty())
            stored[key.sop.sop_class].insert(key.transfer_syntax);
    std::vector<ClassSyntaxes> classes;
    classes.reserve(stored.size());
    for (const auto& [sop_class, syntaxes] : stored)
        classes.push_back({sop_class, proposed_syntaxes(syntaxes, taken)});
    return in_associations(classes, most_contexts);
}

} // namespace gantry
