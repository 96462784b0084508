// Cuts an encoded data set into its tokens (PS3.5 7): elements, sequences, items, fragments; pushed
// chunk by chunk. Any thread, one at a time. Memory is the stack of open items (bounded) and one
// element header; values go through in the pieces that they came in.
#pragma once

#include "mapping/error.h"
#include "mapping/inflater.h"
#include "mapping/value_representation.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/tag.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gantry::mapping {

inline constexpr std::uint32_t undefined_length = 0xffffffff;

/// Sequences inside sequences; nothing real comes near it.
inline constexpr unsigned max_sequence_depth = 64;

struct Token {
    enum class Kind : std::uint8_t {
        element,   // with a value of `length` bytes
        sequence,  // items follow, to its end
        item,      // elements follow, to its end
        fragments, // encapsulated pixel data (PS3.5 A.4): fragments follow, to its end
        fragment,  // with a value of `length` bytes
    };

    Kind kind = Kind::element;
    Tag tag;
    Vr vr = vr::none;         // as written, or else as the dictionary says; none: item, fragment
    std::uint32_t length = 0; // may be `undefined_length` where something follows to its end
    unsigned depth = 0;       // sequences that it stands in; an item has that of its sequence
    bool implicit = false;    // its VR was not written
    bool big_endian = false;  // so is its value
    std::uint64_t offset = 0; // of its first byte in the (inflated) data set
};

/// Hears the tokens in order. What it fails with ends the reading.
class TokenSink {
public:
    TokenSink() = default;
    TokenSink(const TokenSink&) = delete;
    TokenSink& operator=(const TokenSink&) = delete;
    virtual ~TokenSink() = default;

    virtual Result<void> begin(const Token& token) = 0;
    /// A piece of the value of the element or fragment that began last.
    virtual Result<void> value(const Token& token, ConstBytes piece) = 0;
    /// Comes for every begin(); `token` of an item or sequence says kind, tag and depth.
    virtual Result<void> end(const Token& token) = 0;
};

class DataSetTokenizer {
public:
    /// `sink` must outlive it.
    DataSetTokenizer(const TransferSyntax& syntax, TokenSink& sink);

    /// See DataSetScanner: the errors are the same.
    Result<void> feed(ConstBytes chunk);
    Result<void> finish();

    /// Bytes read so far, inflated where deflated.
    std::uint64_t position() const noexcept { return position_; }

    /// Bytes of the value that is being read that have not come; 0 where a header comes next, and
    /// of what is deflated.
    std::uint64_t value_left() const noexcept { return inflater_ ? 0 : value_left_; }

    /// Passes over that many of them, unheard: what is fed next comes after them.
    Result<void> skip(std::uint64_t size);

private:
    using Kind = Token::Kind;

    struct Frame { // what is open: the data set itself, a sequence, an item, or fragments
        Token token;
        std::uint64_t limit; // where it, or what it stands in, ends at the latest
        bool defined;        // it ends at `limit`; else by a delimiter
        bool implicit;
        bool big_endian;
        std::uint16_t creator_group = 0;
        std::vector<std::pair<std::uint8_t, std::string>> creators = {}; // by block
    };

    Result<void> read(ConstBytes chunk);
    Result<std::size_t> read_header(ConstBytes chunk);
    Result<std::size_t> read_value(ConstBytes chunk);
    Result<void> read_zeros(ConstBytes chunk);

    std::size_t header_size() const;
    Token decode_header() const;
    Result<void> on_header();
    Result<void> on_element(Token token);
    Result<void> on_child(Token token);
    Result<void> on_delimiter(const Token& token);
    Result<void> open(const Token& token);
    Result<void> start_value(const Token& token);
    Result<void> end_value();
    Result<void> close_finished();

    Vr implicit_vr(Tag tag) const;
    void note_creator();

    bool at_top() const noexcept { return frames_.size() == 1; }

    TokenSink& sink_;
    std::optional<Inflater> inflater_;
    std::optional<Error> failed_;
    std::vector<Frame> frames_;
    std::array<std::byte, 12> header_{};
    std::size_t header_filled_ = 0;
    Token current_;                // whose value is being read
    std::uint64_t value_left_ = 0; // 0: a header comes next
    std::string creator_;          // the value of a private creator, while it is read
    std::uint64_t position_ = 0;
    bool only_zeros_ = false; // padding with zeros has begun
};

} // namespace gantry::mapping
