#include "mapping/key_filter.h"

#include "mapping/date_time_range.h"
#include "mapping/elements.h"
#include "mapping/matching.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include <algorithm>

namespace gantry::mapping {

struct KeyFilter::Key {
    Tag tag;
    Vr vr{};
    std::vector<std::string> values; // alternatives; none: universal
    std::vector<Key> item;           // of a sequence; none: all of its items
    bool has_value = false;          // here or in the item
    bool combined = false;           // matched as part of a moment
};

struct KeyFilter::Moment {
    Tag date;
    Tag time;
    std::string first;
    std::string last;
};

namespace {

bool is_universal(Vr vr, const std::string& value)
{
    return value.find_first_not_of(vr == make_vr('P', 'N') ? "*^=" : "*") == std::string::npos;
}

bool is_counted_here(Tag tag)
{
    return tag == key::studies_of_patient || tag == key::series_of_patient ||
           tag == key::instances_of_patient;
}

bool is_date_or_time(Vr vr)
{
    return vr == make_vr('D', 'A') || vr == make_vr('T', 'M') || vr == make_vr('D', 'T');
}

bool value_matches(Vr vr, const std::vector<std::string>& alternatives, const std::string& value)
{
    if (vr == vr::ui)
        return std::ranges::any_of(split_values(vr, value), [&](const std::string& each) {
            return matches_uid_list(alternatives, each);
        });
    return std::ranges::any_of(alternatives, [&](const std::string& pattern) {
        return matches_any(vr, pattern, value);
    });
}

/// The entity above that was asked within: what is below it has that key (PS3.4 C.4.1.2.2.1).
template <class Key>
bool is_above(const Key& key, const FindIdentifier& question)
{
    const auto* unique = std::ranges::find(unique_keys, key.tag, &UniqueKey::tag);
    return unique != unique_keys.end() && unique->level < question.level &&
           has_level(question.model, unique->level) && key.values.size() == 1;
}

/// PS3.4 C.2.2.2.6: all keys within one item.
template <class Key>
bool item_matches(const Key& key, DcmElement* element)
{
    auto* sequence = dynamic_cast<DcmSequenceOfItems*>(element);
    if (sequence == nullptr)
        return false;
    for (unsigned long i = 0; i < sequence->card(); ++i) {
        DcmItem& item = *sequence->getItem(i);
        const bool all = std::ranges::all_of(key.item, [&](const Key& nested) {
            if (!nested.has_value)
                return true;
            if (nested.vr == vr::sq)
                return item_matches(nested, find_element(item, nested.tag));
            return value_matches(nested.vr, nested.values, text_of(item, nested.tag));
        });
        if (all)
            return true;
    }
    return false;
}

void insert(DcmItem& out, std::unique_ptr<DcmElement> element)
{
    if (out.insert(element.get(), OFTrue).good())
        (void)element.release(); // it is the item's now
}

std::unique_ptr<DcmElement> taken(DcmItem& item, Tag tag)
{
    return std::unique_ptr<DcmElement>(item.remove(DcmTagKey(tag.group, tag.element)));
}

void put_empty(DcmItem& out, Tag tag)
{
    (void)out.insertEmptyElement(DcmTag(tag.group, tag.element));
}

/// The items with what was asked for of each.
template <class Key>
void keep_asked(const Key& key, DcmElement& element)
{
    auto* sequence = dynamic_cast<DcmSequenceOfItems*>(&element);
    if (sequence == nullptr || key.item.empty())
        return;
    for (unsigned long i = 0; i < sequence->card(); ++i) {
        DcmItem& item = *sequence->getItem(i);
        std::vector<std::unique_ptr<DcmElement>> kept;
        for (const Key& nested : key.item) {
            if (auto found = taken(item, nested.tag)) {
                keep_asked(nested, *found);
                kept.push_back(std::move(found));
            }
        }
        (void)item.clear();
        for (auto& each : kept)
            insert(item, std::move(each));
        for (const Key& nested : key.item)
            if (find_element(item, nested.tag) == nullptr)
                put_empty(item, nested.tag);
    }
}

} // namespace

KeyFilter::Key KeyFilter::key_of(DcmElement& element)
{
    Key key;
    key.tag = tag_of(element);
    key.vr = vr_of(element);
    if (auto* sequence = dynamic_cast<DcmSequenceOfItems*>(&element)) {
        for (unsigned long i = 0; i < sequence->card(); ++i)
            for (unsigned long k = 0; k < sequence->getItem(i)->card(); ++k)
                key.item.push_back(key_of(*sequence->getItem(i)->getElement(k)));
        key.has_value = std::ranges::any_of(key.item, &Key::has_value);
        return key;
    }
    key.values = split_values(key.vr, text_of(element));
    const auto universal = [&](const std::string& value) { return is_universal(key.vr, value); };
    if (std::ranges::any_of(key.values, universal))
        key.values.clear();
    key.has_value = !key.values.empty();
    return key;
}

KeyFilter::KeyFilter(const FindIdentifier& question, const MatchingRules& rules)
    : question_(question), rules_(rules)
{
    DcmDataset keys(*question.keys);
    for (unsigned long i = 0; i < keys.card(); ++i) {
        DcmElement& element = *keys.getElement(i);
        const Tag tag = tag_of(element);
        if (tag == key::timezone_offset)
            zone_ = text_of(element);
        else if (tag != tag::specific_character_set && !tag.is_private_creator())
            keys_.push_back(key_of(element));
    }
    question_.keys.reset(); // another thread may read it
    if (rules.combined_date_time) {
        combine(key::study_date, key::study_time);
        combine(key::step_date, key::step_time);
    }
}

KeyFilter::~KeyFilter() = default;

void KeyFilter::combine(Tag date, Tag time)
{
    const auto dates = std::ranges::find(keys_, date, &Key::tag);
    const auto times = std::ranges::find(keys_, time, &Key::tag);
    if (dates == keys_.end() || times == keys_.end() || dates->values.size() != 1 ||
        times->values.size() != 1)
        return;
    const auto range = combined_range(dates->values.front(), times->values.front());
    if (!range)
        return; // not of the same form: each by itself
    moments_.push_back({date, time, range->first, range->second});
    dates->combined = true;
    times->combined = true;
}

bool KeyFilter::left_to_origin(const Key& key, const std::string& zone) const
{
    if (rules_.fuzzy && key.vr == make_vr('P', 'N'))
        return true;
    return rules_.timezone && !zone_.empty() && zone != zone_ && is_date_or_time(key.vr);
}

bool KeyFilter::satisfied(DcmItem& match, std::vector<Tag>& unsupported)
{
    const std::string zone = text_of(match, key::timezone_offset);
    for (const Key& key : keys_) {
        DcmElement* element = find_element(match, key.tag);
        if (element != nullptr)
            seen_.insert(key.tag);
        const bool counted = question_.level == QueryLevel::patient && is_counted_here(key.tag);
        if (!key.has_value || counted)
            continue;
        if (element == nullptr && is_above(key, question_))
            continue;
        const bool known = is_required(key.tag, question_.level) || seen_.contains(key.tag);
        if (element == nullptr && !known) {
            unsupported.push_back(key.tag);
            continue;
        }
        if (key.combined || left_to_origin(key, zone))
            continue;
        const std::string value = element == nullptr ? std::string() : text_of(*element);
        if (key.vr == vr::sq ? !item_matches(key, element)
                             : !value_matches(key.vr, key.values, value))
            return false;
    }
    return (rules_.timezone && !zone_.empty() && zone != zone_) || combined_satisfied(match);
}

bool KeyFilter::combined_satisfied(DcmItem& match) const
{
    return std::ranges::all_of(moments_, [&](const Moment& moment) {
        if (find_element(match, moment.date) == nullptr && !seen_.contains(moment.date) &&
            !is_required(moment.date, question_.level))
            return true; // it has been named as not supported
        return within(
            text_of(match, moment.date), text_of(match, moment.time), moment.first, moment.last
        );
    });
}

void KeyFilter::copy(const Key& key, DcmDataset& match, DcmDataset& out) const
{
    auto element = taken(match, key.tag);
    if (key.tag == key::instance_availability && (!element || element->getLength() == 0))
        return;
    if (element) {
        keep_asked(key, *element);
        insert(out, std::move(element));
        return;
    }
    if (is_above(key, question_)) {
        put_text(out, key.tag, key.values.front());
        return;
    }
    if (!key.tag.is_private() && !is_below(key.tag, question_.level))
        put_empty(out, key.tag);
}

std::optional<FindAnswer> KeyFilter::answer(DcmDataset& match)
{
    std::vector<Tag> unsupported;
    if (!satisfied(match, unsupported))
        return std::nullopt;
    FindAnswer out;
    out.identifier = std::make_unique<DcmDataset>();
    out.all_keys_supported = unsupported.empty() && question_.ignored.empty();
    std::set<std::uint16_t> private_groups;
    for (const Key& key : keys_) {
        if (std::ranges::find(unsupported, key.tag) != unsupported.end())
            continue;
        copy(key, match, *out.identifier);
        if (key.tag.is_private() && find_element(*out.identifier, key.tag) != nullptr)
            private_groups.insert(key.tag.group);
    }
    for (const Tag always : {key::instance_availability, key::timezone_offset})
        if (auto element = taken(match, always); element && element->getLength() > 0)
            insert(*out.identifier, std::move(element));
    for (const std::uint16_t group : private_groups)
        for (std::uint16_t block = 0x10; block <= 0xff; ++block)
            if (auto creator = taken(match, {group, block}))
                insert(*out.identifier, std::move(creator));
    put_text(*out.identifier, key::query_retrieve_level, level_name(question_.level));
    return out;
}

} // namespace gantry::mapping
