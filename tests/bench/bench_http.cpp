// What HTTP costs without an archive behind it: the client posts multipart bodies of 512 KiB parts
// to a server that counts. tests/bench/bench_http [requests] [parts]
#include "support/http_client.h"
#include "support/loop_thread.h"
#include "support/scratch_folder.h"
#include "support/test_ca.h"
#include "web/multipart.h"
#include "web/server.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <sys/resource.h>

using namespace gantry;
using namespace gantry::web;
using namespace gantry::tests;

namespace {

constexpr std::size_t part_bytes = 512 * 1024;
constexpr std::size_t piece_bytes = 256 * 1024;

// Parts of pseudo-random content, as compressed pixels are.
class PartsSource final : public BodySource {
public:
    explicit PartsSource(int parts) : parts_(parts), boundary_(random_boundary())
    {
        std::uint32_t x = 1;
        for (char& c : content_)
            c = static_cast<char>((x = x * 1664525U + 1013904223U) >> 24U);
        Fields fields;
        fields.add("Content-Type", "application/dicom");
        first_ = part_head(boundary_, fields, true);
        later_ = part_head(boundary_, fields, false);
        close_ = closing_delimiter(boundary_);
    }

    std::string media_type() const
    {
        return "multipart/related; type=\"application/dicom\"; boundary=" + boundary_;
    }

    std::uint64_t size() const override
    {
        const auto parts = static_cast<std::uint64_t>(parts_);
        return first_.size() + (parts - 1) * later_.size() + parts * part_bytes + close_.size();
    }

    asio::awaitable<Result<ConstBytes>> next() override
    {
        const int pieces = static_cast<int>(part_bytes / piece_bytes);
        const int part = step_ / (pieces + 1);
        const int within = step_++ % (pieces + 1);
        if (part == parts_)
            co_return bytes(within == 0 ? std::string_view(close_) : std::string_view());
        co_return bytes(within == 0 ? (part == 0 ? first_ : later_) : content_);
    }

    void rewind() override { step_ = 0; }

private:
    static ConstBytes bytes(std::string_view text)
    {
        return std::as_bytes(std::span(text.data(), text.size()));
    }

    int parts_;
    std::string boundary_;
    std::string content_ = std::string(piece_bytes, '\0');
    std::string first_, later_, close_;
    int step_ = 0;
};

asio::awaitable<void> count_bytes(const Request&, RequestBody& body, Response& response)
{
    std::uint64_t n = 0;
    for (auto bytes = co_await body.read(); bytes && !bytes->empty(); bytes = co_await body.read())
        n += bytes->size();
    ResponseHead head;
    std::string text = std::to_string(n);
    (void)co_await response.send(std::move(head), std::move(text));
}

asio::awaitable<void> count_parts(const Request& request, RequestBody& body, Response& response)
{
    const std::string_view type = request.fields.find("Content-Type");
    ByteSource source = [&body] { return body.read(); };
    MultipartReader reader(std::string(type.substr(type.find("boundary=") + 9)), source, {});
    std::uint64_t n = 0;
    for (auto part = co_await reader.next_part(); part && *part; part = co_await reader.next_part())
        for (auto bytes = co_await reader.read(); bytes && !bytes->empty();
             bytes = co_await reader.read())
            n += bytes->size();
    ResponseHead head;
    std::string text = std::to_string(n);
    (void)co_await response.send(std::move(head), std::move(text));
}

asio::awaitable<bool> post_all(Client& client, std::string target, int requests, int parts)
{
    PartsSource body(parts);
    for (int i = 0; i < requests; ++i) {
        body.rewind();
        ClientRequest request = post(target, body);
        request.fields.add("Content-Type", body.media_type());
        const HttpOutcome outcome = co_await ask(client, std::move(request));
        const auto expected =
            target == "/parts" ? static_cast<std::uint64_t>(parts) * part_bytes : body.size();
        if (outcome.body != std::to_string(expected))
            co_return false;
    }
    co_return true;
}

bool measure(ServerOptions options, ClientOptions client_options, int requests, int parts)
{
    Router router;
    router.add(Method::post, "/bytes", count_bytes);
    router.add(Method::post, "/parts", count_parts);
    LoopThread thread;
    std::optional<Server> server;
    asio::cancellation_signal stop;
    const bool tls = options.tls.has_value();
    const auto port = thread.call([&] {
        server.emplace(thread.loop().get_executor(), std::move(options), router);
        asio::ip::tcp::acceptor acceptor(thread.loop(), {asio::ip::address_v4::loopback(), 0});
        const auto chosen = acceptor.local_endpoint().port();
        asio::co_spawn(
            thread.loop(),
            server->serve(std::move(acceptor)),
            asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr) {})
        );
        return chosen;
    });
    client_options.url = (tls ? "https://localhost:" : "http://localhost:") + std::to_string(port);
    bool good = true;
    for (const char* target : {"/bytes", "/parts"}) {
        asio::io_context loop;
        Client client(loop.get_executor(), client_options);
        const auto began = std::chrono::steady_clock::now();
        good = good && run(loop, post_all(client, target, requests, parts));
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        const double megabytes = static_cast<double>(requests) * parts * part_bytes / 1e6;
        std::printf(
            "%-5s %-7s %8.0f MB/s %8.0f instances/s\n",
            tls ? "https" : "http",
            target,
            megabytes / took.count(),
            requests * parts / took.count()
        );
    }
    thread.call([&] { stop.emit(asio::cancellation_type::terminal); });
    thread.run(server->stop());
    thread.call([&] { server.reset(); });
    return good;
}

} // namespace

int main(int argc, char** argv)
{
    const int requests = argc > 1 ? std::atoi(argv[1]) : 100;
    const int parts = argc > 2 ? std::atoi(argv[2]) : 20;
    spdlog::set_level(spdlog::level::warn);
    const ScratchFolder folder;
    TestCa ca(folder.path());
    ServerOptions secured;
    secured.tls = ca.issue("localhost");
    ClientOptions trusting;
    trusting.tls.ca = ca.certificate();
    const bool good =
        measure({}, {}, requests, parts) && measure(secured, trusting, requests, parts);
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    std::printf("peak memory of both halves %ld KiB\n", usage.ru_maxrss);
    return good ? 0 : 1;
}
