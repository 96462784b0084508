// Reads one mapping of the configuration into plain fields: each read marks its key as known, says
// what is wrong with the value and leaves the default where it is; finish() complains about keys
// that nobody asked for.
#pragma once

#include "config/problem.h"
#include "config/tree.h"
#include "config/values.h"
#include "mapping/vocabulary/ae_title.h"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::config {

/// A word of the configuration and what it stands for.
template <class T>
struct Choice {
    std::string_view word;
    T value;
};

class Section {
public:
    /// `node` may be nullptr or null: then the section is empty and everything keeps its default.
    /// `path` names it in complaints: "dimse", "origins (cloud)". Both `node` and `problems` must
    /// outlive the section.
    Section(const TreeNode* node, std::string path, Problems& problems);

    /// Whether the section is written at all.
    bool present() const noexcept { return node_ != nullptr; }

    /// Of the value of `key`, or of the section.
    Place place(std::string_view key = {}) const;

    const std::string& path() const noexcept { return path_; }

    /// The value of `key`, or nullptr where it is absent or null.
    const TreeNode* take(std::string_view key);

    Section section(std::string_view key);

    /// The items of a list; a single value stands for a list of one. Empty where absent.
    std::vector<const TreeNode*> list(std::string_view key);

    /// The text of a single value; empty where absent or something else.
    std::optional<std::string> text(std::string_view key);

    void read(std::string_view key, std::string& into);
    void read(std::string_view key, bool& into);
    void read(std::string_view key, AeTitle& into);
    void read(std::string_view key, std::filesystem::path& into);
    void read(std::string_view key, std::vector<std::string>& into);

    /// A whole number from `least` to `most`.
    template <std::unsigned_integral T>
    void read(
        std::string_view key,
        T& into,
        std::type_identity_t<T> least,
        std::type_identity_t<T> most = std::numeric_limits<T>::max()
    )
    {
        if (const auto number = bounded_number(key, least, most))
            into = static_cast<T>(*number);
    }

    /// A duration of at least `least`. One that is no multiple of what `into` counts is refused.
    template <class Rep, class Period>
    void read(
        std::string_view key,
        std::chrono::duration<Rep, Period>& into,
        std::chrono::milliseconds least = std::chrono::milliseconds(1)
    )
    {
        using Duration = std::chrono::duration<Rep, Period>;
        const auto value = duration(key, least, std::chrono::milliseconds(Duration(1)));
        if (value)
            into = std::chrono::duration_cast<Duration>(*value);
    }

    /// A size of at least `least`.
    void read(std::string_view key, Bytes& into, Bytes least = {});

    /// One of a few words.
    template <class T, std::size_t N>
    void read(std::string_view key, T& into, const Choice<T> (&choices)[N])
    {
        std::string_view words[N];
        for (std::size_t i = 0; i < N; ++i)
            words[i] = choices[i].word;
        if (const auto index = word(key, words))
            into = choices[*index].value;
    }

    void read_url(std::string_view key, std::string& into);

    /// A file that must be there and be readable.
    void read_file(std::string_view key, std::filesystem::path& into);

    /// A readable file that others cannot read.
    void read_secret_file(std::string_view key, std::filesystem::path& into);

    /// Complains that `key` is missing where it is.
    bool require(std::string_view key);

    /// Complains about keys that were not read; with a hint for secrets and for slips of the pen.
    void finish();

    void error(std::string_view key, const std::string& message);
    void warn(std::string_view key, const std::string& message);

    Problems& problems() { return problems_; }

private:
    std::optional<std::uint64_t>
    bounded_number(std::string_view key, std::uint64_t least, std::uint64_t most);
    std::optional<std::chrono::milliseconds>
    duration(std::string_view key, std::chrono::milliseconds least, std::chrono::milliseconds step);
    std::optional<std::size_t> word(std::string_view key, std::span<const std::string_view> words);
    std::string name(std::string_view key) const;
    void unknown(const Entry& entry);

    const TreeNode* node_ = nullptr;
    std::string path_;
    Place place_;
    Problems& problems_;
    std::vector<std::string_view> known_;
};

} // namespace gantry::config
