#include "gateway/cli/archive_questions.h"

#include "mapping/file_meta.h"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <span>

namespace gantry::cli {

namespace {

namespace json = boost::json;

constexpr std::string_view dicom_json = "application/dicom+json";
constexpr Bytes most_results{16U << 20U};
constexpr std::string_view empty_line = "\r\n\r\n";

bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~*?").find(c) != std::string_view::npos;
}

} // namespace

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller awaits

asio::awaitable<Got>
get(web::Client& client, std::string target, std::string_view accept, Bytes most)
{
    web::ClientRequest request;
    request.target = std::move(target);
    request.fields.add("Accept", std::string(accept));
    const auto response = co_await client.request(std::move(request));
    Got got;
    if (!response) {
        got.failure = response.error().error.text();
        co_return got;
    }
    const web::ResponseHead& head = (*response)->head();
    got.status = head.status;
    got.type = head.fields.find("Content-Type");
    got.warning = head.fields.find("Warning");
    while (got.body.size() < most.count) {
        const auto piece = co_await (*response)->read();
        if (!piece)
            got.failure = piece.error().text();
        if (!piece || piece->empty())
            break;
        got.body.append(reinterpret_cast<const char*>(piece->data()), piece->size()); // characters
    }
    co_return got;
}

asio::awaitable<Searched> search(web::Client& client, std::string target)
{
    Searched searched;
    searched.got = co_await get(client, std::move(target), dicom_json, most_results);
    const Got& got = searched.got;
    if (got.status == 204)
        searched.results.emplace();
    if (got.status != 200 || !got.failure.empty())
        co_return searched;
    boost::system::error_code broken;
    json::value results = json::parse(got.body, broken);
    if (!broken && results.is_array())
        searched.results = std::move(results.get_array());
    searched.got.body.clear(); // it may hold names of patients
    co_return searched;
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

std::string value_of(const json::value& result, std::string_view attribute)
{
    const auto* object = result.if_object();
    const auto* element = object == nullptr ? nullptr : object->if_contains(attribute);
    const auto* members = element == nullptr ? nullptr : element->if_object();
    const auto* values = members == nullptr ? nullptr : members->if_contains("Value");
    if (values == nullptr || !values->is_array() || values->get_array().empty())
        return {};
    const json::value& first = values->get_array().front();
    if (const auto* text = first.if_string())
        return std::string(*text);
    if (const auto* name = first.if_object())
        if (const auto* group = name->if_contains("Alphabetic"); group && group->is_string())
            return std::string(group->get_string());
    return {};
}

std::string encoded(std::string_view value, std::string_view raw)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_unreserved(c) || raw.find(c) != std::string_view::npos)
            out += c;
        else
            out += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
    return out;
}

std::optional<Uid> syntax_of(const Got& got)
{
    if (got.status != 200 && got.status != 206)
        return std::nullopt;
    std::string_view file = got.body;
    if (got.type.starts_with("multipart/")) {
        const std::size_t head = file.find(empty_line);
        if (head == std::string_view::npos)
            return std::nullopt;
        file.remove_prefix(head + empty_line.size());
    }
    const auto read = mapping::read_file_head(std::as_bytes(std::span(file)));
    if (!read || !read->transfer_syntax_stated)
        return std::nullopt;
    return read->head.transfer_syntax;
}

} // namespace gantry::cli
