// What receiving costs: stores pre-encoded instances over N associations into a listener that
// throws them away. Prints instances and MiB per second, and the processor time of the process
// (sender included).
#include "dimse/listener.h"
#include "support/dicom_bytes.h"
#include "support/dimse_acceptor.h"
#include "support/fast_store_scu.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

namespace {

using namespace gantry;

std::string uid(std::size_t number)
{
    return fmt::format("1.2.826.0.1.3680043.9.9999.1.1.{:08}", 10'000'000 + number);
}

double seconds(const timeval& time)
{
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double processor_time()
{
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void measure(std::size_t associations, std::size_t instances, std::size_t size, std::uint32_t pdu)
{
    tests::RecordingProvider provider;
    provider.keep_bytes = false;
    tests::DimseAcceptor acceptor(provider);
    const tests::FastStoreScu::Template instance{
        tests::ct_image, uid(0), tests::explicit_le, tests::ct_data_set(uid(0), size)
    };
    const double before = processor_time();
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> senders;
    for (std::size_t i = 0; i < associations; ++i) {
        senders.emplace_back([&, i] {
            tests::FastStoreScu scu({.port = acceptor.port()}, instance, pdu);
            for (std::size_t n = i; n < instances; n += associations) {
                if (scu.store(uid(n)) != 0)
                    std::abort();
            }
            scu.release();
        });
    }
    for (std::thread& sender : senders)
        sender.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const double rate = static_cast<double>(instances) / took.count();
    fmt::print(
        "associations={} pdu={} instances/s={:.0f} MiB/s={:.0f} cpu/wall={:.2f} cpu "
        "us/instance={:.0f}\n",
        associations,
        pdu,
        rate,
        rate * static_cast<double>(size) / (1 << 20),
        (processor_time() - before) / took.count(),
        (processor_time() - before) / static_cast<double>(instances) * 1e6
    );
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t instances = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 4'000;
    const std::size_t size = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 512U << 10U;
    spdlog::set_level(spdlog::level::err);
    if (!dimse::initialise())
        return 1;
    for (const std::uint32_t pdu : {131'072U, 16'384U}) {
        for (const std::size_t associations : {1U, 4U, 8U})
            measure(associations, instances, size, pdu);
    }
    return 0;
}
