// Conditional and partial requests (RFC 9110 13, 14) as the face answers them. Pure.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "web/server.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::faces {

/// An entity tag with its quotes, of anything that changes when the representation does.
std::string entity_tag(std::string_view of_what);
std::string entity_tag(ConstBytes content);

/// If-None-Match names this entity tag: answer 304.
bool is_known(const web::Request& request, std::string_view tag);

/// 304 with what a 200 would say of it.
web::ResponseHead not_modified(std::string_view tag, std::string_view cache_control);

struct ByteRange {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;

    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

struct AskedRange {
    enum class Kind : std::uint8_t {
        whole,          // none was asked for, or one that is passed over (RFC 9110 14.2)
        part,           // 206
        not_satisfiable // 416
    };

    Kind kind = Kind::whole;
    ByteRange range;
};

/// Of a representation of that size with that entity tag. Several ranges at once are passed over,
/// and so is one whose If-Range names another.
AskedRange asked_range(const web::Request& request, std::uint64_t size, std::string_view tag);

/// "bytes 0-499/1234"; of no range: "bytes */1234".
std::string content_range(const std::optional<ByteRange>& range, std::uint64_t size);

} // namespace gantry::faces
