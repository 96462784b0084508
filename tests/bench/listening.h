// How the servers of the measuring tools take connections: on loopback, at a port of the system's
// choice that stands on the first line of what they print, one thread a connection.
#pragma once

#include <arpa/inet.h>
#include <cstdio>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <vector>

namespace gantry::bench {

/// Calls `serve(socket)` on a thread of its own for each connection, until the process is ended;
/// `serve` closes the socket. Returns only where nothing can be accepted: the exit status.
template <class Serve>
int listen_and_serve(Serve serve)
{
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        ::listen(listener, 64) != 0 ||
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0)
        return 1;
    std::printf("%u\n", ntohs(address.sin_port));
    std::fflush(stdout);
    std::vector<std::jthread> connections;
    for (;;) {
        const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0)
            return 1;
        connections.emplace_back(serve, socket);
    }
}

} // namespace gantry::bench
