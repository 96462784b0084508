// The certificate that a server shows, taken anew when its files change: nobody restarts a gateway
// because a certificate was renewed. Internal to web/. On the loop; reads three small files.
#pragma once

#include "web/options.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace boost::asio::ssl {
class context; // NOLINT(readability-identifier-naming): Asio's
}

namespace gantry::web {

class ServerTls {
public:
    /// Throws std::runtime_error naming the file that cannot be used.
    explicit ServerTls(TlsFiles files);
    ~ServerTls();
    ServerTls(const ServerTls&) = delete;
    ServerTls& operator=(const ServerTls&) = delete;

    /// For the next connection; who has begun with an older one keeps it.
    std::shared_ptr<boost::asio::ssl::context> current() const { return context_; }

    /// Takes changed files, and says so in the log. Files that cannot be used leave everything as
    /// it is, and the log says why, once for each change.
    void look();

private:
    struct Stamp {
        std::filesystem::file_time_type written;
        std::uintmax_t size = 0;

        bool operator==(const Stamp&) const = default;
    };

    using Stamps = std::array<Stamp, 3>;

    Stamps stamps() const;

    TlsFiles files_;
    Stamps seen_; // when they were last read, with whatever success
    std::shared_ptr<boost::asio::ssl::context> context_;
};

} // namespace gantry::web
