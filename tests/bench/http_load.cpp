// The fastest HTTP client there can be: asks for one target over so many kept connections at once,
// counts what comes and keeps none of it, and reports as one line of JSON. usage:
//   http_load --port P --target /path?query [--accept TYPE] [--clients N] [--repeat N]
// Each client repeats. Milliseconds are of whole answers, from the request's first byte.
#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <future>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    std::uint16_t port = 0;
    std::string target = "/";
    std::string accept = "*/*";
    unsigned clients = 1;
    unsigned repeat = 1;
};

Options parse(const std::vector<std::string>& arguments)
{
    Options options;
    for (std::size_t i = 0; i < arguments.size(); i += 2) {
        const std::string& name = arguments[i];
        const std::string& value = arguments.at(i + 1);
        if (name == "--port")
            options.port = static_cast<std::uint16_t>(std::stoul(value));
        else if (name == "--target")
            options.target = value;
        else if (name == "--accept")
            options.accept = value;
        else if (name == "--clients")
            options.clients = static_cast<unsigned>(std::stoul(value));
        else if (name == "--repeat")
            options.repeat = static_cast<unsigned>(std::stoul(value));
        else
            throw std::invalid_argument(name);
    }
    return options;
}

class Connection {
public:
    explicit Connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        // NOLINTNEXTLINE(*-reinterpret-cast): the sockets API
        if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("cannot connect");
    }

    ~Connection() { ::close(socket_); }

    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Bytes of the answer's body. Throws where it is not 200 and whole.
    std::size_t ask(const std::string& request)
    {
        for (std::string_view rest = request; !rest.empty();) {
            const ssize_t sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (sent <= 0)
                throw std::runtime_error("cannot send");
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
        const std::string head = take(find("\r\n\r\n"));
        if (!head.starts_with("HTTP/1.1 200"))
            throw std::runtime_error("answered with " + head.substr(0, head.find('\r')));
        const std::size_t length = head.find("\r\nContent-Length: ");
        if (length != head.npos) {
            const std::size_t size = std::stoul(head.substr(length + 18));
            skip(size);
            return size;
        }
        std::size_t total = 0;
        for (;;) { // chunked
            const std::size_t size = std::stoul(take(find("\r\n")), nullptr, 16);
            skip(size + 2);
            total += size;
            if (size == 0)
                return total;
        }
    }

private:
    void fill()
    {
        char piece[65'536];
        const ssize_t got = ::recv(socket_, piece, sizeof piece, 0);
        if (got <= 0)
            throw std::runtime_error("the connection was closed");
        buffer_.append(piece, static_cast<std::size_t>(got));
    }

    /// Where what ends in `end` ends.
    std::size_t find(std::string_view end)
    {
        std::size_t at = 0;
        while ((at = buffer_.find(end)) == buffer_.npos)
            fill();
        return at + end.size();
    }

    std::string take(std::size_t size)
    {
        std::string out = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return out;
    }

    void skip(std::size_t size)
    {
        while (buffer_.size() < size) {
            size -= buffer_.size();
            buffer_.clear();
            fill();
        }
        buffer_.erase(0, size);
    }

    int socket_;
    std::string buffer_;
};

struct Answers {
    std::vector<double> milliseconds;
    std::size_t bytes = 0; // of one
};

Answers ask_all(const Options& options)
{
    const std::string request = "GET " + options.target +
                                " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options.port) +
                                "\r\nAccept: " + options.accept + "\r\n\r\n";
    Connection connection(options.port);
    Answers answers;
    for (unsigned n = 0; n < options.repeat; ++n) {
        const auto begun = Clock::now();
        answers.bytes = connection.ask(request);
        const std::chrono::duration<double, std::milli> took = Clock::now() - begun;
        answers.milliseconds.push_back(took.count());
    }
    return answers;
}

void run(const Options& options)
{
    std::vector<std::future<Answers>> clients;
    const auto begun = Clock::now();
    for (unsigned n = 0; n < options.clients; ++n)
        clients.push_back(std::async(std::launch::async, [&] { return ask_all(options); }));
    std::vector<double> all;
    std::size_t bytes = 0;
    for (auto& client : clients) {
        const Answers answers = client.get();
        all.insert(all.end(), answers.milliseconds.begin(), answers.milliseconds.end());
        bytes = answers.bytes;
    }
    const std::chrono::duration<double> took = Clock::now() - begun;
    std::ranges::sort(all);
    std::printf(
        "{\"requests\": %zu, \"bytes\": %zu, \"per_second\": %.1f, \"median_ms\": %.3f, "
        "\"p99_ms\": %.3f}\n",
        all.size(),
        bytes,
        static_cast<double>(all.size()) / took.count(),
        all.at(all.size() / 2),
        all.at(all.size() * 99 / 100)
    );
}

} // namespace

int main(int argc, char** argv)
{
    try {
        run(parse({argv + 1, argv + argc}));
        return 0;
    } catch (const std::exception& fault) {
        std::fprintf(stderr, "http_load: %s\n", fault.what());
        return 1;
    }
}
