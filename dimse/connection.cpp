#include "dimse/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>

namespace gantry::dimse {

namespace {

int poll_milliseconds(std::chrono::steady_clock::time_point until)
{
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, 86'400'000)
    );
}

void enable(int socket, int level, int option) noexcept
{
    const int on = 1;
    (void)::setsockopt(socket, level, option, &on, sizeof on); // an optimisation, no more
}

iovec piece_of(ConstBytes bytes)
{
    return {const_cast<std::byte*>(bytes.data()), bytes.size()}; // POSIX knows no const here
}

} // namespace

void FileDescriptor::reset(int fd) noexcept
{
    if (fd_ >= 0)
        ::close(fd_);
    fd_ = fd;
}

StopSignal::StopSignal(std::stop_token token)
    : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      token_(std::move(token)),
      callback_(token_, Fire{event_.get()})
{
    if (!event_.open())
        throw std::system_error(errno, std::system_category(), "eventfd");
}

void StopSignal::Fire::operator()() const noexcept
{
    (void)::eventfd_write(fd, 1);
}

WakeSignal::WakeSignal() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
{
    if (!event_.open())
        throw std::system_error(errno, std::system_category(), "eventfd");
}

void WakeSignal::wake() noexcept
{
    (void)::eventfd_write(event_.get(), 1);
}

void WakeSignal::clear() noexcept
{
    eventfd_t count = 0;
    (void)::eventfd_read(event_.get(), &count);
}

Connection::Connection(
    FileDescriptor socket, const StopSignal& stop, std::chrono::milliseconds silence
)
    : socket_(std::move(socket)),
      stop_(&stop),
      silence_(silence),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(buffer_size))
{
}

Transfer Connection::fill(std::size_t count)
{
    make_room(count);
    while (end_ - begin_ < count) {
        if (over()) // a peer that never pauses must not keep us from seeing it
            return Transfer::stopped;
        const ssize_t got =
            ::recv(socket_.get(), buffer_.get() + end_, buffer_size - end_, MSG_DONTWAIT);
        if (got > 0) {
            end_ += static_cast<std::size_t>(got);
            continue;
        }
        if (got == 0)
            return Transfer::closed;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return Transfer::closed;
        // A peer that leaves Nagle on sends its last segment only after our acknowledgement: not
        // delaying it wins back up to 40 ms for each message.
        enable(socket_.get(), IPPROTO_TCP, TCP_QUICKACK);
        if (const Transfer waited = wait(POLLIN); waited != Transfer::done)
            return waited;
    }
    return Transfer::done;
}

void Connection::consume(std::size_t count) noexcept
{
    begin_ += count;
    if (begin_ == end_)
        begin_ = end_ = 0;
}

Transfer Connection::write(ConstBytes bytes, bool more)
{
    return write(bytes, {}, more);
}

Transfer Connection::write(ConstBytes head, ConstBytes rest, bool more)
{
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    while (!head.empty() || !rest.empty()) {
        iovec parts[] = {piece_of(head), piece_of(rest)};
        msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = std::size(parts);
        const ssize_t sent = ::sendmsg(socket_.get(), &message, flags);
        if (sent >= 0) {
            const auto count = static_cast<std::size_t>(sent);
            const std::size_t of_head = std::min(count, head.size());
            head = head.subspan(of_head);
            rest = rest.subspan(count - of_head);
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return Transfer::closed;
        if (const Transfer waited = wait_room(); waited != Transfer::done)
            return waited;
    }
    return Transfer::done;
}

Transfer Connection::look()
{
    if (watch_ == nullptr || end_ == buffer_size)
        return Transfer::done;
    const ssize_t got =
        ::recv(socket_.get(), buffer_.get() + end_, buffer_size - end_, MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? Transfer::done
                                                                         : Transfer::closed;
    if (got == 0)
        return Transfer::closed;
    end_ += static_cast<std::size_t>(got);
    return watch_->input() ? Transfer::done : Transfer::closed;
}

Readiness Connection::wait_any(int event, std::chrono::milliseconds time)
{
    const auto until = Clock::now() + time;
    enable(socket_.get(), IPPROTO_TCP, TCP_QUICKACK); // as in fill()
    for (;;) {
        pollfd waits[] = {{socket_.get(), POLLIN, 0}, {stop_->fd(), POLLIN, 0}, {event, POLLIN, 0}};
        const bool buffered = end_ > begin_;
        const int ready = ::poll(waits, 3, buffered ? 0 : poll_milliseconds(until));
        if (ready < 0 && errno == EINTR)
            continue;
        return {
            .input = buffered || waits[0].revents != 0,
            .event = waits[2].revents != 0,
            .stopped = waits[1].revents != 0
        };
    }
}

void Connection::finish(ConstBytes last_words, std::chrono::milliseconds linger) noexcept
{
    (void)::send(socket_.get(), last_words.data(), last_words.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ::shutdown(socket_.get(), SHUT_WR);
    const auto until = Clock::now() + linger;
    for (;;) {
        const ssize_t got = ::recv(socket_.get(), buffer_.get(), buffer_size, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            break;
        pollfd waits[] = {{socket_.get(), POLLIN, 0}, {stop_->fd(), POLLIN, 0}};
        const int left = poll_milliseconds(until);
        if (left == 0 || ::poll(waits, 2, left) == 0 || waits[1].revents != 0)
            break;
    }
}

void Connection::end_within(std::chrono::milliseconds time) noexcept
{
    const auto end = Clock::now() + time;
    deadline_ = deadline_ ? std::min(*deadline_, end) : end;
}

void Connection::serve_under(const StopSignal& stop) noexcept
{
    stop_ = &stop;
    grace_ = {};
    deadline_.reset();
}

bool Connection::over() noexcept
{
    if (!deadline_ && stop_->requested())
        deadline_ = Clock::now() + grace_;
    return deadline_ && Clock::now() >= *deadline_;
}

Transfer Connection::await_socket(short events, Clock::time_point until, short& met)
{
    while (!over()) {
        // With a deadline, a request to stop changes nothing any more.
        pollfd waits[] = {{socket_.get(), events, 0}, {deadline_ ? -1 : stop_->fd(), POLLIN, 0}};
        const auto limit = deadline_ ? std::min(until, *deadline_) : until;
        const int ready = ::poll(waits, 2, poll_milliseconds(limit));
        if (ready < 0 && errno == EINTR)
            continue;
        if (over())
            break;
        if (ready <= 0)
            return Transfer::silence;
        met = waits[0].revents; // an error on the socket shows when it is used
        if (met != 0)
            return Transfer::done;
    }
    return Transfer::stopped;
}

Transfer Connection::wait(short events)
{
    short met = 0;
    return await_socket(events, Clock::now() + silence_, met);
}

Transfer Connection::wait_room()
{
    const auto until = Clock::now() + silence_;
    for (;;) {
        const bool watching = watch_ != nullptr && end_ < buffer_size;
        const short events = watching ? POLLIN | POLLOUT : POLLOUT;
        short met = 0;
        if (const Transfer waited = await_socket(events, until, met); waited != Transfer::done)
            return waited;
        if (watching && (met & ~POLLOUT) != 0) {
            if (const Transfer looked = look(); looked != Transfer::done)
                return looked;
        }
        if ((met & ~POLLIN) != 0)
            return Transfer::done;
    }
}

void Connection::make_room(std::size_t count)
{
    if (begin_ + count <= buffer_size)
        return;
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
}

void tune_association_socket(int socket) noexcept
{
    enable(socket, IPPROTO_TCP, TCP_NODELAY);
    enable(socket, SOL_SOCKET, SO_KEEPALIVE);
}

} // namespace gantry::dimse
