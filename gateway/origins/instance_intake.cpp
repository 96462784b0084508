#include "gateway/origins/instance_intake.h"

#include "gateway/error.h"
#include "gateway/origins/held_content.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <utility>

namespace gantry {

namespace {

// A private syntax may be encoded in any way; a deflated data set would have to be inflated.
bool can_be_scanned(const Uid& uid)
{
    const TransferSyntax& syntax = TransferSyntax::of(uid.str());
    return !syntax.uid.empty() && syntax.encoding != Encoding::deflated_explicit_le;
}

} // namespace

InstanceIntake::InstanceIntake(const Ground& ground, std::optional<Bytes> stated, Bytes guess)
    : ground_(ground), stated_(stated), limit_(stated.value_or(ground.in_memory).count)
{
    std::optional<MemoryBudget::Share> share;
    if (limit_ <= ground.in_memory.count)
        share = ground.memory->try_take({limit_});
    if (!share) {
        limit_ = 0;
        return;
    }
    block_->share = std::move(*share);
    const std::uint64_t likely = stated ? stated->count : std::min(guess.count, limit_);
    block_->bytes.reserve(static_cast<std::size_t>(likely));
}

Bytes InstanceIntake::weight() const noexcept
{
    return file_ ? ground_.in_memory : Bytes{block_->bytes.capacity()};
}

asio::awaitable<Result<void>> InstanceIntake::add(ConstBytes bytes)
{
    size_ += bytes.size();
    if (head_ && !file_ && size_ > limit_)
        if (const auto spilt = co_await spill(); !spilt)
            co_return spilt.error();
    if (file_) {
        scan(bytes);
        co_return co_await append(bytes);
    }
    keep(bytes);
    if (head_) {
        scan(bytes);
        co_return Result<void>{};
    }
    co_return look_for_head();
}

// Takes no more memory than it has a share of.
void InstanceIntake::keep(ConstBytes bytes)
{
    std::vector<std::byte>& kept = block_->bytes;
    const std::size_t size = kept.size() + bytes.size();
    if (size > kept.capacity()) {
        const auto doubled = std::min<std::uint64_t>(2 * kept.capacity(), limit_);
        kept.reserve(std::max(size, static_cast<std::size_t>(doubled)));
    }
    kept.insert(kept.end(), bytes.begin(), bytes.end());
}

asio::awaitable<Result<void>> InstanceIntake::append(ConstBytes bytes)
{
    auto work = [file = file_, bytes](const std::stop_token&) { return file->append(bytes); };
    co_return co_await offload(ground_.disk, std::move(work));
}

// What has come so far moves to the disk.
asio::awaitable<Result<void>> InstanceIntake::spill()
{
    auto work = [folder = ground_.scratch,
                 block = block_](const std::stop_token&) -> Result<std::shared_ptr<ScratchFile>> {
        auto file = ScratchFile::create(folder);
        if (file)
            if (const auto written = (*file)->append(block->bytes); !written)
                return written.error();
        return file;
    };
    auto file = co_await offload(ground_.disk, std::move(work));
    if (!file)
        co_return file.error();
    file_ = std::move(*file);
    block_.reset();
    co_return Result<void>{};
}

Result<void> InstanceIntake::look_for_head()
{
    auto head = mapping::read_file_head(block_->bytes);
    if (!head) {
        const bool more = head.error().code == mapping::make_error_code(mapping::Errc::incomplete);
        return more ? Result<void>{} : Result<void>(head.error());
    }
    head_ = std::move(*head);
    sop_ = head_->head.sop;
    if (can_be_scanned(head_->head.transfer_syntax))
        scanner_.emplace(TransferSyntax::of(head_->head.transfer_syntax.str()));
    scan(ConstBytes(block_->bytes).subspan(static_cast<std::size_t>(head_->data_set_offset)));
    return {};
}

// What an archive keeps although its structure does not hold is still given as it is: what stands
// in the head has to do.
void InstanceIntake::scan(ConstBytes bytes)
{
    if (scanner_ && !scanner_->feed(bytes))
        scanner_.reset();
}

Result<void> InstanceIntake::check_whole()
{
    if (!scanner_) {
        const bool other = stated_ && stated_->count != size_;
        return other ? error(Errc::damaged, "another length than stated") : Result<void>{};
    }
    const auto scanned = scanner_->finish();
    if (!scanned)
        return scanned.error();
    if (!scanned->sop_class.empty())
        sop_.sop_class = scanned->sop_class;
    // Of an instance that was renamed after its head was written the data set says what it is.
    if (!scanned->sop_instance.empty())
        sop_.sop_instance = scanned->sop_instance;
    return {};
}

asio::awaitable<Result<void>> InstanceIntake::finish()
{
    if (!head_) {
        auto head = mapping::read_file_head(block_->bytes, true);
        if (!head)
            co_return head.error();
        head_ = std::move(*head);
        sop_ = head_->head.sop;
    }
    if (auto whole = check_whole(); !whole)
        co_return whole;
    if (!file_ && size_ > limit_)
        co_return co_await spill();
    if (!file_)
        block_->share.shrink_to({block_->bytes.capacity()});
    co_return Result<void>{};
}

std::unique_ptr<InstanceContent> InstanceIntake::content(InstanceKey place, const Uid& stated)
{
    place.sop.sop_instance = sop_.sop_instance;
    if (!sop_.sop_class.empty())
        place.sop.sop_class = sop_.sop_class;
    const bool trust_part = !head_->transfer_syntax_stated && !stated.empty();
    place.transfer_syntax = trust_part ? stated : head_->head.transfer_syntax;
    const std::uint64_t offset = head_->data_set_offset;
    if (file_) {
        ScratchContent::What what{std::move(place), head_->head.source, offset};
        return std::make_unique<ScratchContent>(file_, std::move(what), ground_.disk);
    }
    const auto data_set = ConstBytes(block_->bytes).subspan(static_cast<std::size_t>(offset));
    HeldContent::Held held{std::move(block_), data_set};
    return std::make_unique<HeldContent>(std::move(place), head_->head.source, std::move(held));
}

} // namespace gantry
