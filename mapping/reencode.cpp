#include "mapping/reencode.h"

#include "mapping/data_set_tokens.h"
#include "mapping/explicit_writer.h"
#include "mapping/inflater.h"

#include <optional>
#include <utility>
#include <vector>

namespace gantry::mapping {

namespace {

constexpr std::uint32_t max_short_length = 0xfffe; // even, in 16 bits

constexpr Tag pixel_representation{0x0028, 0x0103};
constexpr Tag waveform_bits_allocated{0x5400, 0x1004};
constexpr std::uint16_t waveform_group = 0x5400;
constexpr Tag trailing_padding{0xfffc, 0xfffc};

/// What elements before it say about the VR of an element (PS3.5 annex A); items inherit it.
struct Choices {
    unsigned pixel_representation = 0; // 1: signed
    unsigned waveform_bits = 16;
};

Vr choose(Vr vr, Tag tag, const Choices& choices)
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

class Reencoder::Impl final : public TokenSink {
public:
    Impl(const TransferSyntax& from, Out out)
        : encoding_(from.encoding), out_(std::move(out)), writer_(out_), tokens_(from, *this)
    {
        if (encoding_ == Encoding::deflated_explicit_le)
            inflater_.emplace();
        choices_.emplace_back();
    }

    Result<void> feed(ConstBytes chunk)
    {
        if (encoding_ == Encoding::explicit_le)
            return chunk.empty() ? Result<void>() : out_(chunk);
        if (inflater_) // explicit little endian inside (PS3.5 A.5)
            return inflater_->feed(chunk, out_);
        if (encoding_ == Encoding::implicit_le && !dictionary_loaded())
            return error(Errc::unsupported, "no data dictionary");
        return tokens_.feed(chunk);
    }

    Result<void> finish()
    {
        if (encoding_ == Encoding::explicit_le)
            return {};
        if (inflater_)
            return inflater_->finish();
        if (const auto ended = tokens_.finish(); !ended)
            return ended.error();
        return writer_.flush();
    }

    Result<void> begin(const Token& token) override
    {
        switch (token.kind) {
        case Token::Kind::element: begin_element(token); break;
        case Token::Kind::sequence: writer_.header(token.tag, vr::sq, undefined_length); break;
        case Token::Kind::item:
            writer_.header(token.tag, vr::none, undefined_length);
            choices_.push_back(choices_.back());
            break;
        case Token::Kind::fragments: writer_.header(token.tag, vr::ob, undefined_length); break;
        case Token::Kind::fragment: begin_value(token, vr::none, 1); break;
        }
        return writer_.settle();
    }

    Result<void> value(const Token&, ConstBytes piece) override
    {
        if (dropping_)
            return {};
        if (deciding_) {
            for (const std::byte b : piece)
                decisive_ = decisive_ << 8U | std::to_integer<unsigned>(b);
        }
        return swapping_ ? swapper_.swap(piece, writer_) : writer_.bytes(piece);
    }

    Result<void> end(const Token& token) override
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

private:
    void begin_element(const Token& token)
    {
        dropping_ = token.tag.element == 0 || token.tag == trailing_padding;
        if (dropping_)
            return;
        deciding_ = token.length == 2 &&
                    (token.tag == pixel_representation || token.tag == waveform_bits_allocated);
        decisive_ = 0;
        Vr vr = token.implicit ? choose(token.vr, token.tag, choices_.back()) : token.vr;
        const unsigned word = token.big_endian ? word_size(vr) : 1;
        if (!is_letters(vr) || (!has_long_form(vr) && token.length > max_short_length))
            vr = vr::un;
        begin_value(token, vr, word);
    }

    void begin_value(const Token& token, Vr vr, unsigned word)
    {
        padding_ = token.length % 2 != 0 ? std::optional(padding_of(vr)) : std::nullopt;
        writer_.header(token.tag, vr, token.length + (padding_ ? 1 : 0));
        swapping_ = word > 1;
        if (swapping_)
            swapper_.start(word);
    }

    Result<void> end_value(const Token& token)
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

    void decide(const Token& token)
    {
        const unsigned number =
            token.big_endian ? decisive_ : (decisive_ & 0xffU) << 8U | decisive_ >> 8U;
        if (token.tag == pixel_representation)
            choices_.back().pixel_representation = number;
        else
            choices_.back().waveform_bits = number;
    }

    Encoding encoding_;
    Out out_;
    ExplicitWriter writer_;
    std::optional<Inflater> inflater_;
    WordSwapper swapper_;
    std::vector<Choices> choices_; // of the items that are open
    bool dropping_ = false;        // the element is left out
    bool swapping_ = false;        // its value is turned round
    bool deciding_ = false;        // its value decides on VRs to come
    unsigned decisive_ = 0;        // that value, as it is read
    std::optional<char> padding_;  // what its value lacks to be even
    DataSetTokenizer tokens_;
};

Reencoder::Reencoder(const TransferSyntax& from, Out out)
    : impl_(std::make_unique<Impl>(from, std::move(out)))
{
}

Reencoder::~Reencoder() = default;
Reencoder::Reencoder(Reencoder&&) noexcept = default;
Reencoder& Reencoder::operator=(Reencoder&&) noexcept = default;

Result<void> Reencoder::feed(ConstBytes chunk)
{
    return impl_->feed(chunk);
}

Result<void> Reencoder::finish()
{
    return impl_->finish();
}

} // namespace gantry::mapping
