#include "gateway/origins/dimse_store.h"

#include "dimse/error.h"
#include "gateway/error.h"
#include "gateway/origins/store_proposals.h"
#include "mapping/error.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace gantry {

namespace {

using Kind = StoreOutcome::Kind;

struct StatusRow {
    std::uint16_t first;
    std::uint16_t last;
    Kind kind;
};

constexpr std::uint16_t syntax_not_supported = 0xc122; // PS3.18 I.2.2
constexpr StatusRow statuses[] = {
    {0x0000, 0x0000, Kind::stored},
    {0x0001, 0x0001, Kind::stored_changed},
    {0x0107, 0x0107, Kind::stored_changed}, // attribute list warning
    {0x0111, 0x0111, Kind::conflict},       // duplicate SOP instance (PS3.7 C.5.1)
    {0x0116, 0x0116, Kind::stored_changed}, // attribute value out of range
    {0x0117, 0x0117, Kind::refused},        // invalid SOP instance
    {0x0122, 0x0122, Kind::refused},        // SOP class not supported
    {0x0124, 0x0124, Kind::unavailable},    // not authorised: nothing is wrong with the instance
    {0x0210, 0x0210, Kind::transient},      // duplicate invocation
    {0x0213, 0x0213, Kind::transient},      // resource limitation
    {0xa700, 0xa7ff, Kind::transient},
    {0xb000, 0xbfff, Kind::stored_changed},
};

bool ends_association(const Error& error)
{
    return error.code.category() == dimse::category() &&
           error.code != dimse::make_error_code(dimse::Errc::no_context) &&
           error.code != dimse::make_error_code(dimse::Errc::unreadable);
}

bool nobody_there(const Error& error)
{
    using dimse::Errc;
    constexpr Errc codes[] = {
        Errc::not_resolved, Errc::not_connected, Errc::rejected, Errc::busy, Errc::set_up
    };
    return std::ranges::any_of(codes, [&](Errc code) {
        return error.code == dimse::make_error_code(code);
    });
}

StoreOutcome refused(std::uint16_t reason, std::string answer)
{
    StoreOutcome out;
    out.kind = Kind::refused;
    out.reason = reason;
    out.answer = std::move(answer);
    return out;
}

} // namespace

StoreOutcome outcome_of_status(std::uint16_t status)
{
    StoreOutcome out;
    out.kind = Kind::limited; // A9xx, Cxxx and what nobody knows
    for (const StatusRow& row : statuses)
        if (status >= row.first && status <= row.last)
            out.kind = row.kind;
    out.reason = status;
    out.answer = fmt::format("{:04X}", status);
    return out;
}

StoreOutcome outcome_of_error(const Error& error)
{
    if (error.code == dimse::make_error_code(dimse::Errc::no_context))
        return refused(status::sop_class_not_supported, "no presentation context accepted");
    StoreOutcome out;
    out.answer = error.text();
    out.reason = status::out_of_resources;
    if (nobody_there(error))
        out.kind = Kind::unavailable;
    else if (error.code == make_error_code(Errc::damaged))
        out.kind = Kind::damaged;
    else if (error.code == make_error_code(Errc::unsupported))
        return refused(syntax_not_supported, error.text());
    else if (error.code.category() == mapping::category())
        out.kind = Kind::limited; // it could not be transcoded
    return out;
}

DimseStore::DimseStore(Means means, std::vector<std::unique_ptr<InstanceContent>> batch)
    : means_(std::move(means))
{
    items_.reserve(batch.size());
    for (auto& content : batch) {
        InstanceKey key = content->key();
        items_.push_back({std::move(key), std::move(content)});
    }
}

asio::awaitable<std::vector<StoreOutcome>> DimseStore::run()
{
    std::vector<InstanceKey> keys;
    keys.reserve(items_.size());
    for (const Item& item : items_)
        keys.push_back(item.key);
    for (auto& contexts : store_proposals(keys, means_.taken))
        co_await store_on(std::move(contexts));
    std::vector<StoreOutcome> out;
    out.reserve(items_.size());
    for (Item& item : items_)
        out.push_back(
            item.outcome ? std::move(*item.outcome)
                         : refused(status::sop_class_not_supported, "SOP class not known")
        );
    co_return out;
}

void DimseStore::settle_rest(std::span<Item*> items, const StoreOutcome& outcome)
{
    for (Item* item : items)
        if (!item->outcome)
            item->outcome = outcome;
}

// What one association negotiates; opened once more, for those that come after the one that it was
// lost in.
asio::awaitable<void> DimseStore::store_on(std::vector<dimse::ProposedContext> contexts)
{
    std::vector<Item*> mine;
    for (Item& item : items_) {
        const auto proposed = std::ranges::find(
            contexts, item.key.sop.sop_class, &dimse::ProposedContext::abstract_syntax
        );
        if (proposed != contexts.end())
            mine.push_back(&item);
    }
    StoreOutcome lost = outcome_of_error(dimse::error(dimse::Errc::closed));
    for (int chance = 0; chance < 2 && !away_; ++chance) {
        auto opened = co_await means_.open(contexts);
        if (!opened) {
            lost = outcome_of_error(opened.error());
            away_ = lost.kind == Kind::unavailable;
            break;
        }
        dimse::StoreAssociation& association = **opened;
        const bool done = co_await store_all(association, mine);
        if (done) {
            co_await association.release();
            opened->reset(); // the archive may allow no second one for what is asked now
            co_await look(mine);
            co_return;
        }
        spdlog::warn("association lost in a store origin={}", means_.origin);
    }
    if (away_)
        lost.kind = Kind::unavailable;
    settle_rest(mine, lost);
    co_await look(mine);
}

// References name objects in the frame of who awaits.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

/// False: the association is lost before all was asked.
asio::awaitable<bool>
DimseStore::store_all(dimse::StoreAssociation& association, std::span<Item*> items)
{
    for (Item* item : items) {
        if (item->outcome)
            continue;
        if (!association.usable())
            co_return false;
        co_await store_one(association, *item);
    }
    co_return true;
}

asio::awaitable<void> DimseStore::store_one(dimse::StoreAssociation& association, Item& item)
{
    std::vector<Uid> accepted = association.accepted(item.key.sop.sop_class);
    if (accepted.empty()) {
        item.outcome = outcome_of_error(dimse::error(dimse::Errc::no_context));
        co_return;
    }
    PreparationMeans preparation = means_.preparation;
    auto prepared =
        co_await prepare(std::move(item.content), std::move(accepted), std::move(preparation));
    if (!prepared) {
        item.outcome = outcome_of_error(prepared.error());
        co_return;
    }
    dimse::OutgoingInstance outgoing;
    outgoing.key = std::move(prepared->key);
    outgoing.data_set = std::move(prepared->data_set);
    const auto stored = co_await association.store(std::move(outgoing));
    if (!stored) {
        item.outcome = outcome_of_error(stored.error());
        // Nobody knows what became of it.
        if (ends_association(stored.error()))
            item.outcome->kind = Kind::transient;
        co_return;
    }
    item.outcome = outcome_of_status(stored->code);
}

/// Where the archive has one of this UID: is it in our study and series?
asio::awaitable<void> DimseStore::look(std::span<Item*> items)
{
    for (Item* item : items) {
        if (item->outcome->kind != Kind::conflict)
            continue;
        std::vector<InstanceKey> one{item->key};
        const auto there = co_await means_.look_for(std::move(one));
        if (!there)
            item->outcome->kind = Kind::transient;
        else if (there->front())
            item->outcome->kind = Kind::already_there;
    }
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry
