// The bulk data of a STOW-RS request by the addresses that its metadata gives (PS3.18 10.5.1.2).
// The bytes lie in a scratch file. One thread at a time; never fetches anything.
#pragma once

#include "mapping/media_type.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::faces {

struct BulkPart {
    std::string location; // Content-Location, as it was written
    mapping::MediaType type;
    std::uint64_t offset = 0; // in the scratch file
    std::uint64_t length = 0;
    bool lost = false; // could not be kept
    bool used = false; // some data set has asked for it
};

class BulkParts {
public:
    /// `target`: the path of the request, which relative addresses are relative to.
    explicit BulkParts(std::string_view target);

    void add(BulkPart part);

    /// In the order in which they came: those with that address; where there is none, its frames
    /// (".../frames/1" and so on, all of them without a gap). Addresses of one resource are the
    /// same however they are written; which host they name does not matter.
    std::vector<const BulkPart*> find(const std::string& uri);

    /// Parts that nobody has asked for.
    std::size_t unused() const;

private:
    std::string resolved(std::string_view uri) const;

    std::string base_;
    std::vector<BulkPart> parts_;
    std::map<std::string, std::vector<std::size_t>> places_;
};

} // namespace gantry::faces
