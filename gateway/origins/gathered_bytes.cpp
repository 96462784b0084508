#include "gateway/origins/gathered_bytes.h"

#include "gateway/origins/held_content.h"

#include <algorithm>
#include <utility>

namespace gantry {

GatheredBytes::GatheredBytes(Memory memory, std::optional<Bytes> stated, Bytes guess)
    : limit_(stated.value_or(memory.most).count), most_(memory.most)
{
    std::optional<MemoryBudget::Share> share;
    if (limit_ <= most_.count)
        share = memory.budget->try_take({limit_});
    if (!share) {
        limit_ = 0;
        return;
    }
    block_->share = std::move(*share);
    const std::uint64_t likely = stated ? stated->count : std::min(guess.count, limit_);
    block_->bytes.reserve(static_cast<std::size_t>(likely));
}

bool GatheredBytes::fits(std::size_t more) const noexcept
{
    return !file_ && block_->bytes.size() + more <= limit_;
}

void GatheredBytes::keep(ConstBytes bytes)
{
    std::vector<std::byte>& kept = block_->bytes;
    const std::size_t size = kept.size() + bytes.size();
    if (size > kept.capacity()) {
        const auto doubled = std::min<std::uint64_t>(2 * kept.capacity(), limit_);
        kept.reserve(std::max(size, static_cast<std::size_t>(doubled)));
    }
    kept.insert(kept.end(), bytes.begin(), bytes.end());
}

Result<void> GatheredBytes::spill(const std::filesystem::path& folder)
{
    auto file = ScratchFile::create(folder);
    if (!file)
        return file.error();
    if (const auto written = (*file)->append(block_->bytes); !written)
        return written.error();
    file_ = std::move(*file);
    block_.reset();
    return {};
}

Result<void> GatheredBytes::append(ConstBytes bytes)
{
    return file_->append(bytes);
}

ConstBytes GatheredBytes::kept() const noexcept
{
    return file_ ? ConstBytes{} : ConstBytes{block_->bytes};
}

void GatheredBytes::settle() noexcept
{
    if (!file_)
        block_->share.shrink_to({block_->bytes.capacity()});
}

Bytes GatheredBytes::weight() const noexcept
{
    return file_ ? most_ : Bytes{block_->bytes.capacity()};
}

std::unique_ptr<InstanceContent>
GatheredBytes::content(InstanceKey key, AeTitle source, std::uint64_t data_set, WorkerPool& disk)
{
    if (file_) {
        ScratchContent::What what{std::move(key), std::move(source), data_set};
        return std::make_unique<ScratchContent>(std::move(file_), std::move(what), disk);
    }
    const auto bytes = ConstBytes(block_->bytes).subspan(static_cast<std::size_t>(data_set));
    HeldContent::Held held{std::move(block_), bytes};
    return std::make_unique<HeldContent>(std::move(key), std::move(source), std::move(held));
}

} // namespace gantry
