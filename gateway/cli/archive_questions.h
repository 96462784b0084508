// What `gantry doctor` asks an archive over DICOMweb, and how it reads the answers. On the loop.
// Values of patients are compared and never shown.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/tag.h"
#include "mapping/vocabulary/uid.h"
#include "web/client.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

class DcmDataset;

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
    Searched();
    Searched(Searched&&) noexcept;
    Searched& operator=(Searched&&) noexcept;
    Searched(const Searched&) = delete;
    Searched& operator=(const Searched&) = delete;
    ~Searched();

    bool well() const { return results.has_value(); }

    std::size_t count() const { return results ? results->size() : 0; }

    /// Of the first result; empty where there is none.
    std::string first(Tag tag) const;

    Got got;
    /// Empty for 204; nothing: not a readable answer.
    std::optional<std::vector<std::unique_ptr<DcmDataset>>> results;
};

asio::awaitable<Searched> search(web::Client& client, std::string target);

/// A WADO-RS answer as far as its first instance's file meta group.
struct Fetched {
    Got got;                   // without a body
    std::optional<Uid> syntax; // in which the instance is; nothing: there is none
};

asio::awaitable<Fetched> fetch(web::Client& client, std::string target, std::string_view accept);

} // namespace gantry::cli
