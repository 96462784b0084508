#include "gateway/origins/dimse_find_keys.h"

#include "mapping/character_set.h"
#include "mapping/date_time_range.h"
#include "mapping/elements.h"
#include "mapping/query_attributes.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include <algorithm>
#include <array>

namespace gantry {

namespace key = mapping::key;

namespace {

constexpr std::array levels{QueryLevel::study, QueryLevel::series, QueryLevel::image};

bool is_unique(Tag tag)
{
    return std::ranges::any_of(levels, [&](QueryLevel level) {
        return mapping::unique_key(level) == tag;
    });
}

std::vector<Tag> tags_of(DcmItem& item)
{
    std::vector<Tag> tags;
    for (unsigned long i = 0; i < item.card(); ++i)
        tags.push_back(mapping::tag_of(*item.getElement(i)));
    return tags;
}

/// In itself or in its items.
bool holds_value(DcmElement& element)
{
    auto* sequence = dynamic_cast<DcmSequenceOfItems*>(&element);
    if (sequence == nullptr)
        return element.getLength() > 0;
    for (unsigned long i = 0; i < sequence->card(); ++i)
        for (unsigned long k = 0; k < sequence->getItem(i)->card(); ++k)
            if (holds_value(*sequence->getItem(i)->getElement(k)))
                return true;
    return false;
}

void copy(DcmItem& from, Tag tag, DcmItem& into)
{
    DcmElement* element = mapping::find_element(from, tag);
    std::unique_ptr<DcmElement> copied(
        element == nullptr ? nullptr : dynamic_cast<DcmElement*>(element->clone())
    );
    if (copied && into.insert(copied.get(), OFTrue).good())
        (void)copied.release(); // it is the item's now
}

void put_place(DcmItem& identifier, QueryLevel level, const FindPlace& place)
{
    if (level > QueryLevel::study || !place.study.empty())
        mapping::put_text(identifier, tag::study_instance_uid, place.study.str());
    if (level > QueryLevel::series || !place.series.empty())
        mapping::put_text(identifier, tag::series_instance_uid, place.series.str());
}

} // namespace

DimseFindKeys::DimseFindKeys(const FindQuestion& question, std::string character_set)
    : level_(question.level),
      combined_(question.combined_date_time),
      timezone_(question.timezone),
      sets_{character_set.empty() ? std::string("ISO_IR 192") : std::move(character_set)},
      keys_(std::make_unique<DcmDataset>(*question.keys))
{
    constexpr std::array never_asked{
        tag::specific_character_set, key::query_retrieve_level, key::retrieve_url
    };
    for (const Tag tag : never_asked)
        (void)keys_->findAndDeleteElement(DcmTagKey(tag.group, tag.element));
    if (mapping::find_element(*keys_, key::instance_availability) != nullptr)
        mapping::put_text(*keys_, key::instance_availability, {}); // nothing to match
    for (const QueryLevel level : levels)
        if (level <= level_ && !has(mapping::unique_key(level)))
            mapping::put_text(*keys_, mapping::unique_key(level), {});
    if (!question.all_fields)
        return;
    for (const mapping::QueryAttribute& field : mapping::query_attributes())
        if (field.level == level_ && !has(field.tag) && field.tag != key::timezone_offset)
            mapping::put_text(*keys_, field.tag, {});
}

DimseFindKeys::~DimseFindKeys() = default;

QueryLevel DimseFindKeys::level_of(Tag tag) const
{
    const auto known = mapping::query_level(tag);
    return known ? std::max(*known, QueryLevel::study) : level_;
}

/// Not what stands in responses only.
bool DimseFindKeys::is_asked(Tag tag) const
{
    if (tag == key::timezone_offset)
        return timezone_;
    // below the level nothing can be returned; whether something is matched the PACS decides
    return tag != key::instance_availability && (level_of(tag) <= level_ || has_value(tag));
}

bool DimseFindKeys::has(Tag tag) const
{
    return mapping::find_element(*keys_, tag) != nullptr;
}

bool DimseFindKeys::has_value(Tag tag) const
{
    DcmElement* element = mapping::find_element(*keys_, tag);
    return element != nullptr && holds_value(*element);
}

std::vector<Tag> DimseFindKeys::of_level(QueryLevel level) const
{
    std::vector<Tag> out;
    for (const Tag tag : tags_of(*keys_))
        if (level_of(tag) == level && !is_unique(tag) && is_asked(tag))
            out.push_back(tag);
    return out;
}

bool DimseFindKeys::has_level(QueryLevel level) const
{
    return !of_level(level).empty();
}

Uid DimseFindKeys::only(QueryLevel level) const
{
    const std::string text = mapping::text_of(*keys_, mapping::unique_key(level));
    const auto values = mapping::split_values(mapping::vr::ui, text);
    return values.size() == 1 ? Uid::parse(values.front()).value_or(Uid{}) : Uid{};
}

bool DimseFindKeys::has_name() const
{
    return std::ranges::any_of(tags_of(*keys_), [&](Tag tag) {
        DcmElement& element = *mapping::find_element(*keys_, tag);
        return element.ident() == EVR_PN && element.getLength() > 0;
    });
}

/// One range of moments: the PACS is asked for its days only, unless it is known to put date and
/// time together; the time is matched here (PS3.4 C.2.2.2.5).
void DimseFindKeys::put_combined(DcmDataset& identifier) const
{
    if (!combined_)
        return;
    constexpr std::pair<Tag, Tag> pairs[] = {
        {key::study_date, key::study_time}, {key::step_date, key::step_time}
    };
    for (const auto& [date, time] : pairs) {
        const std::string days = mapping::text_of(identifier, date);
        if (mapping::combined_range(days, mapping::text_of(identifier, time)))
            mapping::put_text(identifier, time, {});
    }
}

std::shared_ptr<const DcmDataset> DimseFindKeys::finished(std::unique_ptr<DcmDataset> identifier
) const
{
    put_combined(*identifier);
    (void)mapping::DataSetEncoder(sets_).encode(*identifier);
    return identifier;
}

std::shared_ptr<const DcmDataset> DimseFindKeys::identifier(QueryLevel level, FindPlace place) const
{
    auto out = std::make_unique<DcmDataset>();
    mapping::put_text(*out, key::query_retrieve_level, mapping::level_name(level));
    for (const Tag tag : of_level(level))
        copy(*keys_, tag, *out);
    if (level == level_)
        for (const Tag tag : tags_of(*keys_))
            if (level_of(tag) > level_ && is_asked(tag))
                copy(*keys_, tag, *out);
    copy(*keys_, mapping::unique_key(level), *out);
    put_place(*out, level, place);
    return finished(std::move(out));
}

std::shared_ptr<const DcmDataset> DimseFindKeys::relational_identifier() const
{
    auto out = std::make_unique<DcmDataset>();
    mapping::put_text(*out, key::query_retrieve_level, mapping::level_name(level_));
    for (const Tag tag : tags_of(*keys_))
        if (is_asked(tag))
            copy(*keys_, tag, *out);
    return finished(std::move(out));
}

std::shared_ptr<const DcmDataset>
DimseFindKeys::listing(QueryLevel level, FindPlace place, const std::vector<Tag>& fields)
{
    auto out = std::make_unique<DcmDataset>();
    mapping::put_text(*out, key::query_retrieve_level, mapping::level_name(level));
    for (const Tag tag : fields)
        mapping::put_text(*out, tag, {});
    mapping::put_text(*out, mapping::unique_key(level), {});
    put_place(*out, level, place);
    return out;
}

mapping::FindIdentifier DimseFindKeys::matched_at(QueryLevel level) const
{
    auto keys = std::make_shared<DcmDataset>();
    for (const Tag tag : tags_of(*keys_))
        if (level_of(tag) <= level || level == level_)
            copy(*keys_, tag, *keys);
    mapping::FindIdentifier out;
    out.level = level;
    out.relational = true;
    out.keys = std::move(keys);
    return out;
}

} // namespace gantry
