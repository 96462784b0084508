// gzip of what is text and leaves for a client that takes it (RFC 1952, RFC 9110 8.4.1.3), as a
// stream with about 128 KiB of state. Internal to web/. Pure.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "web/message.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace gantry::web {

/// Accept-Encoding names gzip, or "*", with a quality above 0.
bool accepts_gzip(const Fields& request);

/// The media type is text: JSON, XML and the like, also XML in multipart. Never DICOM, images or
/// anything that is compressed already.
bool is_text(std::string_view content_type);

/// Whether this response gains by it: whole, text, in no coding yet, and not short. A length that
/// is unknown counts as long.
bool worth_gzip(const ResponseHead& head, std::optional<std::uint64_t> length);

class GzipEncoder {
public:
    GzipEncoder();
    ~GzipEncoder();
    GzipEncoder(const GzipEncoder&) = delete;
    GzipEncoder& operator=(const GzipEncoder&) = delete;

    enum class Then : std::uint8_t {
        gather, // what is worth sending
        flush,  // all that was put can be read by the client
        end,
    };

    /// Takes bytes and appends what they make to `out`.
    void put(ConstBytes bytes, Then then, std::string& out);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::web
