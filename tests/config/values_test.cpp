#include "config/values.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>

using namespace gantry;
using namespace gantry::config;
using namespace std::chrono_literals;

TEST_CASE("durations carry their unit")
{
    struct Row {
        const char* text;
        std::optional<std::chrono::milliseconds> value;
    };

    const Row rows[] = {
        {"500ms", 500ms},
        {"5s", 5s},
        {"10m", 10min},
        {"24h", 24h},
        {"30d", 720h},
        {"0", 0ms},
        {"0s", 0ms},
        {"5", std::nullopt},
        {"", std::nullopt},
        {"s", std::nullopt},
        {"-5s", std::nullopt},
        {"5 s", std::nullopt},
        {"1.5s", std::nullopt},
        {"5sec", std::nullopt},
        {"5S", std::nullopt},
        {"99999999999999999999s", std::nullopt},
        {"9223372036854775807d", std::nullopt},
        {"36501d", std::nullopt},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.text));
        const auto parsed = parse_duration(row.text);
        REQUIRE(parsed.has_value() == row.value.has_value());
        if (row.value)
            CHECK(*parsed == *row.value);
        else
            CHECK(parsed.error().detail.find(row.text) != std::string::npos);
    }
}

TEST_CASE("sizes carry a binary unit")
{
    struct Row {
        const char* text;
        std::optional<std::uint64_t> value;
    };

    const Row rows[] = {
        {"512B", 512},
        {"64KiB", 65'536},
        {"256MiB", 268'435'456},
        {"2GiB", 2'147'483'648},
        {"1TiB", 1'099'511'627'776},
        {"0", 0},
        {"64", std::nullopt},
        {"64KB", std::nullopt},
        {"64k", std::nullopt},
        {"64 KiB", std::nullopt},
        {"-1GiB", std::nullopt},
        {"99999999TiB", std::nullopt},
        {"", std::nullopt},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.text));
        const auto parsed = parse_size(row.text);
        REQUIRE(parsed.has_value() == row.value.has_value());
        if (row.value)
            CHECK(parsed->count == *row.value);
    }
}

TEST_CASE("an address to listen on is a number and a port")
{
    struct Row {
        const char* text;
        const char* host; // nullptr: refused
        std::uint16_t port;
        bool is_public;
    };

    const Row rows[] = {
        {"0.0.0.0:11112", "0.0.0.0", 11112, true},
        {"127.0.0.1:8080", "127.0.0.1", 8080, false},
        {"[::]:104", "::", 104, true},
        {"[::1]:0", "::1", 0, false},
        {"[fd00::5]:104", "fd00::5", 104, false},
        {"[fe80::5]:104", "fe80::5", 104, false},
        {"[2001:db8::1]:104", "2001:db8::1", 104, true},
        {"10.1.2.3:104", "10.1.2.3", 104, false},
        {"172.16.0.1:104", "172.16.0.1", 104, false},
        {"172.32.0.1:104", "172.32.0.1", 104, true},
        {"192.168.7.7:104", "192.168.7.7", 104, false},
        {"8.8.8.8:104", "8.8.8.8", 104, true},
        {"localhost:104", nullptr, 0, false},
        {"*:104", nullptr, 0, false},
        {":104", nullptr, 0, false},
        {"11112", nullptr, 0, false},
        {"0.0.0.0", nullptr, 0, false},
        {"0.0.0.0:", nullptr, 0, false},
        {"0.0.0.0:65536", nullptr, 0, false},
        {"0.0.0.0:-1", nullptr, 0, false},
        {"::1:104", nullptr, 0, false},
        {"[0.0.0.0]:104", nullptr, 0, false},
        {"300.0.0.1:104", nullptr, 0, false},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.text));
        const auto parsed = parse_listen(row.text);
        REQUIRE(parsed.has_value() == (row.host != nullptr));
        if (row.host == nullptr)
            continue;
        CHECK(parsed->host == row.host);
        CHECK(parsed->port == row.port);
        CHECK(is_public(*parsed) == row.is_public);
    }
}

TEST_CASE("a URL is http or https with a host and a path only")
{
    struct Row {
        const char* text;
        const char* value; // nullptr: refused
    };

    const Row rows[] = {
        {"https://pacs.example.org/dicom-web", "https://pacs.example.org/dicom-web"},
        {"http://127.0.0.1:8080/dicom-web/", "http://127.0.0.1:8080/dicom-web"},
        {"https://[2001:db8::1]:8443/a/b//", "https://[2001:db8::1]:8443/a/b"},
        {"http://pacs", "http://pacs"},
        {"ftp://pacs/dicom-web", nullptr},
        {"pacs.example.org/dicom-web", nullptr},
        {"https://", nullptr},
        {"https:///dicom-web", nullptr},
        {"https://user:secret@pacs/dicom-web", nullptr},
        {"https://pacs/dicom-web?x=1", nullptr},
        {"https://pacs/dicom-web#x", nullptr},
        {"https://pacs:0/dicom-web", nullptr},
        {"https://pacs:99999/dicom-web", nullptr},
        {"https://pa cs/dicom-web", nullptr},
        {"", nullptr},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.text));
        const auto parsed = parse_url(row.text);
        REQUIRE(parsed.has_value() == (row.value != nullptr));
        if (row.value != nullptr)
            CHECK(*parsed == row.value);
    }
}

TEST_CASE("a URL with a password in it is refused without repeating the password")
{
    const auto parsed = parse_url("https://user:hunter2@pacs/dicom-web");
    REQUIRE(parsed.has_error());
    CHECK(parsed.error().detail.find("hunter2") == std::string::npos);
}

TEST_CASE("a slip of the pen finds the word that was meant")
{
    constexpr std::array<std::string_view, 4> words{
        "store", "retrieve", "worklist", "max_associations"
    };
    CHECK(nearest("stroe", words) == "store");
    CHECK(nearest("max_asociations", words) == "max_associations");
    CHECK(nearest("retreive", words) == "retrieve");
    CHECK(nearest("colour", words).empty());
    CHECK(nearest(std::string(100'000, 'x'), words).empty());
}
