// A DIMSE command set: the elements of group 0000, Implicit VR Little Endian always (PS3.7 6.3.1,
// annex E). Pure; any thread.
#pragma once

#include "dimse/wire.h"
#include "mapping/vocabulary/tag.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace gantry::dimse {

/// (0000,0100) Command Field (PS3.7 E.1-1).
enum class Command : std::uint16_t {
    c_store_rq = 0x0001,
    c_store_rsp = 0x8001,
    c_get_rq = 0x0010,
    c_get_rsp = 0x8010,
    c_find_rq = 0x0020,
    c_find_rsp = 0x8020,
    c_move_rq = 0x0021,
    c_move_rsp = 0x8021,
    c_echo_rq = 0x0030,
    c_echo_rsp = 0x8030,
    n_event_report_rq = 0x0100,
    n_get_rq = 0x0110,
    n_set_rq = 0x0120,
    n_action_rq = 0x0130,
    n_create_rq = 0x0140,
    n_delete_rq = 0x0150,
    c_cancel_rq = 0x0fff
};

/// A response has the field of its request with the highest bit set.
inline constexpr std::uint16_t response_bit = 0x8000;

/// Element numbers of group 0000 (PS3.7 E.1).
namespace element {

inline constexpr std::uint16_t group_length = 0x0000;
inline constexpr std::uint16_t affected_sop_class = 0x0002;
inline constexpr std::uint16_t requested_sop_class = 0x0003;
inline constexpr std::uint16_t command_field = 0x0100;
inline constexpr std::uint16_t message_id = 0x0110;
inline constexpr std::uint16_t message_id_responded_to = 0x0120;
inline constexpr std::uint16_t move_destination = 0x0600;
inline constexpr std::uint16_t priority = 0x0700;
inline constexpr std::uint16_t data_set_type = 0x0800;
inline constexpr std::uint16_t status = 0x0900;
inline constexpr std::uint16_t offending_element = 0x0901;
inline constexpr std::uint16_t error_comment = 0x0902;
inline constexpr std::uint16_t affected_sop_instance = 0x1000;
inline constexpr std::uint16_t requested_sop_instance = 0x1001;
inline constexpr std::uint16_t event_type = 0x1002;
inline constexpr std::uint16_t action_type = 0x1008;
inline constexpr std::uint16_t remaining_sub_operations = 0x1020;
inline constexpr std::uint16_t completed_sub_operations = 0x1021;
inline constexpr std::uint16_t failed_sub_operations = 0x1022;
inline constexpr std::uint16_t warning_sub_operations = 0x1023;
inline constexpr std::uint16_t move_originator = 0x1030;
inline constexpr std::uint16_t move_originator_message_id = 0x1031;

} // namespace element

/// (0000,0800): no data set follows; any other value says that one does.
inline constexpr std::uint16_t no_data_set = 0x0101;
inline constexpr std::uint16_t with_data_set = 0x0000;

/// Reads a command set in place: the bytes outlive it.
class CommandSet {
public:
    /// Empty where the bytes are no command set: another group, lengths that do not fit, no command
    /// field, too many elements.
    static std::optional<CommandSet> parse(ConstBytes bytes);

    Command command() const noexcept { return command_; }

    bool has_data_set() const;

    std::optional<std::uint16_t> us(std::uint16_t element) const;

    /// Without the padding at its end; empty where the element is absent.
    std::string_view text(std::uint16_t element) const;

private:
    struct Entry {
        std::uint16_t element = 0;
        ConstBytes value;
    };

    const Entry* find(std::uint16_t element) const;

    std::vector<Entry> entries_;
    Command command_{};
};

/// Writes a command set; the elements come in ascending order.
class CommandWriter {
public:
    explicit CommandWriter(wire::Buffer& out);

    CommandWriter& us(std::uint16_t element, std::uint16_t value);
    CommandWriter& at(std::uint16_t element, Tag value);
    CommandWriter& uid(std::uint16_t element, std::string_view value);  // padded with NUL
    CommandWriter& text(std::uint16_t element, std::string_view value); // padded with a space
    /// Sets the group length: the command set is complete.
    void finish();

private:
    void put_padded(std::uint16_t element, std::string_view value, std::byte padding);
    void put_head(std::uint16_t element, std::size_t length);

    wire::Buffer* out_;
    std::size_t start_;
};

} // namespace gantry::dimse
