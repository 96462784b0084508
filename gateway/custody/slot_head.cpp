#include "gateway/custody/slot_head.h"

#include "gateway/custody/digest.h"
#include "gateway/error.h"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace gantry::custody {

namespace {

namespace json = boost::json;

constexpr std::string_view magic = "gantry-slot 1 ";
constexpr std::size_t checksum_digits = 16;
constexpr std::size_t json_offset = magic.size() + checksum_digits + 1;
constexpr std::size_t max_destinations = 16;

std::string checksum_text(ConstBytes bytes)
{
    const std::uint64_t value = checksum(bytes);
    std::array<std::byte, 8> big_endian{};
    for (std::size_t i = 0; i < big_endian.size(); ++i)
        big_endian[i] = static_cast<std::byte>(value >> (56U - 8U * i));
    return to_hex(big_endian);
}

std::optional<Digest> digest_of(std::string_view text)
{
    Digest digest{};
    if (text.size() != digest.size() * 2)
        return std::nullopt;
    for (std::size_t i = 0; i < digest.size(); ++i) {
        unsigned value = 0;
        const char* first = text.data() + 2 * i;
        if (std::from_chars(first, first + 2, value, 16).ptr != first + 2)
            return std::nullopt;
        digest[i] = static_cast<std::byte>(value);
    }
    return digest;
}

template <class T>
T present(std::optional<T> value)
{
    if (!value)
        throw std::invalid_argument("a member that is not what it should be");
    return std::move(*value);
}

std::string to_json(const Envelope& envelope)
{
    json::array destinations(envelope.destinations.begin(), envelope.destinations.end());
    const json::object object{
        {"id", envelope.id},
        {"received_ms", envelope.received.time_since_epoch().count()},
        {"study", envelope.key.study.str()},
        {"series", envelope.key.series.str()},
        {"sop_class", envelope.key.sop.sop_class.str()},
        {"sop_instance", envelope.key.sop.sop_instance.str()},
        {"transfer_syntax", envelope.key.transfer_syntax.str()},
        {"face", envelope.face},
        {"calling_ae", envelope.calling_ae},
        {"called_ae", envelope.called_ae},
        {"peer_address", envelope.peer_address},
        {"destinations", std::move(destinations)},
        {"length", envelope.length.count},
        {"digest", to_hex(envelope.digest)},
    };
    return json::serialize(object);
}

// Throws what Boost.JSON throws where a member is missing or of another kind.
Uid uid_of(const json::object& object, std::string_view name)
{
    const json::string& text = object.at(name).as_string();
    return text.empty() ? Uid() : present(Uid::parse(text));
}

std::string text_of(const json::object& object, std::string_view name)
{
    return std::string(object.at(name).as_string());
}

Envelope from_json(const json::object& object)
{
    Envelope envelope;
    envelope.id = object.at("id").to_number<ReceiptId>();
    envelope.received =
        WallTime(std::chrono::milliseconds(object.at("received_ms").to_number<std::int64_t>()));
    envelope.key.study = uid_of(object, "study");
    envelope.key.series = uid_of(object, "series");
    envelope.key.sop.sop_class = uid_of(object, "sop_class");
    envelope.key.sop.sop_instance = uid_of(object, "sop_instance");
    envelope.key.transfer_syntax = uid_of(object, "transfer_syntax");
    envelope.face = text_of(object, "face");
    envelope.calling_ae = text_of(object, "calling_ae");
    envelope.called_ae = text_of(object, "called_ae");
    envelope.peer_address = text_of(object, "peer_address");
    for (const json::value& destination : object.at("destinations").as_array())
        envelope.destinations.emplace_back(destination.as_string());
    envelope.length = Bytes{object.at("length").to_number<std::uint64_t>()};
    envelope.digest = present(digest_of(object.at("digest").as_string()));
    return envelope;
}

bool same(const Envelope& a, const Envelope& b)
{
    return a.id == b.id && a.received == b.received && a.key == b.key && a.face == b.face &&
           a.calling_ae == b.calling_ae && a.called_ae == b.called_ae &&
           a.peer_address == b.peer_address && a.destinations == b.destinations &&
           a.length == b.length && a.digest == b.digest;
}

DecodedHead broken(std::string reason)
{
    return {.state = DecodedHead::State::broken, .envelope = {}, .reason = std::move(reason)};
}

} // namespace

std::string to_hex(ConstBytes bytes)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::byte byte : bytes) {
        text += digits[std::to_integer<std::size_t>(byte >> 4U)];
        text += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
    return text;
}

Result<HeadPage> encode_head(const Envelope& envelope)
{
    if (envelope.destinations.empty() || envelope.destinations.size() > max_destinations)
        return error(Errc::invalid, "an instance has 1 to 16 destinations");
    std::string text = to_json(envelope);
    if (json_offset + text.size() + 1 > slot_head_size)
        return error(Errc::invalid, "what is known of the instance does not fit into a head");
    text += '\n';
    text.resize(slot_head_size - json_offset, ' ');
    std::string page(magic);
    page += checksum_text(std::as_bytes(std::span(text)));
    page += ' ';
    page += text;
    HeadPage head;
    std::memcpy(head.data(), page.data(), head.size());
    const DecodedHead back = decode_head(head);
    if (back.state != DecodedHead::State::valid || !same(back.envelope, envelope))
        return error(Errc::invalid, "what is known of the instance would not read back");
    return head;
}

DecodedHead decode_head(ConstBytes page)
{
    if (std::ranges::all_of(page, [](std::byte byte) { return byte == std::byte{0}; }))
        return {.state = DecodedHead::State::empty, .envelope = {}, .reason = {}};
    if (page.size() < slot_head_size)
        return broken("the file ends within its head");
    const std::string_view text(reinterpret_cast<const char*>(page.data()), slot_head_size);
    if (!text.starts_with(magic))
        return broken("no head of this version");
    const ConstBytes rest = page.subspan(json_offset, slot_head_size - json_offset);
    if (text.substr(magic.size(), checksum_digits) != checksum_text(rest))
        return broken("the head's checksum does not hold");
    try {
        const auto line = text.substr(json_offset, text.find('\n', json_offset) - json_offset);
        const json::value value = json::parse(line);
        return {
            .state = DecodedHead::State::valid,
            .envelope = from_json(value.as_object()),
            .reason = {}
        };
    } catch (const std::exception& fault) {
        return broken(std::string("the head cannot be understood: ") + fault.what());
    }
}

} // namespace gantry::custody
