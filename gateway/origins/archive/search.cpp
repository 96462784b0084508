#include "gateway/origins/archive/search.h"

#include "gateway/origins/archive/attributes.h"
#include "mapping/date_time_range.h"
#include "mapping/elements.h"
#include "mapping/matching.h"
#include "mapping/query_attributes.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcsequen.h>
#include <dcmtk/dcmdata/dcvr.h>

#include <algorithm>
#include <tuple>

namespace gantry::archive {

namespace {

constexpr Tag query_retrieve_level{0x0008, 0x0052};
constexpr Tag instance_availability{0x0008, 0x0056};
constexpr Tag modalities_in_study{0x0008, 0x0061};
constexpr Tag available_transfer_syntax{0x0008, 0x3002};
constexpr Tag series_of_study{0x0020, 0x1206};
constexpr Tag instances_of_study{0x0020, 0x1208};
constexpr Tag instances_of_series{0x0020, 0x1209};
constexpr Tag patient_id{0x0010, 0x0020};
constexpr Tag accession_number{0x0008, 0x0050};
constexpr Tag study_date{0x0008, 0x0020};
constexpr Tag study_time{0x0008, 0x0030};
constexpr Tag step_date{0x0040, 0x0244};
constexpr Tag step_time{0x0040, 0x0245};

DcmTagKey key_of(Tag tag)
{
    return {tag.group, tag.element};
}

Tag tag_of(DcmElement& element)
{
    return {element.getGTag(), element.getETag()};
}

mapping::Vr vr_of(DcmElement& element)
{
    const char* name = DcmVR(element.getVR()).getValidVRName();
    return mapping::make_vr(name[0], name[1]);
}

std::string text_of(DcmElement& element)
{
    OFString text;
    if (element.getOFStringArray(text).bad())
        return {};
    while (!text.empty() && (text.back() == ' ' || text.back() == '\0'))
        text.resize(text.size() - 1);
    return {text.c_str(), text.size()};
}

std::vector<std::string> split(const std::string& text)
{
    std::vector<std::string> out;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('\\', at), text.size());
        if (end > at)
            out.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

/// What is counted, not stored.
std::optional<QueryLevel> computed_level(Tag tag, QueryLevel asked)
{
    if (tag == modalities_in_study || tag == series_of_study || tag == instances_of_study)
        return QueryLevel::study;
    if (tag == instances_of_series)
        return QueryLevel::series;
    if (tag == available_transfer_syntax)
        return QueryLevel::image;
    if (tag == instance_availability)
        return asked;
    return std::nullopt;
}

/// The level of an attribute that a question of that level can be answered with.
std::optional<QueryLevel> usable_level(Tag tag, QueryLevel asked)
{
    auto level = mapping::stored_level(tag);
    if (!level)
        level = computed_level(tag, asked);
    return level && *level <= asked ? level : std::nullopt;
}

void put(DcmDataset& out, Tag tag, const std::string& text)
{
    (void)out.putAndInsertString(DcmTag(key_of(tag)), text.c_str());
}

void put_computed(DcmDataset& out, const Row& row, QueryLevel level)
{
    put(out, modalities_in_study, row.modalities);
    put(out, series_of_study, std::to_string(row.study_series));
    put(out, instances_of_study, std::to_string(row.study_instances));
    put(out, instance_availability, "ONLINE");
    if (level != QueryLevel::study)
        put(out, instances_of_series, std::to_string(row.series_instances));
    if (level == QueryLevel::image) {
        const DcmTag tag(key_of(available_transfer_syntax), DcmVR(EVR_UI)); // newer than DCMTK
        (void)out.putAndInsertString(tag, row.transfer_syntax.str().c_str());
    }
}

void merge(DcmDataset& from, DcmDataset& out)
{
    for (unsigned long i = 0; i < from.card(); ++i) {
        DcmElement* element = from.getElement(i);
        if (!out.tagExists(element->getTag()))
            (void)from.findAndInsertCopyOfElement(element->getTag(), &out);
    }
}

bool element_matches(DcmElement& key, DcmElement* value)
{
    const std::string pattern = text_of(key);
    if (pattern.empty())
        return true;
    return mapping::matches_any(vr_of(key), pattern, value == nullptr ? "" : text_of(*value));
}

/// PS3.4 C.2.2.2.6: at least one item satisfies all keys of the key's item.
bool sequence_matches(DcmItem& keys, DcmItem& candidate, const DcmTagKey& tag)
{
    DcmItem* wanted = nullptr;
    if (keys.findAndGetSequenceItem(tag, wanted).bad() || wanted == nullptr)
        return true;
    DcmItem* item = nullptr;
    bool any = false;
    for (long i = 0; !any && candidate.findAndGetSequenceItem(tag, item, i).good(); ++i) {
        bool all = true;
        for (unsigned long k = 0; all && k < wanted->card(); ++k) {
            DcmElement* key = wanted->getElement(k);
            DcmElement* value = nullptr;
            (void)item->findAndGetElement(key->getTag(), value);
            all = key->ident() == EVR_SQ || element_matches(*key, value);
        }
        any = all;
    }
    return any;
}

bool item_has_values(DcmItem& keys, const DcmTagKey& tag)
{
    DcmItem* item = nullptr;
    if (keys.findAndGetSequenceItem(tag, item).bad() || item == nullptr)
        return false;
    for (unsigned long k = 0; k < item->card(); ++k)
        if (!text_of(*item->getElement(k)).empty())
            return true;
    return false;
}

bool has_wildcard(const std::string& text)
{
    return text.find_first_of("*?\\") != std::string::npos;
}

} // namespace

Search::Search(const FindQuestion& question)
    : level_(question.level),
      all_fields_(question.all_fields),
      keys_(std::make_unique<DcmDataset>(*question.keys))
{
    selection_.level = level_;
    (void)keys_->convertToUTF8();
    for (unsigned long i = 0; i < keys_->card(); ++i) {
        DcmElement& element = *keys_->getElement(i);
        const Tag tag = tag_of(element);
        const auto level = usable_level(tag, level_);
        if (!level || tag == query_retrieve_level)
            continue;
        wanted_.push_back(tag);
        wants_study_ = wants_study_ || *level == QueryLevel::study;
        wants_series_ = wants_series_ || *level == QueryLevel::series;
        if (element.ident() == EVR_SQ) {
            if (item_has_values(*keys_, element.getTag()))
                sequences_.push_back(tag);
            continue;
        }
        const std::string text = text_of(element);
        if (text.empty() || text == "*")
            continue;
        const bool one = mapping::has_one_value(vr_of(element));
        take({tag, vr_of(element), one ? std::vector{text} : split(text)});
    }
    exact_ = exact_ && sequences_.empty();
    if (question.combined_date_time) {
        combine(study_date, study_time);
        combine(step_date, step_time);
    }
}

Search::~Search() = default;

void Search::take(const Key& key)
{
    if (!select_by(key))
        exact_ = false;
    matching_.push_back(key);
}

/// True where the selection does all that the key asks for.
bool Search::select_by(const Key& key)
{
    const auto uids = [&](std::vector<std::string>& list) {
        list = key.values;
        return true;
    };
    if (key.tag == tag::study_instance_uid)
        return uids(selection_.studies);
    if (key.tag == tag::series_instance_uid)
        return uids(selection_.series);
    if (key.tag == tag::sop_instance_uid)
        return uids(selection_.instances);
    if (key.values.size() != 1)
        return false;
    const std::string& text = key.values.front();
    if (key.tag == patient_id && !has_wildcard(text))
        selection_.patient_id = mapping::trimmed(text);
    else if (key.tag == accession_number && !has_wildcard(text))
        selection_.accession_number = mapping::trimmed(text);
    else if (key.tag == study_date)
        std::tie(selection_.first_date, selection_.last_date) = mapping::whole_dates(text);
    return false;
}

void Search::combine(Tag date, Tag time)
{
    const auto by_tag = [](Tag tag) { return [tag](const Key& key) { return key.tag == tag; }; };
    const auto dates = std::ranges::find_if(matching_, by_tag(date));
    const auto times = std::ranges::find_if(matching_, by_tag(time));
    if (dates == matching_.end() || times == matching_.end() || dates->values.size() != 1 ||
        times->values.size() != 1)
        return;
    const auto range = mapping::combined_range(dates->values.front(), times->values.front());
    if (!range)
        return;
    moments_.push_back({date, time, range->first, range->second});
    std::erase_if(matching_, [&](const Key& key) { return key.tag == date || key.tag == time; });
}

bool Search::matches(DcmItem& candidate) const
{
    const auto value_of = [&](Tag tag) {
        DcmElement* element = nullptr;
        (void)candidate.findAndGetElement(key_of(tag), element);
        return element == nullptr ? std::string() : text_of(*element);
    };
    for (const Key& key : matching_) {
        const std::string value = value_of(key.tag);
        const auto fits = [&](const std::string& pattern) {
            return mapping::matches_any(key.vr, pattern, value);
        };
        if (key.vr == mapping::vr::ui ? !mapping::matches_uid_list(key.values, value)
                                      : std::ranges::none_of(key.values, fits))
            return false;
    }
    for (const Moment& moment : moments_)
        if (!mapping::within(
                value_of(moment.date), value_of(moment.time), moment.first, moment.last
            ))
            return false;
    return std::ranges::all_of(sequences_, [&](Tag tag) {
        return sequence_matches(*keys_, candidate, key_of(tag));
    });
}

std::unique_ptr<DcmDataset> Search::candidate(const Row& row) const
{
    const std::string& own = level_ == QueryLevel::study    ? row.study_attributes
                             : level_ == QueryLevel::series ? row.series_attributes
                                                            : row.instance_attributes;
    auto all = decode(own);
    if (wants_series_ && level_ == QueryLevel::image)
        merge(*decode(row.series_attributes), *all);
    if (wants_study_ && level_ != QueryLevel::study)
        merge(*decode(row.study_attributes), *all);
    put_computed(*all, row, level_);
    return all;
}

std::unique_ptr<DcmDataset> Search::answer(DcmDataset& candidate) const
{
    auto out = std::make_unique<DcmDataset>();
    const auto copy = [&](const DcmTagKey& tag) {
        (void)candidate.findAndInsertCopyOfElement(tag, out.get());
    };
    copy(DCM_SpecificCharacterSet);
    copy(DCM_StudyInstanceUID);
    if (level_ != QueryLevel::study)
        copy(DCM_SeriesInstanceUID);
    if (level_ == QueryLevel::image)
        copy(DCM_SOPInstanceUID);
    for (const Tag tag : wanted_) {
        copy(key_of(tag));
        if (!out->tagExists(key_of(tag)))
            (void)out->insertEmptyElement(DcmTag(key_of(tag)));
    }
    if (!all_fields_)
        return out;
    for (unsigned long i = 0; i < candidate.card(); ++i) {
        DcmElement& element = *candidate.getElement(i);
        if (usable_level(tag_of(element), level_) == level_)
            copy(element.getTag());
    }
    return out;
}

std::unique_ptr<DcmDataset> Search::match(const Row& row) const
{
    const auto all = candidate(row);
    if (!matches(*all))
        return nullptr;
    return answer(*all);
}

} // namespace gantry::archive
