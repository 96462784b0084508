#include "gateway/origins/get_proposals.h"

#include "gateway/origins/store_proposals.h"
#include "mapping/transcode.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace gantry {

namespace {

// What archives hold, most frequent first: asked for where an archive does not tell the class.
constexpr std::string_view usual_classes[] = {
    "1.2.840.10008.5.1.4.1.1.2",        // CT
    "1.2.840.10008.5.1.4.1.1.4",        // MR
    "1.2.840.10008.5.1.4.1.1.1",        // CR
    "1.2.840.10008.5.1.4.1.1.1.1",      // DX for presentation
    "1.2.840.10008.5.1.4.1.1.6.1",      // US
    "1.2.840.10008.5.1.4.1.1.3.1",      // US multi-frame
    "1.2.840.10008.5.1.4.1.1.12.1",     // XA
    "1.2.840.10008.5.1.4.1.1.7",        // secondary capture
    "1.2.840.10008.5.1.4.1.1.20",       // NM
    "1.2.840.10008.5.1.4.1.1.128",      // PET
    "1.2.840.10008.5.1.4.1.1.1.2",      // mammography for presentation
    "1.2.840.10008.5.1.4.1.1.88.22",    // enhanced SR
    "1.2.840.10008.5.1.4.1.1.2.1",      // enhanced CT
    "1.2.840.10008.5.1.4.1.1.4.1",      // enhanced MR
    "1.2.840.10008.5.1.4.1.1.88.11",    // basic text SR
    "1.2.840.10008.5.1.4.1.1.88.33",    // comprehensive SR
    "1.2.840.10008.5.1.4.1.1.88.67",    // radiation dose SR
    "1.2.840.10008.5.1.4.1.1.88.59",    // key objects
    "1.2.840.10008.5.1.4.1.1.11.1",     // greyscale softcopy presentation state
    "1.2.840.10008.5.1.4.1.1.104.1",    // encapsulated PDF
    "1.2.840.10008.5.1.4.1.1.66.4",     // segmentation
    "1.2.840.10008.5.1.4.1.1.13.1.3",   // breast tomosynthesis
    "1.2.840.10008.5.1.4.1.1.12.2",     // X-ray radiofluoroscopy
    "1.2.840.10008.5.1.4.1.1.7.4",      // multi-frame true colour secondary capture
    "1.2.840.10008.5.1.4.1.1.7.2",      // multi-frame greyscale byte secondary capture
    "1.2.840.10008.5.1.4.1.1.7.3",      // multi-frame greyscale word secondary capture
    "1.2.840.10008.5.1.4.1.1.481.1",    // RT image
    "1.2.840.10008.5.1.4.1.1.481.2",    // RT dose
    "1.2.840.10008.5.1.4.1.1.481.3",    // RT structure set
    "1.2.840.10008.5.1.4.1.1.481.5",    // RT plan
    "1.2.840.10008.5.1.4.1.1.77.1.4",   // VL photographic
    "1.2.840.10008.5.1.4.1.1.77.1.1",   // VL endoscopic
    "1.2.840.10008.5.1.4.1.1.77.1.1.1", // video endoscopic
    "1.2.840.10008.5.1.4.1.1.77.1.6",   // VL whole slide microscopy
    "1.2.840.10008.5.1.4.1.1.1.3",      // intra-oral for presentation
    "1.2.840.10008.5.1.4.1.1.9.1.1",    // 12-lead ECG
    "1.2.840.10008.5.1.4.1.1.66",       // raw data
    "1.2.840.10008.5.1.4.1.1.66.1",     // spatial registration
    "1.2.840.10008.5.1.4.1.1.30",       // parametric map
    "1.2.840.10008.5.1.4.1.1.1.1.1"     // DX for processing
};

// As which an archive cannot give it otherwise; beside what store_proposals() takes for usual.
constexpr std::string_view also_stored[] = {
    "1.2.840.10008.1.2.4.57",  // JPEG lossless, any predictor
    "1.2.840.10008.1.2.4.81",  // JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.100", // MPEG-2
    "1.2.840.10008.1.2.4.102"  // MPEG-4
};

struct Class {
    std::set<Uid> stored; // syntaxes
    const std::vector<Uid>* wanted = nullptr;
};

bool usable(const Uid& syntax, const std::vector<Uid>& wanted)
{
    return std::ranges::any_of(wanted, [&](const Uid& one) {
        return one == syntax || mapping::can_transcode(syntax.str(), one.str());
    });
}

std::vector<Uid> syntaxes_for(const Class& one)
{
    std::vector<Uid> out = proposed_syntaxes(one.stored, {});
    if (one.stored.contains(Uid{}))
        for (const std::string_view text : also_stored)
            out.push_back(Uid::parse(text).value_or(Uid{}));
    if (one.wanted == nullptr)
        return out;
    std::erase_if(out, [&](const Uid& syntax) { return !usable(syntax, *one.wanted); });
    for (const Uid& syntax : *one.wanted)
        if (std::ranges::find(out, syntax) == out.end())
            out.push_back(syntax);
    return out;
}

} // namespace

std::vector<std::vector<dimse::ProposedContext>>
get_proposals(std::span<const WantedInstance> instances)
{
    std::map<Uid, Class> classes;
    for (const WantedInstance& instance : instances) {
        Class& one = classes[instance.key->sop.sop_class];
        one.stored.insert(instance.key->transfer_syntax);
        one.wanted = instance.syntaxes;
    }
    std::vector<ClassSyntaxes> all;
    for (const auto& [sop_class, one] : classes)
        if (!sop_class.empty())
            all.push_back({sop_class, syntaxes_for(one)});
    if (const auto unknown = classes.find(Uid{}); unknown != classes.end())
        for (const std::string_view text : usual_classes) {
            const Uid sop_class = Uid::parse(text).value_or(Uid{});
            if (!classes.contains(sop_class))
                all.push_back({sop_class, syntaxes_for(unknown->second)});
        }
    auto batches = in_associations(all, most_contexts - 1);
    for (auto& batch : batches) {
        for (dimse::ProposedContext& context : batch) {
            context.scp_role = true;
            context.scu_role = false;
        }
    }
    return batches;
}

void native_first(std::vector<dimse::ProposedContext>& contexts)
{
    std::vector<dimse::ProposedContext> ordered;
    ordered.reserve(contexts.size());
    for (const bool encapsulated : {false, true})
        for (const dimse::ProposedContext& context : contexts)
            if (TransferSyntax::of(context.transfer_syntaxes.front().str()).encapsulated ==
                encapsulated)
                ordered.push_back(context);
    contexts = std::move(ordered);
    for (std::size_t i = 0; i < contexts.size(); ++i)
        contexts[i].id = static_cast<std::uint8_t>(2 * i + 1);
}

bool proposed(std::span<const dimse::ProposedContext> contexts, const Uid& sop_class)
{
    const auto is_it = [&](const auto& context) { return context.abstract_syntax == sop_class; };
    return sop_class.empty() || std::ranges::any_of(contexts, is_it);
}

} // namespace gantry
