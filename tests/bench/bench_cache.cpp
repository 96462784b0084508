// What the cache costs on top of reading files: bench_cache [instances] [bytes] [folder]
// Cold: from an origin in memory through the cache. Warm: from the cache, read on the loop as the
// web face does, and by a thread as an association does. Beside both: plain files, read whole.
#include "gateway/error.h"

#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/gateway/cache_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start)
{
    return std::chrono::duration<double>(Clock::now() - start).count();
}

double cpu_seconds()
{
    rusage use{};
    ::getrusage(RUSAGE_SELF, &use);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(use.ru_utime) + seconds(use.ru_stime);
}

// Reads all and keeps nothing.
class Drain final : public RetrieveSink {
public:
    explicit Drain(bool by_thread) : by_thread_(by_thread) {}

    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> keys) override
    {
        expected = keys.size();
        co_return Result<void>{};
    }

    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override
    {
        if (instances++ == 0)
            first = Clock::now();
        if (by_thread_) {
            std::shared_ptr<ByteSource> source = content->source();
            auto work = [source](const std::stop_token&) -> Result<std::uint64_t> {
                std::uint64_t size = 0;
                for (;;) {
                    const auto piece = source->next();
                    if (!piece)
                        return piece.error();
                    if (piece->empty())
                        return size;
                    size += piece->size();
                }
            };
            const auto size = co_await offload(thread_, std::move(work));
            bytes += size.value();
            co_return Result<void>{};
        }
        for (;;) {
            const auto piece = co_await content->read();
            if (!piece)
                co_return piece.error();
            if (piece->empty())
                co_return Result<void>{};
            bytes += piece->size();
        }
    }

    std::size_t expected = 0;
    std::size_t instances = 0;
    std::uint64_t bytes = 0;
    Clock::time_point first;

private:
    bool by_thread_;
    WorkerPool thread_{"association", 1};
};

struct Line {
    const char* says;
    double seconds;
    double cpu;
    double first;
    std::uint64_t bytes;
    std::size_t instances;
};

void print(const Line& line)
{
    const double mib = static_cast<double>(line.bytes) / (1U << 20U);
    const auto each = static_cast<double>(line.instances) / 1e6;
    std::printf(
        "%-22s %8.0f MiB/s %8.1f us each %8.1f us of CPU each, first after %6.2f ms\n",
        line.says,
        mib / line.seconds,
        line.seconds / each,
        line.cpu / each,
        line.first * 1e3
    );
}

void retrieve(CacheHouse& house, const char* says, const RetrieveQuestion& question, bool by_thread)
{
    Drain drain(by_thread);
    std::optional<RetrieveEnd> end;
    const double cpu = cpu_seconds();
    const auto start = Clock::now();
    auto ended = [&](const std::exception_ptr&, RetrieveEnd made) { end = std::move(made); };
    asio::co_spawn(house.loop, house.origin->retrieve(question, drain), ended);
    while (!end) {
        house.loop.restart();
        house.loop.run_one();
    }
    const double seconds = seconds_since(start);
    if (!end->complete || drain.instances != drain.expected)
        throw std::runtime_error("not complete: " + end->reason);
    const double first = std::chrono::duration<double>(drain.first - start).count();
    print({says, seconds, cpu_seconds() - cpu, first, drain.bytes, drain.instances});
}

void read_files(const CacheHouse& house)
{
    const auto files = house.files();
    std::vector<char> buffer(1U << 20U);
    std::uint64_t bytes = 0;
    const double cpu = cpu_seconds();
    const auto start = Clock::now();
    for (const auto& path : files) {
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        for (ssize_t got = 0; (got = ::read(fd, buffer.data(), buffer.size())) > 0;)
            bytes += static_cast<std::uint64_t>(got);
        ::close(fd);
    }
    print({"plain files", seconds_since(start), cpu_seconds() - cpu, 0, bytes, files.size()});
}

std::size_t resident_kib()
{
    std::ifstream statm("/proc/self/statm");
    std::size_t total = 0;
    std::size_t resident = 0;
    statm >> total >> resident;
    return resident * 4;
}

// What the index of so many files takes, and how long it is read: empty files do.
void start_with(std::size_t files, const std::filesystem::path& folder)
{
    const auto cache = folder / "cache";
    for (std::size_t i = 0; i < files; ++i) {
        const FarInstance one = far_instance(
            static_cast<unsigned>(i / 2'000),
            static_cast<unsigned>(i / 200),
            static_cast<unsigned>(i),
            0
        );
        const auto in =
            cache / cache::CacheStore::series_folder("far", one.key.study, one.key.series);
        if (i % 200 == 0)
            std::filesystem::create_directories(in);
        const cache::FileName name{
            cache::PackedUid(one.key.sop.sop_instance), SystemClock().wall(), {100'000}, 1
        };
        std::ofstream(in / name.str());
    }
    const std::size_t before = resident_kib();
    const auto start = Clock::now();
    CacheOptions options;
    options.folder = cache;
    options.max_size = {1ULL << 60U};
    const SystemClock clock;
    const auto store = cache::CacheStore::open(options, clock).value();
    std::printf(
        "start with %zu files: %.2f s, %zu KiB\n",
        store->files(),
        seconds_since(start),
        resident_kib() - before
    );
}

} // namespace

int main(int count, char** arguments)
try {
    const std::size_t instances = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 1'000;
    const std::size_t bytes = count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 512U << 10U;
    CacheHouse house([&](CacheOptions& options) {
        if (count > 3)
            options.folder = std::filesystem::path(arguments[3]) / "bench_cache";
    });
    for (unsigned number = 1; number <= instances; ++number)
        house.far.has.push_back(far_instance(1, 1, number, bytes));
    const RetrieveQuestion question = series_question(1, 1);
    retrieve(house, "cold", question, false);
    for (int i = 0; i < 3; ++i) {
        retrieve(house, "warm, on the loop", question, false);
        retrieve(house, "warm, by a thread", question, true);
        read_files(house);
    }
    retrieve(house, "one instance, warm", image_question(1, 1, {1}), false);
    const ScratchFolder folder = ScratchFolder::in_memory();
    start_with(200'000, folder.path());
    return 0;
} catch (const std::exception& fault) {
    std::fprintf(stderr, "%s\n", fault.what());
    return 1;
}
