#include "support/byte_channel.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gantry::tests {

namespace {

using std::chrono::milliseconds;

} // namespace

StopFlag::StopFlag() : fd_(::eventfd(0, EFD_CLOEXEC))
{
    if (fd_ < 0)
        throw std::runtime_error("no eventfd");
}

StopFlag::~StopFlag()
{
    ::close(fd_);
}

void StopFlag::raise()
{
    const std::uint64_t one = 1;
    if (::write(fd_, &one, sizeof one) != sizeof one)
        throw std::runtime_error("eventfd");
}

ByteChannel::ByteChannel(int fd, const StopFlag* stop) : fd_(fd), stop_(stop)
{
    ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

ByteChannel::~ByteChannel()
{
    close();
}

std::unique_ptr<ByteChannel> ByteChannel::connect(std::uint16_t port)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address); // the API's own way
    if (::connect(fd, generic, sizeof address) != 0) {
        ::close(fd);
        throw std::runtime_error("nobody listens");
    }
    return std::make_unique<ByteChannel>(fd, nullptr);
}

bool ByteChannel::wait(short events, milliseconds longest)
{
    std::array<pollfd, 2> fds{pollfd{fd_, events, 0}, pollfd{stop_ ? stop_->fd() : -1, POLLIN, 0}};
    const int n = ::poll(fds.data(), fds.size(), static_cast<int>(longest.count()));
    return n > 0 && fds[1].revents == 0;
}

bool ByteChannel::wait_readable(milliseconds longest)
{
    return (tls_ != nullptr && SSL_pending(tls_) > 0) || wait(POLLIN, longest);
}

bool ByteChannel::stopped()
{
    pollfd stop{stop_ != nullptr ? stop_->fd() : -1, POLLIN, 0};
    return ::poll(&stop, 1, 0) > 0;
}

bool ByteChannel::accept_tls(ssl_ctx_st* context)
{
    std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes without MSG_NOSIGNAL
    tls_ = SSL_new(context);
    SSL_set_fd(tls_, fd_);
    for (;;) {
        const int done = SSL_accept(tls_);
        if (done == 1)
            return true;
        const int why = SSL_get_error(tls_, done);
        ERR_clear_error();
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
            return false;
        if (!wait(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline))
            return false;
    }
}

std::string ByteChannel::receive(std::size_t at_most)
{
    std::string bytes(at_most, '\0');
    while (fd_ >= 0) {
        if (!wait_readable(deadline))
            return {};
        if (tls_ == nullptr) {
            const auto n = ::recv(fd_, bytes.data(), bytes.size(), 0);
            if (n < 0 && errno == EAGAIN)
                continue;
            bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
            return bytes;
        }
        std::size_t n = 0;
        const int done = SSL_read_ex(tls_, bytes.data(), bytes.size(), &n);
        const int why = SSL_get_error(tls_, done);
        ERR_clear_error();
        if (done != 1 && why == SSL_ERROR_WANT_READ)
            continue;
        bytes.resize(done == 1 ? n : 0);
        return bytes;
    }
    return {};
}

bool ByteChannel::send(std::string_view bytes)
{
    while (!bytes.empty() && fd_ >= 0) {
        std::size_t n = 0;
        if (tls_ == nullptr) {
            const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN)
                return false;
            n = sent > 0 ? static_cast<std::size_t>(sent) : 0;
        } else {
            const int done = SSL_write_ex(tls_, bytes.data(), bytes.size(), &n);
            const int why = SSL_get_error(tls_, done);
            ERR_clear_error();
            if (done != 1 && why != SSL_ERROR_WANT_WRITE)
                return false;
            n = done == 1 ? n : 0;
        }
        bytes.remove_prefix(n);
        if (n == 0 && !wait(POLLOUT, deadline))
            return false;
    }
    return bytes.empty();
}

void ByteChannel::wait_for_end()
{
    constexpr std::size_t at_once = 65'536;
    while (!receive(at_once).empty()) {
    }
}

void ByteChannel::half_close()
{
    ::shutdown(fd_, SHUT_WR);
}

void ByteChannel::reset()
{
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    if (tls_ != nullptr)
        SSL_set_quiet_shutdown(tls_, 1);
    close();
}

void ByteChannel::close()
{
    if (tls_ != nullptr) {
        SSL_shutdown(tls_);
        ERR_clear_error();
        SSL_free(tls_);
        tls_ = nullptr;
    }
    if (fd_ >= 0)
        ::close(fd_);
    fd_ = -1;
}

} // namespace gantry::tests
