#include "gateway/cli/address.h"

namespace gantry::cli {

dimse::PeerAddress own_address(const Config& config)
{
    dimse::PeerAddress own;
    own.ae_title = config.dimse.acceptor.ae_title;
    own.port = 0;
    if (config.dimse.acceptor.listen.empty())
        return own;
    const dimse::ListenAddress& listen = config.dimse.acceptor.listen.front();
    own.port = listen.port;
    own.host = listen.host == "0.0.0.0" ? "127.0.0.1" : listen.host == "::" ? "::1" : listen.host;
    return own;
}

} // namespace gantry::cli
