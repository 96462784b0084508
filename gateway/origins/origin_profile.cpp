#include "gateway/origins/origin_profile.h"

#include "gateway/error.h"
#include "mapping/json_text.h"

#include <boost/json.hpp>

#include <charconv>
#include <concepts>
#include <fstream>
#include <functional>
#include <limits>
#include <system_error>
#include <type_traits>
#include <utility>

namespace gantry {

namespace {

namespace json = boost::json;

constexpr std::size_t most_file_size = 64U << 10U;

std::optional<Tag> parse_tag(std::string_view text)
{
    std::uint32_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data(), end, number, 16);
    if (text.size() != 8 || failed != std::errc() || stop != end)
        return std::nullopt;
    return Tag{static_cast<std::uint16_t>(number >> 16U), static_cast<std::uint16_t>(number)};
}

// One field in both directions: read() says whether the value is of its kind.

bool read(const json::value& from, bool& into)
{
    if (const bool* const value = from.if_bool(); value != nullptr)
        return into = *value, true;
    return false;
}

template <std::unsigned_integral T>
    requires(!std::is_same_v<T, bool>)
bool read(const json::value& from, T& into)
{
    const std::int64_t* const value = from.if_int64();
    if (value == nullptr || *value < 1 || !std::in_range<T>(*value))
        return false;
    into = static_cast<T>(*value);
    return true;
}

bool read(const json::value& from, std::string& into)
{
    if (const json::string* const text = from.if_string(); text != nullptr)
        return into.assign(text->data(), text->size()), true;
    return false;
}

bool read(const json::value& from, Tag& into)
{
    const json::string* const text = from.if_string();
    const auto tag = text != nullptr ? parse_tag({text->data(), text->size()}) : std::nullopt;
    into = tag.value_or(Tag{});
    return tag.has_value();
}

bool read(const json::value& from, Uid& into)
{
    const json::string* const text = from.if_string();
    const auto uid = text != nullptr ? Uid::parse({text->data(), text->size()}) : std::nullopt;
    into = uid.value_or(Uid{});
    return uid.has_value();
}

template <class T>
bool read(const json::value& from, std::vector<T>& into)
{
    const json::array* const items = from.if_array();
    if (items == nullptr)
        return false;
    for (const json::value& item : *items) {
        into.emplace_back();
        if (!read(item, into.back()))
            return false;
    }
    return true;
}

template <class T>
bool read(const json::value& from, std::optional<T>& into)
{
    return read(from, into.emplace());
}

json::value written(bool value)
{
    return value;
}

template <std::unsigned_integral T>
    requires(!std::is_same_v<T, bool>)
json::value written(T value)
{
    return static_cast<std::int64_t>(value);
}

json::value written(Tag tag)
{
    return json::value(tag.hex());
}

json::value written(const Uid& uid)
{
    return json::value(uid.str());
}

template <class T>
json::value written(const std::vector<T>& items)
{
    json::array out;
    for (const T& item : items)
        out.push_back(written(item));
    return out;
}

template <class T>
bool is_there(const std::optional<T>& field)
{
    return field.has_value();
}

template <class T>
bool is_there(const T& field)
{
    return !field.empty();
}

template <class T>
json::value written(const std::optional<T>& field)
{
    return written(*field);
}

/// Calls `each(name, field)` for every field of a part: the one list of names.
template <class Search, class F>
void search_fields(Search& search, F each)
{
    each("raw_caret", search.raw_caret);
    each("page_size", search.page_size);
    each("honours_offset", search.honours_offset);
    each("combines_date_time", search.combines_date_time);
    each("relational_series", search.relational_series);
    each("relational_instances", search.relational_instances);
    each("study_instances", search.study_instances);
    each("xml_only", search.xml_only);
    each("unsearchable", search.unsearchable);
}

template <class Retrieve, class F>
void retrieve_fields(Retrieve& retrieve, F each)
{
    each("any_transfer_syntax", retrieve.any_transfer_syntax);
    each("transfer_syntaxes", retrieve.transfer_syntaxes);
    each("study_level", retrieve.study_level);
    each("series_level", retrieve.series_level);
    each("metadata", retrieve.metadata);
    each("requests_at_once", retrieve.requests_at_once);
}

/// Reads the fields of one object and says what is left over or wrong; empty: all is well.
class Fields {
public:
    explicit Fields(json::object& object) : object_(object) {}

    template <class T>
    void operator()(const char* name, T& into)
    {
        const json::value* const value = object_.if_contains(name);
        if (value == nullptr)
            return;
        if (!read(*value, into) && wrong_.empty())
            wrong_ = std::string(name) + " has a value of another kind";
        object_.erase(name);
    }

    std::string complaint(const std::string& part) const
    {
        if (!wrong_.empty())
            return part + wrong_;
        if (object_.empty())
            return {};
        return part + std::string(object_.begin()->key()) + " is not known";
    }

private:
    json::object& object_;
    std::string wrong_;
};

/// The object of that name, taken out; empty where it is absent.
std::optional<json::object> take_object(json::object& from, const char* name)
{
    json::value* const value = from.if_contains(name);
    if (value == nullptr)
        return json::object();
    if (!value->is_object())
        return std::nullopt;
    json::object taken = std::move(value->get_object());
    from.erase(name);
    return taken;
}

template <class Each, class Part>
json::object object_of(Each each, const Part& part)
{
    json::object out;
    each(part, [&](const char* name, const auto& field) {
        if (is_there(field))
            out[name] = written(field);
    });
    return out;
}

} // namespace

Result<OriginProfile> parse_origin_profile(std::string_view text)
{
    json::error_code failed;
    json::value value = json::parse(json::string_view(text.data(), text.size()), failed);
    if (failed || !value.is_object())
        return error(Errc::invalid, "is no JSON object");
    json::object& top = value.get_object();
    auto search = take_object(top, "search");
    auto retrieve = take_object(top, "retrieve");
    if (!search || !retrieve)
        return error(Errc::invalid, "search and retrieve must be objects");
    OriginProfile profile;
    Fields of_top(top);
    of_top("made_by", profile.made_by);
    Fields of_search(*search);
    search_fields(profile.search, std::ref(of_search));
    Fields of_retrieve(*retrieve);
    retrieve_fields(profile.retrieve, std::ref(of_retrieve));
    for (const std::string& complaint :
         {of_top.complaint(""), of_search.complaint("search."), of_retrieve.complaint("retrieve.")})
        if (!complaint.empty())
            return error(Errc::invalid, complaint);
    return profile;
}

std::string write_origin_profile(const OriginProfile& profile)
{
    const auto each_search = [](const auto& part, auto each) { search_fields(part, each); };
    const auto each_retrieve = [](const auto& part, auto each) { retrieve_fields(part, each); };
    const json::object parts[] = {
        object_of(each_search, profile.search), object_of(each_retrieve, profile.retrieve)
    };
    // a line for each field: people read and change it
    std::string out = "{\n    \"made_by\": ";
    mapping::append_json_string(out, profile.made_by);
    for (std::size_t i = 0; i < std::size(parts); ++i) {
        out += i == 0 ? ",\n    \"search\": {" : ",\n    \"retrieve\": {";
        const char* before = "\n";
        for (const auto& [name, field] : parts[i]) {
            out += std::string(before) + "        \"" + std::string(name) +
                   "\": " + json::serialize(field);
            before = ",\n";
        }
        out += parts[i].empty() ? "}" : "\n    }";
    }
    return out + "\n}\n";
}

Result<OriginProfile> load_origin_profile(const std::filesystem::path& path)
{
    std::error_code code;
    const auto size = std::filesystem::file_size(path, code);
    if (code)
        return error(Errc::disk, path.string() + ": " + code.message());
    if (size > most_file_size)
        return error(Errc::invalid, path.string() + ": is larger than 64 KiB");
    std::ifstream file(path, std::ios::binary);
    std::string text(size, '\0');
    file.read(text.data(), static_cast<std::streamsize>(size));
    if (!file)
        return error(Errc::disk, path.string() + ": cannot be read");
    auto profile = parse_origin_profile(text);
    if (!profile)
        return error(Errc::invalid, path.string() + ": " + profile.error().detail);
    return profile;
}

Result<void> save_origin_profile(const OriginProfile& profile, const std::filesystem::path& path)
{
    namespace fs = std::filesystem;
    const fs::path part = path.string() + ".part";
    std::ofstream file(part, std::ios::binary | std::ios::trunc);
    file << write_origin_profile(profile) << std::flush;
    std::error_code code;
    if (file)
        fs::rename(part, path, code);
    if (!file || code) {
        std::error_code ignored;
        fs::remove(part, ignored);
        return error(Errc::disk, path.string() + ": cannot be written");
    }
    return {};
}

} // namespace gantry
