// What asking an archive costs.
//   bench_requestor get PORT TITLE STUDY     C-GET; what comes is counted and dropped
//   bench_requestor find PORT TITLE COUNT    so many C-FINDs one by one, on new and on kept
//                                            associations
#include "dimse/requestor_rig.h"

#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <sys/resource.h>

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

dimse::Requestor requestor_to(RequestorRig& rig, const char* port, const char* title)
{
    const auto number = static_cast<std::uint16_t>(std::strtoul(port, nullptr, 10));
    return {{*AeTitle::parse(title), "127.0.0.1", number}, rig.options, rig.pool};
}

int get(const char* port, const char* title, const char* study)
{
    RequestorRig rig;
    std::uint64_t bytes = 0;
    rig.arrivals.keep_bytes = false;
    rig.arrivals.on_write = [&](ConstBytes fragment) -> Result<void> {
        bytes += fragment.size();
        return {};
    };
    const auto start = Clock::now();
    const auto answer = rig.get(requestor_to(rig, port, title), study);
    if (!answer) {
        std::printf("failed: %s\n", answer.error().text().c_str());
        return 1;
    }
    const double took = seconds_since(start);
    std::printf(
        "%u instances, %.1f MiB in %.3f s: %.0f MiB/s, cpu %.3f s, status %04x\n",
        answer->counts.completed,
        static_cast<double>(bytes) / 1'048'576,
        took,
        static_cast<double>(bytes) / 1'048'576 / took,
        cpu_seconds(),
        unsigned{answer->status.code}
    );
    return 0;
}

int find(const char* port, const char* title, std::size_t count)
{
    const std::chrono::milliseconds keep[] = {
        std::chrono::milliseconds{0}, std::chrono::milliseconds{60'000}
    };
    for (const auto keep_idle : keep) {
        RequestorRig rig;
        rig.options.keep_idle = keep_idle;
        dimse::Requestor requestor = requestor_to(rig, port, title);
        FoundStudies found;
        const auto start = Clock::now();
        for (std::size_t i = 0; i < count; ++i)
            if (!rig.find(requestor, found))
                return 1;
        std::printf(
            "%s: %.3f ms each\n",
            keep_idle.count() == 0 ? "a new association for each" : "one kept association",
            seconds_since(start) * 1e3 / static_cast<double>(count)
        );
    }
    return 0;
}

} // namespace

int main(int count, char** words)
{
    spdlog::set_level(spdlog::level::warn);
    if (count != 5)
        return 2;
    const std::string_view what = words[1];
    if (what == "get")
        return get(words[2], words[3], words[4]);
    return find(words[2], words[3], std::strtoul(words[4], nullptr, 10));
}
