#include "gateway/listening.h"

#include "gateway/error.h"

#include <boost/asio/ip/address.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <fstream>
#include <utility>

namespace gantry {

Result<asio::ip::tcp::acceptor>
bind(asio::any_io_executor loop, const std::string& host, std::uint16_t port)
{
    using asio::ip::tcp;
    const auto failed = [&](const boost::system::error_code& code) {
        return Error{code, "cannot listen on " + host + ":" + std::to_string(port)};
    };
    boost::system::error_code code;
    const auto address = asio::ip::make_address(host, code);
    if (code)
        return failed(code);
    const tcp::endpoint endpoint(address, port);
    tcp::acceptor acceptor(std::move(loop));
    if (acceptor.open(endpoint.protocol(), code); code)
        return failed(code);
    if (acceptor.set_option(tcp::acceptor::reuse_address(true), code); code)
        return failed(code);
    if (acceptor.bind(endpoint, code); code)
        return failed(code);
    if (acceptor.listen(asio::socket_base::max_listen_connections, code); code)
        return failed(code);
    return acceptor;
}

std::string address_text(const asio::ip::tcp::endpoint& endpoint)
{
    const std::string host = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" +
           std::to_string(endpoint.port());
}

Result<void> write_listening(const std::filesystem::path& file, const Listening& listening)
{
    boost::json::object faces;
    for (const auto& [face, addresses] : listening)
        faces.emplace(face, boost::json::array(addresses.begin(), addresses.end()));
    const std::filesystem::path part = file.string() + ".part";
    {
        std::ofstream out(part, std::ios::trunc);
        out << boost::json::serialize(faces) << '\n';
        if (!out.flush())
            return error(Errc::disk, "cannot write " + part.string());
    }
    std::error_code code;
    std::filesystem::rename(part, file, code);
    if (code)
        return error(Errc::disk, "cannot write " + file.string() + ": " + code.message());
    return {};
}

} // namespace gantry
