#include "mapping/data_set_tokens.h"

#include <algorithm>
#include <limits>

namespace gantry::mapping {

namespace {

constexpr Tag item_tag{0xfffe, 0xe000};
constexpr Tag item_delimiter{0xfffe, 0xe00d};
constexpr Tag sequence_delimiter{0xfffe, 0xe0dd};
constexpr std::size_t max_creators = 32; // of one group in one item; more are not remembered
constexpr std::size_t max_creator = 64;  // LO

std::uint16_t read_16(const std::byte* at, bool big_endian)
{
    const auto first = std::to_integer<unsigned>(at[0]);
    const auto second = std::to_integer<unsigned>(at[1]);
    return static_cast<std::uint16_t>(big_endian ? first << 8U | second : second << 8U | first);
}

std::uint32_t read_32(const std::byte* at, bool big_endian)
{
    const std::uint32_t first = read_16(at, big_endian);
    const std::uint32_t second = read_16(at + 2, big_endian);
    return big_endian ? first << 16U | second : second << 16U | first;
}

bool all_zero(ConstBytes bytes)
{
    return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

Error at(Errc code, const char* what, const Token& token)
{
    return error(code, std::string(what) + " at " + token.tag.hex());
}

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && (text.back() == ' ' || text.back() == '\0'))
        text.remove_suffix(1);
    return text;
}

} // namespace

DataSetTokenizer::DataSetTokenizer(const TransferSyntax& syntax, TokenSink& sink) : sink_(sink)
{
    if (syntax.encoding == Encoding::deflated_explicit_le)
        inflater_.emplace();
    Frame data_set{};
    data_set.limit = std::numeric_limits<std::uint64_t>::max();
    data_set.implicit = syntax.encoding == Encoding::implicit_le;
    data_set.big_endian = syntax.encoding == Encoding::explicit_be;
    data_set.token.kind = Kind::item;
    frames_.push_back(std::move(data_set));
}

Result<void> DataSetTokenizer::feed(ConstBytes chunk)
{
    if (failed_)
        return *failed_;
    const auto read_inflated = [this](ConstBytes piece) { return read(piece); };
    auto done = inflater_ ? inflater_->feed(chunk, read_inflated) : read(chunk);
    if (!done)
        failed_ = done.error();
    return done;
}

Result<void> DataSetTokenizer::skip(std::uint64_t size)
{
    if (failed_)
        return *failed_;
    const std::uint64_t passed = std::min(size, value_left());
    position_ += passed;
    value_left_ -= passed;
    if (passed == 0 || value_left_ != 0)
        return {};
    auto ended = end_value();
    if (!ended)
        failed_ = ended.error();
    return ended;
}

Result<void> DataSetTokenizer::finish()
{
    if (failed_)
        return *failed_;
    if (inflater_) {
        if (const auto ended = inflater_->finish(); !ended)
            return ended.error();
    }
    if (value_left_ != 0)
        return at(Errc::truncated, "value", current_);
    if (!at_top())
        return at(Errc::truncated, "sequence", frames_.back().token);
    if (!all_zero(ConstBytes(header_).first(header_filled_)))
        return error(Errc::truncated, "element header");
    return {};
}

Result<void> DataSetTokenizer::read(ConstBytes chunk)
{
    while (!chunk.empty()) {
        if (only_zeros_)
            return read_zeros(chunk);
        const auto taken = value_left_ != 0 ? read_value(chunk) : read_header(chunk);
        if (!taken)
            return taken.error();
        chunk = chunk.subspan(*taken);
    }
    return {};
}

Result<std::size_t> DataSetTokenizer::read_value(ConstBytes chunk)
{
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), value_left_));
    const ConstBytes piece = chunk.first(size);
    if (current_.implicit && current_.tag.is_private_creator() && creator_.size() < max_creator) {
        const auto* text = reinterpret_cast<const char*>(piece.data());
        creator_.append(text, std::min(size, max_creator - creator_.size()));
    }
    if (const auto heard = sink_.value(current_, piece); !heard)
        return heard.error();
    position_ += size;
    value_left_ -= size;
    if (value_left_ == 0) {
        if (const auto ended = end_value(); !ended)
            return ended.error();
    }
    return size;
}

Result<void> DataSetTokenizer::read_zeros(ConstBytes chunk)
{
    if (!all_zero(chunk))
        return error(Errc::malformed, "bytes after the last element");
    position_ += chunk.size();
    return {};
}

Result<std::size_t> DataSetTokenizer::read_header(ConstBytes chunk)
{
    std::size_t taken = 0;
    // first the 8 bytes that every header has, then, where they ask for it, 4 more
    std::size_t size = header_filled_ < 8 ? 8 : header_size();
    while (header_filled_ < size && taken < chunk.size()) {
        const std::size_t piece = std::min(size - header_filled_, chunk.size() - taken);
        std::copy_n(
            chunk.begin() + static_cast<std::ptrdiff_t>(taken),
            piece,
            header_.begin() + static_cast<std::ptrdiff_t>(header_filled_)
        );
        taken += piece;
        header_filled_ += piece;
        if (header_filled_ >= 8)
            size = header_size();
    }
    position_ += taken;
    if (header_filled_ == size) {
        if (const auto understood = on_header(); !understood)
            return understood.error();
        header_filled_ = 0;
    }
    return taken;
}

/// Of the element that the first 8 bytes begin (PS3.5 7.1.2, 7.1.3).
std::size_t DataSetTokenizer::header_size() const
{
    const Frame& frame = frames_.back();
    if (frame.implicit || read_16(header_.data(), frame.big_endian) == item_tag.group)
        return 8;
    const auto letter = [this](std::size_t i) { return std::to_integer<char>(header_[i]); };
    return has_long_form(make_vr(letter(4), letter(5))) ? 12 : 8;
}

Token DataSetTokenizer::decode_header() const
{
    const Frame& frame = frames_.back();
    const std::byte* at = header_.data();
    const bool big = frame.big_endian;
    Token token;
    token.tag = {read_16(at, big), read_16(at + 2, big)};
    token.depth = static_cast<unsigned>(frames_.size() / 2);
    token.implicit = frame.implicit;
    token.big_endian = big;
    token.offset = position_ - header_filled_;
    if (frame.implicit || token.tag.group == item_tag.group) {
        token.length = read_32(at + 4, big);
        return token;
    }
    token.vr = make_vr(std::to_integer<char>(at[4]), std::to_integer<char>(at[5]));
    token.length = header_filled_ == 12 ? read_32(at + 8, big) : read_16(at + 6, big);
    return token;
}

Result<void> DataSetTokenizer::on_header()
{
    if (at_top() && all_zero(ConstBytes(header_).first(8))) {
        only_zeros_ = true;
        return {};
    }
    const Token token = decode_header();
    const Frame& frame = frames_.back();
    if (position_ > frame.limit)
        return at(Errc::malformed, "an element runs past the end of its item", token);
    if (token.tag == item_delimiter || token.tag == sequence_delimiter)
        return on_delimiter(token);
    if (token.length != undefined_length && token.length > frame.limit - position_)
        return at(Errc::malformed, "a value runs past the end of its item", token);
    return frame.token.kind == Kind::item ? on_element(token) : on_child(token);
}

Result<void> DataSetTokenizer::on_element(Token token)
{
    if (token.tag.group == item_tag.group)
        return at(Errc::malformed, "an item outside of a sequence", token);
    if (token.implicit)
        token.vr = implicit_vr(token.tag);
    const bool undefined = token.length == undefined_length;
    const bool bulk = first_letter(token.vr) == 'O' || token.vr == vr::ob_or_ow;
    if (undefined && (token.tag == tag::pixel_data || (bulk && !token.implicit)))
        token.kind = Kind::fragments;
    else if (undefined || token.vr == vr::sq)
        token.kind = Kind::sequence;
    if (token.kind != Kind::element)
        return open(token);
    return start_value(token);
}

/// In a sequence or between fragments: items, and nothing else.
Result<void> DataSetTokenizer::on_child(Token token)
{
    if (token.tag != item_tag)
        return at(Errc::malformed, "no item in a sequence", token);
    const bool fragment = frames_.back().token.kind == Kind::fragments;
    token.kind = fragment ? Kind::fragment : Kind::item;
    token.depth -= 1; // as its sequence
    if (!fragment)
        return open(token);
    if (token.length == undefined_length)
        return at(Errc::malformed, "a fragment without a length", token);
    return start_value(token);
}

/// The length of a delimiter says nothing; some devices write one (PS3.5 7.5.1: 0).
Result<void> DataSetTokenizer::on_delimiter(const Token& token)
{
    const Frame& frame = frames_.back();
    const bool of_item = token.tag == item_delimiter;
    if (at_top() || frame.defined || of_item != (frame.token.kind == Kind::item))
        return at(Errc::malformed, "a delimiter that ends nothing", token);
    if (const auto heard = sink_.end(frame.token); !heard)
        return heard.error();
    frames_.pop_back();
    return close_finished();
}

Result<void> DataSetTokenizer::open(const Token& token)
{
    const Frame& parent = frames_.back();
    if (token.kind != Kind::item && token.depth >= max_sequence_depth)
        return at(Errc::too_deep, "sequence", token);
    Frame frame{};
    frame.token = token;
    frame.defined = token.length != undefined_length;
    frame.limit = frame.defined ? position_ + token.length : parent.limit;
    // Of undefined length and no sequence by its own word (UN, or a VR that is newer than this
    // program): implicit little endian inside, whatever stands around it (PS3.5 6.2.2 note 4)
    const bool unknown = token.kind == Kind::sequence && !token.implicit && token.vr != vr::sq;
    frame.implicit = parent.implicit || unknown;
    frame.big_endian = parent.big_endian && !unknown;
    if (const auto heard = sink_.begin(token); !heard)
        return heard.error();
    frames_.push_back(std::move(frame));
    return close_finished();
}

Result<void> DataSetTokenizer::start_value(const Token& token)
{
    current_ = token;
    value_left_ = token.length;
    creator_.clear();
    if (const auto heard = sink_.begin(token); !heard)
        return heard.error();
    return value_left_ == 0 ? end_value() : Result<void>();
}

Result<void> DataSetTokenizer::end_value()
{
    if (current_.implicit && current_.tag.is_private_creator())
        note_creator();
    if (const auto heard = sink_.end(current_); !heard)
        return heard.error();
    return close_finished();
}

Result<void> DataSetTokenizer::close_finished()
{
    while (frames_.back().defined && frames_.back().limit == position_) {
        if (const auto heard = sink_.end(frames_.back().token); !heard)
            return heard.error();
        frames_.pop_back();
    }
    return {};
}

Vr DataSetTokenizer::implicit_vr(Tag tag) const
{
    const Frame& frame = frames_.back();
    if (!tag.is_private() || frame.creator_group != tag.group)
        return dictionary_vr(tag);
    for (const auto& [block, creator] : frame.creators) {
        if (block == tag.element >> 8U)
            return dictionary_vr(tag, creator);
    }
    return dictionary_vr(tag);
}

/// Tags ascend: a creator is asked for within its group only.
void DataSetTokenizer::note_creator()
{
    Frame& frame = frames_.back();
    if (frame.creator_group != current_.tag.group)
        frame.creators.clear();
    frame.creator_group = current_.tag.group;
    if (frame.creators.size() < max_creators)
        frame.creators.emplace_back(
            static_cast<std::uint8_t>(current_.tag.element), std::string(trimmed(creator_))
        );
}

} // namespace gantry::mapping
