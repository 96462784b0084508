// Parts of an instance on their way to a client: which bytes, in which form, as one part or
// several. Runs on the loop; reads on the disk pool, decodes and encodes on the transcoders, a few
// pieces ahead, never a whole multi-frame image.
#pragma once

#include "gateway/faces/web_instance.h"
#include "gateway/faces/web_offer.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::faces {

struct Piece {
    enum class Kind : std::uint8_t {
        bytes,         // of the data set
        prefix,        // of what stands before it
        stored_frame,  // shifted to the beginning of a byte
        native_frame,  // decoded
        encoded_frame, // decoded and encoded anew
    };

    Kind kind = Kind::bytes;
    mapping::Extent bytes;
    std::uint32_t frame = 0;
};

struct Part {
    std::string location; // Content-Location
    std::vector<Piece> pieces;
    std::optional<std::uint64_t> length; // where it is known before it is made

    /// Adds bytes of the data set, cut up.
    void add(mapping::Extent bytes);
};

struct PartedContent {
    OpenInstance instance;
    std::shared_ptr<const mapping::ImageFrames> frames; // null where there are no frames in it
    Offer offer;
    Packaging packaging = Packaging::multipart;
    std::vector<Part> parts; // one where it is single
    std::uint16_t status = 200;
    std::string name;        // of what is sent among what the instance has, for its entity tag
    std::string prefix = {}; // the head of a file
    std::string_view cache_control = "private, max-age=600";
};

/// Of what may be another one the next time: instances and their metadata can be corrected.
inline constexpr std::string_view revalidated = "private, no-cache";

std::string entity_tag_of(const PartedContent& content);

/// Answers If-None-Match, HEAD and, of a single part that is as it is stored, Range. Fails as a
/// whole where its first piece cannot be made; later the response is never finished.
asio::awaitable<void> send_parts(
    PartedContent content,
    WebPools pools,
    std::chrono::seconds retry_after,
    const web::Request& request,
    web::Response& response
);

} // namespace gantry::faces
