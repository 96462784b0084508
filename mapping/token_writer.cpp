#include "mapping/token_writer.h"

#include <utility>

namespace gantry::mapping {

namespace {

constexpr std::uint32_t max_short_length = 0xfffe; // even, in 16 bits

constexpr Tag pixel_representation{0x0028, 0x0103};
constexpr Tag waveform_bits_allocated{0x5400, 0x1004};
constexpr std::uint16_t waveform_group = 0x5400;
constexpr Tag trailing_padding{0xfffc, 0xfffc};

bool is_letters(Vr vr)
{
    const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    return capital(first_letter(vr)) && capital(second_letter(vr));
}

/// PS3.5 6.2: text with a space, UI and what is no text with NUL.
char padding_of(Vr vr)
{
    if (vr == vr::ui || vr == vr::un || first_letter(vr) == 'O' || word_size(vr) > 1)
        return '\0';
    return vr == vr::none ? '\0' : ' ';
}

} // namespace

TokenWriter::TokenWriter(Out out, Headers headers)
    : headers_(headers), writer_(std::move(out), headers)
{
    choices_.emplace_back();
}

Vr TokenWriter::choose(Vr vr, Tag tag, const Choices& choices)
{
    if (vr == vr::us_or_ss)
        return choices.pixel_representation == 1 ? vr::ss : vr::us;
    if (vr == vr::us_or_ss_or_ow)
        return vr::ow;
    if (vr ==
        vr::ob_or_ow) // implicit VR is never encapsulated; OW serves 8 bits as well (A.1, A.2)
        return tag.group == waveform_group && choices.waveform_bits <= 8 ? vr::ob : vr::ow;
    return vr;
}

Result<void> TokenWriter::begin(const Token& token)
{
    switch (token.kind) {
    case Token::Kind::element: begin_element(token); break;
    case Token::Kind::sequence: writer_.header(token.tag, vr::sq, undefined_length); break;
    case Token::Kind::item:
        writer_.header(token.tag, vr::none, undefined_length);
        choices_.push_back(choices_.back());
        break;
    case Token::Kind::fragments:
        if (headers_ == Headers::implicit_vr)
            return error(Errc::unsupported, "compressed pixel data in implicit VR");
        writer_.header(token.tag, vr::ob, undefined_length);
        break;
    case Token::Kind::fragment: begin_value(token, vr::none, 1); break;
    }
    return writer_.settle();
}

Result<void> TokenWriter::value(const Token&, ConstBytes piece)
{
    if (dropping_)
        return {};
    if (deciding_) {
        for (const std::byte b : piece)
            decisive_ = decisive_ << 8U | std::to_integer<unsigned>(b);
    }
    return swapping_ ? swapper_.swap(piece, writer_) : writer_.bytes(piece);
}

Result<void> TokenWriter::end(const Token& token)
{
    switch (token.kind) {
    case Token::Kind::element:
    case Token::Kind::fragment: return end_value(token);
    case Token::Kind::item:
        writer_.header({0xfffe, 0xe00d}, vr::none, 0);
        choices_.pop_back();
        break;
    case Token::Kind::sequence:
    case Token::Kind::fragments: writer_.header({0xfffe, 0xe0dd}, vr::none, 0); break;
    }
    return writer_.settle();
}

void TokenWriter::begin_element(const Token& token)
{
    dropping_ = token.tag.element == 0 || token.tag == trailing_padding;
    if (dropping_)
        return;
    deciding_ = token.length == 2 &&
                (token.tag == pixel_representation || token.tag == waveform_bits_allocated);
    decisive_ = 0;
    Vr vr = token.implicit ? choose(token.vr, token.tag, choices_.back()) : token.vr;
    const unsigned word = token.big_endian ? word_size(vr) : 1;
    if (headers_ == Headers::explicit_vr &&
        (!is_letters(vr) || (!has_long_form(vr) && token.length > max_short_length)))
        vr = vr::un;
    begin_value(token, vr, word);
}

void TokenWriter::begin_value(const Token& token, Vr vr, unsigned word)
{
    padding_ = token.length % 2 != 0 ? std::optional(padding_of(vr)) : std::nullopt;
    writer_.header(token.tag, vr, token.length + (padding_ ? 1 : 0));
    swapping_ = word > 1;
    if (swapping_)
        swapper_.start(word);
}

Result<void> TokenWriter::end_value(const Token& token)
{
    if (std::exchange(dropping_, false))
        return {};
    if (std::exchange(deciding_, false))
        decide(token);
    if (std::exchange(swapping_, false)) {
        if (const auto written = swapper_.finish(writer_); !written)
            return written.error();
    }
    if (padding_)
        writer_.number(static_cast<unsigned char>(*padding_), 1);
    padding_.reset();
    return {};
}

void TokenWriter::decide(const Token& token)
{
    const unsigned number =
        token.big_endian ? decisive_ : (decisive_ & 0xffU) << 8U | decisive_ >> 8U;
    if (token.tag == pixel_representation)
        choices_.back().pixel_representation = number;
    else
        choices_.back().waveform_bits = number;
}

Result<void> TokenWriter::element(Tag tag, Vr vr, ConstBytes value_bytes)
{
    Token token;
    token.tag = tag;
    token.vr = vr;
    token.length = static_cast<std::uint32_t>(value_bytes.size());
    if (const auto begun = begin(token); !begun)
        return begun.error();
    if (const auto written = value(token, value_bytes); !written)
        return written.error();
    return end(token);
}

} // namespace gantry::mapping
