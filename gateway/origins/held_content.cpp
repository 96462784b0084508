#include "gateway/origins/held_content.h"

#include <algorithm>
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

class HeldAccess final : public RandomAccess {
public:
    explicit HeldAccess(HeldContent::Held held) : held_(std::move(held)) {}

    Bytes size() const override { return {held_.data_set.size()}; }

    Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) const override
    {
        const ConstBytes all = held_.data_set;
        const auto from =
            all.subspan(static_cast<std::size_t>(std::min<std::uint64_t>(offset, all.size())));
        const auto part = from.first(std::min(from.size(), into.size()));
        std::ranges::copy(part, into.begin());
        return part.size();
    }

private:
    HeldContent::Held held_;
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

std::shared_ptr<const RandomAccess> HeldContent::random_access() const
{
    return std::make_shared<HeldAccess>(held_);
}

} // namespace gantry
