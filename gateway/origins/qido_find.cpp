#include "gateway/origins/qido_find.h"

#include "gateway/origins/qido_search.h"
#include "mapping/elements.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace gantry {

namespace {

using Kind = SearchEnd::Kind;
using mapping::QidoRequest;

/// UIDs of the entities of one level, on the way down.
class UidSink final : public FindSink {
public:
    UidSink(Tag tag, std::size_t most) : tag_(tag), most_(most) {}

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
    {
        if (uids.size() >= most_)
            co_return mapping::error(mapping::Errc::too_large, "too many entities to walk through");
        if (const auto uid = Uid::parse(mapping::text_of(*attributes, tag_)))
            uids.push_back(*uid);
        co_return Result<void>{};
    }

    std::vector<Uid> uids;

private:
    Tag tag_;
    std::size_t most_;
};

FindEnd failed(Shortfall shortfall, std::string reason)
{
    FindEnd end;
    end.shortfall = shortfall;
    end.reason = std::move(reason);
    return end;
}

FindEnd end_of(SearchProblem problem)
{
    const bool resource = problem.kind == SearchProblem::Kind::no_resource;
    std::string reason = "search: " + problem.reason;
    return failed(resource ? Shortfall::failed : problem.shortfall, std::move(reason));
}

/// Beyond what every origin offers (PS3.18 table 10.6.1-1): one of three resources.
bool is_relational(const QidoRequest& request)
{
    if (request.level == QueryLevel::series)
        return request.study.empty();
    return request.level == QueryLevel::image && request.series.empty();
}

bool is_encoded(const QidoRequest& request)
{
    return request.query.find('%') != std::string::npos;
}

bool encodes_only_carets(std::string_view query)
{
    for (std::size_t at = query.find('%'); at != query.npos; at = query.find('%', at + 1))
        if (!query.substr(at).starts_with("%5E"))
            return false;
    return true;
}

bool encodes_name(std::string_view query)
{
    const std::size_t at = query.find("PatientName=");
    return at != query.npos && query.substr(at, query.find('&', at) - at).find('%') != query.npos;
}

class QidoFind {
public:
    QidoFind(SearchRoom room, const FindQuestion& question, FindSink& sink)
        : room_(room), question_(question), sink_(sink), keys_(*question.keys)
    {
    }

    /// `decided`: whether the origin decodes what it is asked is known. Else what is
    /// percent-encoded is asked first, and where that finds nothing it is undecided().
    asio::awaitable<FindEnd> run(bool raw_caret, bool decided)
    {
        dialect_.raw_caret = raw_caret;
        // Whoever counts on the origin's pages must trust it; others match times themselves.
        const bool counted = question_.limit || question_.offset > 0;
        dialect_.combines_date_time = room_.profile.search.combines_date_time.value_or(counted);
        dialect_.unsearchable = room_.profile.search.unsearchable;
        auto asked = asked_for(question_.level, {}, {});
        auto requests = qido_requests(asked, keys_, dialect_);
        if (!requests)
            co_return failed(Shortfall::question, requests.error().text());
        const auto plain = std::ranges::partition(*requests, is_encoded).begin();
        auto encoded = plain - requests->begin();
        const bool alone = requests->size() == 1;
        const bool there = room_.learned.honours_offset && alone && !walks(requests->front());
        offset_ = there ? question_.offset : 0;
        matches_.emplace(sink_, question_.offset - offset_, question_.limit);
        for (const QidoRequest& request : *requests) {
            only_carets_ = only_carets_ && encodes_only_carets(request.query);
            FindEnd end = co_await ask(request, alone);
            found_name_ = found_name_ || (encodes_name(request.query) && !found_nothing());
            if (!end.complete || matches_->enough())
                co_return end;
            undecided_ = !decided && --encoded == 0 && found_nothing();
            if (undecided_)
                break;
        }
        co_return complete();
    }

    bool found_nothing() const { return matches_ && matches_->seen() == 0; }

    bool undecided() const noexcept { return undecided_; }

    /// By a Patient Name that was percent-encoded: an origin may ignore other keys.
    bool found_name() const noexcept { return found_name_; }

    bool only_carets() const noexcept { return only_carets_; }

private:
    mapping::QidoQuestion asked_for(QueryLevel level, Uid study, Uid series) const
    {
        mapping::QidoQuestion asked;
        asked.level = level;
        asked.fuzzy = question_.fuzzy;
        asked.combined_date_time = question_.combined_date_time;
        asked.timezone = question_.timezone;
        asked.all_fields = question_.all_fields;
        asked.unique_keys_only = level != question_.level;
        asked.study = std::move(study);
        asked.series = std::move(series);
        return asked;
    }

    /// How many results are enough, of one request; nothing: all.
    std::optional<std::uint64_t> wanted(const QidoRequest& request, bool alone) const
    {
        std::optional<std::uint64_t> most;
        if (request.most != 0)
            most = request.most;
        if (!alone || !question_.limit)
            return most;
        const std::uint64_t enough = question_.offset - offset_ + *question_.limit;
        return most && *most < enough ? most : enough;
    }

    /// The origin has not got its resource.
    bool walks(const QidoRequest& request) const
    {
        const OriginProfile::Search& known = room_.profile.search;
        if (!is_relational(request))
            return false;
        if (request.level == QueryLevel::series)
            return room_.learned.no_series || !known.relational_series.value_or(true);
        if (request.study.empty())
            return room_.learned.no_instances || !known.relational_instances.value_or(true);
        return room_.learned.no_study_instances || !known.study_instances.value_or(true);
    }

    void remember_missing(const QidoRequest& request, unsigned status)
    {
        if (request.level == QueryLevel::series)
            room_.learned.no_series = true;
        else if (request.study.empty())
            room_.learned.no_instances = true;
        else if (status != 404 || matches_->seen() > 0) // else it may be the study that is missing
            room_.learned.no_study_instances = true;
    }

    // References below name objects in the frame of run(), which awaits all of this.
    // NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

    asio::awaitable<FindEnd> ask(const QidoRequest& request, bool alone)
    {
        if (walks(request))
            co_return co_await walk(request);
        SearchRoom room = room_;
        QidoSearch search(room, request, *matches_, wanted(request, alone), offset_);
        const SearchEnd end = co_await search.run();
        if (end.kind == Kind::enough)
            co_return enough(end);
        if (end.kind == Kind::done)
            co_return complete();
        const SearchProblem& problem = end.problem;
        const bool missing = problem.kind == SearchProblem::Kind::no_resource;
        const bool refused = problem.shortfall == Shortfall::question && matches_->seen() == 0;
        if (is_relational(request) && (missing || refused)) {
            if (std::exchange(offset_, 0) > 0) // a walk has an order of its own
                matches_.emplace(sink_, question_.offset, question_.limit);
            FindEnd walked = co_await walk(request);
            if (missing)
                remember_missing(request, problem.status);
            co_return walked;
        }
        const bool unknown_study = missing && !request.study.empty();
        if (unknown_study && (problem.status == 404 || problem.status == 410))
            co_return complete();
        co_return end_of(problem);
    }

    /// Level by level instead of the relational resource of `request`.
    asio::awaitable<FindEnd> walk(const QidoRequest& request)
    {
        std::vector<Uid> studies{request.study};
        if (request.study.empty()) {
            const FindEnd found = co_await children(QueryLevel::study, {}, studies);
            if (!found.complete)
                co_return found;
        }
        for (const Uid& study : studies) {
            std::vector<Uid> series{Uid{}};
            if (request.level == QueryLevel::image) {
                const FindEnd found = co_await children(QueryLevel::series, study, series);
                if (!found.complete)
                    co_return found;
            }
            for (const Uid& one : series) {
                FindEnd end = co_await below(study, one);
                if (!end.complete || matches_->enough())
                    co_return end;
            }
        }
        co_return complete();
    }

    /// The entities of a level that the keys leave.
    asio::awaitable<FindEnd> children(QueryLevel level, Uid study, std::vector<Uid>& into)
    {
        const Tag unique = mapping::unique_key(level);
        UidSink sink(unique, room_.limits.max_parents);
        QidoMatches found(sink, 0, std::nullopt);
        auto asked = asked_for(level, std::move(study), {});
        const auto requests = qido_requests(asked, keys_, dialect_);
        if (!requests)
            co_return failed(Shortfall::question, requests.error().text());
        for (const QidoRequest& request : *requests) {
            QidoSearch search(room_, request, found, std::nullopt, 0);
            const SearchEnd end = co_await search.run();
            if (end.kind == Kind::enough)
                co_return failed(Shortfall::limit, found.error().text());
            const bool gone = end.problem.status == 404 && !request.study.empty();
            if (end.kind == Kind::problem && !gone)
                co_return end_of(end.problem);
        }
        into = std::move(sink.uids);
        co_return complete();
    }

    /// What is asked for, within one study or series.
    asio::awaitable<FindEnd> below(Uid study, Uid series)
    {
        auto asked = asked_for(question_.level, std::move(study), std::move(series));
        const auto requests = qido_requests(asked, keys_, dialect_);
        if (!requests)
            co_return failed(Shortfall::question, requests.error().text());
        for (const QidoRequest& request : *requests) {
            QidoSearch search(room_, request, *matches_, wanted(request, false), 0);
            const SearchEnd end = co_await search.run();
            if (end.kind == Kind::enough)
                co_return enough(end);
            if (end.kind == Kind::problem && end.problem.status != 404)
                co_return end_of(end.problem);
        }
        co_return complete();
    }

    // NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

    static FindEnd complete()
    {
        FindEnd end;
        end.complete = true;
        return end;
    }

    /// The limit was reached, or the asker did not want more.
    FindEnd enough(const SearchEnd& end) const
    {
        if (!matches_->enough())
            return failed(Shortfall::failed, matches_->error().text());
        FindEnd whole = complete();
        whole.remaining = end.remaining;
        return whole;
    }

    SearchRoom room_;
    const FindQuestion& question_;
    FindSink& sink_;
    DcmDataset keys_;
    mapping::QidoDialect dialect_;
    std::optional<QidoMatches> matches_;
    std::uint64_t offset_ = 0; // that the origin skips
    bool undecided_ = false;
    bool found_name_ = false;
    bool only_carets_ = true; // are percent-encoded
};

} // namespace

SearchMemory known_of(const OriginProfile& profile)
{
    SearchMemory memory;
    memory.page_size = profile.search.page_size.value_or(0);
    memory.honours_offset = profile.search.honours_offset.value_or(false);
    memory.raw_caret = profile.search.raw_caret.value_or(false);
    memory.decodes = profile.search.raw_caret.has_value() && !memory.raw_caret;
    memory.xml_only = profile.search.xml_only.value_or(false);
    return memory;
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): see the contract
asio::awaitable<FindEnd> find_by_qido(SearchRoom room, FindQuestion question, FindSink& matches)
{
    FindEnd none;
    none.complete = true;
    if (question.limit && *question.limit == 0)
        co_return none;
    if (const auto size = room.profile.search.page_size) {
        room.limits.page = std::min(room.limits.page, *size);
        room.limits.first_page = std::min(room.limits.first_page, *size);
    }
    SearchMemory& learned = room.learned;
    QidoFind find(room, question, matches);
    FindEnd end = co_await find.run(learned.raw_caret, learned.decodes || learned.raw_caret);
    learned.decodes = learned.decodes || (find.found_name() && !learned.raw_caret);
    if (!find.undecided())
        co_return end;
    // Nothing, or an origin that looks for "%5E" as it stands.
    QidoFind again(room, question, matches);
    FindEnd second = co_await again.run(true, true);
    // For other characters than carets it was asked for more: finding more says nothing.
    learned.raw_caret = !again.found_nothing() && find.only_carets();
    co_return second;
}

} // namespace gantry
