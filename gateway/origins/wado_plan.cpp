#include "gateway/origins/wado_plan.h"

#include "gateway/origins/wado_request.h"

#include <algorithm>

namespace gantry {

namespace {

// Of several reasons the one that an operator can do something about.
int gravity(Shortfall shortfall) noexcept
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

WadoPlan::WadoPlan(const Expected& expected, const RetrieveSink& sink)
{
    entries_.reserve(expected.instances.size());
    by_uid_.reserve(expected.instances.size());
    for (const InstanceKey& key : expected.instances) {
        const bool same = !series_.empty() && series_.back().series == key.series &&
                          series_.back().study == key.study;
        if (!same)
            series_.push_back({key.study, key.series, entries_.size(), entries_.size()});
        const std::size_t accept = accept_of(key.sop.sop_class, sink);
        const bool unwanted = accepts_[accept] && accepts_[accept]->empty();
        const State state = unwanted ? State::unwanted : State::open;
        entries_.push_back({key.sop, series_.size() - 1, accept, state});
        by_uid_.emplace(entries_.back().sop.sop_instance.str(), entries_.size() - 1);
        ++series_.back().end;
    }
    for (std::size_t i = 0; i < series_.size(); ++i)
        plan_series(i, expected.whole_series);
}

// Classes that are wanted in the same syntaxes share an entry.
std::size_t WadoPlan::accept_of(const Uid& sop_class, const RetrieveSink& sink)
{
    const auto known = accept_of_class_.find(sop_class);
    if (known != accept_of_class_.end())
        return known->second;
    auto wanted = sink.acceptable(sop_class);
    auto at = static_cast<std::size_t>(std::ranges::find(accepts_, wanted) - accepts_.begin());
    if (at == accepts_.size())
        accepts_.push_back(std::move(wanted));
    accept_of_class_.emplace(sop_class, at);
    return at;
}

// As a whole only where all of it is wanted, and in the same syntaxes: there is one Accept header.
void WadoPlan::plan_series(std::size_t series, bool whole)
{
    const auto [study, uid, begin, end] = series_[series];
    const Entry& first = entries_[begin];
    for (std::size_t i = begin; i < end; ++i)
        whole = whole && entries_[i].state == State::open && entries_[i].accept == first.accept;
    if (whole && end - begin > 1) {
        jobs_.push_back({series, std::nullopt, first.accept});
        return;
    }
    for (std::size_t i = begin; i < end; ++i)
        if (entries_[i].state == State::open)
            jobs_.push_back({series, i, entries_[i].accept});
}

std::optional<WadoJob> WadoPlan::next()
{
    while (!jobs_.empty()) {
        WadoJob job = jobs_.front();
        jobs_.pop_front();
        if (open(job))
            return job;
    }
    return std::nullopt;
}

std::string WadoPlan::target(const WadoJob& job) const
{
    const Series& series = series_[job.series];
    return retrieve_target(
        series.study, series.series, job.instance ? entries_[*job.instance].sop.sop_instance : Uid{}
    );
}

WadoPlan::Claim WadoPlan::claim(const Uid& sop_instance, std::size_t& at)
{
    const auto known = by_uid_.find(sop_instance.str());
    if (known == by_uid_.end() || entries_[known->second].state == State::unwanted)
        return Claim::unexpected;
    at = known->second;
    if (entries_[at].state != State::open)
        return Claim::duplicate;
    entries_[at].state = State::arriving;
    return Claim::taken;
}

void WadoPlan::release(std::size_t at)
{
    entries_[at].state = State::open;
}

void WadoPlan::received(std::size_t at)
{
    entries_[at].state = State::received;
}

void WadoPlan::given(std::size_t at)
{
    entries_[at].state = State::given;
}

InstanceKey WadoPlan::key(std::size_t at) const
{
    const Series& series = series_[entries_[at].series];
    return {series.study, series.series, entries_[at].sop, {}};
}

bool WadoPlan::open(const WadoJob& job) const
{
    const auto is_open = [](const Entry& entry) {
        return entry.state == State::open && !entry.lost;
    };
    if (job.instance)
        return is_open(entries_[*job.instance]);
    const Series& series = series_[job.series];
    return std::any_of(
        entries_.begin() + static_cast<std::ptrdiff_t>(series.begin),
        entries_.begin() + static_cast<std::ptrdiff_t>(series.end),
        is_open
    );
}

void WadoPlan::split(const WadoJob& job)
{
    const Series& series = series_[job.series];
    for (std::size_t i = series.end; i-- > series.begin;)
        if (entries_[i].state == State::open && !entries_[i].lost)
            jobs_.push_front({job.series, i, entries_[i].accept});
}

void WadoPlan::lose(const WadoJob& job, const WadoLoss& loss)
{
    const Series& series = series_[job.series];
    std::size_t count = 0;
    for (std::size_t i = series.begin; i < series.end; ++i) {
        Entry& entry = entries_[i];
        if ((job.instance && *job.instance != i) || entry.state != State::open || entry.lost)
            continue;
        entry.lost = true;
        ++count;
    }
    note(loss, count);
}

void WadoPlan::lose_all(const WadoLoss& loss)
{
    jobs_.clear();
    std::size_t count = 0;
    for (Entry& entry : entries_) {
        if (entry.state != State::open || entry.lost)
            continue;
        entry.lost = true;
        ++count;
    }
    note(loss, count);
}

void WadoPlan::note(const WadoLoss& loss, std::size_t count)
{
    if (count == 0 || gravity(loss.shortfall) <= gravity(shortfall_))
        return;
    shortfall_ = loss.shortfall;
    reason_ = loss.reason;
}

RetrieveEnd WadoPlan::end() const
{
    RetrieveEnd end;
    std::size_t wanted = 0;
    for (const Entry& entry : entries_) {
        if (entry.state == State::unwanted)
            continue;
        ++wanted;
        if (entry.state != State::given)
            end.missing.push_back(entry.sop);
    }
    end.complete = end.missing.empty();
    if (end.complete)
        return end;
    end.shortfall = shortfall_ == Shortfall::none ? Shortfall::failed : shortfall_;
    end.reason = std::to_string(end.missing.size()) + " of " + std::to_string(wanted) +
                 " instances missing" + (reason_.empty() ? "" : ": " + reason_);
    return end;
}

} // namespace gantry
