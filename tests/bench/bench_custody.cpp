// What custody costs without a network: durable commits a second into the spool, fresh and recycled
// slots, with the index behind it, beside a bare loop that creates, writes and flushes a file for
// each instance, and one that overwrites files whose blocks exist. One run, one disk.
//
// usage: bench_custody [INSTANCES [BYTES [FOLDER]]]; with an fsync slowed to 5 ms:
//        echo "delay sync 5000" >rules; GANTRY_FAULTS=rules LD_PRELOAD=.../libgantry_fault_shim.so
//        bench_custody
#include "gateway/custody/queue.h"
#include "gateway/custody/spool.h"

#include <boost/asio/io_context.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace gantry;
using namespace gantry::custody;

namespace {

struct Load {
    unsigned instances = 800;
    std::size_t bytes = 512U << 10U;
    std::filesystem::path folder = std::filesystem::temp_directory_path();
};

using Piece = std::vector<std::byte>;
using One = std::function<void(unsigned number, const Piece& content)>;

// Instances a second.
double rate(unsigned threads, const Load& load, const One& one)
{
    const Piece content(load.bytes, std::byte{42});
    std::atomic<unsigned> next = 0;
    const auto start = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> workers;
        for (unsigned t = 0; t < threads; ++t)
            workers.emplace_back([&] {
                for (unsigned i = next++; i < load.instances; i = next++)
                    one(i, content);
            });
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    return load.instances / took.count();
}

void must(bool done)
{
    if (!done)
        throw std::runtime_error("the disk refused");
}

void write_file(const std::filesystem::path& file, int flags, const Piece& content)
{
    const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC | flags, 0600);
    must(fd >= 0);
    must(::pwrite(fd, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
    must(::fdatasync(fd) == 0);
    ::close(fd);
}

Envelope envelope(unsigned number)
{
    Envelope envelope;
    envelope.key.study = Uid::parse("1.2." + std::to_string(1 + number / 500)).value();
    envelope.key.series = Uid::parse("1.2.3").value();
    envelope.key.sop.sop_class = Uid::parse("1.2.840.10008.5.1.4.1.1.2").value();
    envelope.key.sop.sop_instance = Uid::parse("1.2.3." + std::to_string(number + 1)).value();
    envelope.key.transfer_syntax = Uid::parse("1.2.840.10008.1.2.1").value();
    envelope.destinations = {"cloud"};
    return envelope;
}

StoredInstance take_in(Spool& spool, unsigned number, const Piece& content)
{
    constexpr std::size_t fragment = 128U << 10U; // as PDUs come
    auto writer = spool.reserve(Bytes{content.size()}).value();
    for (std::size_t at = 0; at < content.size(); at += fragment)
        writer->write(ConstBytes(content).subspan(at, std::min(fragment, content.size() - at)))
            .value();
    return writer->commit(envelope(number)).value();
}

void run(const Load& load, const std::filesystem::path& folder)
{
    const SystemClock clock;
    SpoolOptions options{.folder = folder / "spool", .min_free = Bytes{0}};
    options.max_recycled = Bytes{load.instances * (load.bytes + slot_head_size)};
    const auto spool = Spool::open(options, clock).value();
    asio::io_context loop;
    QueueOptions queue_options{.database = folder / "queue.db", .destinations = {"cloud"}};
    const auto queue =
        DeliveryQueue::open(queue_options, *spool, clock, loop.get_executor()).value();
    const auto bare = folder / "bare";
    std::filesystem::create_directory(bare);
    const auto bare_file = [&](unsigned i) { return bare / std::to_string(i); };

    std::printf(
        "%u instances of %zu KiB, commits a second\n"
        "threads  bare create  bare overwrite  spool fresh  spool recycled  with the index\n",
        load.instances,
        load.bytes >> 10U
    );
    unsigned first = 0;
    for (const unsigned threads : {1U, 4U, 8U}) {
        const auto created = rate(threads, load, [&](unsigned i, const Piece& content) {
            write_file(bare_file(first + i), O_CREAT | O_EXCL, content);
        });
        const auto overwritten = rate(threads, load, [&](unsigned i, const Piece& content) {
            write_file(bare_file(first + i), 0, content);
        });
        std::vector<std::string> slots(load.instances);
        const auto into_spool = [&](unsigned i, const Piece& content) {
            slots[i] = take_in(*spool, i, content).slot;
        };
        const auto fresh = rate(threads, load, into_spool);
        for (const std::string& slot : slots)
            spool->release(slot);
        const auto recycled = rate(threads, load, into_spool);
        for (const std::string& slot : slots)
            spool->release(slot);
        const auto indexed = rate(threads, load, [&](unsigned i, const Piece& content) {
            queue->enqueue(take_in(*spool, first + i, content));
        });
        std::printf(
            "%7u %12.0f %15.0f %12.0f %15.0f %15.0f\n",
            threads,
            created,
            overwritten,
            fresh,
            recycled,
            indexed
        );
        first += load.instances;
    }
}

} // namespace

int main(int argc, char** argv)
{
    Load load;
    if (argc > 1)
        load.instances = static_cast<unsigned>(std::atoi(argv[1]));
    if (argc > 2)
        load.bytes = static_cast<std::size_t>(std::atoll(argv[2]));
    if (argc > 3)
        load.folder = argv[3];
    spdlog::set_level(spdlog::level::err);
    std::string name = (load.folder / "gantry-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        return EXIT_FAILURE;
    int status = EXIT_SUCCESS;
    try {
        run(load, name);
    } catch (const std::exception& fault) {
        std::fprintf(stderr, "%s\n", fault.what());
        status = EXIT_FAILURE;
    }
    std::error_code ignored;
    std::filesystem::remove_all(name, ignored);
    return status;
}
