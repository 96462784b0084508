#include "web/tls.h"

#include <boost/asio/ssl/context.hpp>
#include <openssl/ssl.h>

#include <array>
#include <functional>
#include <stdexcept>

namespace gantry::web {

namespace {

namespace ssl = boost::asio::ssl;

std::shared_ptr<ssl::context> base(ssl::context::method side)
{
    auto context = std::make_shared<ssl::context>(side);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
    return context;
}

void use(const std::filesystem::path& file, const char* what, boost::system::error_code ec)
{
    if (ec)
        throw std::runtime_error(std::string(what) + " " + file.string() + ": " + ec.message());
}

void use_identity(ssl::context& context, const TlsFiles& files)
{
    boost::system::error_code ec;
    context.use_certificate_chain_file(files.certificate.string(), ec);
    use(files.certificate, "certificate", ec);
    context.use_private_key_file(files.private_key.string(), ssl::context::pem, ec);
    use(files.private_key, "private key", ec);
    if (SSL_CTX_check_private_key(context.native_handle()) != 1)
        throw std::runtime_error(
            "private key " + files.private_key.string() + " is not that of certificate " +
            files.certificate.string()
        );
}

void trust(ssl::context& context, const std::filesystem::path& ca)
{
    boost::system::error_code ec;
    context.load_verify_file(ca.string(), ec);
    use(ca, "authority", ec);
}

constexpr std::array<unsigned char, 9> http11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int choose_http11(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in, unsigned int in_length, void*)
{
    unsigned char* chosen = nullptr;
    const int found =
        SSL_select_next_proto(&chosen, length, http11.data(), http11.size(), in, in_length);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

} // namespace

std::shared_ptr<ssl::context> client_tls(const TlsFiles& files)
{
    auto context = base(ssl::context::tls_client);
    boost::system::error_code ec;
    context->set_verify_mode(ssl::verify_peer);
    context->set_default_verify_paths(ec);
    use("", "system authorities", ec);
    if (!files.ca.empty())
        trust(*context, files.ca);
    if (!files.certificate.empty())
        use_identity(*context, files);
    SSL_CTX_set_alpn_protos(context->native_handle(), http11.data(), http11.size());
    return context;
}

std::shared_ptr<ssl::context> server_tls(const TlsFiles& files)
{
    auto context = base(ssl::context::tls_server);
    use_identity(*context, files);
    if (!files.ca.empty()) {
        trust(*context, files.ca);
        context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
    }
    constexpr std::array<unsigned char, 6> session_scope{'g', 'a', 'n', 't', 'r', 'y'};
    SSL_CTX_set_session_id_context(
        context->native_handle(), session_scope.data(), session_scope.size()
    );
    SSL_CTX_set_alpn_select_cb(context->native_handle(), choose_http11, nullptr);
    return context;
}

} // namespace gantry::web
