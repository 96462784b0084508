#include "dimse/association_shelf.h"

#include "dimse/requestor_association.h"

#include <algorithm>
#include <iterator>

namespace gantry::dimse {

namespace {

// Kept where nothing else bounds them.
constexpr std::size_t most_kept = 8;

} // namespace

AssociationShelf::AssociationShelf(std::size_t places, std::chrono::milliseconds keep_idle)
    : places_(places), keep_idle_(keep_idle)
{
}

AssociationShelf::~AssociationShelf() = default;

AssociationShelf::Claim AssociationShelf::claim(const wire::Buffer& kind)
{
    const std::lock_guard lock(mutex_);
    Claim claim{Place(*this), nullptr, {}};
    ++in_use_;
    // The one used last: the others may then be unused for long enough.
    const auto same = std::find_if(kept_.rbegin(), kept_.rend(), [&](const Kept& kept) {
        return kept.kind == kind;
    });
    if (same != kept_.rend()) {
        claim.kept = std::move(same->association);
        kept_.erase(std::next(same).base());
        return claim;
    }
    while (places_ != 0 && !kept_.empty() && in_use_ + kept_.size() > places_) {
        claim.in_the_way.push_back(std::move(kept_.front().association));
        kept_.pop_front();
    }
    return claim;
}

AssociationShelf::Association
AssociationShelf::keep(Place& place, wire::Buffer kind, Association association)
{
    const std::lock_guard lock(mutex_);
    if (closed_ || keep_idle_.count() == 0)
        return association;
    association->park(never_);
    kept_.push_back({std::move(kind), std::move(association), Clock::now()});
    place.pass_on();
    --in_use_;
    Association oldest;
    if (places_ == 0 && kept_.size() > most_kept) {
        oldest = std::move(kept_.front().association);
        kept_.pop_front();
    }
    return oldest;
}

std::vector<AssociationShelf::Association> AssociationShelf::take_expired(Clock::time_point now)
{
    std::vector<Association> expired;
    const std::lock_guard lock(mutex_);
    while (!kept_.empty() && kept_.front().since + keep_idle_ <= now) {
        expired.push_back(std::move(kept_.front().association));
        kept_.pop_front();
    }
    return expired;
}

AssociationShelf::Clock::time_point AssociationShelf::next_due() const
{
    if (keep_idle_.count() == 0)
        return Clock::time_point::max();
    const std::lock_guard lock(mutex_);
    // What is kept later is due later.
    return (kept_.empty() ? Clock::now() : kept_.front().since) + keep_idle_;
}

std::vector<AssociationShelf::Association> AssociationShelf::close()
{
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    return take_all();
}

void AssociationShelf::open()
{
    const std::lock_guard lock(mutex_);
    closed_ = false;
}

std::vector<AssociationShelf::Association> AssociationShelf::take_all()
{
    std::vector<Association> all;
    const std::lock_guard lock(mutex_);
    for (Kept& kept : kept_)
        all.push_back(std::move(kept.association));
    kept_.clear();
    return all;
}

void AssociationShelf::leave() noexcept
{
    const std::lock_guard lock(mutex_);
    --in_use_;
}

void release_all(std::vector<AssociationShelf::Association> associations, const StopSignal& stop)
{
    for (const auto& association : associations) {
        (void)association->resume(stop);
        association->ask_release();
    }
    for (const auto& association : associations)
        association->await_release();
}

} // namespace gantry::dimse
