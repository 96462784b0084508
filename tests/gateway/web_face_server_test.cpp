// The DICOMweb face behind the real server, over a real connection.
#include "gateway/origins/archive/archive.h"
#include "web/server.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>

#include <filesystem>

#include "tests/gateway/web_face_support.h"
#include "tests/support/loop_thread.h"
#include "tests/support/raw_client.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

class ServedFace {
public:
    ServedFace()
    {
        face.face().register_routes(router_);
        thread_.call([&] {
            server_.emplace(thread_.loop().get_executor(), web::ServerOptions{}, router_);
            asio::ip::tcp::acceptor acceptor(thread_.loop(), {asio::ip::address_v4::loopback(), 0});
            port_ = acceptor.local_endpoint().port();
            asio::co_spawn(
                thread_.loop(),
                server_->serve(std::move(acceptor)),
                asio::bind_cancellation_slot(stop_.slot(), [](std::exception_ptr) {})
            );
        });
    }

    ~ServedFace()
    {
        thread_.call([&] { stop_.emit(asio::cancellation_type::terminal); });
        thread_.run(server_->stop());
        thread_.call([&] { server_.reset(); });
    }

    ServedFace(const ServedFace&) = delete;
    ServedFace& operator=(const ServedFace&) = delete;

    RawClient client() const { return RawClient(port_); }

    bool has(const Instance& instance)
    {
        const Uid& uid = instance.key.sop.sop_instance;
        return face.local().archive().catalogue().find(uid).value().has_value();
    }

    /// Waits until a request that was given up has left nothing behind.
    bool nothing_is_coming_in() const
    {
        const auto incoming = face.folder.path() / "archive" / "incoming";
        for (const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
             !std::filesystem::is_empty(incoming);
             std::this_thread::yield())
            if (std::chrono::steady_clock::now() > until)
                return false;
        return true;
    }

    OpenFace face;

private:
    web::Router router_;
    LoopThread thread_;
    std::optional<web::Server> server_;
    asio::cancellation_signal stop_;
    std::uint16_t port_ = 0;
};

std::string chunk(const std::string& bytes)
{
    char size[32];
    (void)std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + bytes + "\r\n";
}

const std::string post_head = "POST /dicom-web/studies HTTP/1.1\r\nHost: pacs.test\r\n"
                              "Content-Type: multipart/related; type=\"application/dicom\"; "
                              "boundary=b\r\n";

std::string get(const std::string& path, const std::string& fields = {})
{
    return "GET /dicom-web" + path + " HTTP/1.1\r\nHost: pacs.test\r\nConnection: close\r\n" +
           fields + "\r\n";
}

constexpr const char* last_chunk = "\r\n0\r\n\r\n";

} // namespace

TEST_CASE("what is posted in chunks comes back over the wire")
{
    ServedFace served;
    const Instance instance = make_instance({}, {}, 400'000);
    const std::string body = multipart({instance.file()});
    auto client = served.client();
    client.send(post_head + "Transfer-Encoding: chunked\r\n\r\n");
    for (std::size_t at = 0; at < body.size(); at += 50'000)
        client.send(chunk(body.substr(at, 50'000)));
    client.send("0\r\n\r\n");
    CHECK(client.status() == 200);
    CHECK(served.has(instance));
    client.send(
        get("/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1", "Accept: application/dicom\r\n")
    );
    const std::string answer = client.rest();
    CHECK(RawClient::status_of(answer) == 200);
    CHECK(answer.ends_with(instance.data_set));
    auto second = served.client();
    second.send(get("/studies/1.2.1"));
    const std::string study = second.rest();
    CHECK(RawClient::status_of(study) == 200);
    CHECK(study.ends_with(last_chunk));
}

TEST_CASE("a client that goes away in the middle leaves nothing and harms nobody")
{
    ServedFace served;
    const Instance instance = make_instance({}, {}, 400'000);
    const std::string body = multipart({instance.file()});
    {
        auto client = served.client();
        client.send(post_head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n");
        client.send(body.substr(0, 300'000));
    }
    CHECK(served.nothing_is_coming_in());
    CHECK(!served.has(instance));
    auto client = served.client();
    client.send(post_head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    CHECK(client.status() == 200);
    CHECK(served.has(instance));
}

TEST_CASE("a response that cannot be ended is seen to be cut off")
{
    ServedFace served;
    for (unsigned number = 1; number <= 2; ++number)
        REQUIRE(
            store(served.face.local().archive(), make_instance({1, 1, number}, {}, 200'000)).kind ==
            StoreOutcome::Kind::stored
        );
    const Instance second = make_instance({1, 1, 2});
    const auto path =
        served.face.local().archive().path_of(second.key.study, second.key.sop.sop_instance);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
    auto client = served.client();
    client.send(get("/studies/1.2.1"));
    const std::string answer = client.rest();
    CHECK(RawClient::status_of(answer) == 200);
    CHECK(!answer.ends_with(last_chunk));
    CHECK(answer.find("--\r\n") == std::string::npos);
}

TEST_CASE("a client that stops reading a study does not hold up another")
{
    ServedFace served;
    REQUIRE(
        store(served.face.local().archive(), make_instance({1, 1, 1}, {}, 40'000'000)).kind ==
        StoreOutcome::Kind::stored
    );
    auto slow = served.client();
    slow.send(get("/studies/1.2.1")); // and reads nothing
    auto other = served.client();
    other.send(get("/studies"));
    const std::string answer = other.rest();
    CHECK(RawClient::status_of(answer) == 200);
    CHECK(answer.find("1.2.1") != std::string::npos);
}
