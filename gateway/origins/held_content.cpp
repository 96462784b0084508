#include "gateway/origins/held_content.h"

#include <utility>

namespace gantry {

namespace {

class HeldSource final : public ByteSource {
public:
    explicit HeldSource(HeldContent::Held held) : held_(std::move(held)) {}

    Result<ConstBytes> next() override { return std::exchange(left_, ConstBytes{}); }

private:
    HeldContent::Held held_;
    ConstBytes left_ = held_.data_set;
};

} // namespace

HeldContent::HeldContent(InstanceKey key, AeTitle source, Held held)
    : key_(std::move(key)), source_(std::move(source)), held_(std::move(held))
{
}

asio::awaitable<Result<ConstBytes>> HeldContent::read()
{
    if (std::exchange(given_, true))
        co_return ConstBytes{};
    co_return held_.data_set;
}

std::unique_ptr<ByteSource> HeldContent::source() const
{
    return std::make_unique<HeldSource>(held_);
}

} // namespace gantry
