// One request through the client under test, and what came of it. For tests.
#pragma once

#include "support/run.h"
#include "web/client.h"
#include "web/error.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace gantry::tests {

/// A body of `size` bytes in pieces of 64 KiB; may promise more than it has.
class PatternSource final : public web::BodySource {
public:
    explicit PatternSource(std::uint64_t size, std::uint64_t promised = 0)
        : size_(size), promised_(promised == 0 ? size : promised), pattern_(65'536, 'x')
    {
    }

    std::uint64_t size() const override { return promised_; }

    asio::awaitable<Result<ConstBytes>> next() override
    {
        const auto n = std::min<std::uint64_t>(size_ - at_, pattern_.size());
        at_ += n;
        co_return std::as_bytes(std::span(pattern_.data(), n));
    }

    void rewind() override
    {
        at_ = 0;
        ++rewinds;
    }

    int rewinds = 0;

private:
    std::uint64_t size_;
    std::uint64_t promised_;
    std::uint64_t at_ = 0;
    std::string pattern_;
};

struct HttpOutcome {
    std::optional<web::ClientFailure> failure;
    std::uint16_t status = 0;
    web::Fields fields;
    std::string body;
    boost::system::error_code body_error;
};

inline asio::awaitable<HttpOutcome> ask(web::Client& client, web::ClientRequest request)
{
    HttpOutcome outcome;
    auto response = co_await client.request(std::move(request));
    if (!response) {
        outcome.failure = response.error();
        co_return outcome;
    }
    outcome.status = (*response)->head().status;
    outcome.fields = (*response)->head().fields;
    constexpr Bytes limit{1U << 20U};
    auto body = co_await (*response)->read_all(limit);
    if (body)
        outcome.body = *body;
    else
        outcome.body_error = body.error().code;
    co_return outcome;
}

inline web::ClientRequest get(std::string target)
{
    web::ClientRequest request;
    request.target = std::move(target);
    return request;
}

inline web::ClientRequest post(std::string target, web::BodySource& body)
{
    web::ClientRequest request = get(std::move(target));
    request.method = web::Method::post;
    request.body = &body;
    return request;
}

} // namespace gantry::tests
