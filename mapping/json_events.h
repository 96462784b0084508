// A JSON text (RFC 8259) as a flat list of what stands in it, in order. Internal to mapping/. Pure.
// Numbers keep their text, which a tree of values would lose: 1.50 is a DS of its own.
#pragma once

#include "mapping/error.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::mapping {

struct JsonEvent {
    enum class Kind : std::uint8_t { object, array, end, key, string, number, boolean, null };

    Kind kind = Kind::null;
    std::uint32_t begin = 0; // key, string, number: in the text of JsonEvents
    std::uint32_t size = 0;  // likewise
    std::uint32_t after = 0; // index of what follows this value; of a key: of its value
};

class JsonEvents {
public:
    /// Errc::malformed, Errc::too_deep (arrays and objects together), Errc::too_large (4 GiB).
    /// Strings that are no UTF-8 pass.
    static Result<JsonEvents> parse(std::string_view json, std::size_t max_depth);

    const JsonEvent& operator[](std::size_t index) const { return events_[index]; }

    std::size_t size() const noexcept { return events_.size(); }

    /// Unescaped.
    std::string_view text(const JsonEvent& event) const
    {
        return std::string_view(text_).substr(event.begin, event.size);
    }

private:
    class Handler;

    std::vector<JsonEvent> events_;
    std::string text_;
};

} // namespace gantry::mapping
