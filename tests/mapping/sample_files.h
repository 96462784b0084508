// The sample files, listed and read; and bytes for tests, written down as an encoder would.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/tag.h"
#include "support/samples.h"
#include "support/skip.h"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::tests {

/// In the order of their names. None: skip() has been called, the case returns.
inline std::vector<std::filesystem::path> sample_files()
{
    const auto folder = samples_folder();
    if (!folder) {
        skip("no sample files");
        return {};
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
        if (entry.path().extension() == ".dcm")
            files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

inline std::string read_text(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline ConstBytes bytes_of(std::string_view text)
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

/// Encodes what tests need, well or badly: nothing is checked.
class Encoder {
public:
    enum class Form { implicit_le, explicit_le, explicit_be };

    explicit Encoder(Form form) : form_(form) {}

    Encoder& number(std::uint32_t value, unsigned size)
    {
        for (unsigned i = 0; i < size; ++i) {
            const unsigned byte = form_ == Form::explicit_be ? size - 1 - i : i;
            out_.push_back(static_cast<char>(value >> (8 * byte) & 0xffU));
        }
        return *this;
    }

    Encoder& tag(Tag tag) { return number(tag.group, 2).number(tag.element, 2); }

    /// The header; `vr` goes unused where it is implicit.
    Encoder& header(Tag t, std::string_view vr, std::uint32_t length)
    {
        tag(t);
        if (form_ == Form::implicit_le)
            return number(length, 4);
        out_ += vr;
        constexpr std::string_view long_forms[] = {
            "OB", "OW", "OF", "OD", "OL", "OV", "SQ", "UN", "UT", "UC", "UR", "SV", "UV", "ZZ"
        };
        if (std::ranges::find(long_forms, vr) == std::end(long_forms))
            return number(length, 2);
        return number(0, 2).number(length, 4);
    }

    Encoder& element(Tag tag, std::string_view vr, std::string_view value)
    {
        header(tag, vr, static_cast<std::uint32_t>(value.size()));
        return raw(value);
    }

    Encoder& item(std::uint32_t length) { return tag({0xfffe, 0xe000}).number(length, 4); }

    Encoder& end_item() { return tag({0xfffe, 0xe00d}).number(0, 4); }

    Encoder& end_sequence() { return tag({0xfffe, 0xe0dd}).number(0, 4); }

    Encoder& raw(std::string_view bytes)
    {
        out_ += bytes;
        return *this;
    }

    const std::string& str() const { return out_; }

private:
    Form form_;
    std::string out_;
};

} // namespace gantry::tests
