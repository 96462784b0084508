#include "mapping/json_array_splitter.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace gantry;
using namespace gantry::mapping;

namespace {

/// The objects, in pieces of `size`, and how it ended: "{..}|{..}|." or "|!truncated".
std::string cut(std::string_view text, std::size_t size, Bytes max = {1U << 20U})
{
    JsonArraySplitter splitter(max);
    std::string out;
    while (!text.empty()) {
        splitter.feed(text.substr(0, size));
        while (true) {
            const auto object = splitter.next();
            if (!object)
                return out + '!' + object.error().code.message();
            if (!*object)
                break;
            out += std::string(**object) + '|';
        }
        text.remove_prefix(std::min(size, text.size()));
    }
    const auto whole = splitter.finish();
    return out + (whole ? "." : '!' + whole.error().code.message());
}

} // namespace

TEST_CASE("an array of objects is cut into its objects wherever it is cut on the way")
{
    struct Row {
        const char* says;
        const char* text;
        const char* objects;
    };

    const Row rows[] = {
        {"no match", "[]", "."},
        {"blanks", " [ ] \r\n", "."},
        {"one", R"([{"a":1}])", R"({"a":1}|.)"},
        {"two", "[{},\n{\"b\":[{}]} ]\n", R"({}|{"b":[{}]}|.)"},
        {"brackets in text", R"([{"a":"]}{["},{"b":"\"}\\"}])", R"({"a":"]}{["}|{"b":"\"}\\"}|.)"},
        {"a byte order mark", "\xef\xbb\xbf[{}]", "{}|."},
        {"an object by itself", R"({"a":{}})", R"({"a":{}}|.)"},
        {"cut in an object", R"([{"a":1},{"b")", R"({"a":1}|!cut short)"},
        {"cut after an object", R"([{"a":1})", R"({"a":1}|!cut short)"},
        {"cut after a comma", R"([{"a":1},)", R"({"a":1}|!cut short)"},
        {"nothing", "", "!cut short"},
        {"only blanks", "  ", "!cut short"},
        {"half a mark", "\xef\xbb", "!cut short"},
        {"no JSON", "<html>", "!malformed"},
        {"an array of other things", "[1]", "!malformed"},
        {"null", "null", "!malformed"},
        {"something after the end", "[{}] []", "{}|!malformed"},
        {"two objects without an array", "{}{}", "{}|!malformed"},
        {"a comma too many", "[{},]", "{}|!malformed"},
        {"no comma", "[{}{}]", "{}|!malformed"},
        {"a comma first", "[,{}]", "!malformed"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        for (const std::size_t size : {1U, 2U, 3U, 7U, 100U}) {
            CAPTURE(size);
            CHECK(cut(row.text, size) == row.objects);
        }
    }
}

TEST_CASE("an object beyond the limit is refused before it is kept")
{
    const std::string large = R"([{"a":")" + std::string(100, 'x') + R"("}])";
    CHECK(cut(large, 10, {50}) == "!too large");
    CHECK(cut(large, 1'000, {50}) == "!too large");
    CHECK(cut("[{},{},{},{}]", 3, {2}) == "{}|{}|{}|{}|.");
}

TEST_CASE("an array that is cut short says so every time, and counts what was whole")
{
    JsonArraySplitter splitter;
    splitter.feed("[{},{}x");
    CHECK(splitter.next()->has_value());
    CHECK(splitter.next()->has_value());
    CHECK(splitter.next().has_error());
    CHECK(splitter.next().has_error());
    CHECK(splitter.finish().has_error());
    CHECK(splitter.count() == 2);
}
