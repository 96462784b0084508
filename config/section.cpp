#include "config/section.h"

#include "config/secret.h"

#include <algorithm>
#include <array>

namespace gantry::config {

namespace {

/// Keys that would hold a secret in the open, and the key that names a file instead.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> inline_secrets{{
    {"password", "password_file"},
    {"token", "token_file"},
    {"client_secret", "client_secret_file"},
    {"secret", "client_secret_file"},
    {"passphrase", "a key file without a passphrase, readable by gantry only"},
    {"private_key_password", "a key file without a passphrase, readable by gantry only"},
    {"api_key", "token_file"},
}};

std::string unit_text(std::chrono::milliseconds value)
{
    const auto ms = value.count();
    if (ms % 1000 != 0)
        return std::to_string(ms) + "ms";
    if (ms % 60'000 != 0)
        return std::to_string(ms / 1000) + "s";
    return ms % 3'600'000 == 0 ? std::to_string(ms / 3'600'000) + "h"
                               : std::to_string(ms / 60'000) + "m";
}

std::string unit_text(Bytes value)
{
    constexpr std::array<std::string_view, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    std::uint64_t count = value.count;
    for (; unit + 1 < units.size() && count != 0 && count % 1024 == 0; ++unit)
        count /= 1024;
    return std::to_string(count) + std::string(units.at(unit));
}

} // namespace

Section::Section(const TreeNode* node, std::string path, Problems& problems)
    : path_(std::move(path)), problems_(problems)
{
    if (node == nullptr)
        return;
    place_ = node->place;
    if (node->kind == TreeNode::Kind::map)
        node_ = node;
    else if (node->kind != TreeNode::Kind::null)
        problems_.error(
            place_,
            (path_.empty() ? "the file" : path_) + " must be a mapping (key: value), not " +
                std::string(kind_name(node->kind))
        );
}

Place Section::place(std::string_view key) const
{
    const TreeNode* const value = node_ == nullptr || key.empty() ? nullptr : node_->find(key);
    return value == nullptr ? place_ : value->place;
}

std::string Section::name(std::string_view key) const
{
    if (key.empty())
        return path_;
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const TreeNode* Section::take(std::string_view key)
{
    known_.push_back(key);
    const TreeNode* const value = node_ == nullptr ? nullptr : node_->find(key);
    return value == nullptr || value->kind == TreeNode::Kind::null ? nullptr : value;
}

Section Section::section(std::string_view key)
{
    return {take(key), name(key), problems_};
}

std::vector<const TreeNode*> Section::list(std::string_view key)
{
    std::vector<const TreeNode*> items;
    const TreeNode* const value = take(key);
    if (value == nullptr)
        return items;
    if (value->kind != TreeNode::Kind::list)
        return {value};
    for (const TreeNode& item : value->items)
        items.push_back(&item);
    return items;
}

std::optional<std::string> Section::text(std::string_view key)
{
    const TreeNode* const value = take(key);
    if (value == nullptr)
        return std::nullopt;
    if (value->kind == TreeNode::Kind::scalar)
        return value->scalar;
    error(key, "must be a single value, not " + std::string(kind_name(value->kind)));
    return std::nullopt;
}

void Section::read(std::string_view key, std::string& into)
{
    const auto value = text(key);
    if (value && value->empty())
        error(key, "must not be empty");
    else if (value)
        into = *value;
}

void Section::read(std::string_view key, bool& into)
{
    constexpr Choice<bool> choices[] = {
        {"true", true}, {"false", false}, {"yes", true}, {"no", false}
    };
    read(key, into, choices);
}

void Section::read(std::string_view key, AeTitle& into)
{
    const auto value = text(key);
    if (!value)
        return;
    if (const auto title = AeTitle::parse(*value))
        into = *title;
    else
        error(
            key,
            "\"" + value->substr(0, 80) +
                "\" is not an AE title: 1 to 16 characters, no backslash, no accents (PS3.5 6.2)"
        );
}

void Section::read(std::string_view key, std::filesystem::path& into)
{
    const auto value = text(key);
    if (!value)
        return;
    const std::filesystem::path path(*value);
    if (!path.is_absolute())
        error(key, "must be a path from the root: \"/...\", not \"" + *value + "\"");
    else
        into = path;
}

void Section::read(std::string_view key, std::vector<std::string>& into)
{
    if (take(key) == nullptr)
        return;
    into.clear();
    for (const TreeNode* const item : list(key)) {
        if (item->kind == TreeNode::Kind::scalar && !item->scalar.empty())
            into.push_back(item->scalar);
        else
            problems_.error(item->place, name(key) + " must be a list of words");
    }
}

void Section::read(std::string_view key, Bytes& into, Bytes least)
{
    const auto value = text(key);
    if (!value)
        return;
    const auto size = parse_size(*value);
    if (!size)
        error(key, size.error().detail);
    else if (*size < least)
        error(key, *value + " is too small: at least " + unit_text(least));
    else
        into = *size;
}

void Section::read_url(std::string_view key, std::string& into)
{
    const auto value = text(key);
    if (!value)
        return;
    if (auto url = parse_url(*value))
        into = std::move(*url);
    else
        error(key, url.error().detail);
}

void Section::read_file(std::string_view key, std::filesystem::path& into)
{
    std::filesystem::path path;
    read(key, path);
    if (path.empty())
        return;
    into = path;
    if (const auto readable = check_file(path); !readable)
        error(key, readable.error().detail);
}

void Section::read_secret_file(std::string_view key, std::filesystem::path& into)
{
    std::filesystem::path path;
    read(key, path);
    if (path.empty())
        return;
    into = path;
    if (const auto secret = check_secret_file(path); !secret)
        error(key, secret.error().detail);
}

std::optional<std::uint64_t>
Section::bounded_number(std::string_view key, std::uint64_t least, std::uint64_t most)
{
    const auto value = text(key);
    if (!value)
        return std::nullopt;
    const auto number = parse_number(*value);
    if (!number) {
        error(key, number.error().detail);
        return std::nullopt;
    }
    if (*number >= least && *number <= most)
        return *number;
    const bool open_ended = most >= std::numeric_limits<std::uint32_t>::max();
    error(
        key,
        *value + " is impossible: " +
            (open_ended ? "at least " + std::to_string(least)
                        : "from " + std::to_string(least) + " to " + std::to_string(most))
    );
    return std::nullopt;
}

std::optional<std::chrono::milliseconds> Section::duration(
    std::string_view key, std::chrono::milliseconds least, std::chrono::milliseconds step
)
{
    const auto value = text(key);
    if (!value)
        return std::nullopt;
    const auto parsed = parse_duration(*value);
    if (!parsed)
        error(key, parsed.error().detail);
    else if (*parsed < least)
        error(key, *value + " is too short: at least " + unit_text(least));
    else if (parsed->count() % step.count() != 0)
        error(key, *value + " is too fine: give it in steps of " + unit_text(step));
    else
        return *parsed;
    return std::nullopt;
}

std::optional<std::size_t>
Section::word(std::string_view key, std::span<const std::string_view> words)
{
    const auto value = text(key);
    if (!value)
        return std::nullopt;
    const auto found = std::ranges::find(words, std::string_view(*value));
    if (found != words.end())
        return static_cast<std::size_t>(found - words.begin());
    std::string choices;
    for (const std::string_view each : words)
        choices += (choices.empty() ? "" : ", ") + std::string(each);
    error(key, "\"" + value->substr(0, 80) + "\" is none of: " + choices);
    return std::nullopt;
}

bool Section::require(std::string_view key)
{
    const TreeNode* const value = node_ == nullptr ? nullptr : node_->find(key);
    if (value != nullptr && value->kind != TreeNode::Kind::null)
        return true;
    problems_.error(value == nullptr ? place_ : value->place, name(key) + " is missing");
    return false;
}

void Section::finish()
{
    if (node_ == nullptr)
        return;
    for (const Entry& entry : node_->entries) {
        if (std::ranges::find(known_, std::string_view(entry.key)) == known_.end())
            unknown(entry);
    }
}

void Section::unknown(const Entry& entry)
{
    const std::string where = path_.empty() ? "" : " in " + path_;
    const auto secret =
        std::ranges::find(inline_secrets, std::string_view(entry.key), [](const auto& pair) {
            return pair.first;
        });
    if (secret != inline_secrets.end()) {
        problems_.error(
            entry.place,
            "\"" + entry.key + "\"" + where +
                ": secrets do not belong into this file; put it into a file of its own and use " +
                std::string(secret->second)
        );
        return;
    }
    const std::string_view meant = nearest(entry.key, known_);
    problems_.error(
        entry.place,
        "unknown key \"" + entry.key.substr(0, 80) + "\"" + where +
            (meant.empty() ? "" : ": did you mean \"" + std::string(meant) + "\"?")
    );
}

void Section::error(std::string_view key, const std::string& message)
{
    problems_.error(place(key), name(key) + ": " + message);
}

void Section::warn(std::string_view key, const std::string& message)
{
    problems_.warn(place(key), name(key) + ": " + message);
}

} // namespace gantry::config
