#include "config/tree.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace gantry::config {

namespace {

Place place_of(const YAML::Mark& mark)
{
    if (mark.is_null())
        return {};
    return {static_cast<unsigned>(mark.line) + 1, static_cast<unsigned>(mark.column) + 1};
}

/// Ends the parse where the document goes beyond its bounds; never leaves this file.
struct TooMuch : std::runtime_error {
    TooMuch(Place at, const char* message) : std::runtime_error(message), place(at) {}

    Place place;
};

/// What one node costs beside its children: a fixed share and its text.
std::size_t weight_of_one(const TreeNode& node)
{
    return 64 + node.scalar.size();
}

std::size_t weight_of(const TreeNode& node)
{
    std::size_t total = weight_of_one(node);
    for (const TreeNode& item : node.items)
        total += weight_of(item);
    for (const Entry& entry : node.entries)
        total += entry.key.size() + weight_of(entry.value);
    return total;
}

/// The nodes that are open, outermost first; a map remembers the key it has read.
struct Open {
    TreeNode node;
    std::string key;
    Place key_place;
    bool has_key = false;
    YAML::anchor_t anchor = 0;
};

class Builder final : public YAML::EventHandler {
public:
    explicit Builder(Problems& problems) : problems_(problems) {}

    TreeNode take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}

    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override
    {
        add(TreeNode{TreeNode::Kind::null, place_of(mark)}, anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override
    {
        const auto found = anchored_.find(anchor);
        if (found == anchored_.end())
            throw TooMuch(place_of(mark), "an alias stands inside of what it names");
        pay(weight_of(found->second), place_of(mark));
        TreeNode copy = found->second;
        put(std::move(copy));
    }

    void OnScalar(
        const YAML::Mark& mark,
        const std::string& tag,
        YAML::anchor_t anchor,
        const std::string& value
    ) override
    {
        // A plain scalar has the tag "?": only that can be a null (YAML 1.2 10.3.2).
        const bool null = tag == "?" && (value.empty() || value == "~" || value == "null");
        TreeNode node{null ? TreeNode::Kind::null : TreeNode::Kind::scalar, place_of(mark)};
        node.scalar = value;
        add(std::move(node), anchor);
    }

    void OnSequenceStart(
        const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value
    ) override
    {
        open(TreeNode{TreeNode::Kind::list, place_of(mark)}, anchor);
    }

    void OnSequenceEnd() override { close(); }

    void OnMapStart(
        const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value
    ) override
    {
        open(TreeNode{TreeNode::Kind::map, place_of(mark)}, anchor);
    }

    void OnMapEnd() override { close(); }

private:
    void open(TreeNode node, YAML::anchor_t anchor)
    {
        if (stack_.size() >= most_depth)
            throw TooMuch(node.place, "nested too deeply");
        Open opened{std::move(node)};
        opened.anchor = anchor;
        stack_.push_back(std::move(opened));
    }

    void close()
    {
        Open done = std::move(stack_.back());
        stack_.pop_back();
        add(std::move(done.node), done.anchor);
    }

    void pay(std::size_t weight, Place place)
    {
        weight_ += weight;
        if (weight_ > most_weight)
            throw TooMuch(place, "too many values for a configuration");
    }

    void add(TreeNode node, YAML::anchor_t anchor)
    {
        pay(weight_of_one(node), node.place);
        if (anchor != 0) {
            pay(weight_of(node), node.place);
            anchored_[anchor] = node;
        }
        put(std::move(node));
    }

    void put(TreeNode node)
    {
        if (stack_.empty())
            root_ = std::move(node);
        else if (stack_.back().node.kind == TreeNode::Kind::list)
            stack_.back().node.items.push_back(std::move(node));
        else
            add_to_map(stack_.back(), std::move(node));
    }

    void add_to_map(Open& map, TreeNode node)
    {
        if (!std::exchange(map.has_key, !map.has_key)) {
            if (node.kind == TreeNode::Kind::list || node.kind == TreeNode::Kind::map)
                problems_.error(node.place, "a key must be a single word");
            map.key = std::move(node.scalar);
            map.key_place = node.place;
            return;
        }
        const auto same = std::ranges::find(map.node.entries, map.key, &Entry::key);
        if (same == map.node.entries.end()) {
            if (map.node.entries.size() >= most_keys)
                throw TooMuch(map.key_place, "too many keys in one place");
            map.node.entries.push_back({std::move(map.key), map.key_place, std::move(node)});
            return;
        }
        problems_.error(
            map.key_place,
            "\"" + map.key + "\" is given twice, the first time in line " +
                std::to_string(same->place.line)
        );
    }

    Problems& problems_;
    TreeNode root_;
    std::vector<Open> stack_;
    std::map<YAML::anchor_t, TreeNode> anchored_;
    std::size_t weight_ = 0;
};

void parse_into(Builder& builder, std::string_view text, Problems& problems)
{
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder))
        return;
    Problems of_rest;
    Builder rest(of_rest);
    if (parser.HandleNextDocument(rest))
        problems.error({}, "the file holds more than one YAML document (a line with ---)");
}

} // namespace

const TreeNode* TreeNode::find(std::string_view key) const
{
    const auto found = std::ranges::find(entries, key, &Entry::key);
    return found == entries.end() ? nullptr : &found->value;
}

std::string_view kind_name(TreeNode::Kind kind)
{
    switch (kind) {
    case TreeNode::Kind::null: return "nothing";
    case TreeNode::Kind::scalar: return "a single value";
    case TreeNode::Kind::list: return "a list";
    case TreeNode::Kind::map: return "a mapping (key: value)";
    }
    return "something else";
}

TreeNode parse_tree(std::string_view text, Problems& problems)
{
    Builder builder(problems);
    try {
        parse_into(builder, text, problems);
    } catch (const TooMuch& limit) {
        problems.error(limit.place, limit.what());
    } catch (const YAML::Exception& bad) {
        problems.error(place_of(bad.mark), "this is not YAML: " + bad.msg);
    }
    return builder.take();
}

} // namespace gantry::config
