#include "gateway/error.h"
#include "gateway/operation/control.h"

#include <boost/asio/error.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace gantry::operation {

namespace {

constexpr std::size_t longest_line = 1U << 20U;

/// A connected socket that gives up after a silence; closed by its destructor.
class Line {
public:
    Line(int fd, std::chrono::milliseconds silence) : fd_(fd), silence_(silence) {}

    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    ~Line() { ::close(fd_); }

    Result<void> send(std::string_view text)
    {
        while (!text.empty()) {
            if (const auto ready = wait(POLLOUT); !ready)
                return ready.error();
            const ssize_t count = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (count < 0 && errno != EINTR && errno != EAGAIN)
                return failed("asking the service");
            if (count > 0)
                text.remove_prefix(static_cast<std::size_t>(count));
        }
        return {};
    }

    Result<std::string> receive()
    {
        for (;;) {
            const std::size_t end = buffer_.find('\n');
            if (end != std::string::npos) {
                std::string line = buffer_.substr(0, end);
                buffer_.erase(0, end + 1);
                return line;
            }
            if (buffer_.size() > longest_line)
                return error(Errc::unsupported, "the service's answer is too long");
            if (const auto more = fill(); !more)
                return more.error();
        }
    }

private:
    Result<void> fill()
    {
        if (const auto ready = wait(POLLIN); !ready)
            return ready.error();
        std::array<char, 16'384> piece{};
        const ssize_t count = ::recv(fd_, piece.data(), piece.size(), 0);
        if (count == 0)
            return error(Errc::closed, "the service ended the answer before it was complete");
        if (count < 0 && errno != EINTR && errno != EAGAIN)
            return failed("reading the service's answer");
        if (count > 0)
            buffer_.append(piece.data(), static_cast<std::size_t>(count));
        return {};
    }

    Result<void> wait(short events) const
    {
        pollfd poll{fd_, events, 0};
        const int ready = ::poll(&poll, 1, static_cast<int>(silence_.count()));
        if (ready < 0 && errno != EINTR)
            return failed("waiting for the service");
        if (ready == 0)
            return Error{
                asio::error::timed_out,
                "the service has not answered for " + std::to_string(silence_.count() / 1000) + " s"
            };
        return {};
    }

    static Error failed(const char* what)
    {
        return {boost::system::error_code(errno, boost::system::system_category()), what};
    }

    int fd_;
    std::chrono::milliseconds silence_;
    std::string buffer_;
};

Result<int> connect_to(const std::filesystem::path& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = path.string();
    if (name.size() >= sizeof(address.sun_path))
        return error(Errc::unsupported, name + " is too long for a socket");
    std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
        return fd;
    const int reason = errno;
    if (fd >= 0)
        ::close(fd);
    if (reason == ENOENT || reason == ECONNREFUSED)
        return error(Errc::unavailable, "gantry is not running (nobody serves " + name + ")");
    return Error{
        boost::system::error_code(reason, boost::system::system_category()),
        reason == EACCES ? name + " is for root and the group of gantry" : name
    };
}

} // namespace

ControlClient::ControlClient(std::filesystem::path socket, std::chrono::milliseconds silence)
    : socket_(std::move(socket)), silence_(silence)
{
}

Result<json::value> ControlClient::call(
    std::string_view command,
    json::object args,
    const std::function<void(const json::object&)>& on_row
) const
{
    const auto fd = connect_to(socket_);
    if (!fd)
        return fd.error();
    Line line(*fd, silence_);
    json::object request;
    request.emplace("command", command);
    request.emplace("args", std::move(args));
    if (const auto sent = line.send(json::serialize(request) + "\n"); !sent)
        return sent.error();
    for (;;) {
        const auto text = line.receive();
        if (!text)
            return text.error();
        boost::system::error_code ec;
        json::value value = json::parse(*text, ec);
        if (ec || !value.is_object())
            return error(Errc::unsupported, "the service's answer makes no sense");
        json::object& answer = value.as_object();
        if (const auto* const row = answer.if_contains("row"); row != nullptr && row->is_object())
            on_row(row->as_object());
        else if (const auto* const failed = answer.if_contains("error"))
            return error(Errc::not_found, std::string(failed->as_string()));
        else if (auto* const result = answer.if_contains("result"))
            return std::move(*result);
    }
}

} // namespace gantry::operation
