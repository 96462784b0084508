#include "gateway/origins/instance_intake.h"

#include "gateway/error.h"
#include "mapping/vocabulary/transfer_syntax.h"

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
    : ground_(ground),
      stated_(stated),
      bytes_(std::make_shared<GatheredBytes>(
          GatheredBytes::Memory{ground.memory, ground.in_memory}, stated, guess
      ))
{
}

Bytes InstanceIntake::weight() const noexcept
{
    return bytes_->weight();
}

// What stands before the data set stays in memory until it has been read.
asio::awaitable<Result<void>> InstanceIntake::add(ConstBytes bytes)
{
    size_ += bytes.size();
    if (head_ && !bytes_->in_file() && !bytes_->fits(bytes.size()))
        if (const auto spilt = co_await spill(); !spilt)
            co_return spilt.error();
    if (bytes_->in_file()) {
        scan(bytes);
        co_return co_await append(bytes);
    }
    bytes_->keep(bytes);
    if (head_) {
        scan(bytes);
        co_return Result<void>{};
    }
    co_return look_for_head();
}

asio::awaitable<Result<void>> InstanceIntake::append(ConstBytes bytes)
{
    auto work = [to = bytes_, bytes](const std::stop_token&) { return to->append(bytes); };
    co_return co_await offload(ground_.disk, std::move(work));
}

asio::awaitable<Result<void>> InstanceIntake::spill()
{
    auto work = [folder = ground_.scratch, what = bytes_](const std::stop_token&) {
        return what->spill(folder);
    };
    co_return co_await offload(ground_.disk, std::move(work));
}

Result<void> InstanceIntake::look_for_head()
{
    auto head = mapping::read_file_head(bytes_->kept());
    if (!head) {
        const bool more = head.error().code == mapping::make_error_code(mapping::Errc::incomplete);
        return more ? Result<void>{} : Result<void>(head.error());
    }
    head_ = std::move(*head);
    sop_ = head_->head.sop;
    if (can_be_scanned(head_->head.transfer_syntax))
        scanner_.emplace(TransferSyntax::of(head_->head.transfer_syntax.str()));
    scan(bytes_->kept().subspan(static_cast<std::size_t>(head_->data_set_offset)));
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
    study_ = scanned->study;
    series_ = scanned->series;
    return {};
}

asio::awaitable<Result<void>> InstanceIntake::finish()
{
    if (!head_) {
        auto head = mapping::read_file_head(bytes_->kept(), true);
        if (!head)
            co_return head.error();
        head_ = std::move(*head);
        sop_ = head_->head.sop;
    }
    if (auto whole = check_whole(); !whole)
        co_return whole;
    if (!bytes_->in_file() && !bytes_->fits(0))
        co_return co_await spill();
    bytes_->settle();
    co_return Result<void>{};
}

std::unique_ptr<InstanceContent> InstanceIntake::content(InstanceKey place, const Uid& stated)
{
    place.sop.sop_instance = sop_.sop_instance;
    if (!sop_.sop_class.empty())
        place.sop.sop_class = sop_.sop_class;
    const bool trust_part = !head_->transfer_syntax_stated && !stated.empty();
    place.transfer_syntax = trust_part ? stated : head_->head.transfer_syntax;
    return bytes_->content(
        std::move(place), head_->head.source, head_->data_set_offset, ground_.disk
    );
}

} // namespace gantry
