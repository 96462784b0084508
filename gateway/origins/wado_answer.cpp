#include "gateway/origins/wado_answer.h"

#include "web/error.h"
#include "web/media_type.h"

#include <charconv>
#include <string>
#include <utility>

namespace gantry {

namespace {

constexpr std::size_t max_parts = 1'000'000; // of one series; the plan knows better

asio::awaitable<Result<ConstBytes>> next_of(web::ClientResponse* response)
{
    co_return co_await response->read();
}

std::optional<Bytes> length_in(std::string_view text)
{
    Bytes length;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), length.count);
    if (text.empty() || fault != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return length;
}

} // namespace

WadoAnswer::WadoAnswer(std::unique_ptr<web::ClientResponse> response)
    : response_(std::move(response))
{
}

Result<std::unique_ptr<WadoAnswer>> WadoAnswer::open(std::unique_ptr<web::ClientResponse> response)
{
    std::unique_ptr<WadoAnswer> answer(new WadoAnswer(std::move(response)));
    const std::string stated(answer->response_->head().fields.find("Content-Type"));
    const auto type = web::parse_media_type(stated);
    if (type && type->type == "application/dicom")
        return answer;
    const auto boundary = type ? type->parameter("boundary") : std::string_view{};
    if (boundary.empty() || type->type != "multipart/related")
        return web::error(web::Errc::malformed, "content type");
    web::MultipartLimits limits;
    limits.max_parts = max_parts;
    web::ByteSource body = [from = answer->response_.get()] { return next_of(from); };
    answer->parts_.emplace(std::string(boundary), std::move(body), limits);
    return answer;
}

// Some name no type for the parts. Where one is named and is another one, it is no instance.
void WadoAnswer::read_fields(const web::Fields& fields)
{
    length_ = length_in(fields.find("Content-Length"));
    syntax_ = {};
    const auto stated = fields.find("Content-Type");
    const auto type = web::parse_media_type(stated);
    dicom_ = stated.empty() || (type && type->type == "application/dicom");
    if (type)
        syntax_ = Uid::parse(type->parameter("transfer-syntax")).value_or(Uid{});
}

asio::awaitable<Result<bool>> WadoAnswer::next_part()
{
    if (parts_) {
        const auto fields = co_await parts_->next_part();
        if (!fields)
            co_return fields.error();
        if (*fields)
            read_fields(**fields);
        co_return fields->has_value();
    }
    if (!std::exchange(begun_, true)) {
        read_fields(response_->head().fields);
        co_return true;
    }
    for (;;) {
        const auto rest = co_await response_->read();
        if (!rest)
            co_return rest.error();
        if (rest->empty())
            co_return false;
    }
}

asio::awaitable<Result<ConstBytes>> WadoAnswer::read()
{
    if (parts_)
        co_return co_await parts_->read();
    co_return co_await response_->read();
}

} // namespace gantry
