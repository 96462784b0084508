#include "support/run.h"
#include "web/error.h"
#include "web/multipart.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace gantry;
using namespace gantry::web;

namespace {

struct Part {
    Fields fields;
    std::string content;
    bool whole = false;
};

struct Outcome {
    std::vector<Part> parts;
    boost::system::error_code error;
};

// What a reader makes of `body` when it arrives in pieces of `piece` bytes.
asio::awaitable<Outcome>
read_parts(std::string body, std::string boundary, std::size_t piece, MultipartLimits limits)
{
    std::size_t at = 0;
    ByteSource source = [&body, &at, piece]() -> asio::awaitable<Result<ConstBytes>> {
        const auto n = std::min(piece, body.size() - at);
        const auto bytes = std::as_bytes(std::span(body.data() + at, n));
        at += n;
        co_return bytes;
    };
    MultipartReader reader(boundary, source, limits);
    Outcome outcome;
    for (;;) {
        const auto fields = co_await reader.next_part();
        if (!fields) {
            outcome.error = fields.error().code;
            break;
        }
        if (!*fields)
            break;
        Part& part = outcome.parts.emplace_back();
        part.fields = **fields;
        for (;;) {
            const auto bytes = co_await reader.read();
            part.whole = bytes && bytes->empty();
            if (!bytes || bytes->empty())
                break;
            part.content.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
        }
    }
    co_return outcome;
}

Outcome outcome_of(
    const std::string& body, std::string boundary, std::size_t piece, MultipartLimits limits = {}
)
{
    return test::run(read_parts(body, std::move(boundary), piece, limits));
}

const std::size_t pieces[] = {1, 2, 3, 5, 7, 11, 64, 1'000'000};

} // namespace

TEST_CASE("a multipart body is read part by part however it is cut on its way")
{
    struct Row {
        const char* says;
        std::string body;
        std::vector<std::string> contents;
    };

    const Row rows[] = {
        {"two parts", "--b\r\nA: 1\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n", {"one", "two"}},
        {"preamble and epilogue",
         "This is\r\n a message\r\n--b\r\n\r\none\r\n--b--\r\nbye\r\n--b\r\n",
         {"one"}},
        {"first delimiter after an empty line", "\r\n--b\r\n\r\none\r\n--b--", {"one"}},
        {"LF line ends", "--b\nA: 1\n\none\n--b\n\ntwo\n--b--\n", {"one", "two"}},
        {"spaces after the boundary",
         "--b \t\r\n\r\none\r\n--b  \r\n\r\ntwo\r\n--b--",
         {"one", "two"}},
        {"an empty part", "--b\r\nA: 1\r\n\r\n\r\n--b\r\n\r\ntwo\r\n--b--", {"", "two"}},
        {"an empty part without a line end of its own", "--b\r\nA: 1\r\n\r\n--b--", {""}},
        {"no parts", "--b--\r\n", {}},
        {"content that begins like a delimiter",
         "--b\r\n\r\n\r\n--\r\n-\r\n--a\n--\r\r\n\r\n--b--",
         {"\r\n--\r\n-\r\n--a\n--\r\r\n"}},
        {"content that ends with line ends", "--b\r\n\r\none\r\n\r\n\r\n--b--", {"one\r\n\r\n"}},
        {"the boundary inside a line", "--b\r\n\r\none--b--two\r\n--b--", {"one--b--two"}},
        {"zero bytes", std::string("--b\r\n\r\n\0\0\n\0\r\n--b--", 18), {std::string("\0\0\n\0", 4)}
        },
    };
    for (const Row& row : rows)
        for (const std::size_t piece : pieces) {
            CAPTURE(std::string(row.says));
            CAPTURE(piece);
            const Outcome outcome = outcome_of(row.body, "b", piece);
            CHECK_FALSE(outcome.error);
            REQUIRE(outcome.parts.size() == row.contents.size());
            for (std::size_t i = 0; i < row.contents.size(); ++i) {
                CHECK(outcome.parts[i].content == row.contents[i]);
                CHECK(outcome.parts[i].whole);
            }
        }
}

TEST_CASE("a multipart body that breaks its form is refused and never taken for whole")
{
    struct Row {
        const char* says;
        std::string body;
        Errc error;
        std::size_t whole_parts;
    };

    const Row rows[] = {
        {"no final delimiter", "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n", Errc::cut_off, 1},
        {"ends inside the final delimiter", "--b\r\n\r\none\r\n--b-", Errc::cut_off, 1},
        {"ends inside a part's fields", "--b\r\nA: 1\r\n", Errc::cut_off, 0},
        {"another boundary", "--c\r\n\r\none\r\n--c--", Errc::cut_off, 0},
        {"nothing at all", "", Errc::cut_off, 0},
        {"text after a boundary", "--b\r\n\r\none\r\n--bc\r\n\r\ntwo\r\n--b--", Errc::malformed, 1},
        {"one dash after a boundary", "--b\r\n\r\none\r\n--b-\r\n", Errc::malformed, 1},
        {"a field without a colon", "--b\r\nA 1\r\n\r\none\r\n--b--", Errc::malformed, 0},
        {"a field with a space in its name", "--b\r\nA B: 1\r\n\r\none\r\n--b--", Errc::malformed, 0
        },
        {"a folded line without a field", "--b\r\n A: 1\r\n\r\none\r\n--b--", Errc::malformed, 0},
        {"a zero byte in a field", std::string("--b\r\nA: \0\r\n\r\n--b--", 18), Errc::malformed, 0
        },
        {"fields without end", "--b\r\nA: " + std::string(200, 'x'), Errc::too_large, 0},
        {"too many parts",
         "--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--",
         Errc::too_large,
         3},
    };
    MultipartLimits limits;
    limits.max_part_header = 100;
    limits.max_parts = 3;
    for (const Row& row : rows)
        for (const std::size_t piece : pieces) {
            CAPTURE(std::string(row.says));
            CAPTURE(piece);
            const Outcome outcome = outcome_of(row.body, "b", piece, limits);
            CHECK(outcome.error == row.error);
            CHECK(
                static_cast<std::size_t>(std::ranges::count_if(outcome.parts, &Part::whole)) ==
                row.whole_parts
            );
        }
}

TEST_CASE("part fields compare without case, unfold and keep their values")
{
    const Outcome outcome = outcome_of(
        "--b\r\ncontent-TYPE:application/dicom; \r\n transfer-syntax=1.2\r\nX:\r\n\r\n\r\n--b--",
        "b",
        4
    );
    REQUIRE(outcome.parts.size() == 1);
    CHECK(outcome.parts[0].fields.find("Content-Type") == "application/dicom; transfer-syntax=1.2");
    CHECK(outcome.parts[0].fields.has("x"));
    CHECK_FALSE(outcome.parts[0].fields.has("y"));
}

TEST_CASE("a boundary may hold characters that mean something elsewhere")
{
    for (const char* boundary : {"(.*)+?", "a b", "----x", "=_'()+_,-./:=?"}) {
        CAPTURE(boundary);
        const std::string body =
            part_head(boundary, {}, true) + "one" + closing_delimiter(boundary);
        const Outcome outcome = outcome_of(body, boundary, 3);
        REQUIRE(outcome.parts.size() == 1);
        CHECK(outcome.parts[0].content == "one");
    }
}

TEST_CASE("an impossible boundary is refused")
{
    for (const std::string& boundary :
         {std::string(), std::string(71, 'b'), std::string("b\r\n")}) {
        CAPTURE(boundary);
        CHECK(outcome_of("--b--", boundary, 100).error == Errc::malformed);
    }
}

TEST_CASE("what part_head and closing_delimiter write is read back with its fields")
{
    const std::string boundary = random_boundary();
    Fields fields;
    fields.add("Content-Type", "application/dicom");
    const std::string body = part_head(boundary, fields, true) + "\r\n--" +
                             part_head(boundary, fields, false) + "two" +
                             closing_delimiter(boundary);
    const Outcome outcome = outcome_of(body, boundary, 17);
    CHECK_FALSE(outcome.error);
    REQUIRE(outcome.parts.size() == 2);
    CHECK(outcome.parts[0].content == "\r\n--");
    CHECK(outcome.parts[1].content == "two");
    CHECK(outcome.parts[1].fields.find("content-type") == "application/dicom");
    CHECK(random_boundary() != boundary);
    CHECK(boundary.size() <= 70);
}

TEST_CASE("next_part skips what was not read of a part")
{
    const std::string body =
        "--b\r\n\r\n" + std::string(5000, 'x') + "\r\n--b\r\nN: 2\r\n\r\ny\r\n--b--";
    auto task = [](std::string text) -> asio::awaitable<std::string> {
        bool given = false;
        ByteSource source = [&]() -> asio::awaitable<Result<ConstBytes>> {
            const auto n = given ? 0 : text.size();
            given = true;
            co_return std::as_bytes(std::span(text.data(), n));
        };
        MultipartReader reader("b", source, {});
        (void)(co_await reader.next_part()).value();
        const auto second = (co_await reader.next_part()).value();
        co_return std::string(second->find("N"));
    };
    CHECK(test::run(task(body)) == "2");
}

TEST_CASE("a part of more than 4 GiB is counted to its last byte")
{
    constexpr std::uint64_t length = (4ULL << 30U) + 5;
    const std::vector<std::byte> zeros(16U << 20U);
    MultipartParser parser("b", {});
    const auto feed = [&](std::string_view text) {
        parser.feed(std::as_bytes(std::span(text.data(), text.size())));
    };
    feed("--b\r\n\r\n");
    using Step = MultipartParser::Step;
    REQUIRE(parser.next().value() == Step::part);
    std::uint64_t fed = 0;
    std::uint64_t got = 0;
    const auto count = [&] {
        for (Step step = parser.next().value(); step == Step::content; step = parser.next().value())
            got += parser.content().size();
    };
    while (fed < length) {
        const auto piece = std::min<std::uint64_t>(zeros.size(), length - fed);
        parser.feed(ConstBytes(zeros).first(static_cast<std::size_t>(piece)));
        fed += piece;
        count();
    }
    feed("\r\n--b--\r\n");
    count();
    CHECK(got == length);
    CHECK(parser.next().value() == Step::end);
    CHECK(parser.complete());
}
