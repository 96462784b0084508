// What a retrieve says to its origin: what is wanted, and when there is room for more. Loop.
#include "gateway/error.h"
#include "gateway/faces/retrieve_job.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <utility>

namespace gantry::faces {

using mapping::RetrieveFailure;

asio::awaitable<Result<void>> RetrieveJob::expect(std::vector<InstanceKey> instances)
{
    const bool begins = !tally_.by_number(); // else what is missing is named
    tally_.expect(instances);
    if (instances.empty())
        co_return Result<void>{};
    report();
    if (begins) {
        for (const InstanceKey& key : instances)
            stored_[key.sop.sop_class].insert(key.transfer_syntax);
        if (auto opened = co_await open_route(instances); !opened)
            co_return opened;
    }
    const std::uint32_t failed = tally_.counts().failed;
    for (const InstanceKey& key : instances) {
        const Uid& sop_class = key.sop.sop_class;
        if (stored_.contains(sop_class) && !sop_class.empty() &&
            task_.route->accepted(sop_class).empty())
            fail(key.sop.sop_instance, "the receiver takes no " + sop_class.str());
    }
    if (tally_.counts().failed > failed)
        report();
    co_return Result<void>{};
}

/// Others than the examples may be stored otherwise: whatever is usual is negotiated for, too.
asio::awaitable<Result<void>>
RetrieveJob::expect_number(std::uint64_t instances, std::vector<InstanceKey> examples)
{
    tally_.expect_number(instances);
    report();
    if (examples.empty())
        co_return Result<void>{};
    for (std::size_t i = examples.size(); i-- > 0;) {
        if (examples[i].transfer_syntax.empty())
            continue;
        examples.push_back(examples[i]);
        examples.back().transfer_syntax = {};
    }
    for (const InstanceKey& key : examples)
        stored_[key.sop.sop_class].insert(key.transfer_syntax);
    co_return co_await open_route(std::move(examples));
}

asio::awaitable<Result<void>> RetrieveJob::open_route(std::vector<InstanceKey> instances)
{
    auto opened = co_await task_.route->open(std::move(instances));
    if (!opened)
        give_up(RetrieveFailure::destination_unreachable, opened.error().text());
    co_return opened;
}

std::optional<std::vector<Uid>> RetrieveJob::acceptable(const Uid& sop_class) const
{
    if (sop_class.empty())
        return std::nullopt;
    const std::vector<Uid> accepted = task_.route->accepted(sop_class);
    const auto known = stored_.find(sop_class);
    if (known == stored_.end() && accepted.empty() && task_.at_destination != nullptr)
        return std::nullopt; // nobody spoke of it: it is negotiated when it comes
    if (known == stored_.end() || accepted.empty())
        return accepted;
    const std::set<Uid>& stored = known->second;
    const auto compressed = [](const Uid& syntax) {
        return TransferSyntax::of(syntax.str()).encapsulated;
    };
    // How it is stored may not be known: it fits where anything compressed is taken.
    const auto taken = [&](const Uid& syntax) {
        return syntax.empty() ? std::ranges::any_of(accepted, compressed)
                              : std::ranges::find(accepted, syntax) != accepted.end();
    };
    if (std::ranges::all_of(stored, taken))
        return std::nullopt;
    std::vector<Uid> ordered;
    const auto add = [&ordered](const Uid& syntax) {
        if (std::ranges::find(ordered, syntax) == ordered.end())
            ordered.push_back(syntax);
    };
    for (const Uid& syntax : accepted)
        if (stored.contains(syntax))
            add(syntax);
    for (const auto text : {transfer_syntax::explicit_le, transfer_syntax::implicit_le})
        for (const Uid& syntax : accepted)
            if (syntax.str() == text)
                add(syntax);
    std::ranges::for_each(accepted, add);
    return ordered;
}

bool RetrieveJob::has_room(std::uint64_t bytes) const
{
    return window_.empty() || (window_.size() < options_.window_instances &&
                               window_bytes_ + bytes <= options_.window_bytes.count);
}

asio::awaitable<Result<void>> RetrieveJob::instance(std::unique_ptr<InstanceContent> content)
{
    const auto entry = std::make_shared<Entry>();
    entry->key = content->key();
    entry->bytes = content->length().count;
    if (closed_)
        co_return error(Errc::closed);
    if (!tally_.claim(entry->key.sop.sop_instance)) {
        const std::size_t known = tally_.expected();
        const std::vector<InstanceKey> more{entry->key};
        tally_.expect(more);
        if (tally_.expected() == known) // it has come before, or nobody takes it
            co_return Result<void>{};
        (void)tally_.claim(entry->key.sop.sop_instance);
    }
    while (!closed_ && !has_room(entry->bytes))
        co_await changed_.wait();
    if (closed_)
        co_return error(Errc::closed);
    window_.push_back(entry);
    window_bytes_ += entry->bytes;
    preparing_.spawn(prepare_entry(entry, std::move(content)));
    co_return Result<void>{};
}

} // namespace gantry::faces
