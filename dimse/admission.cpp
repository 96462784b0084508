#include "dimse/admission.h"

namespace gantry::dimse {

namespace {

// All incomplete A-ASSOCIATE-RQs together: thousands of ordinary ones (4 KiB), or 64 of the
// largest.
constexpr std::size_t max_request_bytes = 32U << 20U;

} // namespace

Admission::Seat::Seat(Admission& admission, AeTitle calling)
    : admission_(&admission), calling_(std::move(calling))
{
    ++admission_->associations_;
    ++admission_->of_calling_[calling_];
}

Admission::Seat::~Seat()
{
    if (admission_ == nullptr)
        return;
    --admission_->associations_;
    const auto count = admission_->of_calling_.find(calling_);
    if (--count->second == 0)
        admission_->of_calling_.erase(count);
}

bool Admission::Share::grow(std::size_t bytes)
{
    if (admission_->request_bytes_ + bytes > max_request_bytes)
        return false;
    admission_->request_bytes_ += bytes;
    held_ += bytes;
    return true;
}

bool Admission::full(const AeTitle& calling, std::size_t max_of_calling) const
{
    if (associations_ >= max_associations_)
        return true;
    const auto count = of_calling_.find(calling);
    return (count == of_calling_.end() ? 0 : count->second) >= max_of_calling;
}

} // namespace gantry::dimse
