// An application entity title (PS3.5 6.2 AE, PS3.8 9.3.2): 1 to 16 characters of the default
// repertoire, no backslash, case significant, leading and trailing spaces not.
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gantry {

class AeTitle {
public:
    AeTitle() = default;

    /// Trims spaces and NUL on both sides. Empty where `text` is no AE title.
    static std::optional<AeTitle> parse(std::string_view text);

    const std::string& str() const noexcept { return text_; }

    bool empty() const noexcept { return text_.empty(); }

    friend auto operator<=>(const AeTitle&, const AeTitle&) = default;

private:
    explicit AeTitle(std::string text) : text_(std::move(text)) {}

    std::string text_;
};

inline std::optional<AeTitle> AeTitle::parse(std::string_view text)
{
    const auto insignificant = [](char c) { return c == ' ' || c == '\0'; };
    while (!text.empty() && insignificant(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && insignificant(text.back()))
        text.remove_suffix(1);
    if (text.empty() || text.size() > 16)
        return std::nullopt;
    for (const char c : text) {
        if (c < 0x20 || c > 0x7e || c == '\\')
            return std::nullopt;
    }
    return AeTitle(std::string(text));
}

} // namespace gantry

template <>
struct std::hash<gantry::AeTitle> {
    std::size_t operator()(const gantry::AeTitle& title) const noexcept
    {
        return std::hash<std::string>{}(title.str());
    }
};
