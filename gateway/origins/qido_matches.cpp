#include "gateway/origins/qido_matches.h"

#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dctag.h>

#include <string_view>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace gantry {

namespace {

std::string_view value_of(DcmDataset& match, Tag tag)
{
    const char* text = nullptr;
    if (match.findAndGetString(DcmTagKey(tag.group, tag.element), text).bad() || text == nullptr)
        return {};
    std::string_view value(text);
    while (value.ends_with(' '))
        value.remove_suffix(1);
    return value;
}

void fill(DcmDataset& match, Tag tag, const Uid& uid)
{
    if (!uid.empty() && value_of(match, tag).empty())
        (void)match.putAndInsertString(DcmTag(tag.group, tag.element), uid.str().c_str());
}

/// Which entity it is, from the study down; empty where its own key is missing.
std::string identity(DcmDataset& match, QueryLevel level)
{
    std::string text;
    for (const mapping::UniqueKey& key : mapping::unique_keys) {
        if (key.level == QueryLevel::patient || key.level > level)
            continue;
        const std::string_view value = value_of(match, key.tag);
        if (value.empty() && key.level == level)
            return {};
        text.append(value).push_back('/');
    }
    return text;
}

} // namespace

QidoMatches::QidoMatches(FindSink& sink, std::uint64_t skip, std::optional<std::uint64_t> limit)
    : sink_(sink), skip_(skip), limit_(limit)
{
}

void QidoMatches::begin_request()
{
    first_request_ = !std::exchange(begun_, true);
    here_.clear();
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): of who awaits
asio::awaitable<QidoMatches::Took>
QidoMatches::take(std::unique_ptr<DcmDataset> match, const mapping::QidoRequest& from)
{
    fill(*match, tag::study_instance_uid, from.study);
    fill(*match, tag::series_instance_uid, from.series);
    const std::string text = identity(*match, from.level);
    if (text.empty())
        co_return Took::nameless;
    const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
    const Digest digest{hash.low64, hash.high64};
    if (!first_request_ && !here_.insert(digest).second)
        co_return Took::repeated;
    if (!seen_.insert(digest).second)
        co_return first_request_ ? Took::repeated : Took::fresh;
    if (skip_ > 0) {
        --skip_;
        co_return Took::fresh;
    }
    const Result<void> taken = co_await sink_.match(std::move(match));
    if (!taken) {
        error_ = taken.error();
        co_return Took::stopped;
    }
    ++given_;
    co_return enough() ? Took::enough : Took::fresh;
}

} // namespace gantry
