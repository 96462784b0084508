#include "mapping/japanese_text.h"

#include <array>
#include <cstdint>
#include <iconv.h>

namespace gantry::mapping {

namespace {

constexpr std::string_view katakana_to_g1 = "\x1b)I"; // ISO-IR 13 (PS3.5 table C.12-3)

/// A converter of the C library for all that stands in G0, with its state from call to call.
class G0Converter {
public:
    G0Converter() : handle_(iconv_open("UTF-8", "ISO-2022-JP-2")) {}

    ~G0Converter()
    {
        if (usable())
            iconv_close(handle_);
    }

    G0Converter(const G0Converter&) = delete;
    G0Converter& operator=(const G0Converter&) = delete;

    bool append(std::string& out, std::string_view raw)
    {
        if (!usable())
            return false;
        char* from = const_cast<char*>(raw.data()); // iconv only reads it
        std::size_t left = raw.size();
        while (left > 0) {
            std::array<char, 256> piece{};
            char* to = piece.data();
            std::size_t room = piece.size();
            const std::size_t before = left;
            iconv(handle_, &from, &left, &to, &room);
            out.append(piece.data(), piece.size() - room);
            if (left == before)
                return false; // it got nowhere: no such character
        }
        return true;
    }

private:
    // iconv_open() fails with the pointer of value -1
    bool usable() const { return reinterpret_cast<std::intptr_t>(handle_) != -1; }

    iconv_t handle_;
};

bool is_katakana(char c)
{
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0xa1 && byte <= 0xdf;
}

void append_katakana(std::string& out, char c)
{
    const unsigned code = 0xff61U + (static_cast<unsigned char>(c) - 0xa1U);
    out.push_back(static_cast<char>(0xe0U | code >> 12U));
    out.push_back(static_cast<char>(0x80U | (code >> 6U & 0x3fU)));
    out.push_back(static_cast<char>(0x80U | (code & 0x3fU)));
}

} // namespace

bool is_japanese(std::string_view character_set)
{
    return character_set.find("IR 87") != std::string_view::npos ||
           character_set.find("IR 159") != std::string_view::npos;
}

std::optional<std::string> japanese_to_utf8(std::string_view raw)
{
    G0Converter g0;
    std::string out;
    while (!raw.empty()) {
        std::size_t size = 0; // of what stands in G0
        while (size < raw.size() && !is_katakana(raw[size]) &&
               !raw.substr(size).starts_with(katakana_to_g1))
            ++size;
        if (!g0.append(out, raw.substr(0, size)))
            return std::nullopt;
        raw.remove_prefix(size);
        if (raw.starts_with(katakana_to_g1)) {
            raw.remove_prefix(katakana_to_g1.size());
        } else if (!raw.empty()) {
            append_katakana(out, raw.front());
            raw.remove_prefix(1);
        }
    }
    return out;
}

} // namespace gantry::mapping
