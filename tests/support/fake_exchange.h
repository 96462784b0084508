// One HTTP request without a network: a body in pieces, a response that is kept.
#pragma once

#include "web/error.h"
#include "web/server.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace gantry::tests {

class FakeBody final : public web::RequestBody {
public:
    /// Comes in pieces of `piece` bytes; after the last one `end`, where that is an error.
    explicit FakeBody(
        std::string bytes, std::size_t piece = 100'000, std::optional<web::Errc> end = {}
    )
        : bytes_(std::move(bytes)), piece_(piece), end_(end)
    {
    }

    asio::awaitable<Result<ConstBytes>> read() override
    {
        const auto rest = std::as_bytes(std::span(bytes_)).subspan(done_);
        if (rest.empty() && end_)
            co_return web::error(*end_);
        const auto piece = rest.first(std::min(piece_, rest.size()));
        done_ += piece.size();
        co_return piece;
    }

    std::size_t read_so_far() const noexcept { return done_; }

private:
    std::string bytes_;
    std::size_t piece_;
    std::optional<web::Errc> end_;
    std::size_t done_ = 0;
};

class FakeResponse final : public web::Response {
public:
    asio::awaitable<Result<void>> send(web::ResponseHead head, std::string text) override
    {
        head_ = std::move(head);
        body = std::move(text);
        begun_ = finished = true;
        co_return Result<void>{};
    }

    asio::awaitable<Result<void>>
    begin(web::ResponseHead head, std::optional<std::uint64_t> length) override
    {
        head_ = std::move(head);
        content_length = length;
        begun_ = true;
        co_return Result<void>{};
    }

    asio::awaitable<Result<void>> write(ConstBytes bytes) override
    {
        body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        largest_write = std::max(largest_write, bytes.size());
        co_return Result<void>{};
    }

    asio::awaitable<Result<void>> finish() override
    {
        finished = true;
        co_return Result<void>{};
    }

    bool begun() const noexcept override { return begun_; }

    unsigned status() const { return head_.status; }

    std::string field(const char* name) const { return std::string(head_.fields.find(name)); }

    const web::Fields& fields() const { return head_.fields; }

    std::string body;
    std::optional<std::uint64_t> content_length;
    std::size_t largest_write = 0;
    bool finished = false; // else the connection would be cut

private:
    web::ResponseHead head_;
    bool begun_ = false;
};

} // namespace gantry::tests
