#include "web/credentials.h"

#include "gateway/loop/change.h"
#include "web/connect.h"
#include "web/error.h"
#include "web/token_answer.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace gantry::web {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::size_t max_secret = 65'536;
constexpr std::size_t max_token_answer = 65'536;

ClientFailure token_failure(std::string detail)
{
    return failed(Phase::token, error(Errc::no_token, std::move(detail)));
}

const std::filesystem::path& secret_path(const AuthOptions& options)
{
    switch (options.kind) {
    case AuthOptions::Kind::bearer: return options.token_file;
    case AuthOptions::Kind::oauth2: return options.client_secret_file;
    default: return options.password_file;
    }
}

ClientOptions token_client_options(const ClientOptions& options)
{
    ClientOptions result = options;
    result.url = options.auth.token_url;
    result.auth = {};
    result.connections = 1;
    result.timeout = std::min(options.timeout, std::chrono::milliseconds(30s));
    return result;
}

// A body that is in memory.
class StringSource final : public BodySource {
public:
    explicit StringSource(std::string text) : text_(std::move(text)) {}

    std::uint64_t size() const override { return text_.size(); }

    asio::awaitable<Result<ConstBytes>> next() override
    {
        const ConstBytes all = std::as_bytes(std::span(text_.data(), given_ ? 0 : text_.size()));
        given_ = true;
        co_return all;
    }

    void rewind() override { given_ = false; }

private:
    std::string text_;
    bool given_ = false;
};

// RFC 6749 4.4.2.
std::string token_form(const AuthOptions& options)
{
    std::string form = "grant_type=client_credentials";
    if (!options.scope.empty())
        form += "&scope=" + form_encoded(options.scope);
    return form;
}

// RFC 6749 2.3.1: Basic with form-encoded id and secret.
ClientRequest token_request(const std::string& id, const std::string& secret, BodySource& form)
{
    ClientRequest request;
    request.method = Method::post;
    request.body = &form;
    request.fields.add("Content-Type", "application/x-www-form-urlencoded");
    request.fields.add("Accept", "application/json");
    request.fields.add(
        "Authorization", basic_credentials(form_encoded(id) + ":" + form_encoded(secret))
    );
    return request;
}

} // namespace

Result<std::string> SecretFile::read()
{
    std::error_code ec;
    const auto changed = std::filesystem::last_write_time(path_, ec);
    if (ec)
        return error(Errc::no_token, path_.string() + ": " + ec.message());
    if (secret_ && changed == changed_)
        return *secret_;
    std::ifstream file(path_, std::ios::binary);
    std::string text(max_secret, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    text.erase(std::min(text.find_first_of("\r\n"), text.size()));
    if (text.empty() || !is_field_value(text))
        return error(Errc::no_token, path_.string() + ": no secret in its first line");
    secret_ = text;
    changed_ = changed;
    return text;
}

struct Credentials::Token {
    Token(const asio::any_io_executor& loop, const ClientOptions& options)
        : client(loop, token_client_options(options)), landed(loop)
    {
    }

    bool good() const { return !value.empty() && steady_clock::now() < renew_at; }

    Client client;
    std::string value; // "Bearer ..."
    steady_clock::time_point renew_at;
    bool under_way = false;
    std::uint64_t flights = 0;            // how many requests have ended
    std::optional<ClientFailure> failure; // of the last one
    Change landed;
};

// One request to the token endpoint, and its end for those who wait.
struct Credentials::Flight {
    explicit Flight(Token& of) : token(of) { token.under_way = true; }

    ~Flight()
    {
        token.under_way = false;
        token.landed.notify();
    }

    Flight(const Flight&) = delete;
    Flight& operator=(const Flight&) = delete;

    Outcome land(Outcome outcome) const
    {
        ++token.flights;
        token.failure.reset();
        if (!outcome)
            token.failure = outcome.error();
        return outcome;
    }

    Token& token;
};

Credentials::Credentials(const asio::any_io_executor& loop, const ClientOptions& options)
    : options_(options.auth), secret_(secret_path(options.auth))
{
    if (options_.kind == AuthOptions::Kind::oauth2)
        token_ = std::make_unique<Token>(loop, options);
}

Credentials::~Credentials() = default;

asio::awaitable<Credentials::Outcome> Credentials::header()
{
    if (options_.kind == AuthOptions::Kind::none)
        co_return std::string();
    if (options_.kind == AuthOptions::Kind::oauth2)
        co_return co_await token();
    const Result<std::string> secret = secret_.read();
    if (!secret)
        co_return failed(Phase::token, secret.error());
    if (options_.kind == AuthOptions::Kind::bearer)
        co_return "Bearer " + *secret;
    co_return basic_credentials(options_.username + ":" + *secret);
}

bool Credentials::refuse(const std::string& refused)
{
    if (options_.kind == AuthOptions::Kind::oauth2) {
        if (token_->value == refused)
            token_->value.clear();
        return true;
    }
    if (options_.kind != AuthOptions::Kind::bearer)
        return false;
    const Result<std::string> secret = secret_.read();
    return secret && "Bearer " + *secret != refused;
}

// Single flight: one asks the endpoint, the others wait for its answer; where the one is cancelled,
// another takes over.
asio::awaitable<Credentials::Outcome> Credentials::token()
{
    Token& token = *token_;
    const auto asked_at = token.flights;
    while (!token.good()) {
        if (!token.under_way)
            co_return co_await fetch();
        co_await token.landed.wait();
        if (token.flights != asked_at && token.failure)
            co_return *token.failure;
    }
    co_return token.value;
}

// RFC 6749 4.4: client credentials, authenticated by Basic with form-encoded id and secret (2.3.1).
asio::awaitable<Credentials::Outcome> Credentials::fetch()
{
    const Flight flight(*token_);
    const Result<std::string> secret = secret_.read();
    if (!secret)
        co_return flight.land(failed(Phase::token, secret.error()));
    StringSource body(token_form(options_));
    ClientRequest request = token_request(options_.client_id, *secret, body);
    ClientResult response = co_await token_->client.request(std::move(request));
    if (!response) {
        ClientFailure failure = response.error();
        if (failure.error.code == asio::error::operation_aborted)
            co_return failure; // ours alone: the others ask themselves
        failure.error.detail = "token endpoint: " + failure.error.detail;
        failure.phase = Phase::token;
        failure.body_sent = false;
        co_return flight.land(std::move(failure));
    }
    const auto status = (*response)->head().status;
    const Result<std::string> answer = co_await (*response)->read_all({max_token_answer});
    if (!answer)
        co_return flight.land(token_failure("token endpoint: " + answer.error().text()));
    if (status != 200)
        co_return flight.land(token_failure(refusal(status, *answer)));
    co_return flight.land(accept(*answer));
}

Credentials::Outcome Credentials::accept(const std::string& answer)
{
    const Result<TokenAnswer> token = parse_token_answer(answer);
    if (!token)
        return failed(Phase::token, token.error());
    token_->value = "Bearer " + token->access_token;
    token_->renew_at = steady_clock::now() + renew_after(token->expires_in);
    return token_->value;
}

} // namespace gantry::web
