// Stores CT instances as fast as a peer takes them, over several associations at once, and reports
// as one line of JSON. Everything is encoded beforehand. usage:
//   store_load --port P [--called AE] [--associations N] [--instances N] [--size BYTES]
//   [--responses FILE] [--bare] store_load --write FOLDER [--instances N] [--size BYTES] (PS3.10
//   files instead)
// --responses: "UID nanoseconds" for each response (CLOCK_MONOTONIC). --bare: to bare_receiver
// instead of an SCP.
#include "support/fast_store_scu.h"

#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "bench/elements.h"

namespace {

using gantry::bench::file_head;
using gantry::bench::put;
using gantry::bench::us;
using gantry::tests::ByteVector;
using gantry::tests::FastStoreScu;

constexpr const char* ct_image = "1.2.840.10008.5.1.4.1.1.2";
constexpr const char* explicit_le = "1.2.840.10008.1.2.1";

struct Options {
    std::uint16_t port = 0;
    std::string called = "GANTRY";
    unsigned associations = 1;
    unsigned instances = 1'000;
    std::size_t size = 512U * 1'024U;
    std::string responses;
    std::string write;
    bool bare = false;
};

Options parse(const std::vector<std::string>& arguments)
{
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& name = arguments[i];
        if (name == "--bare") {
            options.bare = true;
            continue;
        }
        const std::string& value = arguments.at(++i);
        if (name == "--port")
            options.port = static_cast<std::uint16_t>(std::stoul(value));
        else if (name == "--called")
            options.called = value;
        else if (name == "--associations")
            options.associations = static_cast<unsigned>(std::stoul(value));
        else if (name == "--instances")
            options.instances = static_cast<unsigned>(std::stoul(value));
        else if (name == "--size")
            options.size = std::stoul(value);
        else if (name == "--responses")
            options.responses = value;
        else if (name == "--write")
            options.write = value;
        else
            throw std::invalid_argument(name);
    }
    return options;
}

// All UIDs of a run have the same length, so that one can stand in another's place.
std::string uid(std::uint64_t run, std::uint64_t number)
{
    char text[65];
    std::snprintf(
        text,
        sizeof text,
        "2.25.1%018llu%09llu",
        static_cast<unsigned long long>(run),
        static_cast<unsigned long long>(number)
    );
    return text;
}

std::string data_set(std::uint64_t run, const std::string& instance, std::size_t size)
{
    constexpr unsigned columns = 512;
    const auto rows = static_cast<unsigned>(std::min<std::size_t>(size / columns / 2, 65'534));
    std::string pixels(size, '\0');
    std::minstd_rand random(static_cast<unsigned>(run));
    for (char& c : pixels)
        c = static_cast<char>(random() >> 8U);
    std::string out;
    put(out, 0x0008, 0x0016, "UI", ct_image);
    put(out, 0x0008, 0x0018, "UI", instance);
    put(out, 0x0008, 0x0020, "DA", "20240501");
    put(out, 0x0008, 0x0030, "TM", "101500");
    put(out, 0x0008, 0x0060, "CS", "CT");
    put(out, 0x0010, 0x0010, "PN", "Load^Test");
    put(out, 0x0010, 0x0020, "LO", "LOAD-1");
    put(out, 0x0020, 0x000d, "UI", uid(run, 999'999'998));
    put(out, 0x0020, 0x000e, "UI", uid(run, 999'999'999));
    put(out, 0x0020, 0x0011, "IS", "1");
    put(out, 0x0028, 0x0002, "US", us(1));
    put(out, 0x0028, 0x0004, "CS", "MONOCHROME2");
    put(out, 0x0028, 0x0010, "US", us(rows));
    put(out, 0x0028, 0x0011, "US", us(columns));
    put(out, 0x0028, 0x0100, "US", us(16));
    put(out, 0x0028, 0x0101, "US", us(16));
    put(out, 0x0028, 0x0102, "US", us(15));
    put(out, 0x0028, 0x0103, "US", us(0));
    put(out, 0x7fe0, 0x0010, "OW", std::move(pixels));
    return out;
}

void write_files(const Options& options, std::uint64_t run)
{
    for (unsigned n = 0; n < options.instances; ++n) {
        const std::string instance = uid(run, n);
        std::ofstream(options.write + "/" + std::to_string(n) + ".dcm", std::ios::binary)
            << file_head(ct_image, instance) << data_set(run, instance, options.size);
    }
}

// What the threads share.
struct Run {
    const Options& options;
    std::uint64_t number;
    std::atomic<unsigned> next{0};
    std::atomic<unsigned> failed{0};
    std::vector<std::int64_t> answered;
};

void answered(Run& run, unsigned n)
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    run.answered[n] = std::chrono::nanoseconds(now).count();
}

void store_all(Run& run, FastStoreScu& scu)
{
    for (unsigned n = run.next++; n < run.options.instances; n = run.next++) {
        if (scu.store(uid(run.number, n)) != 0)
            ++run.failed;
        answered(run, n);
    }
    scu.release();
}

void send_all(int socket, const char* bytes, std::size_t size)
{
    while (size > 0) {
        const ssize_t sent = ::send(socket, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            throw std::runtime_error("the receiver closed");
        bytes += sent;
        size -= static_cast<std::size_t>(sent);
    }
}

void send_bare(Run& run, const std::string& content)
{
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(run.options.port);
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("cannot connect");
    const std::uint64_t size = content.size();
    for (unsigned n = run.next++; n < run.options.instances; n = run.next++) {
        send_all(socket, reinterpret_cast<const char*>(&size), sizeof size);
        send_all(socket, content.data(), content.size());
        char done = 0;
        if (::recv(socket, &done, 1, 0) != 1)
            ++run.failed;
        answered(run, n);
    }
    ::close(socket);
}

double store(Run& run)
{
    const Options& options = run.options;
    const std::string instance = uid(run.number, 0);
    const std::string content = data_set(run.number, instance, options.size);
    FastStoreScu::Template sent{ct_image, instance, explicit_le, ByteVector(content.size())};
    std::memcpy(sent.data_set.data(), content.data(), content.size());
    std::vector<std::unique_ptr<FastStoreScu>> scus;
    const FastStoreScu::Target target{options.port, options.called, "LOAD"};
    for (unsigned n = 0; n < options.associations && !options.bare; ++n)
        scus.push_back(std::make_unique<FastStoreScu>(target, sent));
    const auto begun = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> threads;
        for (unsigned n = 0; n < options.associations; ++n)
            threads.emplace_back([&, n] {
                options.bare ? send_bare(run, content) : store_all(run, *scus[n]);
            });
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

} // namespace

int main(int argc, char** argv)
{
    try {
        const Options options = parse({argv + 1, argv + argc});
        const std::uint64_t number =
            std::random_device{}() * 1'000'000ULL + std::random_device{}() % 1'000'000U;
        if (!options.write.empty()) {
            write_files(options, number);
            return 0;
        }
        Run run{options, number, {}, {}, std::vector<std::int64_t>(options.instances)};
        const double seconds = store(run);
        if (!options.responses.empty()) {
            std::ofstream out(options.responses);
            for (unsigned n = 0; n < options.instances; ++n)
                out << uid(number, n) << ' ' << run.answered[n] << '\n';
        }
        std::printf(
            "{\"instances\": %u, \"failed\": %u, \"seconds\": %.6f, \"per_second\": %.1f}\n",
            options.instances,
            run.failed.load(),
            seconds,
            options.instances / seconds
        );
        return 0;
    } catch (const std::exception& fault) {
        std::fprintf(stderr, "store_load: %s\n", fault.what());
        return 1;
    }
}
