#include "gateway/origins/cache/file_note.h"

#include "gateway/custody/digest.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>

namespace gantry::cache {

namespace {

constexpr std::string_view mark = "gantry cache 1\n\n";
constexpr std::size_t source_size = 16;
constexpr std::size_t checked_size = note_size - 8;

void put(std::string& out, std::uint64_t number)
{
    for (unsigned shift = 0; shift < 64; shift += 8)
        out.push_back(static_cast<char>((number >> shift) & 0xffU));
}

void put(std::string& out, const Uid& uid)
{
    const PackedUid packed(uid);
    out.append(reinterpret_cast<const char*>(packed.bytes().data()), packed.bytes().size());
}

/// Takes what put() put, in the same order.
class Taker {
public:
    explicit Taker(ConstBytes bytes) : at_(reinterpret_cast<const char*>(bytes.data())) {}

    std::uint64_t number()
    {
        std::uint64_t number = 0;
        for (const char c : text(8))
            number = (number >> 8U) | std::uint64_t{static_cast<unsigned char>(c)} << 56U;
        return number;
    }

    Uid uid()
    {
        std::array<std::uint8_t, 32> bytes{};
        std::memcpy(bytes.data(), text(bytes.size()).data(), bytes.size());
        return PackedUid::from_bytes(bytes).unpack();
    }

    std::string_view text(std::size_t size)
    {
        const std::string_view out(at_, size);
        at_ += size;
        return out;
    }

private:
    const char* at_;
};

std::optional<std::uint64_t> hexadecimal(std::string_view text)
{
    std::uint64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    const bool whole = failed == std::errc() && end == text.data() + text.size() && !text.empty();
    return whole ? std::optional(number) : std::nullopt;
}

std::string hexadecimal(std::uint64_t number)
{
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
    return {digits.data(), end};
}

} // namespace

std::string write_note(const FileNote& note)
{
    std::string out(mark);
    put(out, note.offset);
    put(out, note.length.count);
    out.append(reinterpret_cast<const char*>(note.digest.data()), note.digest.size());
    put(out, note.key.study);
    put(out, note.key.series);
    put(out, note.key.sop.sop_class);
    put(out, note.key.sop.sop_instance);
    put(out, note.key.transfer_syntax);
    std::string source = note.source.str();
    source.resize(source_size, ' ');
    out += source;
    out.resize(checked_size, '\0');
    put(out, custody::checksum(std::as_bytes(std::span(out))));
    return out;
}

std::optional<FileNote> read_note(ConstBytes last, Bytes file_size)
{
    if (last.size() != note_size)
        return std::nullopt;
    if (Taker(last.subspan(checked_size)).number() != custody::checksum(last.first(checked_size)))
        return std::nullopt;
    Taker taker(last);
    if (taker.text(mark.size()) != mark)
        return std::nullopt;
    FileNote note;
    note.offset = taker.number();
    note.length = {taker.number()};
    std::memcpy(note.digest.data(), taker.text(note.digest.size()).data(), note.digest.size());
    note.key.study = taker.uid();
    note.key.series = taker.uid();
    note.key.sop.sop_class = taker.uid();
    note.key.sop.sop_instance = taker.uid();
    note.key.transfer_syntax = taker.uid();
    note.source = AeTitle::parse(taker.text(source_size)).value_or(AeTitle{});
    if (note.offset + note.length.count + note_size != file_size.count)
        return std::nullopt;
    return note;
}

std::string FileName::str() const
{
    const auto milliseconds = static_cast<std::uint64_t>(fetched.time_since_epoch().count());
    return sop.unpack().str() + '-' + hexadecimal(milliseconds) + '-' + hexadecimal(size.count) +
           '-' + hexadecimal(boot);
}

std::optional<FileName> FileName::parse(std::string_view name)
{
    const std::size_t first = name.find('-');
    const std::size_t second = name.find('-', first + 1);
    const std::size_t third = name.find('-', second + 1);
    if (std::max({first, second, third}) == std::string_view::npos)
        return std::nullopt;
    const auto uid = Uid::parse(name.substr(0, first));
    const auto fetched = hexadecimal(name.substr(first + 1, second - first - 1));
    const auto size = hexadecimal(name.substr(second + 1, third - second - 1));
    const auto boot = hexadecimal(name.substr(third + 1));
    if (!uid || !fetched || !size || !boot || *fetched > INT64_MAX || *boot > UINT32_MAX)
        return std::nullopt;
    const WallTime time{std::chrono::milliseconds(static_cast<std::int64_t>(*fetched))};
    FileName out{PackedUid(*uid), time, {*size}, static_cast<std::uint32_t>(*boot)};
    return out.str() == name ? std::optional(out) : std::nullopt;
}

} // namespace gantry::cache
