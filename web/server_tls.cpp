#include "web/server_tls.h"

#include "web/log.h"
#include "web/tls.h"

#include <exception>

namespace gantry::web {

ServerTls::ServerTls(TlsFiles files)
    : files_(std::move(files)), seen_(stamps()), context_(server_tls(files_))
{
}

ServerTls::~ServerTls() = default;

ServerTls::Stamps ServerTls::stamps() const
{
    Stamps out;
    std::size_t i = 0;
    for (const auto* path : {&files_.certificate, &files_.private_key, &files_.ca}) {
        std::error_code missing; // looks like a change, and is found when it is read
        if (!path->empty())
            out.at(i) = {
                std::filesystem::last_write_time(*path, missing),
                std::filesystem::file_size(*path, missing)
            };
        ++i;
    }
    return out;
}

void ServerTls::look()
{
    const Stamps now = stamps(); // before they are read: what is written meanwhile is seen next
    if (now == seen_)
        return;
    seen_ = now;
    try {
        context_ = server_tls(files_);
        log_of_web().info("certificate taken anew file={}", files_.certificate.string());
    } catch (const std::exception& why) {
        log_of_web().error("certificate not renewed, the old one stays reason=\"{}\"", why.what());
    }
}

} // namespace gantry::web
