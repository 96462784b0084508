#include "mapping/json_events.h"

#include <boost/json/basic_parser_impl.hpp>

#include <limits>

namespace gantry::mapping {

namespace json = boost::json;

// What Boost's parser calls; the names are its own.
class JsonEvents::Handler {
public:
    using Kind = JsonEvent::Kind;
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_object_size = max_array_size;
    static constexpr std::size_t max_string_size = max_array_size;
    static constexpr std::size_t max_key_size = max_array_size;

    bool on_document_begin(json::error_code&) { return true; }

    bool on_document_end(json::error_code&) { return true; }

    bool on_object_begin(json::error_code&) { return open(Kind::object); }

    bool on_object_end(std::size_t, json::error_code&) { return close(); }

    bool on_array_begin(json::error_code&) { return open(Kind::array); }

    bool on_array_end(std::size_t, json::error_code&) { return close(); }

    bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return take(part); }

    bool on_key(json::string_view part, std::size_t, json::error_code&)
    {
        return take(part) && put(Kind::key);
    }

    bool on_string_part(json::string_view part, std::size_t, json::error_code&)
    {
        return take(part);
    }

    bool on_string(json::string_view part, std::size_t, json::error_code&)
    {
        return take(part) && put(Kind::string);
    }

    bool on_number_part(json::string_view part, json::error_code&) { return take(part); }

    bool on_int64(std::int64_t, json::string_view part, json::error_code&) { return number(part); }

    bool on_uint64(std::uint64_t, json::string_view part, json::error_code&)
    {
        return number(part);
    }

    bool on_double(double, json::string_view part, json::error_code&) { return number(part); }

    bool on_bool(bool, json::error_code&) { return put(Kind::boolean); }

    bool on_null(json::error_code&) { return put(Kind::null); }

    bool on_comment_part(json::string_view, json::error_code&) { return true; }

    bool on_comment(json::string_view, json::error_code&) { return true; }

    JsonEvents out;

private:
    std::uint32_t count() const { return static_cast<std::uint32_t>(out.events_.size()); }

    bool take(json::string_view part)
    {
        out.text_.append(part.data(), part.size());
        return true;
    }

    bool number(json::string_view part) { return take(part) && put(Kind::number); }

    /// A key ends where its value does.
    void ends(std::uint32_t value)
    {
        out.events_[value].after = count();
        if (value > 0 && out.events_[value - 1].kind == Kind::key)
            out.events_[value - 1].after = count();
    }

    bool put(Kind kind)
    {
        const auto end = static_cast<std::uint32_t>(out.text_.size());
        out.events_.push_back({kind, taken_, end - taken_, 0});
        taken_ = end;
        if (kind != Kind::end)
            ends(count() - 1);
        return true;
    }

    bool open(Kind kind)
    {
        open_.push_back(count());
        return put(kind);
    }

    bool close()
    {
        put(Kind::end);
        ends(open_.back());
        open_.pop_back();
        return true;
    }

    std::vector<std::uint32_t> open_;
    std::uint32_t taken_ = 0; // of the text, by events
};

Result<JsonEvents> JsonEvents::parse(std::string_view text, std::size_t max_depth)
{
    if (text.size() > std::numeric_limits<std::uint32_t>::max())
        return error(Errc::too_large, "JSON");
    json::parse_options options;
    options.max_depth = max_depth;
    options.allow_invalid_utf8 = true;
    json::basic_parser<Handler> parser(options);
    JsonEvents& out = parser.handler().out;
    out.text_.reserve(text.size());
    out.events_.reserve(text.size() / 12);
    json::error_code failed;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), failed);
    if (failed == json::error::too_deep)
        return error(Errc::too_deep, "JSON");
    const std::string_view rest = text.substr(std::min(used, text.size()));
    if (failed || rest.find_first_not_of(" \t\r\n") != std::string_view::npos)
        return error(Errc::malformed, "JSON");
    return std::move(out);
}

} // namespace gantry::mapping
