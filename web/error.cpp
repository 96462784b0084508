#include "web/error.h"

namespace gantry::web {

namespace {

class Category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "web"; }

    std::string message(int code) const override
    {
        switch (static_cast<Errc>(code)) {
        case Errc::malformed: return "malformed";
        case Errc::timeout: return "timed out";
        case Errc::cut_off: return "cut off";
        case Errc::too_large: return "too large";
        case Errc::unsupported: return "not supported";
        case Errc::unresolved: return "host name has no address";
        case Errc::unreachable: return "connection not accepted";
        case Errc::proxy_refused: return "refused by the proxy";
        case Errc::tls_failed: return "TLS handshake failed";
        case Errc::certificate: return "certificate not accepted";
        case Errc::no_token: return "no credentials";
        case Errc::bad_source: return "body could not be produced";
        }
        return "unknown error";
    }
};

} // namespace

const boost::system::error_category& category() noexcept
{
    static const Category instance;
    return instance;
}

} // namespace gantry::web
