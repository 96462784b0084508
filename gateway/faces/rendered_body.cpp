#include "gateway/faces/rendered_body.h"

#include "web/multipart.h"

#include <span>
#include <utility>

namespace gantry::faces {

RenderedBody::RenderedBody(
    web::ResponseHead head, bool multipart, bool head_only, web::Response& response
)
    : head_(std::move(head)),
      multipart_(multipart),
      head_only_(head_only),
      response_(response),
      boundary_(multipart ? web::random_boundary() : std::string())
{
}

asio::awaitable<Result<bool>> RenderedBody::begin_part(Part part)
{
    if (!any_) {
        head_.fields.add(
            "Content-Type",
            multipart_ ? "multipart/related; type=\"" + part.media + "\"; boundary=" + boundary_
                       : part.media
        );
        const auto length = multipart_ ? std::nullopt : part.length;
        if (const auto begun = co_await response_.begin(std::move(head_), length); !begun)
            co_return begun.error();
    }
    const bool first = !std::exchange(any_, true);
    if (head_only_) {
        if (const auto finished = co_await response_.finish(); !finished)
            co_return finished.error();
        co_return false;
    }
    if (!multipart_)
        co_return true;
    web::Fields fields;
    fields.add("Content-Type", part.media);
    if (part.length)
        fields.add("Content-Length", std::to_string(*part.length));
    if (!part.location.empty())
        fields.add("Content-Location", part.location);
    const std::string text = web::part_head(boundary_, fields, first);
    if (const auto written = co_await write(std::as_bytes(std::span(text))); !written)
        co_return written.error();
    co_return true;
}

asio::awaitable<Result<void>> RenderedBody::finish()
{
    if (multipart_) {
        const std::string end = web::closing_delimiter(boundary_);
        if (const auto written = co_await write(std::as_bytes(std::span(end))); !written)
            co_return written.error();
    }
    co_return co_await response_.finish();
}

} // namespace gantry::faces
