#include "support/dicom_bytes.h"

#include <stdexcept>

namespace gantry::tests {

namespace {

void put(ByteVector& out, std::size_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; ++i)
        out.push_back(static_cast<std::byte>(value >> (8U * (bytes - 1 - i))));
}

void put_le(ByteVector& out, std::size_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; ++i)
        out.push_back(static_cast<std::byte>(value >> (8U * i)));
}

void put(ByteVector& out, std::string_view text)
{
    for (const char c : text)
        out.push_back(static_cast<std::byte>(c));
}

void put(ByteVector& out, const ByteVector& bytes)
{
    out.insert(out.end(), bytes.begin(), bytes.end());
}

std::string padded(std::string text, char filler = '\0')
{
    if (text.size() % 2 != 0)
        text.push_back(filler);
    return text;
}

ByteVector item(unsigned type, const ByteVector& value)
{
    ByteVector out;
    put(out, type, 1);
    put(out, 0, 1);
    put(out, value.size(), 2);
    put(out, value);
    return out;
}

ByteVector text_bytes(std::string_view text)
{
    ByteVector out;
    put(out, text);
    return out;
}

ByteVector context_item(const Proposal& proposal)
{
    ByteVector value;
    put(value, proposal.id, 1);
    put(value, 0, 3);
    put(value, item(0x30, text_bytes(proposal.abstract_syntax)));
    for (const std::string& syntax : proposal.transfer_syntaxes)
        put(value, item(0x40, text_bytes(syntax)));
    return item(0x20, value);
}

ByteVector pdu(unsigned type, const ByteVector& content)
{
    ByteVector out;
    put(out, type, 1);
    put(out, 0, 1);
    put(out, content.size(), 4);
    put(out, content);
    return out;
}

void put_element(ByteVector& out, unsigned element, const ByteVector& value)
{
    put_le(out, 0, 2);
    put_le(out, element, 2);
    put_le(out, value.size(), 4);
    put(out, value);
}

void put_us(ByteVector& out, unsigned element, unsigned value)
{
    ByteVector bytes;
    put_le(bytes, value, 2);
    put_element(out, element, bytes);
}

ByteVector with_group_length(const ByteVector& elements)
{
    ByteVector out;
    ByteVector length;
    put_le(length, elements.size(), 4);
    put_element(out, 0, length);
    put(out, elements);
    return out;
}

void put_explicit(ByteVector& out, std::uint32_t tag, std::string_view vr, const ByteVector& value)
{
    put_le(out, tag >> 16U, 2);
    put_le(out, tag & 0xffffU, 2);
    put(out, vr);
    if (vr == "OW") {
        put_le(out, 0, 2);
        put_le(out, value.size(), 4);
    } else
        put_le(out, value.size(), 2);
    put(out, value);
}

} // namespace

ByteVector associate_request(const RequestBytes& request)
{
    ByteVector content;
    put(content, request.version, 2);
    put(content, 0, 2);
    std::string called = request.called;
    std::string calling = request.calling;
    called.resize(16, ' ');
    calling.resize(16, ' ');
    put(content, called);
    put(content, calling);
    content.resize(content.size() + 32);
    put(content, item(0x10, text_bytes(request.application_context)));
    for (const Proposal& proposal : request.proposals)
        put(content, context_item(proposal));
    ByteVector max_length;
    put(max_length, request.max_pdu, 4);
    ByteVector user = item(0x51, max_length);
    put(user, item(0x52, text_bytes("1.2.3.4.5")));
    put(user, item(0x55, text_bytes("TEST_1")));
    put(user, request.extra_user_items);
    put(content, item(0x50, user));
    return pdu(0x01, content);
}

ByteVector associate_accept(const std::vector<std::string>& syntaxes, std::uint32_t max_pdu)
{
    ByteVector content;
    put(content, 1, 2);
    content.resize(content.size() + 2 + 64);
    put(content, item(0x10, text_bytes("1.2.840.10008.3.1.1.1")));
    std::size_t id = 1;
    for (const std::string& syntax : syntaxes) {
        ByteVector value;
        put(value, id, 1);
        put(value, 0, 1);
        put(value, syntax.empty() ? 3 : 0, 1);
        put(value, 0, 1);
        put(value, item(0x40, text_bytes(syntax.empty() ? implicit_le : syntax)));
        put(content, item(0x21, value));
        id += 2;
    }
    ByteVector max_length;
    put(max_length, max_pdu, 4);
    put(content, item(0x50, item(0x51, max_length)));
    return pdu(0x02, content);
}

ByteVector role_item(std::string_view sop_class, unsigned scu, unsigned scp)
{
    ByteVector value;
    put(value, sop_class.size(), 2);
    put(value, sop_class);
    put(value, scu, 1);
    put(value, scp, 1);
    return item(0x54, value);
}

ByteVector extended_item(std::string_view sop_class, ConstBytes information)
{
    ByteVector value;
    put(value, sop_class.size(), 2);
    put(value, sop_class);
    value.insert(value.end(), information.begin(), information.end());
    return item(0x56, value);
}

ByteVector p_data(unsigned context, unsigned control, ConstBytes fragment)
{
    ByteVector content;
    put(content, fragment.size() + 2, 4);
    put(content, context, 1);
    put(content, control, 1);
    content.insert(content.end(), fragment.begin(), fragment.end());
    return pdu(0x04, content);
}

ByteVector store_command(const StoreCommand& command)
{
    ByteVector out;
    if (!command.sop_class.empty())
        put_element(out, 0x0002, text_bytes(padded(command.sop_class)));
    put_us(out, 0x0100, command.command);
    put_us(out, 0x0110, command.message_id);
    put_us(out, 0x0700, 0);
    put_us(out, 0x0800, command.data_set_type);
    if (!command.sop_instance.empty())
        put_element(out, 0x1000, text_bytes(padded(command.sop_instance)));
    return with_group_length(out);
}

ByteVector echo_command(unsigned message_id)
{
    ByteVector out;
    put_element(out, 0x0002, text_bytes(padded(verification)));
    put_us(out, 0x0100, 0x0030);
    put_us(out, 0x0110, message_id);
    put_us(out, 0x0800, 0x0101);
    return with_group_length(out);
}

std::string us(unsigned value)
{
    return {static_cast<char>(value & 0xffU), static_cast<char>(value >> 8U & 0xffU)};
}

ByteVector command_set(const std::vector<ElementBytes>& elements)
{
    ByteVector out;
    for (const ElementBytes& element : elements)
        put_element(out, element.tag, text_bytes(padded(element.value)));
    return with_group_length(out);
}

ByteVector data_set(const std::vector<ElementBytes>& elements, bool with_vr)
{
    ByteVector out;
    for (const ElementBytes& element : elements) {
        const ByteVector value = text_bytes(padded(element.value, element.vr == "UI" ? '\0' : ' '));
        if (with_vr) {
            put_explicit(out, element.tag, element.vr, value);
            continue;
        }
        put_le(out, element.tag >> 16U, 2);
        put_le(out, element.tag & 0xffffU, 2);
        put_le(out, value.size(), 4);
        put(out, value);
    }
    return out;
}

ByteVector query_command(const QueryCommand& command)
{
    std::vector<ElementBytes> elements;
    if (!command.sop_class.empty())
        elements.push_back({0x0002, command.sop_class});
    elements.push_back({0x0100, us(command.command)});
    elements.push_back({0x0110, us(command.message_id)});
    if (!command.move_destination.empty())
        elements.push_back({0x0600, command.move_destination});
    elements.push_back({0x0700, us(command.priority)});
    elements.push_back({0x0800, us(command.data_set_type)});
    return command_set(elements);
}

ByteVector cancel_command(unsigned message_id)
{
    return command_set({{0x0100, us(0x0fff)}, {0x0120, us(message_id)}, {0x0800, us(0x0101)}});
}

ByteVector store_response(unsigned message_id, unsigned status)
{
    return command_set(
        {{0x0100, us(0x8001)}, {0x0120, us(message_id)}, {0x0800, us(0x0101)}, {0x0900, us(status)}}
    );
}

int command_number(const ByteVector& response, unsigned element)
{
    const std::string text = command_text(response, element);
    if (text.size() != 2)
        return -1;
    return static_cast<unsigned char>(text[0]) | static_cast<unsigned char>(text[1]) << 8U;
}

std::string command_text(const ByteVector& response, unsigned element)
{
    for (std::size_t at = 12; at + 8 <= response.size();) {
        const auto byte = [&](std::size_t i) {
            return std::to_integer<std::size_t>(response[at + i]);
        };
        const std::size_t length = byte(4) | byte(5) << 8U | byte(6) << 16U | byte(7) << 24U;
        if ((byte(2) | byte(3) << 8U) == element && at + 8 + length <= response.size()) {
            std::string text;
            for (std::size_t i = 0; i < length; ++i)
                text.push_back(static_cast<char>(byte(8 + i)));
            return text;
        }
        at += 8 + length;
    }
    return {};
}

std::uint16_t status_of(const ByteVector& response)
{
    const std::string status = command_text(response, 0x0900);
    if (response.empty() || response[0] != std::byte{4} || status.size() != 2)
        throw std::runtime_error("no response");
    const auto low = static_cast<unsigned char>(status[0]);
    const auto high = static_cast<unsigned char>(status[1]);
    return static_cast<std::uint16_t>(low | high << 8U);
}

ByteVector release_request()
{
    return hex("0500 00000004 00000000");
}

ByteVector abort_pdu()
{
    return hex("0700 00000004 00000000");
}

ByteVector ct_data_set(std::string_view sop_instance, std::size_t pixel_bytes)
{
    ByteVector out;
    const auto put_uid = [&](std::uint32_t tag, std::string_view uid) {
        put_explicit(out, tag, "UI", text_bytes(padded(std::string(uid))));
    };
    put_uid(0x00080016, ct_image);
    put_uid(0x00080018, sop_instance);
    put_explicit(out, 0x00080020, "DA", text_bytes("20260101"));
    put_explicit(out, 0x00080060, "CS", text_bytes("CT"));
    put_explicit(out, 0x00100010, "PN", text_bytes("BENCH^CT"));
    put_explicit(out, 0x00100020, "LO", text_bytes("BENCH1"));
    put_uid(0x0020000d, "1.2.826.0.1.3680043.9.9999.1");
    put_uid(0x0020000e, "1.2.826.0.1.3680043.9.9999.1.1");
    ByteVector pixels(pixel_bytes);
    for (std::size_t i = 0; i < pixel_bytes; ++i)
        pixels[i] = static_cast<std::byte>(i * 31 + (i >> 8U));
    put_explicit(out, 0x7fe00010, "OW", pixels);
    return out;
}

ByteVector joined(std::initializer_list<ByteVector> parts)
{
    ByteVector out;
    for (const ByteVector& part : parts)
        put(out, part);
    return out;
}

} // namespace gantry::tests
