#include "gateway/origins/dimse_plan.h"

#include "gateway/origins/get_proposals.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace gantry {

namespace {

constexpr std::size_t instances_in_a_list = 100; // that older archives read as well

/// The higher the graver.
int gravity(Shortfall shortfall)
{
    switch (shortfall) {
    case Shortfall::none: return 0;
    case Shortfall::limit: return 1;
    case Shortfall::failed: return 2;
    case Shortfall::question: return 3;
    case Shortfall::timed_out: return 4;
    case Shortfall::unavailable: return 5;
    case Shortfall::unauthorised: return 6;
    }
    return 2;
}

} // namespace

struct DimsePlan::Group {
    Uid study;
    Uid series;
    std::vector<std::size_t> numbers;
};

DimsePlan::DimsePlan(
    std::vector<InstanceKey> expected, RetrieveQuestion question, const RetrieveSink& sink
)
    : question_(std::move(question))
{
    entries_.reserve(expected.size());
    by_uid_.reserve(expected.size());
    for (InstanceKey& key : expected) {
        const Uid& sop_class = key.sop.sop_class;
        auto wanted = wanted_.find(sop_class);
        if (wanted == wanted_.end())
            wanted = wanted_.emplace(sop_class, sink.acceptable(sop_class)).first;
        const bool unwanted = wanted->second && wanted->second->empty();
        by_uid_.emplace(key.sop.sop_instance, entries_.size());
        entries_.push_back({std::move(key), unwanted ? State::unwanted : State::open});
    }
}

std::vector<std::size_t> DimsePlan::numbers() const
{
    const std::lock_guard lock(mutex_);
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < entries_.size(); ++i)
        if (entries_[i].state == State::open)
            out.push_back(i);
    return out;
}

// Those of a series stand together.
std::vector<DimsePlan::Group> DimsePlan::groups(std::span<const std::size_t> of) const
{
    std::vector<Group> out;
    for (const std::size_t at : of) {
        const InstanceKey& key = entries_[at].key;
        if (out.empty() || out.back().study != key.study || out.back().series != key.series)
            out.push_back({key.study, key.series, {}});
        out.back().numbers.push_back(at);
    }
    return out;
}

std::vector<std::vector<dimse::ProposedContext>> DimsePlan::contexts(std::span<const std::size_t> of
) const
{
    std::vector<WantedInstance> instances;
    instances.reserve(of.size());
    for (const std::size_t at : of) {
        const auto& wanted = wanted_.at(entries_[at].key.sop.sop_class);
        instances.push_back({&entries_[at].key, wanted ? &*wanted : nullptr});
    }
    return get_proposals(instances);
}

std::vector<DimseJob> DimsePlan::as_asked() const
{
    const std::vector<std::size_t> all = numbers();
    std::vector<DimseJob> out;
    for (auto begin = all.begin(); begin != all.end();) {
        const Uid& study = entries_[*begin].key.study;
        const auto end = std::find_if(begin, all.end(), [&](std::size_t at) {
            return entries_[at].key.study != study;
        });
        study_jobs(std::span(begin, end), out);
        begin = end;
    }
    return out;
}

/// `of`: of one study.
void DimsePlan::study_jobs(std::span<const std::size_t> of, std::vector<DimseJob>& out) const
{
    const Uid& study = entries_[of.front()].key.study;
    const auto listed = [&](const Entry& entry) { return entry.key.study == study; };
    const auto whole = static_cast<std::size_t>(std::ranges::count_if(entries_, listed));
    auto batches = contexts(of);
    // A level as a whole: nothing of it is unwanted, and one association can take all of it.
    if (question_.instances.empty() && of.size() == whole && batches.size() == 1) {
        DimseJob job{QueryLevel::study, study, {}, {}, std::move(batches.front()), {}};
        job.brings.assign(of.begin(), of.end());
        if (!question_.series.empty()) {
            job.level = QueryLevel::series;
            for (const Group& group : groups(of))
                job.series.push_back(group.series);
        }
        out.push_back(std::move(job));
        return;
    }
    for (const auto& batch : batches) {
        for (const Group& group : groups(of)) {
            for (std::size_t at = 0; at < group.numbers.size(); at += instances_in_a_list) {
                const std::size_t count = std::min(instances_in_a_list, group.numbers.size() - at);
                DimseJob job{QueryLevel::image, group.study, {group.series}, {}, batch, {}};
                for (const std::size_t number : std::span(group.numbers).subspan(at, count)) {
                    if (!proposed(batch, entries_[number].key.sop.sop_class))
                        continue;
                    job.instances.push_back(entries_[number].key.sop.sop_instance);
                    job.brings.push_back(number);
                }
                if (!job.brings.empty())
                    out.push_back(std::move(job));
            }
        }
    }
}

std::vector<DimseJob> DimsePlan::one_by_one() const
{
    std::vector<DimseJob> out;
    for (const std::size_t at : numbers()) {
        const InstanceKey& key = entries_[at].key;
        for (auto& batch : contexts(std::span(&at, 1))) {
            native_first(batch); // another order than before: it may have been the cause
            DimseJob job{QueryLevel::image, key.study, {key.series}, {}, std::move(batch), {at}};
            job.instances.push_back(key.sop.sop_instance);
            out.push_back(std::move(job));
        }
    }
    return out;
}

bool DimsePlan::open() const
{
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(entries_, [](const Entry& entry) {
        return entry.state == State::open || entry.state == State::arriving;
    });
}

bool DimsePlan::open(const DimseJob& job) const
{
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(job.brings, [this](std::size_t at) {
        return entries_[at].state == State::open || entries_[at].state == State::arriving;
    });
}

std::unordered_set<Uid> DimsePlan::instances(const DimseJob& job) const
{
    const std::lock_guard lock(mutex_);
    std::unordered_set<Uid> out;
    for (const std::size_t at : job.brings)
        if (entries_[at].state == State::open)
            out.insert(entries_[at].key.sop.sop_instance);
    return out;
}

DimsePlan::Claim DimsePlan::claim(const Uid& sop_instance, std::size_t& at)
{
    const auto known = by_uid_.find(sop_instance);
    if (known == by_uid_.end())
        return Claim::unexpected;
    at = known->second;
    const std::lock_guard lock(mutex_);
    State& state = entries_[at].state;
    if (state == State::unwanted)
        return Claim::unexpected;
    if (state != State::open)
        return Claim::duplicate;
    state = State::arriving;
    return Claim::taken;
}

void DimsePlan::release(std::size_t at, const std::string& why)
{
    const std::lock_guard lock(mutex_);
    entries_[at].state = State::open;
    spoilt_ = why;
}

void DimsePlan::given(std::size_t at)
{
    const std::lock_guard lock(mutex_);
    entries_[at].state = State::given;
}

void DimsePlan::lose(const DimseLoss& loss)
{
    const std::lock_guard lock(mutex_);
    if (!loss_ || gravity(loss.shortfall) > gravity(loss_->shortfall))
        loss_ = loss;
}

std::size_t DimsePlan::received() const
{
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count(entries_, State::given, &Entry::state));
}

RetrieveEnd DimsePlan::end() const
{
    const std::lock_guard lock(mutex_);
    RetrieveEnd end;
    std::size_t wanted = 0;
    for (const Entry& entry : entries_) {
        if (entry.state == State::unwanted)
            continue;
        ++wanted;
        if (entry.state != State::given)
            end.missing.push_back(entry.key.sop);
    }
    end.complete = end.missing.empty();
    if (end.complete)
        return end;
    end.shortfall = loss_ ? loss_->shortfall : Shortfall::failed;
    end.reason =
        std::to_string(end.missing.size()) + " of " + std::to_string(wanted) + " instances missing";
    if (!spoilt_.empty())
        end.reason += ": " + spoilt_;
    else if (loss_ && !loss_->reason.empty())
        end.reason += ": " + loss_->reason;
    return end;
}

} // namespace gantry
