// The bare durable limit of a machine: takes messages (8 bytes of length, little endian, then that
// many bytes) on a socket, writes each to a file of its own, flushes it with fdatasync, and answers
// one byte. Nothing that keeps an instance can be faster without being less safe. One thread a
// connection, plain system calls. usage: bare_receiver FOLDER; prints its port.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "bench/listening.h"

namespace {

std::atomic<unsigned> next_file{0};

bool read_all(int socket, char* to, std::size_t size)
{
    while (size > 0) {
        const ssize_t got = ::recv(socket, to, size, 0);
        if (got <= 0)
            return false;
        to += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

bool keep(int socket, std::uint64_t size, const std::string& folder, std::vector<char>& buffer)
{
    const std::string path = folder + "/" + std::to_string(next_file++);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        return false;
    bool good = true;
    while (good && size > 0) {
        const ssize_t got =
            ::recv(socket, buffer.data(), std::min<std::uint64_t>(size, buffer.size()), 0);
        good = got > 0 && ::write(file, buffer.data(), static_cast<std::size_t>(got)) == got;
        size -= good ? static_cast<std::uint64_t>(got) : 0;
    }
    good = good && ::fdatasync(file) == 0;
    ::close(file);
    return good;
}

void serve(int socket, const std::string& folder)
{
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::vector<char> buffer(256 * 1024);
    std::uint64_t size = 0;
    const char done = 1;
    while (read_all(socket, reinterpret_cast<char*>(&size), sizeof size) &&
           keep(socket, size, folder, buffer))
        if (::send(socket, &done, 1, MSG_NOSIGNAL) != 1)
            break;
    ::close(socket);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 2)
        return 2;
    const std::string folder = argv[1];
    return gantry::bench::listen_and_serve([&folder](int socket) { serve(socket, folder); });
}
