// What of stored instances a client takes (PS3.18 8.7, 10.4.1): as one part or several, in which
// transfer syntax. Pure.
#pragma once

#include "mapping/vocabulary/sop_reference.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gantry::faces {

enum class Packaging : std::uint8_t { multipart, single };

/// The syntax in which an instance leaves: its own, or Explicit VR Little Endian where that may not
/// stand on the web.
Uid web_syntax(const Uid& stored);

/// Nothing: no media range takes all of them as they are (406). `single` may only be chosen for one
/// instance. An empty `accept` takes everything. A range without transfer-syntax means Explicit VR
/// Little Endian, except for what may be stored lossy (PS3.18 8.7.3.5.2); "*/*" takes all.
std::optional<Packaging>
choose_packaging(std::span<const InstanceKey> instances, std::string_view accept);

/// For people: the syntaxes in which these are on offer.
std::string on_offer(std::span<const InstanceKey> instances);

} // namespace gantry::faces
