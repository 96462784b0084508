#include "gateway/origins/dimse_matches.h"

#include "gateway/error.h"
#include "mapping/elements.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <utility>

namespace gantry {

DimseMatches::DimseMatches(
    const mapping::FindIdentifier& keys,
    const mapping::MatchingRules& rules,
    const FindQuestion& question,
    FindSink& to
)
    : filter_(keys, rules),
      level_(question.level),
      fuzzy_(rules.fuzzy),
      all_fields_(question.all_fields),
      limit_(question.limit),
      to_skip_(question.offset),
      to_(to)
{
}

Result<std::unique_ptr<DcmDataset>> DimseMatches::admit(DcmDataset& match)
{
    if (broken_)
        return *broken_;
    if (mapping::text_of(match, mapping::unique_key(level_)).empty()) {
        broken_ = error(Errc::invalid, "a match without its unique key");
        return *broken_;
    }
    const bool utf8 = mapping::has_content(match, tag::specific_character_set);
    auto answer = filter_.answer(match);
    if (!answer)
        return std::unique_ptr<DcmDataset>();
    if (to_skip_ > 0) {
        --to_skip_;
        return std::unique_ptr<DcmDataset>();
    }
    if (limit_ && admitted_ == *limit_) {
        enough_ = true;
        return error(Errc::unsupported, "more matches than are wanted");
    }
    ++admitted_;
    if (all_fields_)
        mapping::fill_from(*answer->identifier, match);
    if (utf8)
        mapping::put_text(*answer->identifier, tag::specific_character_set, "ISO_IR 192");
    return std::move(answer->identifier);
}

asio::awaitable<Result<void>> DimseMatches::hand_on(std::unique_ptr<DcmDataset> admitted)
{
    if (fuzzy_ && !std::exchange(told_, true))
        to_.matched_fuzzily();
    auto taken = co_await to_.match(std::move(admitted));
    if (!taken)
        broken_ = taken.error();
    co_return taken;
}

FindEnd DimseMatches::end() const
{
    FindEnd end;
    if (broken_) {
        end.shortfall = Shortfall::failed;
        end.reason = broken_->text();
        return end;
    }
    end.complete = true;
    end.more = enough_;
    if (limit_ && !enough_)
        end.remaining = 0;
    return end;
}

} // namespace gantry
