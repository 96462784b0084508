// The credentials of a client: what stands in Authorization. Secrets come from files and a token
// endpoint, and are never logged or part of an error. Internal to web/. Runs on the loop.
#pragma once

#include "gateway/loop/asio.h"
#include "web/client.h"
#include "web/options.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace gantry::web {

/// The first line's worth of a small file, read again when the file changes.
class SecretFile {
public:
    explicit SecretFile(std::filesystem::path path) : path_(std::move(path)) {}

    /// Error no_token names the file. Reads a small local file, on the loop, when it has changed.
    Result<std::string> read();

private:
    std::filesystem::path path_;
    std::filesystem::file_time_type changed_;
    std::optional<std::string> secret_;
};

class Credentials {
public:
    Credentials(const asio::any_io_executor& loop, const ClientOptions& options);
    ~Credentials();
    Credentials(const Credentials&) = delete;
    Credentials& operator=(const Credentials&) = delete;

    /// The value of Authorization, empty where there is none. A token that is about to expire is
    /// fetched anew, once for all who ask meanwhile.
    asio::awaitable<boost::system::result<std::string, ClientFailure>> header();

    /// The server did not accept `refused`: true where header() may now give something else.
    bool refuse(const std::string& refused);

private:
    struct Token;
    struct Flight;
    using Outcome = boost::system::result<std::string, ClientFailure>;

    asio::awaitable<Outcome> token();
    asio::awaitable<Outcome> fetch();
    Outcome accept(const std::string& answer);

    AuthOptions options_;
    SecretFile secret_;
    std::unique_ptr<Token> token_; // oauth2
};

} // namespace gantry::web
