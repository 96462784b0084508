// What a retrieve through an origin over DIMSE costs: what comes is counted and dropped.
//   bench_dimse_origin PORT TITLE STUDY     by C-GET, three times
#include "gateway/origins/dimse_origin.h"
#include "support/loop_thread.h"
#include "support/scratch_folder.h"

#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <sys/resource.h>

using namespace gantry;
using namespace gantry::tests;

namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start)
{
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double cpu_ms()
{
    rusage use{};
    ::getrusage(RUSAGE_SELF, &use);
    const auto ms = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
    };
    return ms(use.ru_utime) + ms(use.ru_stime);
}

class Dropping final : public RetrieveSink {
public:
    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> instances) override
    {
        expected_ms = ms_since(start);
        expected = instances.size();
        co_return Result<void>{};
    }

    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override
    {
        if (count++ == 0)
            first_ms = ms_since(start);
        bytes += content->length().count;
        co_return Result<void>{};
    }

    Clock::time_point start = Clock::now();
    double expected_ms = 0;
    double first_ms = 0;
    std::size_t expected = 0;
    std::size_t count = 0;
    std::uint64_t bytes = 0;
};

} // namespace

int main(int argc, char** argv)
{
    if (argc < 4) {
        std::fprintf(stderr, "bench_dimse_origin PORT TITLE STUDY\n");
        return 64;
    }
    spdlog::set_level(spdlog::level::warn);
    DimseOriginOptions options;
    options.ae_title = AeTitle::parse(argv[2]).value();
    options.own_ae_title = AeTitle::parse("GANTRY").value();
    options.retrieve_by = DimseOriginOptions::RetrieveBy::get;
    dimse::RequestorOptions towards;
    towards.calling_ae_title = options.own_ae_title;
    towards.keep_idle = std::chrono::seconds(20);
    RetrieveQuestion question;
    question.level = QueryLevel::study;
    question.studies = {Uid::parse(argv[3]).value()};
    LoopThread loop;
    MoveArrivals arrivals(options.own_ae_title);
    ScratchFolder scratch;
    WorkerPool outbound("outbound", 4);
    WorkerPool disk("disk", 2);
    WorkerPool transcoders("transcode", 1);
    const auto port = static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10));
    dimse::Requestor requestor({options.ae_title, "127.0.0.1", port}, towards, outbound);
    DimseOrigin origin(
        "archive", options, {requestor, arrivals, disk, transcoders, scratch.path()}
    );
    for (int round = 0; round < 3; ++round) {
        const double cpu = cpu_ms();
        Dropping sink;
        const RetrieveEnd end = loop.run(origin.retrieve(question, sink));
        const double took = ms_since(sink.start);
        const double mib = static_cast<double>(sink.bytes) / 1'048'576;
        std::printf(
            "%zu of %zu, %.0f MiB in %.0f ms: %.0f MiB/s, list %.1f ms, first %.1f ms, cpu %.0f "
            "ms%s\n",
            sink.count,
            sink.expected,
            mib,
            took,
            mib / took * 1e3,
            sink.expected_ms,
            sink.first_ms,
            cpu_ms() - cpu,
            end.complete ? "" : (", " + end.reason).c_str()
        );
    }
}
