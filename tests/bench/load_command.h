// A command set as the measuring tools read and write it (PS3.7 6.3.1, E.1): Implicit VR Little
// Endian, and the numbers of the wire. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace gantry::bench {

/// `value` in so many bytes, most significant first.
std::string big(std::size_t value, unsigned bytes);
std::string little(std::size_t value, unsigned bytes);
std::size_t read_big(std::string_view bytes, std::size_t at, unsigned count);
std::size_t read_little(std::string_view bytes, std::size_t at, unsigned count);

/// Elements of group 0000 by their number; values as on the wire (PS3.7 E.1).
class CommandSet {
public:
    CommandSet() = default;
    explicit CommandSet(std::string_view bytes);

    CommandSet& set(std::uint16_t element, std::string value);
    CommandSet& set(std::uint16_t element, std::uint16_t value);

    bool has(std::uint16_t element) const { return values_.contains(element); }

    /// 0 where it is absent.
    std::uint16_t number(std::uint16_t element) const;
    /// Without padding.
    std::string text(std::uint16_t element) const;

    bool data_set_follows() const { return number(0x0800) != 0x0101; }

    std::string bytes() const;

private:
    std::map<std::uint16_t, std::string> values_;
};

} // namespace gantry::bench
