#include "config/tree.h"

#include <doctest/doctest.h>

using namespace gantry::config;

TEST_CASE("a document becomes a tree that knows its places")
{
    Problems problems;
    const TreeNode root = parse_tree("a: 1\nb:\n  - x\n  - {c: d}\ne:\nf: \"\"\ng: ~\n", problems);
    REQUIRE_FALSE(problems.has_errors());
    REQUIRE(root.kind == TreeNode::Kind::map);
    REQUIRE(root.entries.size() == 5);
    CHECK(root.find("a")->scalar == "1");
    CHECK(root.find("a")->place == Place{1, 4});
    const TreeNode& list = *root.find("b");
    REQUIRE(list.items.size() == 2);
    CHECK(list.items[1].find("c")->place == Place{4, 9});
    CHECK(root.find("e")->kind == TreeNode::Kind::null);
    CHECK(root.find("f")->kind == TreeNode::Kind::scalar);
    CHECK(root.find("g")->kind == TreeNode::Kind::null);
    CHECK(root.find("h") == nullptr);
}

TEST_CASE("an alias repeats what its anchor names")
{
    Problems problems;
    const TreeNode root = parse_tree("a: &x [1, 2]\nb: *x\n", problems);
    REQUIRE_FALSE(problems.has_errors());
    CHECK(root.find("b")->items.size() == 2);
}

TEST_CASE("broken documents are named with their line")
{
    struct Row {
        const char* says;
        std::string text;
        unsigned line;
        const char* message;
    };

    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string name = "a" + std::to_string(i);
        const std::string before = "*a" + std::to_string(i - 1);
        bomb += name + ": &" + name + " [" + before;
        for (int j = 0; j < 8; ++j)
            bomb += ", " + before;
        bomb += "]\n";
    }
    std::string large = "a: &a " + std::string(500'000, 'x') + "\nb: [*a";
    for (int i = 0; i < 1000; ++i)
        large += ", *a";
    large += "]\n";
    const Row rows[] = {
        {"a bracket that is never closed", "a: 1\nb: [1, 2\n", 3, "not YAML"},
        {"a tab as indentation", "a:\n\tb: 1\n", 2, "not YAML"},
        {"an unknown alias", "a: *nowhere\n", 1, "not YAML"},
        {"a key given twice",
         "a: 1\nb: 2\na: 3\n",
         3,
         "\"a\" is given twice, the first time in line 1"},
        {"two documents", "a: 1\n---\nb: 1\n", 0, "more than one YAML document"},
        {"aliases that multiply", bomb, 6, "too many values"},
        {"a long text repeated by aliases", large, 2, "too many values"},
        {"an alias within its own anchor", "a: &x [1, *x]\n", 1, "inside of what it names"},
        {"brackets without end", std::string(1000, '['), 1, "nested too deeply"},
        {"a list as a key", "[a, b]: 1\n", 1, "a key must be a single word"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        Problems problems;
        parse_tree(row.text, problems);
        const auto list = problems.take();
        REQUIRE_FALSE(list.empty());
        CAPTURE(list.front().message);
        CHECK(list.front().place.line == row.line);
        CHECK(list.front().message.find(row.message) != std::string::npos);
    }
}
