#include "mapping/dicom_text.h"

#include "mapping/japanese_text.h"
#include "mapping/utf8.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcspchrs.h>

#include <algorithm>
#include <optional>

namespace gantry::mapping {

namespace {

constexpr Vr lt = make_vr('L', 'T');
constexpr Vr pn = make_vr('P', 'N');
constexpr Vr st = make_vr('S', 'T');
constexpr Vr uc = make_vr('U', 'C');
constexpr Vr ur = make_vr('U', 'R');
constexpr Vr ut = make_vr('U', 'T');

/// PS3.5 6.1.2.3: the others know the default repertoire only.
bool follows_character_set(Vr vr)
{
    return vr == lt || vr == vr::lo || vr == pn || vr == make_vr('S', 'H') || vr == st ||
           vr == uc || vr == ut;
}

bool has_one_value(Vr vr)
{
    return vr == lt || vr == st || vr == ut || vr == ur;
}

bool keeps_leading_spaces(Vr vr)
{
    return has_one_value(vr) || vr == uc;
}

bool is_plain(std::string_view text)
{
    constexpr char escape = 0x1b; // begins a change of character set (PS3.5 6.1.2.5)
    return std::ranges::all_of(text, [](char c) {
        return static_cast<unsigned char>(c) < 0x80 && c != escape;
    });
}

std::string with_replacements(std::string_view text)
{
    std::string out;
    while (!text.empty()) {
        const std::size_t size = utf8_character(text);
        if (size == 0)
            out += "\xef\xbf\xbd"; // U+FFFD
        else
            out += text.substr(0, size);
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return out;
}

void trim(Vr vr, std::string& text)
{
    const auto is_padding = [](char c) { return c == ' ' || c == '\0'; };
    while (!text.empty() && is_padding(text.back()))
        text.pop_back();
    if (!keeps_leading_spaces(vr))
        text.erase(text.begin(), std::ranges::find_if_not(text, is_padding));
    if (vr == pn && text.find_first_not_of("^= ") == std::string::npos)
        text.clear(); // delimiters of nothing (PS3.5 6.2.1)
}

bool is_utf8_set(std::string_view character_set)
{
    return character_set == "ISO_IR 192" || character_set == "ISO_IR192";
}

/// ISO 8859-15, which DCMTK 3.6.7 does not know: eight places of ISO 8859-1 hold something else.
bool is_latin_9(std::string_view character_set)
{
    return character_set == "ISO_IR 203" || character_set == "ISO 2022 IR 203";
}

std::string latin_9_of_latin_1(std::string_view text)
{
    struct Place {
        std::string_view latin_1;
        std::string_view latin_9;
    };

    constexpr Place places[] = {
        {"\xc2\xa4", "\xe2\x82\xac"}, // euro sign
        {"\xc2\xa6", "\xc5\xa0"},     // S with caron
        {"\xc2\xa8", "\xc5\xa1"},
        {"\xc2\xb4", "\xc5\xbd"}, // Z with caron
        {"\xc2\xb8", "\xc5\xbe"},
        {"\xc2\xbc", "\xc5\x92"}, // OE
        {"\xc2\xbd", "\xc5\x93"},
        {"\xc2\xbe", "\xc5\xb8"}, // Y with diaeresis
    };
    std::string out;
    while (!text.empty()) {
        const std::size_t size = std::max<std::size_t>(utf8_character(text), 1);
        const std::string_view character = text.substr(0, size);
        const auto* found = std::ranges::find(places, character, &Place::latin_1);
        out += found == std::end(places) ? character : found->latin_9;
        text.remove_prefix(size);
    }
    return out;
}

} // namespace

class TextDecoder::Converter {
public:
    explicit Converter(const std::string& character_set)
        : japanese_(is_japanese(character_set)), latin_9_(is_latin_9(character_set))
    {
        if (japanese_)
            return;
        const OFString from(latin_9_ ? "ISO_IR 100" : character_set.c_str());
        usable_ = DcmSpecificCharacterSet::isConversionAvailable() &&
                  converter_.selectCharacterSet(from, "ISO_IR 192").good();
    }

    std::optional<std::string> convert(std::string_view raw, const char* delimiters)
    {
        if (japanese_)
            return japanese_to_utf8(raw);
        OFString out;
        if (!usable_ || converter_.convertString(raw.data(), raw.size(), out, delimiters).bad())
            return std::nullopt;
        std::string text(out.data(), out.size());
        return latin_9_ ? latin_9_of_latin_1(text) : text;
    }

private:
    DcmSpecificCharacterSet converter_;
    bool japanese_;
    bool latin_9_;
    bool usable_ = false;
};

TextDecoder::TextDecoder(std::string character_set) : character_set_(std::move(character_set)) {}

TextDecoder::~TextDecoder() = default;
TextDecoder::TextDecoder(TextDecoder&&) noexcept = default;
TextDecoder& TextDecoder::operator=(TextDecoder&&) noexcept = default;

std::string TextDecoder::decoded(Vr vr, std::string_view raw)
{
    if (is_plain(raw))
        return std::string(raw);
    const bool declared = !character_set_.empty() && !is_utf8_set(character_set_);
    if (!declared || !follows_character_set(vr))
        return with_replacements(raw);
    if (!converter_)
        converter_ = std::make_unique<Converter>(character_set_);
    // the first character set is on again after each of these (PS3.5 6.1.2.5.3)
    const char* delimiters = vr == pn ? "\\^=" : has_one_value(vr) ? "\r\n\f\t" : "\\";
    auto text = converter_->convert(raw, delimiters);
    if (!text || !is_utf8(*text))
        return with_replacements(raw);
    return std::move(*text);
}

std::vector<std::string> TextDecoder::values(Vr vr, std::string_view raw)
{
    std::string text = decoded(vr, raw);
    if (has_one_value(vr)) {
        trim(vr, text);
        return text.empty() ? std::vector<std::string>() : std::vector{std::move(text)};
    }
    // 05/12 of JIS X 0201 looks like a yen sign, and delimits all the same (PS3.5 6.1.2.5.3)
    const bool yen = character_set_.find("IR 13") != std::string::npos;
    std::vector<std::string> values;
    std::string value;
    const auto take = [&] {
        trim(vr, value);
        values.push_back(std::exchange(value, {}));
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool delimits = yen && text.compare(i, 2, "\xc2\xa5") == 0;
        if (text[i] == '\\' || delimits)
            take();
        else
            value.push_back(text[i]);
        i += delimits ? 1 : 0;
    }
    take();
    if (values.size() == 1 && values.front().empty())
        values.clear();
    return values;
}

} // namespace gantry::mapping
