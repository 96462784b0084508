#include "dimse/dial.h"

#include <cerrno>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <system_error>

namespace gantry::dimse {

namespace {

using Clock = std::chrono::steady_clock;

struct FreesAddresses {
    void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

using Addresses = std::unique_ptr<addrinfo, FreesAddresses>;

std::string name_of(const PeerAddress& peer)
{
    return peer.host + ":" + std::to_string(peer.port);
}

Result<Addresses> resolve(const PeerAddress& peer)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const std::string port = std::to_string(peer.port);
    const int failed = ::getaddrinfo(peer.host.c_str(), port.c_str(), &hints, &list);
    if (failed != 0)
        return error(Errc::not_resolved, name_of(peer) + ": " + ::gai_strerror(failed));
    return Addresses(list);
}

Result<void> await_connected(int socket, Clock::time_point until, const StopSignal& stop)
{
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
        pollfd waits[] = {{socket, POLLOUT, 0}, {stop.fd(), POLLIN, 0}};
        const int ready = left <= 0 ? 0 : ::poll(waits, 2, static_cast<int>(left));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return error(Errc::timeout, "connecting");
        if (waits[1].revents != 0)
            return error(Errc::stopped);
        int fault = 0;
        socklen_t size = sizeof fault;
        (void)::getsockopt(socket, SOL_SOCKET, SO_ERROR, &fault, &size);
        if (fault != 0)
            return error(Errc::not_connected, std::system_category().message(fault));
        return {};
    }
}

Result<FileDescriptor>
connect_to(const addrinfo& address, Clock::time_point until, const StopSignal& stop)
{
    FileDescriptor socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    );
    if (!socket.open())
        return error(Errc::not_connected, std::system_category().message(errno));
    tune_association_socket(socket.get());
    if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) != 0) {
        if (errno != EINPROGRESS)
            return error(Errc::not_connected, std::system_category().message(errno));
        if (const auto connected = await_connected(socket.get(), until, stop); !connected)
            return connected.error();
    }
    return socket;
}

} // namespace

Result<FileDescriptor>
dial(const PeerAddress& peer, std::chrono::milliseconds timeout, const StopSignal& stop)
{
    auto addresses = resolve(peer);
    if (!addresses)
        return addresses.error();
    const auto until = Clock::now() + timeout;
    Error last = error(Errc::not_connected, name_of(peer));
    for (const addrinfo* address = addresses->get(); address != nullptr;
         address = address->ai_next) {
        auto socket = connect_to(*address, until, stop);
        if (socket)
            return socket;
        last = socket.error();
        if (last.code == Errc::stopped)
            return last;
        last.detail = name_of(peer) + ": " + last.detail;
    }
    return last;
}

} // namespace gantry::dimse
