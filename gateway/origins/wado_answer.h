// The answer to one WADO-RS request as a stream of parts: multipart/related (PS3.18 8.7.1), or the
// one instance itself. Loop; holds no part.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"
#include "mapping/vocabulary/uid.h"
#include "web/client.h"
#include "web/multipart.h"

#include <memory>
#include <optional>

namespace gantry {

class WadoAnswer {
public:
    /// Errors: malformed, where the content type is not one for instances.
    static Result<std::unique_ptr<WadoAnswer>> open(std::unique_ptr<web::ClientResponse> response);

    /// Skips what is left of the part before. False: there is none, and the answer was read to its
    /// end. Errors: those of reading the response, cut_off without a final delimiter, malformed.
    asio::awaitable<Result<bool>> next_part();

    /// The next bytes of the part, valid until the next call; empty at its end.
    asio::awaitable<Result<ConstBytes>> read();

    /// Of the current part, as far as its fields say.
    std::optional<Bytes> length() const noexcept { return length_; }

    const Uid& transfer_syntax() const noexcept { return syntax_; }

    bool dicom() const noexcept { return dicom_; }

private:
    explicit WadoAnswer(std::unique_ptr<web::ClientResponse> response);
    void read_fields(const web::Fields& fields);

    std::unique_ptr<web::ClientResponse> response_;
    std::optional<web::MultipartReader> parts_; // none: the body is the only part
    bool begun_ = false;
    std::optional<Bytes> length_;
    Uid syntax_;
    bool dicom_ = true;
};

} // namespace gantry
