// Value representations (PS3.5 6.2) as two letters, and what the data dictionary (PS3.6 6) says of
// a tag. Pure but for DCMTK's dictionary, which is read under its own lock; any thread.
#pragma once

#include "mapping/vocabulary/tag.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::mapping {

/// Two letters, first one high. Values that are not listed occur: what a device wrote is kept.
enum class Vr : std::uint16_t {};

constexpr Vr make_vr(char first, char second)
{
    return static_cast<Vr>(
        static_cast<unsigned char>(first) << 8U | static_cast<unsigned char>(second)
    );
}

constexpr char first_letter(Vr vr)
{
    return static_cast<char>(static_cast<std::uint16_t>(vr) >> 8U);
}

constexpr char second_letter(Vr vr)
{
    return static_cast<char>(static_cast<std::uint16_t>(vr) & 0xffU);
}

inline std::string to_string(Vr vr)
{
    return {first_letter(vr), second_letter(vr)};
}

namespace vr {

inline constexpr Vr none{}; // items and delimiters
inline constexpr Vr lo = make_vr('L', 'O');
inline constexpr Vr ob = make_vr('O', 'B');
inline constexpr Vr ow = make_vr('O', 'W');
inline constexpr Vr sq = make_vr('S', 'Q');
inline constexpr Vr ss = make_vr('S', 'S');
inline constexpr Vr ui = make_vr('U', 'I');
inline constexpr Vr ul = make_vr('U', 'L');
inline constexpr Vr un = make_vr('U', 'N');
inline constexpr Vr us = make_vr('U', 'S');

// Where the dictionary leaves a choice that other elements decide (PS3.5 annex A).
inline constexpr Vr us_or_ss = make_vr('x', 's');
inline constexpr Vr us_or_ss_or_ow = make_vr('l', 't'); // LUT Data
inline constexpr Vr ob_or_ow = make_vr('o', 'x');

} // namespace vr

/// Whether the length of an explicit VR element takes 32 bits (PS3.5 7.1.2). So does that of two
/// capital letters that no edition knows yet: every VR since 1996 but none before is of that form.
bool has_long_form(Vr vr);

/// Bytes that change places between big and little endian: 1, 2, 4 or 8 (PS3.5 7.3). AT is 2.
unsigned word_size(Vr vr);

/// The VR of a tag by the data dictionary, private tags by their `creator`; UN where it is unknown.
/// May be one of the choices above.
Vr dictionary_vr(Tag tag, std::string_view creator = {});

/// Without its dictionary, DCMTK knows no VR at all.
bool dictionary_loaded();

} // namespace gantry::mapping
