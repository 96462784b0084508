// HTTP requests and responses as values (RFC 9110), without the library behind them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::web {

enum class Method : std::uint8_t { get, head, post, put, remove, options };

/// "GET", "DELETE" ...
std::string_view to_string(Method method) noexcept;

/// "Not Found" for 404; "Status" where the code has no name.
std::string_view reason_phrase(std::uint16_t status) noexcept;

/// One or more token characters (RFC 9110 5.6.2).
bool is_token(std::string_view text) noexcept;

/// May stand as a field's value: no CR, LF, NUL or other control (RFC 9110 5.5).
bool is_field_value(std::string_view text) noexcept;

/// Equal without regard to ASCII case.
bool same_name(std::string_view a, std::string_view b) noexcept;

/// Field names compare without case; order and repetitions are kept.
class Fields {
public:
    void add(std::string name, std::string value)
    {
        fields_.emplace_back(std::move(name), std::move(value));
    }

    /// The first value of that name, empty where there is none.
    std::string_view find(std::string_view name) const noexcept;

    bool has(std::string_view name) const noexcept;

    /// How many fields have that name.
    std::size_t count(std::string_view name) const noexcept;

    bool empty() const noexcept { return fields_.empty(); }

    void clear() noexcept { fields_.clear(); }

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
