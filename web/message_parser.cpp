#include "web/message_parser.h"

#include "web/error.h"

#include <boost/beast/http/basic_parser.hpp>

#include <limits>

namespace gantry::web {

namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

constexpr std::uint32_t head_limit = 1U << 20U; // the reader's limits are lower

// Beast calls these as it meets things; only what is kept differs from its own parsers: nothing of
// the body is copied.
template <bool is_request>
class Parser final : public http::basic_parser<is_request> {
public:
    Parser()
    {
        this->header_limit(head_limit);
        this->body_limit(boost::none); // counted by who reads the body
        this->eager(false);
    }

    MessageHead head;
    ConstBytes content;
    bool in_head = true;

private:
    void
    on_request_impl(http::verb, string_view method, string_view target, int version, error_code&)
        override
    {
        head.method.assign(method.data(), method.size());
        head.target.assign(target.data(), target.size());
        head.http10 = version == 10;
    }

    void on_response_impl(int code, string_view, int version, error_code&) override
    {
        head.status = static_cast<std::uint16_t>(code); // three digits
        head.http10 = version == 10;
    }

    void on_field_impl(http::field, string_view name, string_view value, error_code&) override
    {
        if (in_head) // trailers mean nothing here
            head.fields.add(std::string(name), std::string(value));
    }

    void on_header_impl(error_code&) override { in_head = false; }

    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

    std::size_t on_body_impl(string_view body, error_code&) override
    {
        content = std::as_bytes(std::span(body.data(), body.size()));
        return body.size();
    }

    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}

    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override
    {
        content = std::as_bytes(std::span(body.data(), body.size()));
        return body.size();
    }

    void on_finish_impl(error_code&) override {}
};

class AnyParser {
public:
    virtual ~AnyParser() = default;
    virtual std::size_t put(const void* data, std::size_t size, error_code& ec) = 0;
    virtual void put_eof(error_code& ec) = 0;
    virtual bool done() const noexcept = 0;
    virtual ConstBytes& content() noexcept = 0;
    virtual MessageHead& head() noexcept = 0;
    virtual void describe() = 0; // fills the head with what the parser has concluded
};

template <bool is_request>
class Holds final : public AnyParser {
public:
    explicit Holds(bool bodiless) { parser_.skip(bodiless); }

    std::size_t put(const void* data, std::size_t size, error_code& ec) override
    {
        return parser_.put(boost::asio::const_buffer(data, size), ec);
    }

    void put_eof(error_code& ec) override { parser_.put_eof(ec); }

    bool done() const noexcept override { return parser_.is_done(); }

    ConstBytes& content() noexcept override { return parser_.content; }

    MessageHead& head() noexcept override { return parser_.head; }

    void describe() override
    {
        parser_.head.keep_alive = parser_.keep_alive();
        parser_.head.until_close = !is_request && parser_.need_eof() && !parser_.is_done();
        if (const auto length = parser_.content_length())
            parser_.head.content_length = *length;
        parser_.head.has_body = !parser_.is_done();
    }

private:
    Parser<is_request> parser_;
};

} // namespace

struct MessageParser::State {
    std::unique_ptr<AnyParser> parser;
};

MessageParser::MessageParser(MessageKind kind) : state_(std::make_unique<State>())
{
    if (kind == MessageKind::request)
        state_->parser = std::make_unique<Holds<true>>(false);
    else
        state_->parser = std::make_unique<Holds<false>>(kind == MessageKind::bodiless_response);
}

MessageParser::~MessageParser() = default;
MessageParser::MessageParser(MessageParser&&) noexcept = default;
MessageParser& MessageParser::operator=(MessageParser&&) noexcept = default;

Result<void> MessageParser::take_head(std::string_view head)
{
    error_code ec;
    const std::size_t used = state_->parser->put(head.data(), head.size(), ec);
    if (ec == http::error::bad_version)
        return error(Errc::unsupported, "HTTP version");
    if (ec)
        return error(Errc::malformed, ec.message());
    if (used != head.size())
        return error(Errc::malformed, "head");
    state_->parser->describe();
    return {};
}

Result<std::size_t> MessageParser::take_body(ConstBytes input)
{
    state_->parser->content() = {};
    error_code ec;
    const std::size_t used = state_->parser->put(input.data(), input.size(), ec);
    if (ec && ec != http::error::need_more)
        return error(Errc::malformed, ec.message());
    return used;
}

ConstBytes MessageParser::content() const noexcept
{
    return state_->parser->content();
}

bool MessageParser::may_end() noexcept
{
    error_code ec;
    state_->parser->put_eof(ec);
    return !ec;
}

bool MessageParser::done() const noexcept
{
    return state_->parser->done();
}

MessageHead& MessageParser::head() noexcept
{
    return state_->parser->head();
}

} // namespace gantry::web
