// What `gantry doctor` asks an archive over DICOMweb, and how it reads the answers. On the loop.
// Values of patients are compared and never shown.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/uid.h"
#include "web/client.h"

#include <boost/json/array.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::cli {

/// Of one GET: the body only as far as it was asked for.
struct Got {
    std::uint16_t status = 0; // 0: no answer
    std::string type;         // Content-Type
    std::string warning;      // Warning (RFC 7234 5.5)
    std::string body;
    std::string failure; // why there is no answer, or not all of it
};

/// The whole body, or its first bytes where it is longer than `most`.
asio::awaitable<Got>
get(web::Client& client, std::string target, std::string_view accept, Bytes most);

/// A search: what it gave, or why it gave nothing.
struct Searched {
    Got got;
    std::optional<boost::json::array> results; // empty for 204; nothing: not a readable answer

    bool well() const { return results.has_value(); }

    std::size_t count() const { return results ? results->size() : 0; }
};

asio::awaitable<Searched> search(web::Client& client, std::string target);

/// The first value of an attribute ("0020000D") as text; the alphabetic group of a name. Empty
/// where there is none.
std::string value_of(const boost::json::value& result, std::string_view attribute);

/// Percent-encoded for a query (RFC 3986 3.4); of what need not be, `raw` is left as it is.
std::string encoded(std::string_view value, std::string_view raw = {});

/// In which syntax the first instance of a WADO-RS answer is; nothing where it is none.
std::optional<Uid> syntax_of(const Got& got);

} // namespace gantry::cli
