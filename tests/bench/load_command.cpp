#include "bench/load_command.h"

#include <algorithm>
#include <utility>

namespace gantry::bench {

std::string big(std::size_t value, unsigned bytes)
{
    std::string out;
    for (unsigned i = bytes; i > 0; --i)
        out += static_cast<char>(value >> (8U * (i - 1)) & 0xffU);
    return out;
}

std::string little(std::size_t value, unsigned bytes)
{
    std::string out = big(value, bytes);
    std::ranges::reverse(out);
    return out;
}

std::size_t read_big(std::string_view bytes, std::size_t at, unsigned count)
{
    std::size_t value = 0;
    for (const char c : bytes.substr(at, count))
        value = value << 8U | static_cast<unsigned char>(c);
    return value;
}

std::size_t read_little(std::string_view bytes, std::size_t at, unsigned count)
{
    std::string turned(bytes.substr(at, count));
    std::ranges::reverse(turned);
    return read_big(turned, 0, count);
}

CommandSet::CommandSet(std::string_view bytes)
{
    while (bytes.size() >= 8) {
        const std::size_t length = std::min(read_little(bytes, 4, 4), bytes.size() - 8);
        values_[static_cast<std::uint16_t>(read_little(bytes, 2, 2))] = bytes.substr(8, length);
        bytes.remove_prefix(8 + length);
    }
}

CommandSet& CommandSet::set(std::uint16_t element, std::string value)
{
    value.resize(value.size() + value.size() % 2, '\0');
    values_[element] = std::move(value);
    return *this;
}

CommandSet& CommandSet::set(std::uint16_t element, std::uint16_t value)
{
    values_[element] = little(value, 2);
    return *this;
}

std::uint16_t CommandSet::number(std::uint16_t element) const
{
    const auto found = values_.find(element);
    return found == values_.end() ? std::uint16_t{0}
                                  : static_cast<std::uint16_t>(read_little(found->second, 0, 2));
}

std::string CommandSet::text(std::uint16_t element) const
{
    const auto found = values_.find(element);
    if (found == values_.end())
        return {};
    std::string value = found->second;
    value.erase(value.find_last_not_of(std::string_view(" \0", 2)) + 1);
    return value;
}

std::string CommandSet::bytes() const
{
    std::string out;
    for (const auto& [element, value] : values_)
        if (element != 0)
            out += little(0, 2) + little(element, 2) + little(value.size(), 4) + value;
    return little(0, 4) + little(4, 4) + little(out.size(), 4) + out;
}

} // namespace gantry::bench
