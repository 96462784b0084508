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
    by_uid_.reserve(expected.instances.size());
    for (const InstanceKey& key : expected.instances) {
        const bool same = !series_.empty() && series_.back().series == key.series &&
                          series_.back().study == key.study;
        if (!same)
            series_.push_back({key.study, key.series});
        (void)add(series_.size() - 1, key.sop, accept_of(key.sop.sop_class, sink));
    }
    for (std::size_t i = 0; i < series_.size(); ++i)
        plan_series(i, expected.whole_series);
    for (const NumberedSeries& one : expected.numbered) {
        const std::size_t accept = accept_of(one.example.sop.sop_class, sink);
        series_.push_back({one.example.study, one.example.series});
        series_.back().number = one.instances;
        series_.back().accept = accept;
        if (!unwanted(accept))
            jobs_.push_back({series_.size() - 1, std::nullopt, accept});
    }
}

std::size_t WadoPlan::add(std::size_t series, const SopReference& sop, std::size_t accept)
{
    entries_.push_back({sop, series, accept, State::unwanted});
    const std::size_t at = entries_.size() - 1;
    by_uid_.emplace(entries_.back().sop.sop_instance.str(), at);
    series_[series].members.push_back(at);
    if (!unwanted(accept))
        change(entries_.back(), State::open);
    return at;
}

void WadoPlan::change(Entry& entry, State state)
{
    std::size_t& open = series_[entry.series].open;
    const bool counts = !entry.lost;
    open -= counts && entry.state == State::open ? 1 : 0;
    entry.state = state;
    open += counts && entry.state == State::open ? 1 : 0;
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
    const std::vector<std::size_t>& members = series_[series].members;
    const Entry& first = entries_[members.front()];
    for (const std::size_t i : members)
        whole = whole && entries_[i].state == State::open && entries_[i].accept == first.accept;
    if (whole && members.size() > 1) {
        jobs_.push_back({series, std::nullopt, first.accept});
        return;
    }
    for (const std::size_t i : members)
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
    change(entries_[at], State::arriving);
    return Claim::taken;
}

WadoPlan::Claim WadoPlan::adopt(const WadoJob& job, const InstanceKey& key, std::size_t& at)
{
    const Series& series = series_[job.series];
    const bool belongs = nameless(job) && !job.instance && !key.sop.sop_instance.empty() &&
                         key.study == series.study && key.series == series.series;
    if (!belongs || by_uid_.contains(key.sop.sop_instance.str()))
        return Claim::unexpected;
    at = add(job.series, key.sop, job.accept);
    return claim(key.sop.sop_instance, at);
}

void WadoPlan::release(std::size_t at)
{
    change(entries_[at], State::open);
}

void WadoPlan::received(std::size_t at)
{
    change(entries_[at], State::received);
}

void WadoPlan::given(std::size_t at)
{
    change(entries_[at], State::given);
}

InstanceKey WadoPlan::key(std::size_t at) const
{
    const Series& series = series_[entries_[at].series];
    return {series.study, series.series, entries_[at].sop, {}};
}

InstanceKey WadoPlan::place(const WadoJob& job) const
{
    return {series_[job.series].study, series_[job.series].series, {}, {}};
}

bool WadoPlan::open(const WadoJob& job) const
{
    if (job.instance)
        return entries_[*job.instance].state == State::open && !entries_[*job.instance].lost;
    const Series& series = series_[job.series];
    return series.open > 0 || (series.number && !series.lost);
}

std::vector<WadoJob> WadoPlan::nameless_jobs() const
{
    std::vector<WadoJob> jobs;
    for (std::size_t i = 0; i < series_.size(); ++i)
        if (series_[i].number)
            jobs.push_back({i, std::nullopt, series_[i].accept});
    return jobs;
}

std::vector<WadoJob> WadoPlan::unwanted_jobs() const
{
    std::vector<WadoJob> jobs = nameless_jobs();
    std::erase_if(jobs, [this](const WadoJob& job) { return !unwanted(job.accept); });
    return jobs;
}

std::vector<InstanceKey> WadoPlan::names(const WadoJob& job) const
{
    std::vector<InstanceKey> names;
    for (const std::size_t at : series_[job.series].members)
        names.push_back(key(at));
    return names;
}

void WadoPlan::settle(const WadoJob& job)
{
    Series& series = series_[job.series];
    if (series.number && series.open == 0 && series.members.size() == *series.number)
        series.number.reset();
}

void WadoPlan::name(
    const WadoJob& job, const std::vector<InstanceKey>& instances, const RetrieveSink& sink
)
{
    Series& series = series_[job.series];
    series.number.reset();
    for (const InstanceKey& key : instances) {
        if (by_uid_.contains(key.sop.sop_instance.str()))
            continue;
        const std::size_t at = add(job.series, key.sop, accept_of(key.sop.sop_class, sink));
        if (!series.lost || entries_[at].state != State::open)
            continue;
        entries_[at].lost = true;
        --series.open;
    }
}

std::uint64_t WadoPlan::total() const
{
    std::uint64_t total = 0;
    for (const Series& series : series_)
        total += series.number ? std::max<std::uint64_t>(*series.number, series.members.size())
                               : series.members.size();
    return total;
}

void WadoPlan::split(const WadoJob& job)
{
    const std::vector<std::size_t>& members = series_[job.series].members;
    for (auto i = members.rbegin(); i != members.rend(); ++i)
        if (entries_[*i].state == State::open && !entries_[*i].lost)
            jobs_.push_front({job.series, *i, entries_[*i].accept});
}

void WadoPlan::lose(const WadoJob& job, const WadoLoss& loss)
{
    Series& series = series_[job.series];
    std::size_t count = job.instance ? 0 : lose_nameless(series);
    for (const std::size_t i : series.members) {
        Entry& entry = entries_[i];
        if ((job.instance && *job.instance != i) || entry.state != State::open || entry.lost)
            continue;
        entry.lost = true;
        --series.open;
        ++count;
    }
    note(loss, count);
}

std::size_t WadoPlan::lose_nameless(Series& series)
{
    if (!series.number || series.lost)
        return 0;
    series.lost = true;
    return 1; // at least
}

void WadoPlan::lose_all(const WadoLoss& loss)
{
    jobs_.clear();
    for (std::size_t i = 0; i < series_.size(); ++i)
        lose({i, std::nullopt}, loss);
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
    std::uint64_t wanted = 0;
    for (const Entry& entry : entries_) {
        if (entry.state == State::unwanted)
            continue;
        ++wanted;
        if (entry.state != State::given)
            end.missing.push_back(entry.sop);
    }
    std::uint64_t missing = end.missing.size();
    for (const Series& series : series_) {
        if (!series.number)
            continue;
        const std::uint64_t named = series.members.size();
        const std::uint64_t nameless = *series.number - std::min(*series.number, named);
        wanted += nameless;
        missing += nameless;
    }
    const bool known = nameless_jobs().empty();
    end.complete = missing == 0 && known;
    if (end.complete)
        return end;
    end.shortfall = shortfall_ == Shortfall::none ? Shortfall::failed : shortfall_;
    end.reason = std::to_string(missing) + " of " + std::to_string(wanted) + " instances missing" +
                 (reason_.empty() ? "" : ": " + reason_);
    return end;
}

} // namespace gantry
