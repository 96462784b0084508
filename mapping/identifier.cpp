#include "mapping/identifier.h"

#include "mapping/elements.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcsequen.h>
#include <dcmtk/dcmdata/dctag.h>

#include <algorithm>

namespace gantry::mapping {

namespace {

constexpr std::uint16_t first_group = 0x0008; // below are commands, file meta and what is retired
constexpr Tag padding{0xfffc, 0xfffc};

DimseStatus refused(Tag offending, std::string comment)
{
    return {status::data_set_mismatch, std::move(comment), offending};
}

DimseStatus no_such_class()
{
    return {status::sop_class_not_supported, "No query/retrieve SOP class"};
}

/// Nothing to match or return.
bool is_noise(Tag tag)
{
    return tag.group < first_group || tag.element == 0x0000 || tag == padding;
}

bool has_wildcard(std::string_view text)
{
    return text.find_first_of("*?") != std::string_view::npos;
}

std::vector<std::string> values_of(DcmItem& item, Tag tag)
{
    DcmElement* element = find_element(item, tag);
    if (element == nullptr)
        return {};
    return split_values(vr_of(*element), text_of(*element));
}

Checked<QueryLevel> level_of(DcmItem& identifier, QueryModel model)
{
    const auto named = values_of(identifier, key::query_retrieve_level);
    constexpr QueryLevel levels[] = {
        QueryLevel::patient, QueryLevel::study, QueryLevel::series, QueryLevel::image
    };
    const auto* level = std::ranges::find_if(levels, [&](QueryLevel each) {
        return named.size() == 1 && named.front() == level_name(each);
    });
    if (level == std::end(levels))
        return refused(key::query_retrieve_level, "Query/Retrieve Level missing or unknown");
    if (!has_level(model, *level))
        return refused(key::query_retrieve_level, "The SOP class has no such level");
    return *level;
}

std::vector<Tag> tags_of(DcmItem& item)
{
    std::vector<Tag> tags;
    for (unsigned long i = 0; i < item.card(); ++i)
        tags.push_back(tag_of(*item.getElement(i)));
    return tags;
}

void remove(DcmItem& item, Tag tag)
{
    (void)item.findAndDeleteElement(DcmTagKey(tag.group, tag.element));
}

bool has_value(DcmElement& element)
{
    if (element.ident() != EVR_SQ)
        return element.getLength() > 0;
    auto& sequence = dynamic_cast<DcmSequenceOfItems&>(element);
    for (unsigned long i = 0; i < sequence.card(); ++i) {
        DcmItem& item = *sequence.getItem(i);
        for (unsigned long k = 0; k < item.card(); ++k)
            if (has_value(*item.getElement(k)))
                return true;
    }
    return false;
}

/// Has no matching (PS3.4 C.2.2.2): bulk, and what nobody knows the form of.
bool is_matchless(Vr vr)
{
    return first_letter(vr) == 'O' || vr == vr::un;
}

class FindChecker {
public:
    FindChecker(FindIdentifier& out, DcmDataset& keys, const IdentifierRules& rules)
        : out_(out), keys_(keys), rules_(rules)
    {
    }

    Checked<void> check()
    {
        for (const Tag tag : tags_of(keys_))
            if (auto kept = take(tag); !kept)
                return kept;
        return hierarchy();
    }

private:
    bool strict() const { return !rules_.lenient && !rules_.relational; }

    Checked<void> take(Tag tag)
    {
        DcmElement& element = *find_element(keys_, tag);
        const bool with_value = has_value(element);
        if (tag == key::query_retrieve_view && with_value)
            return refused(tag, "Query/Retrieve View was not negotiated");
        if (is_noise(tag) || (is_control(tag) && !is_answered(tag))) {
            remove(keys_, tag);
            return {};
        }
        if (tag == key::instance_availability)
            put_text(keys_, tag, {}); // in responses only (PS3.4 C.4.1.1.3.2)
        if (is_matchless(vr_of(element)))
            return drop(tag, with_value);
        if (out_.level == QueryLevel::patient && is_below(tag, out_.level)) {
            if (with_value && !rules_.lenient)
                return refused(tag, "Not a key of the patient level");
            return drop(tag, with_value);
        }
        if (element.ident() == EVR_SQ)
            return one_item(element, tag);
        if (vr_of(element) == vr::ui)
            return uids(element, tag);
        return {};
    }

    /// Of what is no key of what is asked for: what changes the answer, or stands in it.
    bool is_answered(Tag tag) const
    {
        return tag == tag::specific_character_set || tag == key::instance_availability ||
               (tag == key::timezone_offset && rules_.timezone);
    }

    Checked<void> drop(Tag tag, bool with_value)
    {
        if (with_value)
            out_.ignored.push_back(tag);
        remove(keys_, tag);
        return {};
    }

    /// PS3.4 C.2.2.2.6.
    static Checked<void> one_item(DcmElement& element, Tag tag)
    {
        auto& sequence = dynamic_cast<DcmSequenceOfItems&>(element);
        if (sequence.card() > 1)
            return refused(tag, "A sequence key has one item");
        for (unsigned long i = 0; i < sequence.card(); ++i) {
            DcmItem& item = *sequence.getItem(i);
            for (unsigned long k = 0; k < item.card(); ++k) {
                DcmElement& nested = *item.getElement(k);
                if (nested.ident() == EVR_SQ)
                    if (auto fits = one_item(nested, tag); !fits)
                        return fits;
            }
        }
        return {};
    }

    /// PS3.4 C.2.2.2.2: a list, no wildcards. "*" alone is what people send for universal.
    Checked<void> uids(DcmElement& element, Tag tag)
    {
        const auto values = split_values(vr::ui, text_of(element));
        std::string list;
        for (const std::string& value : values) {
            if (value == "*" && values.size() == 1)
                break;
            const auto uid = Uid::parse(value);
            if (!uid)
                return refused(tag, "Not a UID");
            list += (list.empty() ? "" : "\\") + uid->str();
        }
        put_text(keys_, tag, list);
        const auto* unique = std::ranges::find(unique_keys, tag, &UniqueKey::tag);
        if (unique != unique_keys.end() && unique->level > out_.level && !list.empty() && strict())
            return refused(tag, "Unique key of a lower level");
        return {};
    }

    Checked<void> hierarchy()
    {
        for (const UniqueKey& unique : unique_keys) {
            if (unique.level > out_.level || !has_level(out_.model, unique.level))
                continue;
            if (find_element(keys_, unique.tag) == nullptr) {
                put_text(keys_, unique.tag, {});
                out_.added.push_back(unique.tag);
            }
            if (unique.level == out_.level)
                continue;
            const auto values = values_of(keys_, unique.tag);
            if (values.size() == 1 && !has_wildcard(values.front()))
                continue;
            if (strict())
                return refused(unique.tag, "Needs one value of each unique key above its level");
            out_.relational = true;
        }
        return {};
    }

    FindIdentifier& out_;
    DcmDataset& keys_;
    const IdentifierRules& rules_;
};

/// What a C-MOVE or C-GET Identifier may hold beside unique keys of its level and above.
bool means_nothing_in_retrieve(Tag tag)
{
    // a Patient ID of a study, in the model without patients
    return is_noise(tag) || is_control(tag) || tag == key::patient_id;
}

Checked<std::vector<Uid>> uids_of(DcmItem& identifier, Tag tag)
{
    std::vector<Uid> out;
    for (const std::string& value : values_of(identifier, tag)) {
        auto uid = Uid::parse(value);
        if (!uid)
            return refused(tag, "Not a UID");
        out.push_back(std::move(*uid));
    }
    return out;
}

Checked<void> refuse_other_keys(DcmItem& identifier, const RetrieveIdentifier& read)
{
    for (const Tag tag : tags_of(identifier)) {
        const auto* unique = std::ranges::find(unique_keys, tag, &UniqueKey::tag);
        const bool fits = unique != unique_keys.end() && unique->level <= read.level;
        if (!fits && !means_nothing_in_retrieve(tag) && has_value(*find_element(identifier, tag)))
            return refused(tag, "Only unique keys of the level and above");
    }
    return {};
}

/// How many values a unique key may have where it stands (PS3.4 C.4.2.1.4.1, C.4.2.2.2).
Checked<void>
count_values(std::size_t count, Tag tag, bool of_the_level, const IdentifierRules& rules)
{
    if (of_the_level && count == 0)
        return refused(tag, "The unique key of the level is missing");
    if (!of_the_level && count != 1 && !rules.lenient && !(rules.relational && count == 0))
        return refused(tag, "Needs one value of each unique key above its level");
    return {};
}

} // namespace

Checked<FindIdentifier> check_find_identifier(
    std::string_view sop_class, const DcmDataset& identifier, const IdentifierRules& rules
)
{
    const auto model = query_model(sop_class);
    if (!model)
        return no_such_class();
    auto keys = std::make_shared<DcmDataset>(identifier);
    const auto level = level_of(*keys, *model);
    if (!level)
        return level.error();
    FindIdentifier out;
    out.model = *model;
    out.level = *level;
    if (const auto checked = FindChecker(out, *keys, rules).check(); !checked)
        return checked.error();
    put_text(*keys, tag::specific_character_set, "ISO_IR 192");
    out.keys = std::move(keys);
    return out;
}

Checked<RetrieveIdentifier> check_retrieve_identifier(
    std::string_view sop_class, const DcmDataset& identifier, const IdentifierRules& rules
)
{
    const auto model = query_model(sop_class);
    if (!model)
        return no_such_class();
    DcmDataset keys(identifier);
    const auto level = level_of(keys, *model);
    if (!level)
        return level.error();
    RetrieveIdentifier out;
    out.model = *model;
    out.level = *level;
    if (!rules.lenient)
        if (const auto plain = refuse_other_keys(keys, out); !plain)
            return plain.error();
    if (has_level(*model, QueryLevel::patient)) {
        out.patient_ids = values_of(keys, key::patient_id);
        const bool own = *level == QueryLevel::patient;
        const auto counted = count_values(out.patient_ids.size(), key::patient_id, own, rules);
        if (!counted)
            return counted.error();
        if (out.patient_ids.size() > 1 || std::ranges::any_of(out.patient_ids, has_wildcard))
            return refused(key::patient_id, "One Patient ID, no wildcards");
    }
    for (auto [each, into] :
         {std::pair(QueryLevel::study, &out.studies),
          std::pair(QueryLevel::series, &out.series),
          std::pair(QueryLevel::image, &out.instances)}) {
        if (each > *level)
            break;
        auto uids = uids_of(keys, unique_key(each));
        if (!uids)
            return uids.error();
        const auto counted = count_values(uids->size(), unique_key(each), each == *level, rules);
        if (!counted)
            return counted.error();
        *into = std::move(*uids);
    }
    return out;
}

} // namespace gantry::mapping
