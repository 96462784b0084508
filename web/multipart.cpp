#include "web/multipart.h"

#include "web/error.h"

#include <openssl/rand.h>

#include <array>
#include <stdexcept>

namespace gantry::web {

struct MultipartReader::State {
    using Step = MultipartParser::Step;

    State(std::string_view boundary, ByteSource from, MultipartLimits limits)
        : parser(boundary, limits), source(std::move(from))
    {
    }

    // The next step that is not need_more; Step::end again and again once it was seen.
    asio::awaitable<Result<Step>> advance()
    {
        if (failure)
            co_return *failure;
        for (;;) {
            Result<Step> step = parser.next();
            if (!step)
                co_return fail(step.error());
            if (*step != Step::need_more)
                co_return step;
            const Result<ConstBytes> bytes = co_await source();
            if (!bytes)
                co_return fail(bytes.error());
            if (bytes->empty()) {
                if (parser.complete())
                    co_return Step::need_more;
                co_return fail(error(Errc::cut_off, "multipart body"));
            }
            parser.feed(*bytes);
        }
    }

    Error fail(Error reason)
    {
        in_part = false;
        failure = reason;
        return reason;
    }

    MultipartParser parser;
    ByteSource source;
    bool in_part = false;
    bool drained = false; // the final delimiter and the end of the source have been seen
    std::optional<Error> failure;
};

MultipartReader::MultipartReader(
    const std::string& boundary, ByteSource source, MultipartLimits limits
)
    : state_(std::make_unique<State>(boundary, std::move(source), limits))
{
}

MultipartReader::~MultipartReader() = default;
MultipartReader::MultipartReader(MultipartReader&&) noexcept = default;
MultipartReader& MultipartReader::operator=(MultipartReader&&) noexcept = default;

asio::awaitable<Result<std::optional<Fields>>> MultipartReader::next_part()
{
    using Step = MultipartParser::Step;
    while (!state_->drained) {
        const Result<Step> step = co_await state_->advance();
        if (!step)
            co_return step.error();
        state_->in_part = *step == Step::part;
        if (*step == Step::part)
            co_return state_->parser.fields();
        state_->drained = *step == Step::need_more;
    }
    co_return std::nullopt;
}

asio::awaitable<Result<ConstBytes>> MultipartReader::read()
{
    using Step = MultipartParser::Step;
    if (state_->failure)
        co_return *state_->failure;
    if (!state_->in_part)
        co_return ConstBytes{};
    const Result<Step> step = co_await state_->advance();
    if (!step)
        co_return step.error();
    if (*step == Step::content)
        co_return state_->parser.content();
    state_->in_part = false;
    co_return ConstBytes{};
}

std::string random_boundary()
{
    std::array<unsigned char, 16> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
        throw std::runtime_error("no random bytes to be had");
    constexpr std::string_view digits = "0123456789abcdef";
    std::string boundary = "gantry-";
    for (const unsigned char byte : random) {
        boundary += digits[byte >> 4U];
        boundary += digits[byte & 0x0FU];
    }
    return boundary;
}

std::string part_head(std::string_view boundary, const Fields& fields, bool first)
{
    std::string head = first ? "--" : "\r\n--";
    head.append(boundary).append("\r\n");
    for (const auto& [name, value] : fields)
        head.append(name).append(": ").append(value).append("\r\n");
    return head.append("\r\n");
}

std::string closing_delimiter(std::string_view boundary)
{
    return "\r\n--" + std::string(boundary) + "--\r\n";
}

} // namespace gantry::web
