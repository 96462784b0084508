#include "dimse/command_set.h"

namespace gantry::dimse {

namespace {

// Tag and length (PS3.5 7.1.3).
constexpr std::size_t element_head = 8;

// The standard knows 31 elements of this group; retired ones make it a few more.
constexpr std::size_t max_elements = 64;

void put_le16(wire::Buffer& out, unsigned value)
{
    wire::put8(out, value & 0xffU);
    wire::put8(out, value >> 8U & 0xffU);
}

void put_le32(wire::Buffer& out, std::uint32_t value)
{
    put_le16(out, value & 0xffffU);
    put_le16(out, value >> 16U);
}

} // namespace

std::optional<CommandSet> CommandSet::parse(ConstBytes bytes)
{
    CommandSet set;
    set.entries_.reserve(16);
    while (!bytes.empty()) {
        if (bytes.size() < element_head || wire::le16(bytes.data()) != 0 ||
            set.entries_.size() == max_elements)
            return std::nullopt;
        const std::uint32_t length = wire::le32(bytes.data() + 4);
        if (length > bytes.size() - element_head)
            return std::nullopt;
        set.entries_.push_back({wire::le16(bytes.data() + 2), bytes.subspan(element_head, length)});
        bytes = bytes.subspan(element_head + length);
    }
    const auto field = set.us(element::command_field);
    if (!field)
        return std::nullopt;
    set.command_ = static_cast<Command>(*field);
    return set;
}

bool CommandSet::has_data_set() const
{
    return us(element::data_set_type).value_or(no_data_set) != no_data_set;
}

const CommandSet::Entry* CommandSet::find(std::uint16_t element) const
{
    for (const Entry& entry : entries_) {
        if (entry.element == element)
            return &entry;
    }
    return nullptr;
}

std::optional<std::uint16_t> CommandSet::us(std::uint16_t element) const
{
    const Entry* entry = find(element);
    if (entry == nullptr || entry->value.size() != 2)
        return std::nullopt;
    return wire::le16(entry->value.data());
}

std::string_view CommandSet::text(std::uint16_t element) const
{
    const Entry* entry = find(element);
    if (entry == nullptr)
        return {};
    std::string_view value = wire::text(entry->value);
    while (!value.empty() && (value.back() == '\0' || value.back() == ' '))
        value.remove_suffix(1);
    return value;
}

CommandWriter::CommandWriter(wire::Buffer& out) : out_(&out), start_(out.size())
{
    put_head(element::group_length, 4);
    put_le32(*out_, 0);
}

CommandWriter& CommandWriter::us(std::uint16_t element, std::uint16_t value)
{
    put_head(element, 2);
    put_le16(*out_, value);
    return *this;
}

CommandWriter& CommandWriter::at(std::uint16_t element, Tag value)
{
    put_head(element, 4);
    put_le16(*out_, value.group);
    put_le16(*out_, value.element);
    return *this;
}

CommandWriter& CommandWriter::uid(std::uint16_t element, std::string_view value)
{
    put_padded(element, value, std::byte{0});
    return *this;
}

CommandWriter& CommandWriter::text(std::uint16_t element, std::string_view value)
{
    put_padded(element, value, std::byte{' '});
    return *this;
}

void CommandWriter::finish()
{
    const std::size_t length = out_->size() - start_ - element_head - 4;
    for (unsigned i = 0; i < 4; ++i)
        (*out_)[start_ + element_head + i] = static_cast<std::byte>(length >> (8U * i));
}

void CommandWriter::put_padded(std::uint16_t element, std::string_view value, std::byte padding)
{
    put_head(element, value.size() + value.size() % 2);
    wire::put(*out_, value);
    if (value.size() % 2 != 0)
        out_->push_back(padding);
}

void CommandWriter::put_head(std::uint16_t element, std::size_t length)
{
    put_le16(*out_, 0);
    put_le16(*out_, element);
    put_le32(*out_, static_cast<std::uint32_t>(length));
}

} // namespace gantry::dimse
