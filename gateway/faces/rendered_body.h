// The body of a rendered answer: one part by itself, or several in multipart/related, begun with
// the first of them. Runs on the loop.
#pragma once

#include "web/server.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace gantry::faces {

class RenderedBody {
public:
    /// `head` but for Content-Type. The response outlives it.
    RenderedBody(web::ResponseHead head, bool multipart, bool head_only, web::Response& response);

    struct Part {
        std::string media;
        std::string location;                // empty: none is said
        std::optional<std::uint64_t> length; // nothing: until it ends
    };

    /// False where no bytes are wanted (HEAD): the answer is over.
    asio::awaitable<Result<bool>> begin_part(Part part);

    asio::awaitable<Result<void>> write(ConstBytes bytes) { return response_.write(bytes); }

    asio::awaitable<Result<void>> finish();

    /// Before the first part.
    web::ResponseHead& head() { return head_; }

private:
    web::ResponseHead head_;
    bool multipart_;
    bool head_only_;
    web::Response& response_;
    std::string boundary_;
    bool any_ = false;
};

} // namespace gantry::faces
