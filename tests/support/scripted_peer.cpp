#include "support/scripted_peer.h"

#include <cerrno>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <system_error>

namespace gantry::tests {

namespace {

[[noreturn]] void fail(const char* what)
{
    throw std::system_error(errno, std::system_category(), what);
}

sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

dimse::FileDescriptor tcp_socket()
{
    dimse::FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.open())
        fail("socket");
    return socket;
}

sockaddr* generic(sockaddr_in& address)
{
    return reinterpret_cast<sockaddr*>(&address); // what the socket calls ask for
}

} // namespace

ByteVector hex(const char* digits)
{
    ByteVector bytes;
    std::string pair;
    for (; *digits != '\0'; ++digits) {
        if (*digits == ' ')
            continue;
        pair.push_back(*digits);
        if (pair.size() == 2) {
            bytes.push_back(static_cast<std::byte>(std::strtoul(pair.c_str(), nullptr, 16)));
            pair.clear();
        }
    }
    return bytes;
}

ScriptedPeer ScriptedPeer::connect(std::uint16_t port)
{
    dimse::FileDescriptor socket = tcp_socket();
    sockaddr_in address = loopback(port);
    if (::connect(socket.get(), generic(address), sizeof address) != 0)
        fail("connect");
    const int on = 1;
    (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return ScriptedPeer(std::move(socket));
}

bool ScriptedPeer::send(ConstBytes bytes)
{
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return true;
}

ByteVector ScriptedPeer::receive(std::size_t count)
{
    ByteVector bytes(count);
    std::size_t have = 0;
    while (have < count) {
        if (!wait(deadline))
            throw std::runtime_error("nothing came");
        const ssize_t got = ::recv(socket_.get(), bytes.data() + have, count - have, 0);
        if (got <= 0)
            throw std::runtime_error("the connection ended");
        have += static_cast<std::size_t>(got);
    }
    return bytes;
}

ByteVector ScriptedPeer::receive_pdu()
{
    ByteVector pdu = receive(6);
    std::size_t length = 0;
    for (std::size_t i = 2; i < 6; ++i)
        length = length << 8U | std::to_integer<std::size_t>(pdu[i]);
    const ByteVector rest = receive(length);
    pdu.insert(pdu.end(), rest.begin(), rest.end());
    return pdu;
}

bool ScriptedPeer::closed()
{
    if (!wait(deadline))
        return false;
    std::byte one{};
    return ::recv(socket_.get(), &one, 1, 0) <= 0;
}

bool ScriptedPeer::silent()
{
    std::byte one{};
    return ::recv(socket_.get(), &one, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

bool ScriptedPeer::wait(std::chrono::milliseconds time)
{
    pollfd ready{socket_.get(), POLLIN, 0};
    return ::poll(&ready, 1, static_cast<int>(time.count())) > 0;
}

void ScriptedPeer::half_close()
{
    ::shutdown(socket_.get(), SHUT_WR);
}

void ScriptedPeer::reset()
{
    const linger at_once{1, 0};
    (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_ = dimse::FileDescriptor();
}

ScriptedListener::ScriptedListener() : socket_(tcp_socket())
{
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(socket_.get(), generic(address), size) != 0 || ::listen(socket_.get(), 64) != 0 ||
        ::getsockname(socket_.get(), generic(address), &size) != 0)
        fail("listen");
    port_ = ntohs(address.sin_port);
}

ScriptedPeer ScriptedListener::accept()
{
    pollfd ready{socket_.get(), POLLIN, 0};
    if (::poll(
            &ready, 1, static_cast<int>(std::chrono::milliseconds(ScriptedPeer::deadline).count())
        ) <= 0)
        throw std::runtime_error("nobody connects");
    dimse::FileDescriptor socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket.open())
        fail("accept");
    const int on = 1;
    (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return ScriptedPeer(std::move(socket));
}

} // namespace gantry::tests
