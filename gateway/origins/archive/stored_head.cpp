#include "gateway/origins/archive/stored_head.h"

#include "gateway/custody/digest.h"

#include <cstring>

namespace gantry::archive {

namespace {

constexpr std::size_t preamble_size = 128; // PS3.10 7.1
constexpr std::string_view mark = "gantry archive 1";
constexpr std::size_t checked_size = 16 + 3 * 8 + 16;

void put(std::string& out, std::uint64_t number)
{
    for (unsigned shift = 0; shift < 64; shift += 8)
        out.push_back(static_cast<char>((number >> shift) & 0xffU));
}

std::uint64_t take(const char* at)
{
    std::uint64_t number = 0;
    for (unsigned i = 0; i < 8; ++i)
        number |= static_cast<std::uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
    return number;
}

} // namespace

std::string write_preamble(const StoredHead& head)
{
    std::string out(mark);
    put(out, head.offset);
    put(out, head.length);
    put(out, head.received);
    out.append(reinterpret_cast<const char*>(head.digest.data()), head.digest.size());
    put(out, custody::checksum(std::as_bytes(std::span(out))));
    out.resize(preamble_size, '\0');
    return out;
}

std::optional<StoredHead> read_preamble(ConstBytes file)
{
    if (file.size() < preamble_size)
        return std::nullopt;
    const char* at = reinterpret_cast<const char*>(file.data());
    if (std::string_view(at, mark.size()) != mark)
        return std::nullopt;
    if (take(at + checked_size) != custody::checksum(file.first(checked_size)))
        return std::nullopt;
    StoredHead head;
    head.offset = take(at + 16);
    head.length = take(at + 24);
    head.received = take(at + 32);
    std::memcpy(head.digest.data(), at + 40, head.digest.size());
    return head;
}

} // namespace gantry::archive
