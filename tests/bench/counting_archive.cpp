// A STOW-RS server that only counts: reads every byte, keeps none, confirms each instance by the
// UIDs of its file meta, and notes when it came. Shares no code with gantry; one thread a
// connection, plain system calls, so that little is measured but the sender. usage:
// counting_archive; prints its port. GET /arrivals: "UID nanoseconds" lines (CLOCK_MONOTONIC).
// DELETE /arrivals forgets.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "bench/listening.h"

namespace {

struct Arrival {
    std::string sop_class;
    std::string sop_instance;
    std::int64_t at = 0;
};

std::mutex arrivals_mutex;
std::vector<Arrival> arrivals;

// A connection with a window of bytes that are read and not yet used.
class Stream {
public:
    explicit Stream(int socket) : socket_(socket), buffer_(1U << 20U) {}

    std::string_view window() const { return {buffer_.data() + begin_, end_ - begin_}; }

    void use(std::size_t size) { begin_ += size; }

    // Reads on; makes room first. False at the end.
    bool more()
    {
        if (begin_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
            end_ -= std::exchange(begin_, 0);
        }
        if (end_ == buffer_.size())
            return false;
        const ssize_t got = ::recv(socket_, buffer_.data() + end_, buffer_.size() - end_, 0);
        if (got <= 0)
            return false;
        end_ += static_cast<std::size_t>(got);
        return true;
    }

private:
    int socket_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

std::string value_of(std::string_view head, std::string_view name)
{
    std::string lower(head);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    const auto found = lower.find("\r\n" + std::string(name) + ":");
    if (found == std::string::npos)
        return {};
    const auto start = found + name.size() + 3;
    const auto value = head.substr(start, head.find("\r\n", start) - start);
    return std::string(value.substr(std::min(value.find_first_not_of(' '), value.size())));
}

// A UID of the file meta group: "UI", its length, its value (PS3.10 7.1, Explicit VR Little
// Endian).
std::string meta_uid(std::string_view meta, char element)
{
    const char tag[] = {2, 0, element, 0, 'U', 'I'};
    const auto found = meta.find(std::string_view(tag, sizeof tag));
    if (found == std::string_view::npos || found + 8 > meta.size())
        return {};
    const std::size_t length = static_cast<unsigned char>(meta[found + 6]);
    std::string uid(meta.substr(found + 8, length));
    uid.erase(uid.find_last_not_of('\0') + 1);
    return uid;
}

void note(std::string_view part, std::vector<Arrival>& batch)
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    batch.push_back({meta_uid(part, 2), meta_uid(part, 3), std::chrono::nanoseconds(now).count()});
}

// Reads a multipart body to its end and notes each part by its first bytes.
bool read_body(
    Stream& stream, std::uint64_t size, const std::string& delimiter, std::vector<Arrival>& batch
)
{
    constexpr std::size_t head_size = 600; // part fields, preamble and file meta
    std::uint64_t left = size;
    while (left > 0) {
        std::string_view window =
            stream.window().substr(0, std::min<std::uint64_t>(left, stream.window().size()));
        const auto found = window.find(delimiter);
        const bool closing = found != std::string_view::npos &&
                             window.substr(found + delimiter.size()).starts_with("--");
        if (found != std::string_view::npos && (closing || window.size() - found >= head_size)) {
            if (!closing)
                note(window.substr(found, head_size), batch);
            stream.use(found + delimiter.size());
            left -= found + delimiter.size();
            continue;
        }
        // Keep what may be the beginning of a delimiter, or a part whose head is not all here.
        const std::size_t keep =
            found != std::string_view::npos ? window.size() - found : delimiter.size() - 1;
        const std::size_t spare = window.size() > keep ? window.size() - keep : 0;
        if (window.size() == left) {
            stream.use(window.size());
            return true;
        }
        stream.use(spare);
        left -= spare;
        if (!stream.more())
            return false;
    }
    return true;
}

std::string confirmed(const std::vector<Arrival>& batch)
{
    std::string json = R"({"00081199":{"vr":"SQ","Value":[)";
    for (const Arrival& arrival : batch) {
        json += R"({"00081150":{"vr":"UI","Value":[")" + arrival.sop_class + R"("]},)";
        json += R"("00081155":{"vr":"UI","Value":[")" + arrival.sop_instance + R"("]}},)";
    }
    if (json.back() == ',')
        json.pop_back();
    return json + "]}}";
}

std::string listed()
{
    const std::lock_guard lock(arrivals_mutex);
    std::string text;
    for (const Arrival& arrival : arrivals)
        text += arrival.sop_instance + " " + std::to_string(arrival.at) + "\n";
    return text;
}

void send_all(int socket, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

// One request; false where the connection is over.
bool answer(int socket, Stream& stream)
{
    std::size_t end = 0;
    while ((end = stream.window().find("\r\n\r\n")) == std::string_view::npos)
        if (!stream.more())
            return false;
    const std::string head(stream.window().substr(0, end + 2));
    stream.use(end + 4);
    if (!value_of(head, "expect").empty())
        send_all(socket, "HTTP/1.1 100 Continue\r\n\r\n");
    std::string body;
    if (head.starts_with("POST ")) {
        const std::string type = value_of(head, "content-type");
        std::string boundary = type.substr(std::min(type.find("boundary=") + 9, type.size()));
        std::erase(boundary, '"');
        boundary = boundary.substr(0, boundary.find(';'));
        std::vector<Arrival> batch;
        if (!read_body(
                stream, std::stoull("0" + value_of(head, "content-length")), "--" + boundary, batch
            ))
            return false;
        body = confirmed(batch);
        const std::lock_guard lock(arrivals_mutex);
        arrivals.insert(arrivals.end(), batch.begin(), batch.end());
    } else if (head.starts_with("DELETE ")) {
        const std::lock_guard lock(arrivals_mutex);
        arrivals.clear();
    } else if (head.starts_with("GET /arrivals")) {
        body = listed();
    } else {
        body = "[]";
    }
    send_all(
        socket,
        "HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body
    );
    return true;
}

void serve(int socket)
{
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Stream stream(socket);
    while (answer(socket, stream)) {
    }
    ::close(socket);
}

} // namespace

int main()
{
    return gantry::bench::listen_and_serve(serve);
}
