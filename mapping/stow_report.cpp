// The body of a STOW-RS response, both ways (PS3.18 10.5.3, annex I.2.2).
#include "mapping/json_text.h"
#include "mapping/native_xml.h"
#include "mapping/stow_outcome.h"
#include "mapping/vocabulary/tag.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace gantry::mapping {

namespace {

namespace json = boost::json;

constexpr std::size_t max_body = std::size_t{16} << 20U;
constexpr std::uint16_t processing_failure = 0x0110;

constexpr Tag referenced_class{0x0008, 0x1150};
constexpr Tag referenced_instance{0x0008, 0x1155};
constexpr Tag retrieve_url{0x0008, 0x1190};
constexpr Tag warning_reason{0x0008, 0x1196};
constexpr Tag failure_reason{0x0008, 0x1197};
constexpr Tag failed_sequence{0x0008, 0x1198};
constexpr Tag referenced_sequence{0x0008, 0x1199};
constexpr Tag other_failures_sequence{0x0008, 0x119a};
constexpr Tag original_attributes{0x0400, 0x0561};

bool same_letters(std::string_view a, std::string_view b)
{
    return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) {
        return std::toupper(x) == std::toupper(y);
    });
}

/// "Value" of an attribute: an array, or, from careless servers, what should be in one.
const json::value* value_of(const json::object& data_set, Tag tag)
{
    const std::string name = tag.hex();
    for (const auto& member : data_set) {
        if (!same_letters(member.key(), name) || !member.value().is_object())
            continue;
        const json::value* value = member.value().get_object().if_contains("Value");
        return value != nullptr && !value->is_null() ? value : nullptr;
    }
    return nullptr;
}

const json::value* first_value(const json::object& data_set, Tag tag)
{
    const json::value* value = value_of(data_set, tag);
    if (value == nullptr || !value->is_array())
        return value;
    return value->get_array().empty() ? nullptr : &value->get_array().front();
}

std::string_view text_of(const json::object& data_set, Tag tag)
{
    const json::value* value = first_value(data_set, tag);
    if (value == nullptr || !value->is_string())
        return {};
    const json::string& text = value->get_string();
    return {text.data(), text.size()};
}

std::optional<std::uint16_t> parse_reason(std::string_view text)
{
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    const bool hex = text.starts_with("0x") || text.starts_with("0X");
    text.remove_prefix(hex ? 2 : 0);
    std::uint16_t number = 0;
    const auto [stop, failed] =
        std::from_chars(text.data(), text.data() + text.size(), number, hex ? 16 : 10);
    if (failed != std::errc() || stop != text.data() + text.size())
        return std::nullopt;
    return number;
}

std::optional<std::uint16_t> reason_of(const json::object& data_set, Tag tag)
{
    const json::value* value = first_value(data_set, tag);
    if (value == nullptr)
        return std::nullopt;
    if (value->is_string())
        return parse_reason(text_of(data_set, tag));
    json::error_code failed;
    const auto number = value->to_number<std::uint16_t>(failed);
    return failed ? std::nullopt : std::optional(number);
}

/// The items of a sequence; what is no object is an empty item.
template <class F>
void for_each_item(const json::object& data_set, Tag tag, F&& hear)
{
    static const json::object empty;
    const json::value* value = value_of(data_set, tag);
    if (value == nullptr)
        return;
    if (value->is_object())
        return hear(value->get_object());
    if (!value->is_array())
        return;
    for (const json::value& item : value->get_array())
        hear(item.is_object() ? item.get_object() : empty);
}

InstanceOutcome outcome_in(const json::object& item)
{
    InstanceOutcome outcome;
    outcome.sop.sop_class = Uid::parse(text_of(item, referenced_class)).value_or(Uid());
    outcome.sop.sop_instance = Uid::parse(text_of(item, referenced_instance)).value_or(Uid());
    outcome.retrieve_url = text_of(item, retrieve_url);
    return outcome;
}

StowReport report_in(const json::object& data_set)
{
    StowReport report;
    report.retrieve_url = text_of(data_set, retrieve_url);
    for_each_item(data_set, referenced_sequence, [&](const json::object& item) {
        InstanceOutcome outcome = outcome_in(item);
        outcome.warning_reason = reason_of(item, warning_reason);
        outcome.coerced = value_of(item, original_attributes) != nullptr;
        if (outcome.warning_reason == 0)
            outcome.warning_reason.reset();
        if (!outcome.sop.sop_instance.empty())
            report.instances.push_back(std::move(outcome));
    });
    for_each_item(data_set, failed_sequence, [&](const json::object& item) {
        InstanceOutcome outcome = outcome_in(item);
        outcome.failure_reason = reason_of(item, failure_reason).value_or(processing_failure);
        if (!outcome.sop.sop_instance.empty())
            report.instances.push_back(std::move(outcome));
        else if (!item.empty()) // a failure that names nobody
            report.other_failures.push_back(*outcome.failure_reason);
    });
    for_each_item(data_set, other_failures_sequence, [&](const json::object& item) {
        if (!item.empty())
            report.other_failures.push_back(
                reason_of(item, failure_reason).value_or(processing_failure)
            );
    });
    return report;
}

Result<StowReport> read_json(std::string_view body)
{
    json::error_code failed;
    json::parse_options options;
    options.allow_invalid_utf8 = true;
    options.max_depth = 32;
    const json::value document = json::parse({body.data(), body.size()}, failed, {}, options);
    if (failed)
        return error(failed == json::error::too_deep ? Errc::too_deep : Errc::malformed, "JSON");
    if (document.is_object())
        return report_in(document.get_object());
    if (document.is_null())
        return StowReport();
    if (!document.is_array())
        return error(Errc::malformed, "STOW response is no object");
    const json::array& objects = document.get_array();
    if (objects.empty())
        return StowReport();
    if (objects.size() > 1 || !objects.front().is_object())
        return error(Errc::malformed, "STOW response is not one object");
    return report_in(objects.front().get_object());
}

std::string_view without_head(std::string_view body)
{
    if (body.starts_with("\xef\xbb\xbf"))
        body.remove_prefix(3);
    const std::size_t start = body.find_first_not_of(" \t\r\n");
    return start == std::string_view::npos ? std::string_view() : body.substr(start);
}

void append_text(std::string& out, Tag tag, std::string_view vr, std::string_view value)
{
    out += '"' + tag.hex() + "\":{\"vr\":\"" + std::string(vr) + '"';
    if (!value.empty()) {
        out += ",\"Value\":[";
        append_json_string(out, value);
        out += ']';
    }
    out += '}';
}

void append_reason(std::string& out, Tag tag, std::uint16_t reason)
{
    out += '"' + tag.hex() + "\":{\"vr\":\"US\",\"Value\":[" + std::to_string(reason) + "]}";
}

void append_instance(std::string& out, const InstanceOutcome& outcome)
{
    out += '{';
    append_text(out, referenced_class, "UI", outcome.sop.sop_class.str());
    out += ',';
    append_text(out, referenced_instance, "UI", outcome.sop.sop_instance.str());
    if (outcome.stored()) {
        out += ',';
        append_text(out, retrieve_url, "UR", outcome.retrieve_url);
    }
    if (outcome.warning_reason || outcome.failure_reason)
        out += ',';
    if (outcome.failure_reason)
        append_reason(out, failure_reason, *outcome.failure_reason);
    else if (outcome.warning_reason)
        append_reason(out, warning_reason, *outcome.warning_reason);
    out += "},";
}

/// `items`: each with a comma after it.
void append_sequence(std::string& out, Tag tag, std::string items)
{
    if (items.empty())
        return; // type 1C
    items.back() = ']';
    out += ",\"" + tag.hex() + R"(":{"vr":"SQ","Value":[)" + items + '}';
}

} // namespace

const InstanceOutcome* StowReport::find(const Uid& sop_instance) const
{
    const InstanceOutcome* found = nullptr;
    for (const InstanceOutcome& outcome : instances) {
        if (outcome.sop.sop_instance == sop_instance && (found == nullptr || found->stored()))
            found = &outcome;
    }
    return found;
}

Result<StowReport> read_stow_report(std::string_view content_type, std::string_view body)
{
    if (body.size() > max_body)
        return error(Errc::too_large, "STOW response");
    body = without_head(body);
    if (body.empty())
        return StowReport();
    const bool json_begins = body.front() == '{' || body.front() == '[';
    const bool says_xml = content_type.find("xml") != std::string_view::npos;
    if (body.front() != '<' && (json_begins || !says_xml))
        return read_json(body);
    const auto data_set = read_native_xml(body);
    if (!data_set)
        return data_set.error();
    return report_in(*data_set);
}

std::string stow_response_json(const StowReport& report)
{
    std::string stored;
    std::string failed;
    std::string other;
    for (const InstanceOutcome& outcome : report.instances)
        append_instance(outcome.stored() ? stored : failed, outcome);
    for (const std::uint16_t reason : report.other_failures) {
        other += '{';
        append_reason(other, failure_reason, reason);
        other += "},";
    }
    std::string out = "{";
    append_text(out, retrieve_url, "UR", report.retrieve_url);
    append_sequence(out, failed_sequence, std::move(failed));
    append_sequence(out, referenced_sequence, std::move(stored));
    append_sequence(out, other_failures_sequence, std::move(other));
    return out + '}';
}

} // namespace gantry::mapping
