// The end of a find on its way to the asker: what the keys leave, from the offset to the limit.
// Loop.
#pragma once

#include "gateway/origin.h"
#include "mapping/key_filter.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace gantry {

class DimseMatches {
public:
    /// `to` outlives it. `question`: level, limit, offset, all_fields.
    DimseMatches(
        const mapping::FindIdentifier& keys,
        const mapping::MatchingRules& rules,
        const FindQuestion& question,
        FindSink& to
    );

    /// What is to be handed on of a match, in the order of the matches; null: nothing. An error: it
    /// has no unique key; or there are enough, which enough() says.
    Result<std::unique_ptr<DcmDataset>> admit(DcmDataset& match);
    /// Errors: the asker's own.
    asio::awaitable<Result<void>> hand_on(std::unique_ptr<DcmDataset> admitted);

    /// The limit is reached, and there was more.
    bool enough() const noexcept { return enough_; }

    /// A limit is asked for.
    bool limited() const noexcept { return limit_.has_value(); }

    /// How the find ended where nothing failed before.
    FindEnd end() const;

private:
    mapping::KeyFilter filter_;
    QueryLevel level_;
    bool fuzzy_;
    bool all_fields_;
    std::optional<std::uint64_t> limit_;
    std::uint64_t to_skip_;
    FindSink& to_;
    std::uint64_t admitted_ = 0;
    bool told_ = false;
    bool enough_ = false;
    std::optional<Error> broken_;
};

} // namespace gantry
