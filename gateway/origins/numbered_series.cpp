#include "gateway/origins/numbered_series.h"

#include "gateway/error.h"
#include "mapping/elements.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace gantry {

namespace {

constexpr std::size_t most_studies = 4;
constexpr std::size_t most_named_series = 16;  // so that a request line stays short
constexpr std::uint64_t least_instances = 100; // one page
constexpr std::uint64_t least_of_series = 20;  // on the average: each costs a question of its own
constexpr Tag available_transfer_syntax{0x0008, 0x3002};

Uid uid_of(DcmDataset& match, Tag tag)
{
    return Uid::parse(mapping::text_of(match, tag)).value_or(Uid{});
}

std::uint64_t number_of(DcmDataset& match)
{
    const std::string text = mapping::text_of(match, mapping::key::instances_of_series);
    std::uint64_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    return fault == std::errc{} && end == text.data() + text.size() ? number : 0;
}

class SeriesSink final : public FindSink {
public:
    SeriesSink(Uid study, const std::vector<Uid>& asked) : study_(std::move(study)), asked_(asked)
    {
    }

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
    {
        NumberedSeries one;
        one.example.study = study_;
        one.example.series = uid_of(*attributes, tag::series_instance_uid);
        one.instances = number_of(*attributes);
        const Uid of = uid_of(*attributes, tag::study_instance_uid);
        const bool wanted =
            (of.empty() || of == study_) && !one.example.series.empty() &&
            (asked_.empty() || std::ranges::find(asked_, one.example.series) != asked_.end());
        const auto same = [&one](const NumberedSeries& other) {
            return other.example.series == one.example.series;
        };
        if (wanted && std::ranges::none_of(found, same))
            found.push_back(std::move(one));
        co_return Result<void>{};
    }

    std::vector<NumberedSeries> found;

private:
    Uid study_;
    const std::vector<Uid>& asked_;
};

class ExampleSink final : public FindSink {
public:
    explicit ExampleSink(InstanceKey& key) : key_(key) {}

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
    {
        if (!key_.sop.sop_instance.empty())
            co_return error(Errc::unsupported, "one is enough");
        const Uid series = uid_of(*attributes, tag::series_instance_uid);
        if (!series.empty() && series != key_.series)
            co_return Result<void>{};
        key_.sop.sop_instance = uid_of(*attributes, tag::sop_instance_uid);
        key_.sop.sop_class = uid_of(*attributes, tag::sop_class_uid);
        key_.transfer_syntax = uid_of(*attributes, available_transfer_syntax);
        co_return Result<void>{};
    }

private:
    InstanceKey& key_;
};

FindQuestion question_at(QueryLevel level, const Uid& study, const std::string& series)
{
    auto keys = std::make_shared<DcmDataset>();
    mapping::put_text(*keys, tag::study_instance_uid, study.str());
    mapping::put_text(*keys, tag::series_instance_uid, series);
    FindQuestion question;
    question.level = level;
    if (level == QueryLevel::series) {
        mapping::put_text(*keys, mapping::key::instances_of_series, {});
    } else {
        for (const Tag tag : {tag::sop_instance_uid, tag::sop_class_uid, available_transfer_syntax})
            mapping::put_text(*keys, tag, {});
        question.limit = 1;
    }
    question.keys = std::move(keys);
    return question;
}

std::string list_of(const std::vector<Uid>& uids)
{
    std::string out;
    for (const Uid& uid : uids)
        out += (out.empty() ? "" : "\\") + uid.str();
    return out;
}

bool worth_it(const std::vector<NumberedSeries>& series)
{
    std::uint64_t total = 0;
    for (const NumberedSeries& one : series) {
        if (one.instances == 0)
            return false;
        total += one.instances;
    }
    return total >= least_instances && total >= least_of_series * series.size();
}

} // namespace

asio::awaitable<std::optional<std::vector<NumberedSeries>>>
numbered_series(AskFind find, RetrieveQuestion question)
{
    const bool whole = question.instances.empty() && !question.studies.empty() &&
                       question.studies.size() <= most_studies &&
                       question.series.size() <= most_named_series;
    if (!whole)
        co_return std::nullopt;
    std::vector<NumberedSeries> all;
    for (const Uid& study : question.studies) {
        SeriesSink sink(study, question.series);
        FindQuestion asked = question_at(QueryLevel::series, study, list_of(question.series));
        const FindEnd end = co_await find(std::move(asked), sink);
        if (!end.complete)
            co_return std::nullopt;
        std::ranges::move(sink.found, std::back_inserter(all));
    }
    if (!worth_it(all))
        co_return std::nullopt;
    for (NumberedSeries& one : all) {
        InstanceKey& key = one.example;
        ExampleSink sink(key);
        FindQuestion asked = question_at(QueryLevel::image, key.study, key.series.str());
        (void)co_await find(std::move(asked), sink);
        if (key.sop.sop_instance.empty() || key.sop.sop_class.empty())
            co_return std::nullopt;
    }
    co_return all;
}

} // namespace gantry
