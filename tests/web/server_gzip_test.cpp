// Text leaves the server in gzip for clients that take it, whatever way its handler sends it.
#include "web/gzip.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include "server_under_test.h"

using namespace gantry;
using namespace gantry::tests;
using namespace gantry::web;

namespace {

std::string get_of(const std::string& target, const std::string& fields)
{
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + fields + "\r\n";
}

std::string whole(ServerUnderTest& server, const std::string& request)
{
    RawClient client = server.client();
    client.send(request);
    return client.rest();
}

std::string body_of(const std::string& response)
{
    const std::string raw = response.substr(response.find("\r\n\r\n") + 4);
    if (response.find("Transfer-Encoding: chunked") == std::string::npos)
        return raw;
    std::string out;
    for (std::size_t at = 0; at < raw.size();) {
        const auto line = raw.find("\r\n", at);
        const auto size = std::stoul(raw.substr(at, line - at), nullptr, 16);
        out += raw.substr(line + 2, size);
        at = line + 2 + size + 2;
    }
    return out;
}

std::string unpacked(const std::string& bytes)
{
    z_stream stream{};
    REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
    std::string out(4'000'000, '\0');
    std::string in = bytes;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    (void)inflateEnd(&stream);
    return out;
}

bool is_packed(const std::string& response)
{
    return response.find("\r\nContent-Encoding: gzip\r\n") != std::string::npos;
}

const std::string takes = "Accept-Encoding: gzip, deflate, br\r\n";

} // namespace

TEST_CASE("clients say in many ways whether they take gzip")
{
    struct Row {
        const char* value;
        bool takes;
    };

    const Row rows[] = {
        {"gzip", true},
        {"GZIP", true},
        {"x-gzip", true},
        {"gzip, deflate, br, zstd", true},
        {"br;q=1.0, gzip;q=0.8, *;q=0.1", true},
        {"*", true},
        {"", false},
        {"identity", false},
        {"br", false},
        {"gzip;q=0", false},
        {"gzip; q=0.000", false},
        {"*;q=0", false},
        {"gzip;q=0, *", false},
        {"*;q=0, gzip", true},
        {"gzippy", false},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.value));
        Fields fields;
        fields.add("Accept-Encoding", row.value);
        CHECK(accepts_gzip(fields) == row.takes);
    }
    CHECK(!accepts_gzip({}));
}

TEST_CASE("text is worth it and images are not")
{
    struct Row {
        const char* type;
        bool text;
    };

    const Row rows[] = {
        {"application/dicom+json", true},
        {"application/json; charset=utf-8", true},
        {"application/problem+json", true},
        {"application/dicom+xml", true},
        {"application/vnd.sun.wadl+xml", true},
        {"text/plain", true},
        {R"(multipart/related; type="application/dicom+xml"; boundary=b)", true},
        {R"(multipart/related; type="application/dicom"; boundary=b)", false},
        {R"(multipart/related; type="application/octet-stream"; boundary=b)", false},
        {"multipart/related; boundary=b", false},
        {"application/dicom", false},
        {"application/octet-stream", false},
        {"image/jpeg", false},
        {"", false},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.type));
        ResponseHead head;
        head.fields.add("Content-Type", row.type);
        CHECK(worth_gzip(head, std::nullopt) == row.text);
        CHECK(worth_gzip(head, 2'000) == row.text);
        CHECK(!worth_gzip(head, 500));
        head.status = 206;
        CHECK(!worth_gzip(head, 2'000));
        head.status = 200;
        head.fields.add("Content-Encoding", "gzip");
        CHECK(!worth_gzip(head, 2'000));
    }
}

TEST_CASE("a text arrives whole however it was sent")
{
    ServerUnderTest server;
    for (const std::string query :
         {"size=2000&pieces=1",
          "size=100000&pieces=30",
          "size=17&pieces=5000",
          "size=2000&pieces=3&length=6000",
          "whole=2000&size=0&pieces=0",
          "whole=1000000&size=0&pieces=0"}) {
        CAPTURE(query);
        const std::string plain = whole(server, get_of("/text?" + query, ""));
        CHECK(!is_packed(plain));
        CHECK(plain.find("\r\nVary: Accept-Encoding\r\n") != std::string::npos);
        const std::string packed = whole(server, get_of("/text?" + query, takes));
        CHECK(RawClient::status_of(packed) == 200);
        REQUIRE(is_packed(packed));
        CHECK(packed.find("\r\nVary: Accept-Encoding\r\n") != std::string::npos);
        CHECK(packed.find("\r\nETag: W/\"1\"\r\n") != std::string::npos);
        CHECK(plain.find("\r\nETag: \"1\"\r\n") != std::string::npos);
        CHECK(packed.size() < plain.size());
        CHECK(unpacked(body_of(packed)) == body_of(plain));
    }
}

TEST_CASE("what is short or asked for its head alone or for HTTP/1.0 is left as it is")
{
    ServerUnderTest server;
    CHECK(!is_packed(whole(server, get_of("/text?whole=100&size=0&pieces=0", takes))));
    CHECK(!is_packed(whole(server, get_of("/stream?size=5000", takes)))); // no media type
    const std::string head = whole(
        server,
        "HEAD /text?whole=5000&size=0&pieces=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" +
            takes + "\r\n"
    );
    CHECK(!is_packed(head));
    CHECK(head.ends_with("\r\n\r\n"));
    CHECK(!is_packed(whole(
        server, "GET /text?whole=5000&size=0&pieces=0 HTTP/1.0\r\nHost: x\r\n" + takes + "\r\n"
    )));
}

TEST_CASE("a packed response that is not finished is seen to be cut off")
{
    ServerUnderTest server;
    for (const std::string query :
         {"size=90000&pieces=3&finish=0", "size=2000&pieces=1&length=6000"}) {
        CAPTURE(query);
        const std::string response = whole(server, get_of("/text?" + query, takes));
        CHECK(!response.ends_with("0\r\n\r\n"));
    }
}
