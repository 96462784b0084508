// multipart/related (RFC 2046 5.1, RFC 2387), read as a stream and written with a known length.
// Runs on the loop; never holds a part in memory.
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"
#include "web/message.h"
#include "web/multipart_parser.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::web {

/// Draws bytes from anything that reads in pieces: a request's body, a response's. Empty at the
/// end; the bytes stay valid until the next call.
using ByteSource = std::function<asio::awaitable<Result<ConstBytes>>()>;

/// Reads part by part. Memory does not depend on the size of parts. Tolerates preamble, epilogue,
/// LF line ends, a first delimiter without its CRLF. A body without its final delimiter is an error
/// (cut_off) after the last whole part; malformed and too_large (a limit) are the others of its
/// own. After an error every call gives that error again.
class MultipartReader {
public:
    MultipartReader(const std::string& boundary, ByteSource source, MultipartLimits limits);
    ~MultipartReader();
    MultipartReader(const MultipartReader&) = delete;
    MultipartReader& operator=(const MultipartReader&) = delete;
    MultipartReader(MultipartReader&&) noexcept;
    MultipartReader& operator=(MultipartReader&&) noexcept;

    /// Skips what is left of the current part and returns the fields of the next; empty after the
    /// final delimiter, when the source has been read to its end.
    asio::awaitable<Result<std::optional<Fields>>> next_part();
    /// The next bytes of the current part, valid until the next call; empty at its end. An error
    /// means that the part is not whole.
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
