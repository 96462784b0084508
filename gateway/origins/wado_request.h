// What a WADO-RS request says and what its answer's status means (PS3.18 10.4). Pure.
#pragma once

#include "gateway/origin.h"
#include "gateway/origins/origin_profile.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gantry {

/// Accept headers, in the order in which to try them. Wanted syntaxes by preference, `*` last: an
/// archive that cannot or will not transcode then sends what it has, and so does one that reads
/// only the last parameter. Then `*` alone, then none, for those that do not know it. What the
/// archive is known not to take is left out.
std::vector<std::string> accept_headers(
    const std::optional<std::vector<Uid>>& wanted, const OriginProfile::Retrieve& known = {}
);

/// "/studies/{study}/series/{series}", with "/instances/{instance}" where that is given.
std::string retrieve_target(const Uid& study, const Uid& series, const Uid& instance = {});

/// What a status means for what was asked.
enum class WadoVerdict : std::uint8_t {
    content,      // 200, 206: read what comes
    absent,       // nothing of it is there
    unacceptable, // perhaps with another Accept header
    narrower,     // ask for less at once
    later,        // may succeed when asked again
    denied,       // credentials
    refused       // will not succeed
};

WadoVerdict verdict_of(std::uint16_t status) noexcept;

/// Why what such a status kept back is missing.
Shortfall shortfall_of(std::uint16_t status) noexcept;

} // namespace gantry
