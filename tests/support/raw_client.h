// An HTTP client that sends what a test tells it, byte by byte, and reads what comes. Every wait
// has a deadline. For tests of the server.
#pragma once

#include "support/byte_channel.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace gantry::tests {

class RawClient {
public:
    explicit RawClient(std::uint16_t port) : channel_(ByteChannel::connect(port)) {}

    bool send(std::string_view bytes) { return channel_->send(bytes); }

    /// The next response with its head and body (Content-Length or none), empty at the end.
    std::string response()
    {
        std::size_t head = std::string::npos;
        while ((head = buffer_.find("\r\n\r\n")) == std::string::npos)
            if (!more())
                return {};
        head += 4;
        const auto field = buffer_.find("Content-Length: ");
        std::size_t length = 0;
        if (field < head)
            length = std::strtoull(buffer_.c_str() + field + 16, nullptr, 10);
        while (buffer_.size() < head + length)
            if (!more())
                break;
        return take(head + length);
    }

    /// The status of the next response, 0 at the end.
    int status() { return status_of(response()); }

    static int status_of(const std::string& response)
    {
        return response.size() > 12 ? std::atoi(response.c_str() + 9) : 0;
    }

    /// Everything until the other side closes.
    std::string rest()
    {
        while (more()) {
        }
        return take(buffer_.size());
    }

    /// The connection ends without another byte.
    bool closed() { return rest().empty(); }

    ByteChannel& channel() { return *channel_; }

private:
    bool more()
    {
        constexpr std::size_t at_once = 65'536;
        const std::string bytes = channel_->receive(at_once);
        buffer_ += bytes;
        return !bytes.empty();
    }

    std::string take(std::size_t n)
    {
        std::string taken = buffer_.substr(0, n);
        buffer_.erase(0, n);
        return taken;
    }

    std::unique_ptr<ByteChannel> channel_;
    std::string buffer_;
};

} // namespace gantry::tests
