// A DICOM unique identifier (PS3.5 9.1): digits and dots, 64 characters at the most.
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gantry {

class Uid {
public:
    Uid() = default;

    /// Trims trailing NUL and spaces. Empty where `text` is no UID: other characters, over 64,
    /// leading or double dots. A component with a leading zero passes: real devices send them, and
    /// refusing an image for that helps nobody.
    static std::optional<Uid> parse(std::string_view text);

    const std::string& str() const noexcept { return text_; }

    bool empty() const noexcept { return text_.empty(); }

    friend auto operator<=>(const Uid&, const Uid&) = default;

private:
    explicit Uid(std::string text) : text_(std::move(text)) {}

    std::string text_;
};

inline std::optional<Uid> Uid::parse(std::string_view text)
{
    while (!text.empty() && (text.back() == '\0' || text.back() == ' '))
        text.remove_suffix(1);
    if (text.empty() || text.size() > 64 || text.front() == '.' || text.back() == '.')
        return std::nullopt;
    char previous = '.';
    for (const char c : text) {
        if ((c < '0' || c > '9') && (c != '.' || previous == '.'))
            return std::nullopt;
        previous = c;
    }
    return Uid(std::string(text));
}

} // namespace gantry

template <>
struct std::hash<gantry::Uid> {
    std::size_t operator()(const gantry::Uid& uid) const noexcept
    {
        return std::hash<std::string>{}(uid.str());
    }
};
