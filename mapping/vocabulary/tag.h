// The tag of a data element (PS3.5 7.1).
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace gantry {

struct Tag {
    std::uint16_t group = 0;
    std::uint16_t element = 0;

    /// Odd groups are private (PS3.5 7.8).
    constexpr bool is_private() const noexcept { return (group & 1U) != 0; }

    /// (gggg,0010) to (gggg,00FF) of an odd group names the creator of a block (PS3.5 7.8.1).
    constexpr bool is_private_creator() const noexcept
    {
        return is_private() && element >= 0x0010 && element <= 0x00ff;
    }

    /// "00100020": the form of PS3.18 F.2.2.
    std::string hex() const;

    friend constexpr auto operator<=>(const Tag&, const Tag&) = default;
};

inline std::string Tag::hex() const
{
    constexpr char digits[] = "0123456789ABCDEF";
    const auto number = static_cast<std::uint32_t>(group) << 16U | element;
    std::string text(8, '0');
    for (unsigned i = 0; i < 8; ++i)
        text[i] = digits[(number >> (28U - 4U * i)) & 0xfU];
    return text;
}

namespace tag {

inline constexpr Tag specific_character_set{0x0008, 0x0005};
inline constexpr Tag sop_class_uid{0x0008, 0x0016};
inline constexpr Tag sop_instance_uid{0x0008, 0x0018};
inline constexpr Tag study_instance_uid{0x0020, 0x000d};
inline constexpr Tag series_instance_uid{0x0020, 0x000e};
inline constexpr Tag pixel_data{0x7fe0, 0x0010};

} // namespace tag

} // namespace gantry
