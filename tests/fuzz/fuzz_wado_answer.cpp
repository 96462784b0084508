// What an archive may answer to WADO-RS: part heads, file heads and data sets, good and bad. The
// first byte chooses how the rest is cut into pieces: what is made of it must not depend on that.
#include "gateway/origins/instance_intake.h"
#include "gateway/origins/wado_answer.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/support/run.h"

using namespace gantry;

namespace {

class Pieces final : public web::ClientResponse {
public:
    Pieces(ConstBytes body, std::size_t piece) : body_(body), piece_(piece)
    {
        head_.fields.add("Content-Type", "multipart/related; boundary=b");
    }

    const web::ResponseHead& head() const noexcept override { return head_; }

    asio::awaitable<Result<ConstBytes>> read() override
    {
        const ConstBytes next = body_.first(std::min(piece_, body_.size()));
        body_ = body_.subspan(next.size());
        co_return next;
    }

    asio::awaitable<Result<std::string>> read_all(Bytes) override { co_return std::string(); }

private:
    web::ResponseHead head_;
    ConstBytes body_;
    std::size_t piece_;
};

// One instance, or why it is none. An empty text: the stream broke off.
asio::awaitable<std::string> read_instance(WadoAnswer& answer, InstanceIntake::Ground ground)
{
    InstanceIntake intake(ground, answer.length(), {});
    for (;;) {
        const auto bytes = co_await answer.read();
        if (!bytes)
            co_return std::string();
        if (bytes->empty())
            break;
        if (const auto added = co_await intake.add(*bytes); !added)
            co_return "[refused]";
    }
    if (const auto whole = co_await intake.finish(); !whole)
        co_return "[refused]";
    const auto content = intake.content({}, answer.transfer_syntax());
    std::string out = "[" + content->key().sop.sop_class.str() + " " +
                      content->key().sop.sop_instance.str() + " " +
                      content->key().transfer_syntax.str() + "]";
    const auto source = content->source();
    for (auto piece = source->next().value(); !piece.empty(); piece = source->next().value())
        out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    co_return out;
}

asio::awaitable<std::string>
transcript(ConstBytes body, std::size_t piece, InstanceIntake::Ground ground)
{
    auto response = std::make_unique<Pieces>(body, piece);
    const auto answer = WadoAnswer::open(std::move(response));
    std::string out;
    for (;;) {
        const auto more = co_await (*answer)->next_part();
        if (!more)
            co_return out + "!";
        if (!*more)
            co_return out + ".";
        out += (*answer)->dicom() ? "part " : "other ";
        const std::string one = co_await read_instance(**answer, ground);
        if (one.empty())
            co_return out + "!";
        out += one;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return 0;
    constexpr Bytes plenty{1ULL << 30U};
    static WorkerPool disk("disk", 1);
    static const std::filesystem::path nowhere;
    static const auto memory = std::make_shared<MemoryBudget>(plenty);
    const InstanceIntake::Ground ground{disk, nowhere, memory, Bytes{1ULL << 20U}};
    const auto body = std::as_bytes(std::span(data + 1, size - 1));
    const std::string whole = tests::run(transcript(body, body.size() + 1, ground));
    if (tests::run(transcript(body, 1U + data[0], ground)) != whole ||
        tests::run(transcript(body, 1, ground)) != whole || memory->taken().count != 0)
        std::abort();
    return 0;
}
