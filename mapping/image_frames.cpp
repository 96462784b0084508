#include "mapping/image_frames.h"

#include "mapping/data_set_walk.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

namespace gantry::mapping {

namespace {

constexpr std::uint32_t item_header = 8;
constexpr std::uint64_t largest_table = 64U << 20U; // bytes of an offset table
constexpr std::size_t most_fragments = 1U << 19U;
constexpr std::size_t places_tried = 64; // of an offset table
constexpr std::uint64_t most_frame_bits = 1ULL << 40U;

std::uint64_t little_endian(ConstBytes bytes, std::size_t at, std::size_t size)
{
    std::uint64_t number = 0;
    for (std::size_t i = size; i-- > 0;)
        number = number << 8U | std::to_integer<std::uint64_t>(bytes[at + i]);
    return number;
}

/// An item of encapsulated pixel data, or the delimiter at their end.
struct Item {
    bool last = false; // the delimiter
    std::uint32_t length = 0;
    bool begins_codestream = false;
};

Result<Item> item_at(const RandomAccess& data_set, std::uint64_t offset, Codec codec)
{
    constexpr std::uint64_t item_tag = 0xe000fffe; // as it lies there
    constexpr std::uint64_t delimiter_tag = 0xe0ddfffe;
    std::array<std::byte, 16> head{};
    const auto got = data_set.read(offset, head);
    if (!got)
        return got.error();
    if (*got < item_header)
        return error(Errc::truncated, "fragments");
    const std::uint64_t tag = little_endian(head, 0, 4);
    Item item;
    item.last = tag == delimiter_tag;
    if (tag != item_tag && !item.last)
        return error(Errc::malformed, "no item among fragments");
    if (item.last)
        return item;
    item.length = static_cast<std::uint32_t>(little_endian(head, 4, 4));
    if (item.length > data_set.size().count - offset - item_header)
        return error(Errc::truncated, "a fragment");
    const auto begin = ConstBytes(head).first(*got).subspan(item_header);
    item.begins_codestream =
        begins_codestream(codec, begin.first(std::min<std::size_t>(begin.size(), item.length)));
    return item;
}

bool is_video(std::string_view syntax)
{
    // MPEG2, MPEG-4 and HEVC, fragmentable or not: 1.2.840.10008.1.2.4.100 to .108
    constexpr std::string_view before = "1.2.840.10008.1.2.4.10";
    return syntax.starts_with(before) && syntax.size() > before.size() &&
           syntax[before.size()] >= '0' && syntax[before.size()] <= '8';
}

/// PS3.3 C.7.6.3.1.2: two samples for each pixel where chrominance is shared and not compressed.
std::uint64_t bits_of(const ImageAttributes& image, std::uint64_t value_length)
{
    const FrameShape& shape = image.shape;
    const std::uint64_t pixels = std::uint64_t{shape.rows} * shape.columns;
    const std::uint64_t all = pixels * shape.samples * shape.bits_allocated;
    const bool shared = image.photometric == "YBR_FULL_422" && shape.samples == 3;
    const bool too_few = value_length < all / 8 * image.frames;
    return shared && too_few ? pixels * 2 * shape.bits_allocated : all;
}

} // namespace

std::uint64_t FrameExtent::length() const
{
    return std::accumulate(
        pieces.begin(),
        pieces.end(),
        std::uint64_t{0},
        [](std::uint64_t sum, const Extent& piece) { return sum + piece.length; }
    );
}

/// Stops where the pixels begin.
class ImageFrames::Reading final : public WalkSink {
public:
    explicit Reading(const RandomAccess& data_set) : data_set_(data_set) {}

    bool wants_rest() const override { return wanted_; }

    Result<void> begin(const Token& token) override
    {
        attributes_.begin(token);
        wanted_ = token.kind == Token::Kind::element && token.length <= 64;
        if (token.depth > 0 || token.kind == Token::Kind::item)
            return {};
        if (token.tag == tag::extended_offset_table)
            extended_ = {position(), token.length};
        if (token.tag != tag::pixel_data && token.tag != tag::float_pixel_data &&
            token.tag != tag::double_pixel_data)
            return {};
        pixels_ = token;
        begin_ = position();
        return stop();
    }

    Result<void> value(const Token& token, ConstBytes piece) override
    {
        attributes_.value(token, piece);
        return {};
    }

    Result<void> end(const Token& token) override
    {
        attributes_.end(token);
        return {};
    }

    Result<ImageFrames> conclude(std::string_view syntax)
    {
        if (!pixels_)
            return error(Errc::not_dicom, "no image");
        ImageFrames out;
        out.image_ = attributes_.here();
        out.syntax_ = syntax;
        out.element_ = pixels_->tag;
        out.encapsulated_ = pixels_->kind == Token::Kind::fragments;
        if (out.encapsulated_ != TransferSyntax::of(syntax).encapsulated)
            return error(Errc::malformed, "pixel data that their transfer syntax does not allow");
        const auto found = out.encapsulated_ ? find_fragments(out) : find_native(out);
        if (!found)
            return found.error();
        return out;
    }

private:
    Result<void> find_native(ImageFrames& out) const
    {
        const FrameShape& shape = out.image_.shape;
        if (pixels_->length > data_set_.size().count - begin_)
            return error(Errc::truncated, "pixel data");
        if (shape.rows == 0 || shape.columns == 0 || shape.samples == 0)
            return error(Errc::malformed, "an image without rows, columns or samples");
        if (shape.bits_allocated != 1 && (shape.bits_allocated == 0 || shape.bits_allocated % 8))
            return error(Errc::unsupported, "an image of such Bits Allocated");
        out.value_ = {begin_, pixels_->length};
        out.count_ = out.image_.frames;
        out.frame_bits_ = bits_of(out.image_, pixels_->length);
        return out.frame_bits_ <= most_frame_bits ? Result<void>()
                                                  : error(Errc::too_large, "an image");
    }

    Result<void> find_fragments(ImageFrames& out)
    {
        out.video_ = is_video(out.syntax_);
        out.count_ = out.video_ ? 1 : out.image_.frames;
        const auto table = item_at(data_set_, begin_, Codec::other);
        if (!table)
            return table.error();
        if (table->last)
            return error(Errc::malformed, "fragments without an offset table");
        const Extent basic{begin_ + item_header, table->length};
        first_ = basic.offset + basic.length;
        if (out.count_ > 1) {
            auto starts = offsets_in(extended_, 8, out.count_);
            if (starts && starts->empty())
                starts = offsets_in(basic, 4, out.count_);
            if (!starts)
                return starts.error();
            if (is_good(*starts, out.codec())) {
                out.starts_ = std::move(*starts);
                return {};
            }
        }
        return walk(out);
    }

    /// Where frames begin by a table of offsets; empty where it is not one for each frame.
    Result<std::vector<std::uint64_t>>
    offsets_in(Extent table, std::size_t size, std::uint32_t frames) const
    {
        std::vector<std::uint64_t> out;
        if (table.length != std::uint64_t{frames} * size || table.length > largest_table)
            return out;
        std::vector<std::byte> bytes(static_cast<std::size_t>(table.length));
        if (const auto read = read_exactly(data_set_, table.offset, bytes); !read)
            return read.error();
        out.reserve(frames);
        const std::uint64_t left = data_set_.size().count - first_;
        for (std::size_t at = 0; at < bytes.size(); at += size) {
            const std::uint64_t offset = little_endian(bytes, at, size);
            const std::uint64_t start = first_ + offset;
            const bool first_is_first = !out.empty() || offset == 0;
            if (!first_is_first || offset >= left || (!out.empty() && start <= out.back()))
                return std::vector<std::uint64_t>{};
            out.push_back(start);
        }
        return out;
    }

    /// At each place that is looked at an item begins.
    bool is_good(const std::vector<std::uint64_t>& starts, Codec codec) const
    {
        const std::size_t step = std::max<std::size_t>(starts.size() / places_tried, 1);
        for (std::size_t i = 0; i < starts.size(); i += step) {
            const auto item = item_at(data_set_, starts[i], codec);
            if (!item || item->last)
                return false;
        }
        const auto last =
            starts.empty() ? Result<Item>(Item{true}) : item_at(data_set_, starts.back(), codec);
        return last && !last->last;
    }

    /// Fragment by fragment.
    Result<void> walk(ImageFrames& out) const
    {
        std::vector<std::uint32_t> begins; // fragments that begin a codestream
        for (std::uint64_t at = first_;;) {
            const auto item = item_at(data_set_, at, out.codec());
            if (!item)
                return item.error();
            if (item->last)
                break;
            at += item_header;
            if (out.fragments_.size() == most_fragments)
                return error(Errc::too_large, "the number of fragments");
            if (item->begins_codestream)
                begins.push_back(static_cast<std::uint32_t>(out.fragments_.size()));
            if (item->length > 0)
                out.fragments_.push_back({at, item->length});
            at += item->length;
        }
        if (out.fragments_.empty())
            return error(Errc::malformed, "an image without fragments");
        if (out.count_ == 1)
            out.first_of_ = {0};
        else if (out.fragments_.size() != out.count_)
            out.first_of_ = std::move(begins);
        if (!out.first_of_.empty() && out.first_of_.size() != out.count_)
            return error(Errc::malformed, "not as many frames as the image says");
        if (out.first_of_.empty() && out.fragments_.size() != out.count_)
            return error(Errc::malformed, "not as many frames as the image says");
        return {};
    }

    const RandomAccess& data_set_;
    ImageAttributeReader attributes_;
    bool wanted_ = false;
    std::optional<Token> pixels_;
    std::uint64_t begin_ = 0; // of the value
    std::uint64_t first_ = 0; // the first fragment's item
    Extent extended_;
};

Result<ImageFrames>
ImageFrames::read(const RandomAccess& data_set, std::string_view transfer_syntax)
{
    const TransferSyntax& syntax = TransferSyntax::of(transfer_syntax);
    if (syntax.encoding == Encoding::explicit_be)
        return error(Errc::unsupported, "frames of a big endian data set");
    Reading reading(data_set);
    if (const auto walked = walk_data_set(data_set, syntax, reading); !walked)
        return walked.error();
    return reading.conclude(transfer_syntax);
}

Result<FrameExtent> ImageFrames::frame(const RandomAccess& data_set, std::uint32_t number) const
{
    if (number == 0 || number > count_)
        return error(Errc::malformed, "no such frame");
    FrameExtent out;
    if (!encapsulated_) {
        const std::uint64_t bit = frame_bits_ * (number - 1);
        out.first_bit = static_cast<unsigned>(bit % 8);
        const Extent piece{value_.offset + bit / 8, (out.first_bit + frame_bits_ + 7) / 8};
        if (frame_bits_ == 0 || bit / frame_bits_ != number - 1 ||
            piece.offset + piece.length > value_.offset + value_.length)
            return error(Errc::malformed, "a frame beyond the pixel data");
        out.pieces.push_back(piece);
        return out;
    }
    if (!starts_.empty())
        return by_table(data_set, number);
    const std::size_t first = first_of_.empty() ? number - 1 : first_of_[number - 1];
    std::size_t end = first + 1;
    if (!first_of_.empty())
        end = number < count_ ? first_of_[number] : fragments_.size();
    for (std::size_t i = first; i < end; ++i)
        out.pieces.push_back({fragments_[i].offset, fragments_[i].length});
    return out;
}

Result<FrameExtent> ImageFrames::by_table(const RandomAccess& data_set, std::uint32_t number) const
{
    FrameExtent out;
    const bool is_last = number == count_;
    const std::uint64_t end = is_last ? data_set.size().count : starts_[number];
    for (std::uint64_t at = starts_[number - 1]; at < end;) {
        const auto item = item_at(data_set, at, codec());
        if (!item)
            return item.error();
        if (item->last && is_last)
            break;
        at += item_header + item->length;
        if (item->last || at > end || out.pieces.size() == most_fragments)
            return error(Errc::malformed, "a frame is not where the offset table says");
        if (item->length > 0)
            out.pieces.push_back({at - item->length, item->length});
    }
    return out.pieces.empty() ? Result<FrameExtent>(error(Errc::malformed, "an empty frame"))
                              : Result<FrameExtent>(std::move(out));
}

Result<std::uint64_t> end_of_fragments(const RandomAccess& data_set, std::uint64_t offset)
{
    for (std::uint64_t at = offset;;) {
        const auto item = item_at(data_set, at, Codec::other);
        if (!item)
            return item.error();
        at += item_header + item->length;
        if (item->last)
            return at;
    }
}

std::size_t ImageFrames::footprint() const noexcept
{
    return sizeof(*this) + starts_.capacity() * sizeof(starts_[0]) +
           fragments_.capacity() * sizeof(Fragment) + first_of_.capacity() * sizeof(first_of_[0]);
}

} // namespace gantry::mapping
