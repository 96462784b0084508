#include "gateway/origins/dimse_completion.h"

#include "gateway/origins/dimse_origin.h"
#include "mapping/elements.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <algorithm>
#include <array>
#include <charconv>

// Everything here is awaited by whoever calls it, and what is referred to is theirs.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

namespace gantry {

namespace key = mapping::key;

namespace {

constexpr Tag modality{0x0008, 0x0060};

struct Counted {
    Tag tag;
    QueryLevel level;
};

constexpr std::array counted{
    Counted{key::modalities_in_study, QueryLevel::study},
    Counted{key::series_of_study, QueryLevel::study},
    Counted{key::instances_of_study, QueryLevel::study},
    Counted{key::instances_of_series, QueryLevel::series},
};

Uid uid_of(DcmItem& match, Tag tag)
{
    return Uid::parse(mapping::text_of(match, tag)).value_or(Uid{});
}

FindEnd complete_end()
{
    FindEnd end;
    end.complete = true;
    return end;
}

std::optional<std::uint64_t> number_of(DcmItem& match, Tag tag)
{
    const std::string text = mapping::text_of(match, tag);
    std::uint64_t number = 0;
    const char* last = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data(), last, number);
    if (text.empty() || failed != std::errc() || stop != last)
        return std::nullopt;
    return number;
}

void put_missing(DcmItem& match, const std::vector<Tag>& wanted, Tag tag, const std::string& text)
{
    if (std::ranges::find(wanted, tag) != wanted.end())
        mapping::put_text(match, tag, text);
}

std::string joined(const std::vector<std::string>& values)
{
    std::string out;
    for (const std::string& value : values)
        out += out.empty() ? value : "\\" + value;
    return out;
}

} // namespace

std::vector<Tag> DimseCompletion::missing(DcmItem& match, QueryLevel level) const
{
    std::vector<Tag> out;
    if (!room_.options.complete_answers)
        return out;
    for (const Counted& each : counted)
        if (each.level == level && keys_.has(each.tag) && !mapping::has_content(match, each.tag))
            out.push_back(each.tag);
    return out;
}

/// Whether a PACS that grants relational queries has left out what stands at a level above the
/// match: something to match, something that is counted, or all of it.
bool DimseCompletion::lacks_above(DcmItem& match, QueryLevel level) const
{
    const std::vector<Tag> wanted = keys_.of_level(level);
    const auto there = [&](Tag tag) { return mapping::has_content(match, tag); };
    if (wanted.empty())
        return false;
    return std::ranges::none_of(wanted, there) || !missing(match, level).empty() ||
           std::ranges::any_of(wanted, [&](Tag tag) {
               return keys_.has_value(tag) && !there(tag);
           });
}

bool DimseCompletion::lacks(DcmItem& match, QueryLevel level) const
{
    if (!missing(match, level).empty())
        return true;
    if (!relational_)
        return false;
    for (const QueryLevel each : {QueryLevel::study, QueryLevel::series})
        if (each < level && lacks_above(match, each))
            return true;
    return false;
}

bool DimseCompletion::lacks_matched(DcmItem& match, QueryLevel level) const
{
    const auto unmatched = [&](Tag tag) {
        return keys_.has_value(tag) && !mapping::has_content(match, tag);
    };
    if (std::ranges::any_of(missing(match, level), unmatched))
        return true;
    if (!relational_)
        return false;
    for (const QueryLevel each : {QueryLevel::study, QueryLevel::series})
        if (each < level && std::ranges::any_of(keys_.of_level(each), unmatched))
            return true;
    return false;
}

asio::awaitable<FindEnd> DimseCompletion::complete(DcmItem& match, QueryLevel level)
{
    if (relational_) {
        FindEnd filled = co_await fill_from_above(match, level);
        if (!filled.complete)
            co_return filled;
    }
    if (level == QueryLevel::study)
        co_return co_await complete_study(match);
    if (level == QueryLevel::series)
        co_return co_await complete_series(match);
    co_return complete_end();
}

asio::awaitable<FindEnd> DimseCompletion::fill_from_above(DcmItem& match, QueryLevel level)
{
    FindPlace place;
    for (const QueryLevel each : {QueryLevel::study, QueryLevel::series}) {
        (each == QueryLevel::study ? place.study : place.series) =
            uid_of(match, mapping::unique_key(each));
        if (each >= level || !lacks_above(match, each))
            continue;
        FindEnd end = co_await above(each, place, match);
        if (!end.complete)
            co_return end;
    }
    co_return complete_end();
}

/// The attributes of the study or series that a match belongs to.
asio::awaitable<FindEnd> DimseCompletion::above(QueryLevel level, FindPlace place, DcmItem& match)
{
    const std::string name = place.study.str() + '/' + place.series.str();
    if (const auto known = above_.find(name); known != above_.end()) {
        mapping::fill_from(match, *known->second);
        co_return complete_end();
    }
    auto found = std::make_shared<DcmDataset>();
    TakeMatch take = [found](std::unique_ptr<DcmDataset> one) -> Result<void> {
        mapping::fill_from(*found, *one);
        return {};
    };
    auto identifier = DimseFindKeys::listing(level, place, keys_.of_level(level));
    DimseAnswer answer = co_await questions_.list(std::move(identifier), std::move(take));
    if (!answer.end.complete)
        co_return answer.end;
    mapping::put_text(*found, tag::study_instance_uid, place.study.str());
    if (level == QueryLevel::series)
        mapping::put_text(*found, tag::series_instance_uid, place.series.str());
    FindEnd end = level == QueryLevel::study ? co_await complete_study(*found)
                                             : co_await complete_series(*found);
    if (!end.complete)
        co_return end;
    (void)found->findAndDeleteElement(DcmTagKey(0x0008, 0x0052)); // is the match's own
    above_.emplace(name, found);
    mapping::fill_from(match, *found);
    co_return complete_end();
}

/// A PACS that says no has no more to say, and what it was asked for stays empty; but not where a
/// key of the find depends on it.
FindEnd
DimseCompletion::unless_refused(const DimseAnswer& answer, const std::vector<Tag>& wanted) const
{
    const bool matched =
        std::ranges::any_of(wanted, [this](Tag tag) { return keys_.has_value(tag); });
    return answer.refused && !matched ? complete_end() : answer.end;
}

asio::awaitable<FindEnd> DimseCompletion::complete_study(DcmItem& match)
{
    const std::vector<Tag> wanted = missing(match, QueryLevel::study);
    FindPlace place;
    place.study = uid_of(match, tag::study_instance_uid);
    if (wanted.empty() || place.study.empty())
        co_return complete_end();
    Summary summary;
    TakeMatch take = [&summary](std::unique_ptr<DcmDataset> one) -> Result<void> {
        ++summary.series;
        const std::string kind = mapping::text_of(*one, modality);
        if (!kind.empty() &&
            std::ranges::find(summary.modalities, kind) == summary.modalities.end())
            summary.modalities.push_back(kind);
        if (const auto count = number_of(*one, key::instances_of_series))
            summary.instances += *count;
        else
            summary.uncounted.push_back(uid_of(*one, tag::series_instance_uid));
        return {};
    };
    auto identifier =
        DimseFindKeys::listing(QueryLevel::series, place, {modality, key::instances_of_series});
    DimseAnswer listed = co_await questions_.list(std::move(identifier), std::move(take));
    if (!listed.end.complete)
        co_return unless_refused(listed, wanted);
    put_missing(match, wanted, key::modalities_in_study, joined(summary.modalities));
    put_missing(match, wanted, key::series_of_study, std::to_string(summary.series));
    if (std::ranges::find(wanted, key::instances_of_study) == wanted.end())
        co_return complete_end();
    DimseAnswer rest = co_await count_uncounted(place.study, summary);
    if (!rest.end.complete)
        co_return unless_refused(rest, {key::instances_of_study});
    mapping::put_text(match, key::instances_of_study, std::to_string(summary.instances));
    co_return complete_end();
}

asio::awaitable<FindEnd> DimseCompletion::complete_series(DcmItem& match)
{
    const std::vector<Tag> wanted = missing(match, QueryLevel::series);
    FindPlace place;
    place.study = uid_of(match, tag::study_instance_uid);
    place.series = uid_of(match, tag::series_instance_uid);
    if (wanted.empty() || place.study.empty() || place.series.empty())
        co_return complete_end();
    std::uint64_t count = 0;
    DimseAnswer answer = co_await count_instances(place, count);
    if (!answer.end.complete)
        co_return unless_refused(answer, wanted);
    mapping::put_text(match, key::instances_of_series, std::to_string(count));
    co_return complete_end();
}

asio::awaitable<DimseAnswer> DimseCompletion::count_instances(FindPlace place, std::uint64_t& count)
{
    TakeMatch take = [&count](const std::unique_ptr<DcmDataset>&) -> Result<void> {
        ++count;
        return {};
    };
    auto identifier = DimseFindKeys::listing(QueryLevel::image, std::move(place), {});
    co_return co_await questions_.list(std::move(identifier), std::move(take));
}

asio::awaitable<DimseAnswer> DimseCompletion::count_uncounted(Uid study, Summary& summary)
{
    DimseAnswer last;
    last.end = complete_end();
    for (const Uid& series : summary.uncounted) {
        FindPlace place{study, series};
        last = co_await count_instances(std::move(place), summary.instances);
        if (!last.end.complete)
            break;
    }
    co_return last;
}

} // namespace gantry

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
