// What a retrieve costs up to where an association would send it: instances are fetched and read
// once by a thread, nothing is sent.
//   bench_retrieve web URL STUDY            from any DICOMweb archive
//   bench_retrieve part MEBIBYTES           one instance of that size, from an archive made up here
//   bench_retrieve local INSTANCES BYTES    from a local archive in a temporary folder
#include "gateway/origins/local_origin.h"
#include "gateway/origins/wado_retrieve.h"
#include "gateway/origins/web_origin.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <sys/resource.h>

#include "tests/gateway/archive_support.h"
#include "tests/gateway/wado_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

std::uint64_t resident_kib(const char* field)
{
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(field))
            return std::strtoull(line.c_str() + line.find_first_of("0123456789"), nullptr, 10);
    return 0;
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

// Has each instance read by a thread, one after the other, as an association would.
class Drain final : public RetrieveSink {
public:
    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> keys) override
    {
        expected = keys.size();
        co_return Result<void>{};
    }

    bool takes_number() const override { return true; }

    asio::awaitable<Result<void>>
    expect_number(std::uint64_t number, std::vector<InstanceKey> examples) override
    {
        (void)examples;
        expected = static_cast<std::size_t>(number);
        co_return Result<void>{};
    }

    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override
    {
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
        const auto size = co_await offload(thread, std::move(work));
        if (!size)
            co_return size.error();
        bytes += *size;
        ++instances;
        co_return Result<void>{};
    }

    WorkerPool thread{"association", 1};
    std::size_t expected = 0;
    std::size_t instances = 0;
    std::uint64_t bytes = 0;
};

template <class Start>
int measure(Start start)
{
    Drain drain;
    const auto idle = resident_kib("VmRSS");
    std::ofstream("/proc/self/clear_refs") << "5"; // VmHWM counts from here
    const double cpu = cpu_seconds();
    const auto began = std::chrono::steady_clock::now();
    const RetrieveEnd end = start(drain);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const double mebibytes = static_cast<double>(drain.bytes) / (1 << 20);
    std::printf(
        "%zu of %zu instances, %.1f MiB in %.3f s: %.0f MiB/s, %.0f/s, %.2f s of CPU; "
        "%.1f MiB of memory above idle%s%s\n",
        drain.instances,
        drain.expected,
        mebibytes,
        took.count(),
        mebibytes / took.count(),
        static_cast<double>(drain.instances) / took.count(),
        cpu_seconds() - cpu,
        static_cast<double>(resident_kib("VmHWM") - idle) / 1024,
        end.complete ? "" : "; INCOMPLETE: ",
        end.reason.c_str()
    );
    return end.complete ? 0 : 1;
}

int from_web(const std::string& url, const std::string& study)
{
    asio::io_context loop;
    WorkerPool disk("disk", 4);
    const ScratchFolder scratch;
    web::ClientOptions options;
    options.url = url;
    web::Client client(loop.get_executor(), std::move(options));
    WebOrigin origin("archive", client, {}, disk, scratch.path());
    return measure([&](RetrieveSink& sink) {
        return run(loop, origin.retrieve(of_study(study), sink));
    });
}

// Encapsulated pixel data of any length, in fragments of one mebibyte.
int one_part(std::uint64_t mebibytes)
{
    WadoHouse house;
    Sample one = instance_of(1, 1);
    one.pixel_bytes = 0;
    one.syntax = "1.2.840.10008.1.2.4.90";
    house.has(one);
    std::string file = one.file();
    file.replace(file.size() - 8, 8, "OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0", 16);
    Reply reply;
    reply.raw =
        "HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\n\r\n" + file;
    reply.pour = [mebibytes](const auto& send) {
        const std::string item =
            std::string("\xfe\xff\0\xe0\0\0\x10\0", 8) + std::string(1U << 20U, 'x');
        for (std::uint64_t sent = 0; sent < mebibytes && send(item); ++sent) {
        }
        send(std::string("\xfe\xff\xdd\xe0\0\0\0\0", 8) + "\r\n--b--\r\n");
    };
    reply.end = Reply::End::close;
    house.on("", reply);
    return measure([&](RetrieveSink& sink) {
        WadoRetrieve retrieve(*house.room, house.find.ask(), sink);
        return run(house.loop, retrieve.run(of_study()));
    });
}

int from_disk(unsigned instances, std::size_t bytes)
{
    const ScratchFolder folder;
    const SystemClock clock;
    WorkerPool disk("disk", 4);
    LocalOriginOptions options;
    options.folder = folder.path() / "archive";
    options.min_free = {};
    const auto local = LocalOrigin::open(std::move(options), disk, clock).value();
    for (unsigned number = 1; number <= instances; ++number)
        (void)store(local->archive(), make_instance({1, 1, number}, {}, bytes));
    return measure([&](RetrieveSink& sink) { return run(local->retrieve(of_study("1.2.1"), sink)); }
    );
}

} // namespace

int main(int count, char** arguments)
{
    const std::vector<std::string> given(arguments + 1, arguments + count);
    if (given.size() == 3 && given[0] == "web")
        return from_web(given[1], given[2]);
    if (given.size() == 2 && given[0] == "part")
        return one_part(std::stoull(given[1]));
    if (given.size() == 3 && given[0] == "local")
        return from_disk(static_cast<unsigned>(std::stoul(given[1])), std::stoull(given[2]));
    std::fputs("bench_retrieve web URL STUDY | part MEBIBYTES | local INSTANCES BYTES\n", stderr);
    return 2;
}
