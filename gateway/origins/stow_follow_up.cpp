// What is done where an answer leaves something open: verify, compare, re-encode, split.
#include "gateway/origins/stow_batch.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <utility>

namespace gantry {

namespace {

using Kind = StoreOutcome::Kind;
using What = Finding::What;

// Of an instance that the archive says it has.
Kind kind_of(What finding)
{
    switch (finding) {
    case What::identical: return Kind::already_there;
    case What::there:
    case What::different:
    case What::incomparable: return Kind::conflict;
    case What::absent: return Kind::limited;
    case What::unknown: break;
    }
    return Kind::transient;
}

} // namespace

// One that was answered as part of a larger request goes alone.
void StowBatch::split(Group group)
{
    if (group.size() < 2)
        return work_.push_back(std::move(group));
    const auto middle = group.begin() + static_cast<std::ptrdiff_t>(group.size() / 2);
    work_.emplace_back(middle, group.end());
    work_.emplace_back(group.begin(), middle);
}

// The archive may have them, or not: it is asked before anything is sent again. What it has and is
// not the same goes again as well: its answer will then say more.
asio::awaitable<void> StowBatch::verify(Group group, std::string lost, bool may_split)
{
    Group again;
    for (const std::size_t i : group) {
        const Finding finding = co_await compare_with_archive(room_.inquiry, items_[i].content());
        if (finding.what == What::identical) {
            settle(i, Kind::stored, lost + ", found there");
        } else if (finding.what == What::unknown && finding.unreachable) {
            away(lost + ", " + finding.reason);
            co_return;
        } else if (finding.what == What::unknown) {
            may_split = false;
            break; // not asked now: the rest is left for later as well
        } else {
            again.push_back(i);
        }
    }
    if (may_split && again.size() > 1)
        co_return split(std::move(again));
    forget_settled(group);
    for (const std::size_t i : group)
        settle(i, Kind::transient, lost);
}

// The archive says that it has one of this UID: the same counts as delivered.
asio::awaitable<void> StowBatch::compare(std::size_t index, std::string answer)
{
    Finding finding = co_await compare_with_archive(room_.inquiry, items_[index].content());
    if (finding.what == What::absent) {
        const Finding elsewhere = co_await look_everywhere_for(room_.inquiry, key(index));
        if (elsewhere.what == What::different)
            finding = elsewhere;
    }
    if (!finding.reason.empty())
        answer += ", " + finding.reason;
    if (finding.what == What::absent) // a duplicate of something that is not there: perhaps not yet
        answer += ", not found there";
    settle(index, kind_of(finding.what), answer);
}

// Its transfer syntax is not taken: once more in Explicit VR Little Endian, where that can be done
// without decoding.
asio::awaitable<void> StowBatch::transcode(std::size_t index)
{
    Item& item = items_[index];
    const auto& syntax = TransferSyntax::of(key(index).transfer_syntax.str());
    if (item.reencoded || syntax.encapsulated || syntax.web_allowed) {
        settle(index, Kind::refused, "FailureReason C122: transfer syntax not supported", 0xc122);
        co_return;
    }
    co_await reencode_item(item);
    if (!item.outcome)
        work_.push_back({index});
}

} // namespace gantry
