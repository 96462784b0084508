#include "web/client_response.h"

#include "web/error.h"

namespace gantry::web {

namespace {

class PooledResponse final : public ClientResponse {
public:
    PooledResponse(
        ConnectionPool::Lease lease,
        MessageHead head,
        bool reusable,
        std::chrono::milliseconds timeout
    )
        : lease_(std::move(lease)),
          length_(head.content_length),
          reusable_(reusable && head.keep_alive),
          timeout_(timeout)
    {
        head_.status = head.status;
        head_.fields = std::move(head.fields);
        if (lease_.wire().reader.body_done())
            finish();
    }

    const ResponseHead& head() const noexcept override { return head_; }

    asio::awaitable<Result<ConstBytes>> read() override
    {
        if (failure_)
            co_return *failure_;
        if (!lease_.holds())
            co_return ConstBytes{};
        Result<ConstBytes> bytes = co_await lease_.wire().reader.read_body(timeout_);
        if (!bytes) {
            failure_ = bytes.error();
            lease_.release();
        } else if (bytes->empty()) {
            finish();
        }
        co_return bytes;
    }

    asio::awaitable<Result<std::string>> read_all(Bytes limit) override
    {
        std::string text;
        for (;;) {
            if (lease_.holds() && length_.value_or(0) > limit.count)
                co_return error(Errc::too_large, "response");
            const Result<ConstBytes> bytes = co_await read();
            if (!bytes)
                co_return bytes.error();
            if (bytes->empty())
                co_return text;
            if (text.size() + bytes->size() > limit.count)
                co_return error(Errc::too_large, "response");
            text.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
        }
    }

private:
    void finish()
    {
        // Bytes beyond the answer belong to nobody: whatever sent them is not to be trusted.
        if (reusable_ && !lease_.wire().reader.buffered())
            lease_.keep();
        else
            lease_.release();
    }

    ConnectionPool::Lease lease_;
    ResponseHead head_;
    std::optional<std::uint64_t> length_;
    bool reusable_;
    std::chrono::milliseconds timeout_;
    std::optional<Error> failure_;
};

} // namespace

std::unique_ptr<ClientResponse> make_response(
    ConnectionPool::Lease lease, MessageHead head, bool reusable, std::chrono::milliseconds timeout
)
{
    return std::make_unique<PooledResponse>(std::move(lease), std::move(head), reusable, timeout);
}

} // namespace gantry::web
