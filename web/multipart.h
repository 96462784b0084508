// multipart/related (RFC 2046 5.1, RFC 2387), read as a stream and written with a known length.
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"
#include "web/message.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::web {

struct MultipartLimits {
    std::size_t max_part_header = 16'384;
    std::size_t max_parts = 100'000;
};

/// Draws bytes from anything that reads in pieces: a request's body, a response's.
using ByteSource = std::function<asio::awaitable<Result<ConstBytes>>()>;

/// Reads part by part. Memory does not depend on the size of parts. Tolerates preamble, epilogue,
/// LF line ends, a first delimiter without its CRLF. A body without its final delimiter is an error
/// (cut_off) after the last whole part.
class MultipartReader {
public:
    MultipartReader(std::string boundary, ByteSource source, MultipartLimits limits);
    ~MultipartReader();
    MultipartReader(MultipartReader&&) noexcept;
    MultipartReader& operator=(MultipartReader&&) noexcept;

    /// Skips what is left of the current part and returns the fields of the next; empty after the
    /// final delimiter.
    asio::awaitable<Result<std::optional<Fields>>> next_part();
    /// The next bytes of the current part, valid until the next call; empty at its end.
    asio::awaitable<Result<ConstBytes>> read();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// 128 random bits: cannot occur in the content.
std::string random_boundary();
/// The bytes before a part's content: delimiter (with its leading CRLF unless `first`), fields,
/// empty line.
std::string part_head(std::string_view boundary, const Fields& fields, bool first);
/// The bytes after the last part.
std::string closing_delimiter(std::string_view boundary);

} // namespace gantry::web
