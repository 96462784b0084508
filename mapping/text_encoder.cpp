#include "mapping/text_encoder.h"

#include "mapping/utf8.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iconv.h>
#include <vector>

namespace gantry::mapping {

namespace {

/// How the C library's bytes of a character become those of the set.
enum class Form : std::uint8_t {
    ascii,     // nothing but ASCII
    g1,        // one byte in G1
    katakana,  // one byte in G1; EUC-JP has it behind 8E
    g0_pair,   // two bytes in G0; EUC-JP has them in G1
    g0_triple, // two bytes in G0; EUC-JP has them in G1 behind 8F
    g1_pair,   // two bytes in G1
    whole      // a set of its own, without code extensions
};

struct Repertoire {
    std::string_view term; // behind "ISO_IR " or "ISO 2022 IR "
    Form form;
    const char* encoding;    // of the C library
    std::string_view escape; // designates it
};

// PS3.3 tables C.12-2 to C.12-5.
constexpr Repertoire repertoires[] = {
    {"6", Form::ascii, "US-ASCII", "\x1b(B"},
    {"100", Form::g1, "ISO-8859-1", "\x1b-A"},
    {"101", Form::g1, "ISO-8859-2", "\x1b-B"},
    {"109", Form::g1, "ISO-8859-3", "\x1b-C"},
    {"110", Form::g1, "ISO-8859-4", "\x1b-D"},
    {"144", Form::g1, "ISO-8859-5", "\x1b-L"},
    {"127", Form::g1, "ISO-8859-6", "\x1b-G"},
    {"126", Form::g1, "ISO-8859-7", "\x1b-F"},
    {"138", Form::g1, "ISO-8859-8", "\x1b-H"},
    {"148", Form::g1, "ISO-8859-9", "\x1b-M"},
    {"203", Form::g1, "ISO-8859-15", "\x1b-b"},
    {"166", Form::g1, "TIS-620", "\x1b-T"},
    {"13", Form::katakana, "EUC-JP", "\x1b)I"},
    {"87", Form::g0_pair, "EUC-JP", "\x1b$B"},
    {"159", Form::g0_triple, "EUC-JP", "\x1b$(D"},
    {"149", Form::g1_pair, "EUC-KR", "\x1b$)C"},
    {"58", Form::g1_pair, "GB2312", "\x1b$)A"},
};
constexpr Repertoire utf8{"192", Form::whole, "UTF-8", {}};
constexpr Repertoire gb18030{"GB18030", Form::whole, "GB18030", {}};
constexpr Repertoire gbk{"GBK", Form::whole, "GBK", {}};

constexpr std::string_view ascii_to_g0 = "\x1b(B";
constexpr std::string_view romaji_to_g0 = "\x1b(J"; // of JIS X 0201

bool is_double(Form form)
{
    return form == Form::g0_pair || form == Form::g0_triple || form == Form::g1_pair;
}

bool is_in_g0(Form form)
{
    return form == Form::g0_pair || form == Form::g0_triple;
}

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && (text.back() == ' ' || text.back() == '\0'))
        text.remove_suffix(1);
    while (text.starts_with(' '))
        text.remove_prefix(1);
    return text;
}

const Repertoire* repertoire_of(std::string_view term)
{
    for (const Repertoire* whole : {&gb18030, &gbk})
        if (term == whole->term)
            return whole;
    for (const std::string_view prefix : {"ISO_IR", "ISO 2022 IR"})
        if (term.starts_with(prefix))
            term = trimmed(term.substr(prefix.size()));
    if (term == utf8.term)
        return &utf8;
    const auto* found =
        std::ranges::find(repertoires, term.empty() ? "6" : term, &Repertoire::term);
    return found == std::end(repertoires) ? nullptr : found;
}

/// One direction of the C library's iconv, a character at a time.
class Converter {
public:
    explicit Converter(const Repertoire& to)
        : repertoire_(&to), handle_(iconv_open(to.encoding, "UTF-8"))
    {
    }

    ~Converter()
    {
        if (usable())
            iconv_close(handle_);
    }

    Converter(const Converter&) = delete;
    Converter& operator=(const Converter&) = delete;

    const Repertoire& repertoire() const { return *repertoire_; }

    /// The bytes of one character that is not ASCII, without escapes. Empty: it has no place.
    std::string bytes(std::string_view character)
    {
        const std::string raw = converted(character);
        const auto high = [&](std::size_t i) { return static_cast<unsigned char>(raw[i]); };
        const auto pair_at = [&](std::size_t i) {
            return raw.size() == i + 2 && high(i) > 0xa0 && high(i + 1) > 0xa0;
        };
        switch (repertoire_->form) {
        case Form::ascii: return {};
        case Form::whole: return raw;
        case Form::g1: return raw.size() == 1 && high(0) >= 0xa0 ? raw : std::string();
        case Form::katakana: return raw.size() == 2 && high(0) == 0x8e ? raw.substr(1) : "";
        case Form::g1_pair: return pair_at(0) ? raw : std::string();
        case Form::g0_pair: return pair_at(0) ? lowered(raw) : std::string();
        case Form::g0_triple:
            return !raw.empty() && high(0) == 0x8f && pair_at(1) ? lowered(raw.substr(1))
                                                                 : std::string();
        }
        return {};
    }

private:
    // iconv_open() fails with the pointer of value -1
    bool usable() const { return reinterpret_cast<std::intptr_t>(handle_) != -1; }

    static std::string lowered(std::string text)
    {
        std::ranges::transform(text, text.begin(), [](char c) {
            return static_cast<char>(static_cast<unsigned char>(c) & 0x7fU);
        });
        return text;
    }

    std::string converted(std::string_view character)
    {
        if (!usable())
            return {};
        std::array<char, 16> out{};
        char* from = const_cast<char*>(character.data()); // iconv only reads it
        char* to = out.data();
        std::size_t left = character.size();
        std::size_t room = out.size();
        const std::size_t failed = iconv(handle_, &from, &left, &to, &room);
        if (failed != 0 || left != 0) { // an approximation is no place either
            iconv(handle_, nullptr, nullptr, nullptr, nullptr);
            return {};
        }
        return {out.data(), out.size() - room};
    }

    const Repertoire* repertoire_;
    iconv_t handle_;
};

using Converters = std::vector<std::unique_ptr<Converter>>;

bool is_delimiter(Vr vr, char c)
{
    if (c == '\r' || c == '\n' || c == '\f' || c == '\t')
        return true;
    return c == '\\' || (vr == make_vr('P', 'N') && (c == '^' || c == '='));
}

/// Writes one value, with what stands in G0 and G1 as it goes.
class Writer {
public:
    Writer(Vr vr, const Converters& sets) : vr_(vr), sets_(sets)
    {
        const Form first = sets.front()->repertoire().form;
        romaji_ = first == Form::katakana;
        first_g1_ = first == Form::g1 || romaji_ ? sets.front().get() : nullptr;
        g1_ = first_g1_;
    }

    /// False: it has no place.
    bool put(std::string_view character)
    {
        constexpr char escape = 0x1b;
        const char c = character.front();
        if (static_cast<unsigned char>(c) >= 0x80)
            return put_other(character);
        if (c == escape || (romaji_ && c == '~'))
            return false;
        if (is_delimiter(vr_, c))
            back_to_first();
        first_g0();
        out_.push_back(c);
        return true;
    }

    void put_replacement()
    {
        first_g0();
        out_.push_back('?');
    }

    std::string finish()
    {
        back_to_first();
        return std::move(out_);
    }

private:
    bool put_other(std::string_view character)
    {
        for (Converter* active : {g1_, g0_})
            if (active != nullptr && append(*active, character))
                return true;
        for (const auto& set : sets_) {
            const std::string bytes = set->bytes(character);
            if (bytes.empty())
                continue;
            if (set->repertoire().form != Form::whole) {
                out_ += set->repertoire().escape;
                (is_in_g0(set->repertoire().form) ? g0_ : g1_) = set.get();
            }
            out_ += bytes;
            return true;
        }
        return false;
    }

    bool append(Converter& set, std::string_view character)
    {
        const std::string bytes = set.bytes(character);
        out_ += bytes;
        return !bytes.empty();
    }

    void first_g0()
    {
        if (g0_ != nullptr)
            out_ += romaji_ ? romaji_to_g0 : ascii_to_g0;
        g0_ = nullptr;
    }

    void back_to_first()
    {
        first_g0();
        if (g1_ != first_g1_ && first_g1_ != nullptr)
            out_ += first_g1_->repertoire().escape;
        g1_ = first_g1_; // a set in G1 with none before it just ends
    }

    Vr vr_;
    const Converters& sets_;
    bool romaji_ = false;
    Converter* first_g1_ = nullptr;
    Converter* g1_ = nullptr;
    Converter* g0_ = nullptr; // nullptr: that of the first set
    std::string out_;
};

} // namespace

class TextEncoder::State {
public:
    explicit State(std::string_view character_set) : character_set_(trimmed(character_set))
    {
        for (std::size_t at = 0; at <= character_set_.size();) {
            const std::size_t end = std::min(character_set_.find('\\', at), character_set_.size());
            const auto* set =
                repertoire_of(trimmed(std::string_view(character_set_).substr(at, end - at)));
            if (set == nullptr)
                return;
            sets_.push_back(std::make_unique<Converter>(*set));
            at = end + 1;
        }
        if (is_double(sets_.front()->repertoire().form)) {
            sets_.insert(sets_.begin(), std::make_unique<Converter>(repertoires[0]));
            character_set_.insert(0, "\\");
        }
        const auto is_whole = [](const auto& set) { return set->repertoire().form == Form::whole; };
        known_ = sets_.size() == 1 || std::ranges::none_of(sets_, is_whole);
    }

    bool known() const { return known_; }

    const std::string& character_set() const { return character_set_; }

    template <class Missing>
    std::optional<std::string> write(Vr vr, std::string_view text, Missing missing)
    {
        Writer writer(vr, sets_);
        while (!text.empty()) {
            const std::size_t size = std::max<std::size_t>(utf8_character(text), 1);
            if (!writer.put(text.substr(0, size)) && !missing(writer))
                return std::nullopt;
            text.remove_prefix(size);
        }
        return writer.finish();
    }

private:
    std::string character_set_;
    Converters sets_;
    bool known_ = false;
};

TextEncoder::TextEncoder(std::string_view character_set)
    : state_(std::make_unique<State>(character_set))
{
}

TextEncoder::~TextEncoder() = default;
TextEncoder::TextEncoder(TextEncoder&&) noexcept = default;
TextEncoder& TextEncoder::operator=(TextEncoder&&) noexcept = default;

bool TextEncoder::known() const noexcept
{
    return state_->known();
}

const std::string& TextEncoder::character_set() const noexcept
{
    return state_->character_set();
}

std::optional<std::string> TextEncoder::encode(Vr vr, std::string_view text)
{
    return state_->write(vr, text, [](Writer&) { return false; });
}

std::string TextEncoder::encode_lossy(Vr vr, std::string_view text, std::size_t& replaced)
{
    const auto replace = [&](Writer& writer) {
        writer.put_replacement();
        ++replaced;
        return true;
    };
    return state_->write(vr, text, replace).value_or(std::string());
}

} // namespace gantry::mapping
