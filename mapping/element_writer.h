// Writes the headers and values of Explicit or Implicit VR Little Endian (PS3.5 A.1, A.2), and
// turns big endian words round on the way. Any thread, one at a time; holds about 64 KiB.
#pragma once

#include "mapping/error.h"
#include "mapping/value_representation.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/tag.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace gantry::mapping {

enum class Headers : std::uint8_t { explicit_vr, implicit_vr };

/// Writes little endian, gathering what is small.
class ElementWriter {
public:
    using Out = std::function<Result<void>(ConstBytes)>;

    explicit ElementWriter(Out out, Headers headers = Headers::explicit_vr)
        : out_(std::move(out)), headers_(headers)
    {
        gathered_.reserve(piece_size);
    }

    void number(std::uint32_t value, unsigned size)
    {
        for (unsigned i = 0; i < size; ++i)
            gathered_.push_back(static_cast<std::byte>(value >> (8 * i) & 0xffU));
    }

    void header(Tag tag, Vr vr, std::uint32_t length)
    {
        number(tag.group, 2);
        number(tag.element, 2);
        if (vr == vr::none || headers_ == Headers::implicit_vr) // items and delimiters have none
            return number(length, 4);
        number(static_cast<unsigned char>(first_letter(vr)), 1);
        number(static_cast<unsigned char>(second_letter(vr)), 1);
        if (!has_long_form(vr))
            return number(length, 2);
        number(0, 2);
        number(length, 4);
    }

    Result<void> bytes(ConstBytes piece)
    {
        if (gathered_.size() + piece.size() > piece_size) {
            if (const auto flushed = flush(); !flushed)
                return flushed.error();
        }
        if (piece.size() >= piece_size)
            return out_(piece);
        gathered_.insert(gathered_.end(), piece.begin(), piece.end());
        return {};
    }

    /// After what has no bound: keeps what is gathered below it.
    Result<void> settle() { return gathered_.size() < piece_size ? Result<void>() : flush(); }

    Result<void> flush()
    {
        if (gathered_.empty())
            return {};
        const auto flushed = out_(gathered_);
        gathered_.clear();
        return flushed;
    }

private:
    static constexpr std::size_t piece_size = std::size_t{64} << 10U;

    Out out_;
    Headers headers_;
    std::vector<std::byte> gathered_;
};

/// Turns words round that come in pieces of any size.
class WordSwapper {
public:
    void start(unsigned word)
    {
        word_ = word;
        carried_ = 0;
    }

    Result<void> swap(ConstBytes piece, ElementWriter& out)
    {
        for (std::size_t at = 0; at < piece.size();) {
            std::array<std::byte, 4096> words;
            std::size_t filled = 0;
            while (at < piece.size() && filled + word_ <= words.size()) {
                carry_[carried_++] = piece[at++];
                if (carried_ < word_)
                    continue;
                for (std::size_t i = 0; i < word_; ++i)
                    words[filled++] = carry_[word_ - 1 - i];
                carried_ = 0;
            }
            if (const auto written = out.bytes(ConstBytes(words).first(filled)); !written)
                return written.error();
        }
        return {};
    }

    /// What is left of a value that is no whole number of words goes as it is.
    Result<void> finish(ElementWriter& out)
    {
        const std::size_t left = std::exchange(carried_, 0);
        return out.bytes(ConstBytes(carry_).first(left));
    }

private:
    unsigned word_ = 1;
    std::size_t carried_ = 0;
    std::array<std::byte, 8> carry_{}; // the longest word
};

} // namespace gantry::mapping
