#include "gateway/faces/dimse_find.h"

#include "gateway/error.h"
#include "gateway/faces/patient_groups.h"
#include "mapping/character_set.h"
#include "mapping/elements.h"
#include "mapping/identifier.h"
#include "mapping/key_filter.h"
#include "mapping/query_keys.h"
#include "mapping/status.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>

namespace gantry::faces {

using mapping::FindFailure;

namespace {

FindFailure failure_of(Shortfall shortfall)
{
    switch (shortfall) {
    case Shortfall::limit: return FindFailure::limit;
    case Shortfall::timed_out:
    case Shortfall::unavailable: return FindFailure::unavailable;
    case Shortfall::question: return FindFailure::question;
    case Shortfall::unauthorised: return FindFailure::unauthorised;
    case Shortfall::failed:
    case Shortfall::none: break;
    }
    return FindFailure::failed;
}

/// What the answers of one question go through on their way to the peer.
class Answers {
public:
    Answers(
        dimse::MatchSink& peer, const AeTitle& retrieve_from, const std::vector<std::string>& sets
    )
        : peer_(peer), retrieve_from_(retrieve_from.str()), encoder_(sets)
    {
    }

    asio::awaitable<Result<void>> send(mapping::FindAnswer answer)
    {
        if (!retrieve_from_.empty())
            mapping::put_text(*answer.identifier, mapping::key::retrieve_ae_title, retrieve_from_);
        replaced_ += encoder_.encode(*answer.identifier).replaced;
        ++sent_;
        auto taken = co_await peer_.push(std::move(answer.identifier), answer.all_keys_supported);
        wanted_ = taken.has_value();
        co_return taken;
    }

    /// The peer has neither cancelled nor gone.
    bool wanted() const { return wanted_; }

    std::uint64_t sent() const { return sent_; }

    std::size_t replaced() const { return replaced_; }

private:
    dimse::MatchSink& peer_;
    std::string retrieve_from_;
    mapping::DataSetEncoder encoder_;
    std::uint64_t sent_ = 0;
    std::size_t replaced_ = 0;
    bool wanted_ = true;
};

/// What cannot be told from another, and cannot be retrieved, is no match.
Result<void> check_unique_key(DcmDataset& match, QueryLevel level)
{
    if (mapping::text_of(match, mapping::unique_key(level)).empty())
        return error(Errc::invalid, "a match without its unique key");
    return {};
}

/// Studies, series and images, one by one.
class Entities final : public FindSink {
public:
    Entities(
        const mapping::FindIdentifier& question, const mapping::MatchingRules& rules, Answers& out
    )
        : level_(question.level), filter_(question, rules), out_(out)
    {
    }

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
    {
        if (auto unique = check_unique_key(*attributes, level_); !unique)
            co_return unique;
        auto answer = filter_.answer(*attributes);
        if (!answer)
            co_return Result<void>{};
        co_return co_await out_.send(std::move(*answer));
    }

private:
    QueryLevel level_;
    mapping::KeyFilter filter_;
    Answers& out_;
};

/// Patients, when all of their studies are known.
class Patients final : public FindSink {
public:
    Patients(
        const mapping::FindIdentifier& question,
        const mapping::MatchingRules& rules,
        std::size_t most
    )
        : groups_(question, rules, most)
    {
    }

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
    {
        full_ = full_ || !groups_.add(*attributes);
        if (full_)
            co_return error(Errc::unsupported, "too many patients for one answer");
        co_return Result<void>{};
    }

    bool full() const { return full_; }

    asio::awaitable<Result<void>> send(Answers& out, bool complete)
    {
        for (mapping::FindAnswer& answer : groups_.take(complete))
            if (auto sent = co_await out.send(std::move(answer)); !sent)
                co_return sent;
        co_return Result<void>{};
    }

private:
    PatientGroups groups_;
    bool full_ = false;
};

FindQuestion question_of(const mapping::FindIdentifier& asked, const dimse::QueryOptions& granted)
{
    FindQuestion question;
    question.level = asked.level;
    question.model = asked.model;
    question.keys = asked.keys;
    question.relational = asked.relational;
    question.fuzzy = granted.fuzzy;
    question.combined_date_time = granted.combined_date_time;
    question.timezone = granted.timezone;
    if (asked.level != QueryLevel::patient)
        return question;
    question.level = QueryLevel::study;
    question.model = QueryModel::study_root;
    question.keys = study_keys_of(asked);
    return question;
}

/// The set of the question, then the one that the peer is known to read. Of a peer of which nothing
/// is known: a name is not to be lost, and most that say nothing read Latin-1; the answer says
/// which it is.
std::vector<std::string> sets_for(const std::string& declared, const std::string& configured)
{
    if (declared.empty() && configured.empty())
        return {"ISO_IR 100", "ISO_IR 192"};
    std::vector<std::string> sets;
    for (const std::string& set : {declared, configured})
        if (!set.empty())
            sets.push_back(set);
    return sets;
}

void log(
    const dimse::AssociationInfo& peer,
    const mapping::FindIdentifier& asked,
    const Answers& answers,
    const DimseStatus& status,
    const FindEnd& end
)
{
    if (!answers.wanted())
        return spdlog::info(
            "query cancelled assoc={} calling={} level={} matches={}",
            peer.id,
            peer.calling.str(),
            mapping::level_name(asked.level),
            answers.sent()
        );
    spdlog::info(
        "query answered assoc={} calling={} level={} matches={} status={:04x}{}",
        peer.id,
        peer.calling.str(),
        mapping::level_name(asked.level),
        answers.sent(),
        status.code,
        end.complete ? "" : " reason=\"" + status.comment + "\""
    );
    if (!end.complete)
        spdlog::warn("query incomplete assoc={} reason=\"{}\"", peer.id, end.reason);
    if (answers.replaced() > 0)
        spdlog::warn(
            "characters replaced in an answer assoc={} calling={} count={}",
            peer.id,
            peer.calling.str(),
            answers.replaced()
        );
}

} // namespace

FindService::FindService(FindServiceOptions options, Origin& origin)
    : options_(std::move(options)), origin_(origin)
{
    // "ISO 2022 IR 149" alone is how people say "\\ISO 2022 IR 149"
    for (auto& [peer, set] : options_.character_sets)
        set = mapping::TextEncoder(set).character_set();
}

asio::awaitable<DimseStatus> FindService::find(
    dimse::AssociationInfo peer,
    dimse::FindRequest request,
    dimse::MatchSink& matches // NOLINT: the association awaits us
) const
{
    const auto named = options_.character_sets.find(peer.calling);
    const std::string configured =
        named == options_.character_sets.end() ? std::string() : named->second;
    DcmDataset identifier(*request.identifier);
    const std::string declared = mapping::character_set_of(identifier);
    if (mapping::decode_text(identifier, configured) > 0)
        co_return mapping::find_status(FindFailure::character_set, {});
    const mapping::IdentifierRules form{
        options_.lenient, request.granted.relational, request.granted.timezone
    };
    const auto asked = mapping::check_find_identifier(request.sop_class.str(), identifier, form);
    if (!asked)
        co_return asked.error();

    const mapping::MatchingRules rules{
        request.granted.combined_date_time, request.granted.fuzzy, request.granted.timezone
    };
    Answers answers(matches, options_.retrieve_ae_title, sets_for(declared, configured));
    Entities entities(*asked, rules, answers);
    Patients patients(*asked, rules, options_.max_patients);
    const bool by_patient = asked->level == QueryLevel::patient;
    FindSink& sink = by_patient ? static_cast<FindSink&>(patients) : entities;
    auto question = question_of(*asked, request.granted);
    FindEnd end = co_await origin_.find(std::move(question), sink);
    if (patients.full())
        end.shortfall = Shortfall::limit;
    if (by_patient)
        if (const auto sent = co_await patients.send(answers, end.complete); !sent)
            end = {false, Shortfall::failed, sent.error().text()};
    DimseStatus status{status::success, {}};
    if (!end.complete)
        status = mapping::find_status(
            failure_of(end.shortfall), end.origin.empty() ? origin_.name() : end.origin
        );
    log(peer, *asked, answers, status, end);
    co_return status;
}

} // namespace gantry::faces
