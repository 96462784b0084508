#include "tests/gateway/cache_support.h"

#include "gateway/origins/held_content.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace gantry::tests {

namespace {

constexpr std::chrono::seconds longest{60};

} // namespace

void Taker::allow(std::size_t instances)
{
    allowed = instances;
    changed_.notify();
}

void Taker::ready()
{
    prepares = false;
    changed_.notify();
}

asio::awaitable<Result<void>> Taker::expect(std::vector<InstanceKey> instances)
{
    ++told;
    expected = std::move(instances);
    while (prepares)
        co_await changed_.wait();
    co_return Result<void>{};
}

std::optional<std::vector<Uid>> Taker::acceptable(const Uid& sop_class) const
{
    if (unwanted.contains(sop_class.str()))
        return std::vector<Uid>{};
    return std::nullopt;
}

namespace {

Result<std::string> all_of(ByteSource& source)
{
    std::string out;
    for (;;) {
        const auto piece = source.next();
        if (!piece)
            return piece.error();
        if (piece->empty())
            return out;
        out.append(reinterpret_cast<const char*>(piece->data()), piece->size());
    }
}

Result<std::string> all_of(const RandomAccess& access)
{
    std::string out(static_cast<std::size_t>(access.size().count), '\0');
    const auto got = access.read(0, std::as_writable_bytes(std::span(out)));
    if (!got)
        return got.error();
    out.resize(*got);
    return out;
}

asio::awaitable<Result<std::string>> all_of(std::shared_ptr<InstanceContent> content)
{
    std::string out;
    for (;;) {
        const auto piece = co_await content->read();
        if (!piece)
            co_return piece.error();
        if (piece->empty())
            co_return out;
        out.append(reinterpret_cast<const char*>(piece->data()), piece->size());
    }
}

} // namespace

asio::awaitable<Result<void>> Taker::instance(std::unique_ptr<InstanceContent> given)
{
    if (refuses_after && order.size() == *refuses_after)
        co_return error(Errc::closed, "taker");
    while (allowed == 0)
        co_await changed_.wait();
    --allowed;
    const std::shared_ptr<InstanceContent> content = std::move(given);
    const std::string name = content->key().sop.sop_instance.str();
    opened += dynamic_cast<const HeldContent*>(content.get()) == nullptr ? 1 : 0;
    Result<std::string> bytes = std::string();
    if (by == By::read || content->source() == nullptr)
        bytes = co_await all_of(content);
    else if (by == By::source)
        bytes = all_of(*content->source());
    else
        bytes = all_of(*content->random_access());
    order.push_back(name);
    if (bytes)
        got[name] = *bytes;
    else
        failed.push_back(name);
    co_return Result<void>{};
}

struct CacheHouse::Running {
    explicit Running(asio::any_io_executor executor) : taker(std::move(executor)) {}

    Taker taker;
    asio::cancellation_signal cancel;
    bool ended = false;
};

CacheHouse::CacheHouse(std::function<void(CacheOptions&)> change)
{
    options.folder = folder.path() / "cache";
    options.min_free = {};
    if (change)
        change(options);
    open();
}

CacheHouse::~CacheHouse()
{
    close();
}

void CacheHouse::open()
{
    disk = std::make_unique<WorkerPool>("disk", 2);
    tasks = std::make_unique<TaskGroup>(loop.get_executor(), "cache");
    far.disk = disk.get();
    far.scratch = folder.path();
    cache = InstanceCache::open(options, *disk, clock).value();
    origin = std::make_unique<CachedOrigin>(far, *cache, *tasks);
}

void CacheHouse::close()
{
    for (const auto& one : running_)
        if (!one->ended)
            one->cancel.emit(asio::cancellation_type::terminal);
    tasks->cancel();
    run_until([this] { return tasks->size() == 0; });
    for (const auto& one : running_)
        run_until([&] { return one->ended; });
    origin.reset();
    disk.reset();
    cache.reset();
    tasks.reset();
}

void CacheHouse::reopen()
{
    close();
    open();
}

void CacheHouse::run_until(const std::function<bool()>& done)
{
    const auto until = std::chrono::steady_clock::now() + longest;
    while (!done()) {
        if (std::chrono::steady_clock::now() > until)
            throw std::runtime_error("it hangs");
        loop.restart();
        (void)loop.run_one_for(std::chrono::milliseconds(50));
    }
}

void CacheHouse::store(const FarInstance& instance)
{
    std::vector<std::unique_ptr<InstanceContent>> batch;
    const auto bytes = std::make_shared<std::string>(instance.data_set);
    HeldContent::Held held{bytes, std::as_bytes(std::span(*bytes))};
    batch.push_back(std::make_unique<HeldContent>(instance.key, AeTitle{}, std::move(held)));
    std::optional<std::vector<StoreOutcome>> outcomes;
    auto ended = [&](const std::exception_ptr&, std::vector<StoreOutcome> made) {
        outcomes = std::move(made);
    };
    asio::co_spawn(loop, origin->store(std::move(batch)), ended);
    run_until([&] { return outcomes.has_value(); });
}

// What is idle stays idle: all that moves here comes back to the loop within moments.
void CacheHouse::settle()
{
    loop.restart();
    while (disk->busy() > 0 || loop.run_one_for(std::chrono::milliseconds(30)) > 0)
        loop.restart();
}

Taker& CacheHouse::start(RetrieveQuestion question, std::function<void(Taker&)> change)
{
    running_.push_back(std::make_unique<Running>(loop.get_executor()));
    Running& one = *running_.back();
    one.taker.disk = disk.get();
    if (change)
        change(one.taker);
    auto ended = [&one](const std::exception_ptr& fault, RetrieveEnd end) {
        one.ended = true;
        if (!fault)
            one.taker.end = std::move(end);
    };
    asio::co_spawn(
        loop,
        origin->retrieve(std::move(question), one.taker),
        asio::bind_cancellation_slot(one.cancel.slot(), std::move(ended))
    );
    return one.taker;
}

void CacheHouse::cancel(Taker& taker)
{
    for (const auto& one : running_) {
        if (&one->taker != &taker)
            continue;
        one->cancel.emit(asio::cancellation_type::terminal);
        run_until([&] { return one->ended; });
    }
}

Taker& CacheHouse::retrieve(RetrieveQuestion question)
{
    Taker& taker = start(std::move(question));
    run_until([&] { return taker.end.has_value(); });
    return taker;
}

bool CacheHouse::exact(const Taker& taker, const std::vector<std::string>& instances) const
{
    if (taker.got.size() != instances.size() || taker.order.size() != instances.size())
        return false;
    return std::ranges::all_of(instances, [&](const std::string& name) {
        const auto got = taker.got.find(name);
        const auto there = std::ranges::find_if(far.has, [&](const FarInstance& one) {
            return one.key.sop.sop_instance.str() == name;
        });
        return got != taker.got.end() && there != far.has.end() && got->second == there->data_set;
    });
}

std::vector<std::filesystem::path> CacheHouse::files() const
{
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(options.folder))
        if (entry.is_regular_file() && entry.path().filename() != "lock")
            out.push_back(entry.path());
    return out;
}

} // namespace gantry::tests
