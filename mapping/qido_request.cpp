#include "mapping/qido_request.h"

#include "mapping/elements.h"
#include "mapping/qido_keys.h"
#include "mapping/query_attributes.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcitem.h>

#include <algorithm>
#include <array>
#include <span>

namespace gantry::mapping {

namespace {

constexpr std::size_t max_requests = 1'024;
constexpr std::size_t uids_at_once = 50; // so that a target stays well below 8 KiB

/// Date and time that belong together (PS3.4 C.2.2.2.5).
struct DateTimePair {
    Tag date;
    Tag time;
};

constexpr auto pairs = std::to_array<DateTimePair>({
    {{0x0008, 0x0012}, {0x0008, 0x0013}}, // Instance Creation
    {{0x0008, 0x0020}, {0x0008, 0x0030}}, // Study
    {{0x0008, 0x0021}, {0x0008, 0x0031}}, // Series
    {{0x0008, 0x0022}, {0x0008, 0x0032}}, // Acquisition
    {{0x0008, 0x0023}, {0x0008, 0x0033}}, // Content
    {{0x0010, 0x0030}, {0x0010, 0x0032}}, // Patient's Birth
    {{0x0040, 0x0244}, {0x0040, 0x0245}}, // Performed Procedure Step Start
});

const MatchKey* find_key(const std::vector<MatchKey>& keys, Tag tag)
{
    const auto found = std::ranges::find_if(keys, [&](const MatchKey& key) {
        return key.tag == tag && key.vr != vr::sq && key.name.find('.') == std::string::npos;
    });
    return found == keys.end() ? nullptr : &*found;
}

/// Of two ranges: "a-b", "a-" or "-b"; they are one range only where both have the same form.
char form_of(std::string_view range)
{
    return range.starts_with('-') ? '<' : range.ends_with('-') ? '>' : '=';
}

/// QIDO-RS takes two ranges for one (PS3.18 8.3.4.1.1). Where that is not what is meant, or the
/// server does not, the date alone is matched there.
void part_dates_from_times(
    std::vector<MatchKey>& keys, const QidoQuestion& question, const QidoDialect& dialect
)
{
    for (const DateTimePair& pair : pairs) {
        const MatchKey* const date = find_key(keys, pair.date);
        const MatchKey* const time = find_key(keys, pair.time);
        if (date == nullptr || time == nullptr)
            continue;
        const std::string& from = date->values.front();
        const std::string& at = time->values.front();
        if (!is_range(from) || !is_range(at))
            continue;
        const bool combined = question.combined_date_time && dialect.combines_date_time &&
                              form_of(from) == form_of(at);
        if (!combined)
            std::erase_if(keys, [&](const MatchKey& key) { return key.tag == pair.time; });
    }
}

/// Where in the hierarchy one request stands.
struct Resource {
    Uid study;
    Uid series;

    std::string path(QueryLevel level) const
    {
        std::string path;
        if (!study.empty())
            path += "/studies/" + study.str();
        if (!series.empty())
            path += "/series/" + series.str();
        switch (level) {
        case QueryLevel::series: return path + "/series";
        case QueryLevel::image: return path + "/instances";
        default: return path + "/studies";
        }
    }
};

Result<std::vector<Uid>> uids_of(const std::vector<MatchKey>& keys, Tag tag, const Uid& instead)
{
    if (!instead.empty())
        return std::vector{instead};
    std::vector<Uid> uids;
    if (const MatchKey* const key = find_key(keys, tag); key != nullptr) {
        for (const std::string& value : key->values) {
            const auto uid = Uid::parse(value);
            if (!uid)
                return error(Errc::malformed, tag.hex());
            uids.push_back(*uid);
        }
    }
    return uids;
}

/// One request's alternatives of one key: values that may stand in one parameter.
struct Parameter {
    const MatchKey* key;
    std::vector<std::span<const std::string>> alternatives;
};

Parameter parameter_of(const MatchKey& key)
{
    Parameter parameter{&key, {}};
    const std::size_t size = key.vr == vr::ui ? uids_at_once : 1;
    const std::span values(key.values);
    for (std::size_t i = 0; i < values.size(); i += size)
        parameter.alternatives.push_back(values.subspan(i, std::min(size, values.size() - i)));
    return parameter;
}

class Planner {
public:
    Planner(const QidoQuestion& question, const QidoDialect& dialect, QidoKeys keys)
        : question_(question), dialect_(dialect), keys_(std::move(keys))
    {
        part_dates_from_times(keys_.matches, question_, dialect_);
    }

    void put_timezone(const std::string& offset) { timezone_ = offset; }

    Result<std::vector<QidoRequest>> plan()
    {
        const auto resources = choose();
        if (!resources)
            return resources.error();
        std::vector<QidoRequest> requests;
        for (const Resource& resource : *resources)
            if (!add(requests, resource))
                return error(Errc::too_large, "more than 1024 requests");
        return requests;
    }

private:
    Result<std::vector<Resource>> choose() const
    {
        if (question_.level == QueryLevel::patient)
            return error(Errc::unsupported, "patient level");
        if (question_.level == QueryLevel::study)
            return std::vector{Resource{}};
        const auto studies = uids_of(keys_.matches, tag::study_instance_uid, question_.study);
        const auto series = uids_of(keys_.matches, tag::series_instance_uid, question_.series);
        if (!studies || !series)
            return studies ? series.error() : studies.error();
        std::vector<Resource> resources;
        const bool to_series = question_.level == QueryLevel::image && studies->size() == 1;
        for (const Uid& study : *studies) {
            if (!to_series || series->empty())
                resources.push_back({study, {}});
            else
                for (const Uid& one : *series)
                    resources.push_back({study, one});
        }
        return resources.empty() ? std::vector{Resource{}} : resources;
    }

    /// PS3.18 table 10.6.1-2: what a resource is asked for by. What its path says is not repeated.
    bool may_match(const MatchKey& key, const Resource& resource) const
    {
        if (key.tag == tag::study_instance_uid)
            return resource.study.empty();
        const QueryLevel level = query_level(key.tag).value_or(question_.level);
        if (level > question_.level)
            return false;
        if (level == QueryLevel::study)
            return resource.study.empty();
        return level != QueryLevel::series || resource.series.empty();
    }

    bool may_return(Tag tag, const Resource& resource) const
    {
        const bool in_path = (tag == tag::study_instance_uid && !resource.study.empty()) ||
                             (tag == tag::series_instance_uid && !resource.series.empty());
        return !in_path && tag != unique_key(question_.level) && !is_below(tag, question_.level);
    }

    bool add(std::vector<QidoRequest>& requests, const Resource& resource) const
    {
        std::vector<Parameter> parameters;
        std::size_t count = 1;
        for (const MatchKey& key : keys_.matches) {
            if (!may_match(key, resource))
                continue;
            parameters.push_back(parameter_of(key));
            count *= parameters.back().alternatives.size();
            if (count > max_requests)
                return false;
        }
        if (requests.size() + count > max_requests)
            return false;
        const std::string fields = return_fields(resource);
        for (std::size_t i = 0; i < count; ++i) {
            QidoRequest request;
            request.level = question_.level;
            request.study = resource.study;
            request.series = resource.series;
            request.path = resource.path(question_.level);
            request.most = most_results(parameters, i);
            request.query = query_of(parameters, i) + fields;
            if (!request.query.empty())
                request.query.erase(0, 1); // "&"
            requests.push_back(std::move(request));
        }
        return true;
    }

    std::size_t most_results(const std::vector<Parameter>& parameters, std::size_t number) const
    {
        for (const Parameter& parameter : parameters) {
            const std::size_t count = parameter.alternatives.size();
            if (parameter.key->tag == unique_key(question_.level))
                return parameter.alternatives[number % count].size();
            number /= count;
        }
        return 0;
    }

    /// Combination `number` of the alternatives.
    std::string query_of(const std::vector<Parameter>& parameters, std::size_t number) const
    {
        std::string query;
        for (const Parameter& parameter : parameters) {
            const auto values = parameter.alternatives[number % parameter.alternatives.size()];
            number /= parameter.alternatives.size();
            query += '&' + parameter.key->name + '=';
            for (const std::string& value : values) {
                query += &value == values.data() ? "" : ",";
                append_encoded(query, parameter.key->vr, value, dialect_);
            }
        }
        if (!timezone_.empty()) {
            query += "&TimezoneOffsetFromUTC=";
            append_encoded(query, vr::none, timezone_, dialect_);
        }
        return query + (question_.fuzzy ? "&fuzzymatching=true" : "");
    }

    std::string return_fields(const Resource& resource) const
    {
        if (question_.unique_keys_only)
            return {};
        if (question_.all_fields)
            return "&includefield=all";
        std::string list;
        for (const Tag tag : keys_.fields)
            if (may_return(tag, resource))
                list += (list.empty() ? "&includefield=" : ",") + tag.hex();
        return list;
    }

    const QidoQuestion& question_;
    const QidoDialect& dialect_;
    QidoKeys keys_;
    std::string timezone_;
};

} // namespace

std::string QidoRequest::target(std::uint64_t limit, std::uint64_t offset) const
{
    std::string out = path;
    char before = '?';
    const auto add = [&](const std::string& text) {
        out += before + text;
        before = '&';
    };
    if (!query.empty())
        add(query);
    if (limit != 0)
        add("limit=" + std::to_string(limit));
    if (offset != 0)
        add("offset=" + std::to_string(offset));
    return out;
}

Result<std::vector<QidoRequest>>
qido_requests(const QidoQuestion& question, DcmItem& keys, const QidoDialect& dialect)
{
    auto collected = collect_qido_keys(keys, dialect);
    if (!collected)
        return collected.error();
    Planner planner(question, dialect, std::move(*collected));
    if (question.timezone)
        planner.put_timezone(text_of(keys, key::timezone_offset));
    return planner.plan();
}

} // namespace gantry::mapping
