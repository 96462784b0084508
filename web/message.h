// HTTP requests and responses as values (RFC 9110), without the library behind them.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::web {

enum class Method : std::uint8_t { get, head, post, put, remove, options };

/// Field names compare without case; order and repetitions are kept.
class Fields {
public:
    void add(std::string name, std::string value)
    {
        fields_.emplace_back(std::move(name), std::move(value));
    }

    /// The first value of that name, empty where there is none.
    std::string_view find(std::string_view name) const noexcept
    {
        const auto same = [&](const auto& field) {
            return std::ranges::equal(field.first, name, [](unsigned char a, unsigned char b) {
                return std::tolower(a) == std::tolower(b);
            });
        };
        const auto found = std::ranges::find_if(fields_, same);
        return found == fields_.end() ? std::string_view{} : std::string_view(found->second);
    }

    bool has(std::string_view name) const noexcept { return find(name).data() != nullptr; }

    auto begin() const noexcept { return fields_.begin(); }

    auto end() const noexcept { return fields_.end(); }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

struct ResponseHead {
    std::uint16_t status = 200;
    Fields fields;
};

} // namespace gantry::web
