#include "gateway/cli/query_steps.h"

#include "dimse/error.h"
#include "mapping/elements.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

namespace gantry::cli {

namespace {

/// Keeps the first match, and has enough then.
class FirstMatch final : public dimse::MatchSink {
public:
    asio::awaitable<Result<void>>
    push(std::unique_ptr<DcmDataset> match, bool /*all_keys_supported*/) override
    {
        if (!first)
            first = std::move(match);
        co_return error(dimse::Errc::aborted, "one is enough");
    }

    std::unique_ptr<DcmDataset> first;
};

/// Those of the levels above have a value, that of the last level where it is known.
std::shared_ptr<DcmDataset> keys_at(std::size_t depth, const std::vector<std::string>& found)
{
    auto keys = std::make_shared<DcmDataset>();
    const char* const level = mapping::level_name(query_levels.at(depth));
    mapping::put_text(*keys, mapping::key::query_retrieve_level, level);
    for (std::size_t i = 0; i <= depth; ++i) {
        const Tag key = mapping::unique_key(query_levels.at(i));
        mapping::put_text(*keys, key, i < found.size() ? found[i] : std::string());
    }
    return keys;
}

} // namespace

Uid known_uid(std::string_view text)
{
    return Uid::parse(text).value_or(Uid());
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): see the header
asio::awaitable<FoundOne> find_one(dimse::Requestor& requestor, std::vector<std::string> found)
{
    const std::size_t depth = found.size();
    FirstMatch match;
    dimse::FindInquiry inquiry{known_uid(study_root_find), keys_at(depth, found)};
    const auto answer = co_await requestor.find(std::move(inquiry), match);
    FoundOne one{{}, answer ? Result<DimseStatus>(answer->status) : answer.error()};
    if (match.first)
        one.uid = mapping::text_of(*match.first, mapping::unique_key(query_levels.at(depth)));
    co_return one;
}

std::shared_ptr<DcmDataset> one_image(const std::vector<std::string>& found)
{
    return keys_at(query_levels.size() - 1, found);
}

} // namespace gantry::cli
