#include "gateway/origins/dimse_find.h"

#include "gateway/error.h"
#include "gateway/origins/dimse_answers.h"
#include "gateway/origins/dimse_origin.h"
#include "mapping/elements.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

// Everything here is awaited by whoever calls it, and what is referred to is theirs or ours.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

namespace gantry {

namespace {

using Settled = DimseAnswers::Settled;

FindEnd incomplete(Shortfall shortfall, std::string reason)
{
    FindEnd end;
    end.shortfall = shortfall;
    end.reason = std::move(reason);
    return end;
}

FindEnd complete_end()
{
    FindEnd end;
    end.complete = true;
    return end;
}

/// One find, in one way of asking.
class DimseFind {
public:
    DimseFind(
        DimseFindRoom room,
        const FindQuestion& question,
        FindSink& sink,
        FindMode mode,
        asio::any_io_executor loop
    )
        : room_(room),
          question_(question),
          mode_(mode),
          keys_(question, room.options.character_set),
          questions_(room),
          completion_(room, keys_, questions_, mode.relational),
          matches_(keys_.matched_at(question.level), rules(), question, sink),
          studies_(keys_.matched_at(QueryLevel::study), rules()),
          series_(keys_.matched_at(QueryLevel::series), rules()),
          answers_(std::move(loop), {room.options, keys_, questions_, completion_, matches_}, mode)
    {
    }

    asio::awaitable<FindEnd> run()
    {
        if (mode_.relational || question_.level == QueryLevel::study)
            return ask_within({FindParent{}}, QueryLevel::study);
        return walk();
    }

    bool not_granted() const noexcept { return not_granted_ || answers_.not_granted(); }

private:
    mapping::MatchingRules rules() const
    {
        return {question_.combined_date_time, mode_.fuzzy, question_.timezone};
    }

    asio::awaitable<FindEnd> ask_within(std::vector<FindParent> parents, QueryLevel level)
    {
        DimseAnswers::Settle settle = [this, level](FindParent& parent) {
            return this->settle(parent, level);
        };
        co_return co_await answers_.within(std::move(parents), std::move(settle));
    }

    /// Completes a study or series that was found on the way, and matches it.
    asio::awaitable<Settled> settle(FindParent& parent, QueryLevel level)
    {
        Settled out{complete_end(), true};
        if (!parent.attributes)
            co_return out;
        if (completion_.lacks(*parent.attributes, level))
            out.end = co_await completion_.complete(*parent.attributes, level);
        if (!out.end.complete)
            co_return out;
        auto& filter = level == QueryLevel::study ? studies_ : series_;
        const bool utf8 = mapping::has_content(*parent.attributes, tag::specific_character_set);
        auto answer = filter.answer(*parent.attributes);
        out.kept = answer.has_value();
        if (!answer)
            co_return out;
        parent.attributes = std::move(answer->identifier);
        (void)parent.attributes->findAndDeleteElement(DcmTagKey(0x0008, 0x0052)); // of its level
        if (utf8)
            mapping::put_text(*parent.attributes, tag::specific_character_set, "ISO_IR 192");
        co_return out;
    }

    /// Level by level (PS3.4 C.4.1.3.1.1). With a limit, a few studies first: most have what is
    /// asked for.
    asio::awaitable<FindEnd> walk()
    {
        const std::size_t most = room_.options.max_questions;
        std::size_t cap = most;
        if (question_.limit)
            cap = std::min<std::uint64_t>(most, *question_.limit + question_.offset + 1);
        for (;;) {
            std::vector<FindParent> studies;
            bool cut = false;
            FindEnd end = co_await parents(QueryLevel::study, {}, studies, cap, cut);
            if (!end.complete)
                co_return end;
            end = co_await below(std::move(studies));
            if (!end.complete || !cut || matches_.enough())
                co_return end;
            if (cap == most)
                co_return incomplete(Shortfall::limit, "too many studies to walk through");
            cap = std::min(most, cap * 8);
        }
    }

    asio::awaitable<FindEnd> below(std::vector<FindParent> studies)
    {
        if (question_.level == QueryLevel::series)
            co_return co_await ask_within(std::move(studies), QueryLevel::study);
        for (FindParent& study : studies) {
            Settled settled = co_await settle(study, QueryLevel::study);
            if (!settled.end.complete)
                co_return settled.end;
            if (!settled.kept)
                continue;
            FindEnd end = co_await images(std::move(study));
            if (!end.complete || matches_.enough())
                co_return end;
        }
        co_return matches_.end();
    }

    asio::awaitable<FindEnd> images(FindParent study)
    {
        std::vector<FindParent> series;
        bool cut = false;
        const std::size_t most = room_.options.max_questions;
        FindEnd end = co_await parents(QueryLevel::series, study, series, most, cut);
        if (end.complete && cut)
            end = incomplete(Shortfall::limit, "too many series to walk through");
        if (!end.complete)
            co_return end;
        co_return co_await ask_within(std::move(series), QueryLevel::series);
    }

    /// The studies, or the series of a study, that were not walked through yet; `cut`: there are
    /// more than `most`.
    asio::awaitable<FindEnd> parents(
        QueryLevel level,
        FindParent within,
        std::vector<FindParent>& found,
        std::size_t most,
        bool& cut
    )
    {
        const Uid only = keys_.only(level);
        if (!only.empty() && !keys_.has_level(level)) {
            found.push_back(within);
            (level == QueryLevel::study ? found[0].place.study : found[0].place.series) = only;
            co_return complete_end();
        }
        Listed listed{*this, level, std::move(within), found, most};
        auto identifier = keys_.identifier(level, listed.within.place);
        const DimseAnswer answer =
            co_await questions_.ask(std::move(identifier), answers_.required(level), listed);
        not_granted_ = not_granted_ || answer.not_granted;
        cut = listed.cut;
        if (listed.nameless)
            co_return incomplete(Shortfall::failed, "a match without its unique key");
        co_return answer.end;
    }

    /// Studies or series on the way down.
    struct Listed final : FindSink {
        Listed(
            DimseFind& of,
            QueryLevel at,
            FindParent inside,
            std::vector<FindParent>& into,
            std::size_t at_most
        )
            : find(of), level(at), within(std::move(inside)), found(into), most(at_most)
        {
        }

        asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
        {
            co_return take(std::move(attributes));
        }

        Result<void> take(std::unique_ptr<DcmDataset> attributes)
        {
            const Tag unique = mapping::unique_key(level);
            auto uid = Uid::parse(mapping::text_of(*attributes, unique));
            nameless = nameless || !uid;
            if (nameless)
                return error(Errc::invalid, "a match without its unique key");
            if (find.walked_.contains(*uid))
                return {};
            cut = found.size() == most;
            if (cut)
                return error(Errc::unsupported, "more than are walked through");
            find.walked_.insert(*uid);
            FindParent parent;
            parent.place = within.place;
            (level == QueryLevel::study ? parent.place.study : parent.place.series) = *uid;
            mapping::put_text(*attributes, tag::study_instance_uid, parent.place.study.str());
            if (within.attributes)
                mapping::fill_from(*attributes, *within.attributes);
            parent.attributes = std::move(attributes);
            found.push_back(std::move(parent));
            return {};
        }

        DimseFind& find;
        QueryLevel level;
        FindParent within;
        std::vector<FindParent>& found;
        std::size_t most;
        bool cut = false;
        bool nameless = false;
    };

    DimseFindRoom room_;
    const FindQuestion& question_;
    FindMode mode_;
    DimseFindKeys keys_;
    DimseQuestions questions_;
    DimseCompletion completion_;
    DimseMatches matches_;
    mapping::KeyFilter studies_;
    mapping::KeyFilter series_;
    DimseAnswers answers_;
    std::unordered_set<Uid> walked_; // studies and series
    bool not_granted_ = false;
};

/// A unique key above the level is missing, or not single (PS3.4 C.4.1.2.2.1).
bool is_relational(const DimseFindKeys& keys)
{
    for (const QueryLevel level : {QueryLevel::study, QueryLevel::series})
        if (level < keys.level() && keys.only(level).empty())
            return true;
    return false;
}

/// Ways to ask, best first, but for those that the PACS is known not to grant.
std::vector<FindMode>
modes_for(const FindQuestion& question, const DimseFindKeys& keys, const DimseFindMemory& learned)
{
    const bool relational = is_relational(keys) && learned.relational.value_or(true);
    const bool fuzzy = question.fuzzy && keys.has_name() && learned.fuzzy.value_or(true);
    std::vector<FindMode> modes;
    for (const bool by_relation : {true, false})
        for (const bool by_sound : {true, false})
            if ((relational || !by_relation) && (fuzzy || !by_sound))
                modes.push_back({by_relation, by_sound, question.timezone});
    return modes;
}

void learn(DimseFindMemory& learned, FindMode mode, FindMode refused, bool granted)
{
    if (granted) {
        if (mode.relational)
            learned.relational = true;
        if (mode.fuzzy)
            learned.fuzzy = true;
        if (refused.fuzzy && !mode.fuzzy && mode.relational == refused.relational)
            learned.fuzzy = false;
    } else if (mode.relational && !mode.fuzzy) {
        learned.relational = false;
    } else if (mode.fuzzy && !mode.relational) {
        learned.fuzzy = false;
    }
}

} // namespace

asio::awaitable<FindEnd> find_by_dimse(DimseFindRoom room, FindQuestion question, FindSink& matches)
{
    if (question.level == QueryLevel::patient)
        co_return incomplete(Shortfall::question, "a DIMSE origin is not asked by patient");
    if (question.limit && *question.limit == 0)
        co_return complete_end();
    const DimseFindKeys keys(question, room.options.character_set);
    const auto loop = co_await asio::this_coro::executor;
    FindMode refused;
    for (const FindMode mode : modes_for(question, keys, room.learned)) {
        DimseFind find(room, question, matches, mode, loop);
        FindEnd end = co_await find.run();
        const bool granted = !find.not_granted();
        if (!granted || end.complete)
            learn(room.learned, mode, refused, granted);
        if (granted) {
            if (question.fuzzy && (mode.fuzzy || !keys.has_name()))
                matches.matched_fuzzily();
            co_return end;
        }
        refused = mode;
    }
    co_return incomplete(Shortfall::question, "the PACS does not adjust time zones");
}

} // namespace gantry

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
