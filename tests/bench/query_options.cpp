#include "bench/query_options.h"

#include <stdexcept>
#include <utility>

namespace gantry::bench {

namespace {

constexpr const char* ct_image = "1.2.840.10008.5.1.4.1.1.2";

void read_option(QueryOptions& options, const std::string& name, const std::string& value)
{
    if (name == "--port")
        options.port = static_cast<std::uint16_t>(std::stoul(value));
    else if (name == "--listen")
        options.listen = static_cast<std::uint16_t>(std::stoul(value));
    else if (name == "--called")
        options.called = value;
    else if (name == "--calling")
        options.calling = value;
    else if (name == "--model")
        options.model = value;
    else if (name == "--level")
        options.keys[0x00080052] = value;
    else if (name == "--destination")
        options.destination = value;
    else if (name == "--class")
        options.classes.push_back(value);
    else if (name == "--syntax")
        options.syntaxes.push_back(value);
    else if (name == "--repeat")
        options.repeat = static_cast<unsigned>(std::stoul(value));
    else if (name == "--clients")
        options.clients = static_cast<unsigned>(std::stoul(value));
    else if (name == "--cancel-after")
        options.cancel_after = static_cast<unsigned>(std::stoul(value));
    else if (name == "--key")
        options.keys[static_cast<std::uint32_t>(std::stoul(value.substr(0, 8), nullptr, 16))] =
            value.size() > 9 ? value.substr(9) : "";
    else
        throw std::invalid_argument(name);
}

} // namespace

QueryOptions parse(const std::vector<std::string>& arguments)
{
    QueryOptions options;
    options.service = arguments.at(0);
    options.keys[0x00080052] = "STUDY";
    for (std::size_t i = 1; i < arguments.size(); i += 2)
        read_option(options, arguments[i], arguments.at(i + 1));
    if (options.classes.empty())
        options.classes = {ct_image};
    return options;
}

Service service_of(const QueryOptions& options)
{
    const std::map<std::string, std::pair<int, std::uint16_t>> services = {
        {"find", {1, 0x0020}}, {"move", {2, 0x0021}}, {"get", {3, 0x0010}}
    };
    const std::map<std::string, int> models = {{"patient", 1}, {"study", 2}, {"psonly", 3}};
    const auto& [service, request] = services.at(options.service);
    return {
        "1.2.840.10008.5.1.4.1.2." + std::to_string(models.at(options.model)) + "." +
            std::to_string(service),
        request
    };
}

std::string identifier(const QueryOptions& options)
{
    std::string out;
    const auto number = [&out](std::size_t value, unsigned bytes) {
        for (unsigned i = 0; i < bytes; ++i)
            out += static_cast<char>(value >> (8U * i) & 0xffU);
    };
    for (const auto& [tag, value] : options.keys) {
        const bool uid =
            tag == 0x0020000d || tag == 0x0020000e || (tag >= 0x00080016 && tag <= 0x00080018);
        number(tag >> 16U, 2);
        number(tag & 0xffffU, 2);
        number(value.size() + value.size() % 2, 4);
        out += value;
        if (value.size() % 2 != 0)
            out += uid ? '\0' : ' ';
    }
    return out;
}

} // namespace gantry::bench
