#include "gateway/origins/expected_instances.h"

#include "gateway/error.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace gantry {

namespace {

constexpr std::size_t uids_in_a_key = 16; // so that a request line stays short
constexpr std::size_t max_instances = 500'000;

const DcmTagKey available_transfer_syntax(0x0008, 0x3002);

std::string text_of(DcmDataset& match, const DcmTagKey& tag)
{
    OFString text; // the first value
    if (match.findAndGetOFString(tag, text).bad())
        return {};
    std::string out(text.c_str(), text.size());
    while (!out.empty() && (out.back() == ' ' || out.back() == '\0'))
        out.pop_back();
    return out.substr(std::min(out.find_first_not_of(' '), out.size()));
}

Uid uid_of(DcmDataset& match, const DcmTagKey& tag)
{
    return Uid::parse(text_of(match, tag)).value_or(Uid{});
}

std::string list_of(std::span<const Uid> uids)
{
    std::string out;
    for (const Uid& uid : uids)
        out += (out.empty() ? "" : "\\") + uid.str();
    return out;
}

bool among(const std::vector<Uid>& uids, const Uid& uid)
{
    return uids.empty() || std::ranges::find(uids, uid) != uids.end();
}

/// What one find asks for; empty: any.
struct Scope {
    std::vector<Uid> studies;
    std::vector<Uid> series;
    std::vector<Uid> instances;
};

FindQuestion question_at(QueryLevel level, const Scope& scope, std::string_view patient_id = {})
{
    auto keys = std::make_shared<DcmDataset>();
    const auto put = [&](const DcmTagKey& tag, const std::string& value) {
        if (value.empty())
            (void)keys->insertEmptyElement(tag);
        else
            (void)keys->putAndInsertOFStringArray(tag, OFString(value.data(), value.size()));
    };
    put(DCM_StudyInstanceUID, list_of(scope.studies));
    if (level == QueryLevel::study)
        put(DCM_PatientID, std::string(patient_id));
    if (level == QueryLevel::series || level == QueryLevel::image)
        put(DCM_SeriesInstanceUID, list_of(scope.series));
    if (level == QueryLevel::image) {
        put(DCM_SOPInstanceUID, list_of(scope.instances));
        put(DCM_SOPClassUID, {});
        put(DCM_InstanceNumber, {});
        put(available_transfer_syntax, {});
    }
    FindQuestion question;
    question.level = level;
    question.keys = std::move(keys);
    question.relational = (level == QueryLevel::series && scope.studies.size() != 1) ||
                          (level == QueryLevel::image && scope.series.size() != 1);
    return question;
}

class Resolver {
public:
    Resolver(AskFind find, RetrieveQuestion question)
        : find_(std::move(find)), asked_(std::move(question))
    {
    }

    asio::awaitable<ExpectedInstances> resolve()
    {
        if (asked_.studies.empty() && asked_.series.empty() && asked_.instances.empty() &&
            asked_.patient_ids.empty()) {
            FindEnd end{false, Shortfall::question, "nothing is named"};
            co_return ExpectedInstances{{}, std::move(end)};
        }
        auto [studies, end] = co_await resolve_studies();
        const bool any = asked_.patient_ids.empty() || !studies.empty();
        if (end.complete && any)
            end = co_await below(std::move(studies));
        co_return ExpectedInstances{in_order(), std::move(end)};
    }

    asio::awaitable<ExpectedStudies> resolve_studies()
    {
        ExpectedStudies found{asked_.studies, {true}};
        if (!asked_.patient_ids.empty())
            found.end = co_await studies_of_patients(found.studies);
        co_return found;
    }

private:
    using Pair = std::pair<Uid, Uid>; // study, series

    // What is taken of one match. False: it cannot be placed.
    struct Instances final : FindSink {
        explicit Instances(Resolver& resolver, Scope asked) : of(resolver), scope(std::move(asked))
        {
        }

        asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
        {
            co_return of.take(*attributes, scope, unplaced);
        }

        Resolver& of;
        Scope scope;
        bool unplaced = false; // a match did not say its series
    };

    struct Series final : FindSink {
        explicit Series(Scope asked) : scope(std::move(asked)) {}

        asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
        {
            Pair found{
                uid_of(*attributes, DCM_StudyInstanceUID),
                uid_of(*attributes, DCM_SeriesInstanceUID)
            };
            if (found.first.empty() && scope.studies.size() == 1)
                found.first = scope.studies.front();
            const bool right = !found.first.empty() && !found.second.empty() &&
                               among(scope.studies, found.first) &&
                               among(scope.series, found.second);
            if (right && std::ranges::find(pairs, found) == pairs.end())
                pairs.push_back(std::move(found));
            co_return Result<void>{};
        }

        Scope scope;
        std::vector<Pair> pairs;
    };

    // An origin may ignore the key, or look at it without regard to case.
    struct Studies final : FindSink {
        explicit Studies(std::string id, std::vector<Uid> named)
            : patient_id(std::move(id)), among_these(std::move(named))
        {
        }

        asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
        {
            Uid study = uid_of(*attributes, DCM_StudyInstanceUID);
            const bool right = !study.empty() && among(among_these, study) &&
                               text_of(*attributes, DCM_PatientID) == patient_id;
            if (right && std::ranges::find(found, study) == found.end())
                found.push_back(std::move(study));
            co_return Result<void>{};
        }

        std::string patient_id;
        std::vector<Uid> among_these;
        std::vector<Uid> found;
    };

    asio::awaitable<FindEnd> studies_of_patients(std::vector<Uid>& studies);
    asio::awaitable<FindEnd> below(std::vector<Uid> studies);
    asio::awaitable<FindEnd> series_of(Scope scope, std::vector<Pair>& out);
    asio::awaitable<FindEnd> named_series(std::vector<Uid> studies);
    asio::awaitable<FindEnd> named_instances(std::vector<Uid> studies);
    asio::awaitable<FindEnd> whole_study(Uid study);
    asio::awaitable<FindEnd> whole_series(std::vector<Pair> series);
    Result<void> take(DcmDataset& match, const Scope& scope, bool& unplaced);
    std::vector<InstanceKey> in_order();

    struct Found {
        InstanceKey key;
        std::size_t series = 0; // in order of appearance
        std::int64_t number = 0;
    };

    AskFind find_;
    RetrieveQuestion asked_;
    std::vector<Found> found_;
    std::unordered_set<std::string> known_;
    std::unordered_map<std::string, std::size_t> series_;
};

Result<void> Resolver::take(DcmDataset& match, const Scope& scope, bool& unplaced)
{
    InstanceKey key;
    key.sop = {uid_of(match, DCM_SOPClassUID), uid_of(match, DCM_SOPInstanceUID)};
    key.study = uid_of(match, DCM_StudyInstanceUID);
    key.series = uid_of(match, DCM_SeriesInstanceUID);
    key.transfer_syntax = uid_of(match, available_transfer_syntax);
    if (key.study.empty() && scope.studies.size() == 1)
        key.study = scope.studies.front();
    if (key.series.empty() && scope.series.size() == 1)
        key.series = scope.series.front();
    if (key.sop.sop_instance.empty() || !among(scope.studies, key.study) ||
        !among(scope.series, key.series) || !among(asked_.instances, key.sop.sop_instance))
        return {};
    if (key.study.empty() || key.series.empty()) {
        unplaced = true;
        return {};
    }
    if (!known_.insert(key.sop.sop_instance.str()).second)
        return {};
    if (found_.size() == max_instances)
        return error(Errc::unsupported, "more than 500000 instances in one retrieve");
    const std::string number = text_of(match, DCM_InstanceNumber);
    const auto series = series_.try_emplace(key.series.str(), series_.size()).first->second;
    found_.push_back({std::move(key), series, std::strtoll(number.c_str(), nullptr, 10)});
    return {};
}

std::vector<InstanceKey> Resolver::in_order()
{
    std::vector<std::size_t> order(found_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t at) {
        return std::tuple(found_[at].series, found_[at].number, at);
    });
    std::vector<InstanceKey> out;
    out.reserve(found_.size());
    for (const std::size_t at : order)
        out.push_back(std::move(found_[at].key));
    return out;
}

// References name objects in the frame of who awaits.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

asio::awaitable<FindEnd> Resolver::studies_of_patients(std::vector<Uid>& studies)
{
    std::vector<Uid> out;
    for (const std::string& patient_id : asked_.patient_ids) {
        Studies sink(patient_id, studies);
        Scope scope{studies, {}, {}};
        if (studies.size() > uids_in_a_key)
            scope.studies.clear();
        FindQuestion question = question_at(QueryLevel::study, scope, patient_id);
        FindEnd end = co_await find_(std::move(question), sink);
        if (!end.complete)
            co_return end;
        std::ranges::move(sink.found, std::back_inserter(out));
    }
    studies = std::move(out);
    co_return FindEnd{true};
}

asio::awaitable<FindEnd> Resolver::below(std::vector<Uid> studies)
{
    if (!asked_.instances.empty())
        co_return co_await named_instances(std::move(studies));
    if (!asked_.series.empty())
        co_return co_await named_series(std::move(studies));
    for (const Uid& study : studies) {
        FindEnd end = co_await whole_study(study);
        if (!end.complete)
            co_return end;
    }
    co_return FindEnd{true};
}

asio::awaitable<FindEnd> Resolver::series_of(Scope scope, std::vector<Pair>& out)
{
    Series sink(scope);
    FindQuestion question = question_at(QueryLevel::series, scope);
    FindEnd end = co_await find_(std::move(question), sink);
    std::ranges::move(sink.pairs, std::back_inserter(out));
    co_return end;
}

// Of one study they can be asked for at once; else it is to be found out which study is theirs.
asio::awaitable<FindEnd> Resolver::named_series(std::vector<Uid> studies)
{
    std::vector<Pair> pairs;
    if (studies.size() == 1) {
        for (const Uid& series : asked_.series)
            pairs.emplace_back(studies.front(), series);
        co_return co_await whole_series(std::move(pairs));
    }
    const std::span<const Uid> all(asked_.series);
    for (std::size_t at = 0; at < all.size(); at += uids_in_a_key) {
        const auto some = all.subspan(at, std::min(uids_in_a_key, all.size() - at));
        Scope scope{studies.size() <= uids_in_a_key ? studies : std::vector<Uid>{}, {}, {}};
        scope.series.assign(some.begin(), some.end());
        FindEnd end = co_await series_of(std::move(scope), pairs);
        if (!end.complete)
            co_return end;
    }
    std::erase_if(pairs, [&](const Pair& pair) { return !among(studies, pair.first); });
    co_return co_await whole_series(std::move(pairs));
}

asio::awaitable<FindEnd> Resolver::named_instances(std::vector<Uid> studies)
{
    Scope scope{studies, asked_.series, {}};
    const bool placed = studies.size() == 1 && asked_.series.size() == 1;
    if (placed && asked_.instances.size() > uids_in_a_key) { // take() drops the others
        std::vector<Pair> pairs{{studies.front(), asked_.series.front()}};
        co_return co_await whole_series(std::move(pairs));
    }
    const std::span<const Uid> all(asked_.instances);
    for (std::size_t at = 0; at < all.size(); at += uids_in_a_key) {
        const auto some = all.subspan(at, std::min(uids_in_a_key, all.size() - at));
        scope.instances.assign(some.begin(), some.end());
        Instances sink(*this, scope);
        FindQuestion question = question_at(QueryLevel::image, scope);
        FindEnd end = co_await find_(std::move(question), sink);
        if (!end.complete)
            co_return end;
        if (sink.unplaced)
            co_return FindEnd{false, Shortfall::failed, "the origin does not say the series"};
    }
    co_return FindEnd{true};
}

// Not every origin offers a study's instances as one list (PS3.18 table 10.6.1-1).
asio::awaitable<FindEnd> Resolver::whole_study(Uid study)
{
    const Scope scope{{study}, {}, {}};
    Instances sink(*this, scope);
    FindQuestion question = question_at(QueryLevel::image, scope);
    FindEnd end = co_await find_(std::move(question), sink);
    const bool not_offered =
        end.shortfall == Shortfall::question || end.shortfall == Shortfall::failed;
    if (end.complete ? !sink.unplaced : !not_offered)
        co_return end;
    std::vector<Pair> pairs;
    end = co_await series_of(scope, pairs);
    if (!end.complete)
        co_return end;
    co_return co_await whole_series(std::move(pairs));
}

asio::awaitable<FindEnd> Resolver::whole_series(std::vector<Pair> series)
{
    for (const auto& [study, uid] : series) {
        const Scope scope{{study}, {uid}, {}};
        Instances sink(*this, scope);
        FindQuestion question = question_at(QueryLevel::image, scope);
        FindEnd end = co_await find_(std::move(question), sink);
        if (!end.complete)
            co_return end;
    }
    co_return FindEnd{true};
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace

asio::awaitable<ExpectedStudies> expected_studies(AskFind find, RetrieveQuestion question)
{
    Resolver resolver(std::move(find), std::move(question));
    co_return co_await resolver.resolve_studies();
}

asio::awaitable<ExpectedInstances> expected_instances(AskFind find, RetrieveQuestion question)
{
    Resolver resolver(std::move(find), std::move(question));
    co_return co_await resolver.resolve();
}

} // namespace gantry
