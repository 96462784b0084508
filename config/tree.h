// A YAML document as a tree of places: what was written and where. Hides yaml-cpp and bounds what a
// document may cost: depth, number of nodes, aliases that multiply.
#pragma once

#include "config/problem.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::config {

struct Entry;

struct TreeNode {
    enum class Kind : std::uint8_t { null, scalar, list, map };

    Kind kind = Kind::null;
    Place place;
    std::string scalar;
    std::vector<TreeNode> items;
    std::vector<Entry> entries;

    /// The value of `key`, or nullptr; of a map without duplicate keys.
    const TreeNode* find(std::string_view key) const;
};

struct Entry {
    std::string key;
    Place place; // of the key
    TreeNode value;
};

/// "a list", "a mapping" ..., for complaints.
std::string_view kind_name(TreeNode::Kind kind);

inline constexpr std::size_t most_weight = 16U << 20U; // 64 for each value, and its characters
inline constexpr std::size_t most_keys = 500;          // in one mapping
inline constexpr std::size_t most_depth = 32;

/// Parses one document; an empty one is a null node. Syntax errors, duplicate keys, more than one
/// document and documents beyond the bounds go to `problems`; the tree is then what could be read.
TreeNode parse_tree(std::string_view text, Problems& problems);

} // namespace gantry::config
