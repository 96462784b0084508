#include "mapping/access_stream.h"

#include <dcmtk/dcmdata/dcerror.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <span>

namespace gantry::mapping {

class AccessStream::Producer final : public DcmProducer {
public:
    Producer(std::shared_ptr<const RandomAccess> bytes, std::uint64_t offset, std::uint64_t most)
        : bytes_(std::move(bytes)), at_(offset), left_(most)
    {
    }

    OFBool good() const override { return !failed_; }

    OFCondition status() const override { return failed_ ? EC_InvalidStream : EC_Normal; }

    OFBool eos() override { return failed_ || at_ >= bytes_->size().count; }

    offile_off_t avail() override { return size_of(std::min(rest(), left_)); }

    offile_off_t read(void* into, offile_off_t size) override
    {
        auto* out = static_cast<std::byte*>(into);
        auto want = std::min({static_cast<std::uint64_t>(size), rest(), left_});
        const std::uint64_t all = want;
        while (want > 0 && !failed_) {
            const std::uint64_t got =
                want >= buffer_.size() ? straight(out, want) : buffered(out, want);
            out += got;
            at_ += got;
            want -= got;
        }
        left_ -= all - want;
        return size_of(all - want);
    }

    offile_off_t skip(offile_off_t size) override
    {
        const auto passed = std::min(static_cast<std::uint64_t>(size), rest());
        at_ += passed;
        return size_of(passed);
    }

    void putback(offile_off_t size) override
    {
        at_ -= static_cast<std::uint64_t>(size);
        left_ += static_cast<std::uint64_t>(size);
    }

    bool exhausted() const { return left_ == 0; }

    const std::shared_ptr<const RandomAccess>& bytes() const { return bytes_; }

private:
    static offile_off_t size_of(std::uint64_t size)
    {
        return static_cast<offile_off_t>(
            std::min<std::uint64_t>(size, std::numeric_limits<offile_off_t>::max())
        );
    }

    std::uint64_t rest() const
    {
        return bytes_->size().count - std::min(at_, bytes_->size().count);
    }

    std::uint64_t straight(std::byte* out, std::uint64_t want)
    {
        const auto got = bytes_->read(at_, {out, static_cast<std::size_t>(want)});
        failed_ = !got || *got == 0;
        return failed_ ? 0 : *got;
    }

    std::uint64_t buffered(std::byte* out, std::uint64_t want)
    {
        if (at_ < buffer_at_ || at_ >= buffer_at_ + filled_) {
            const auto got = bytes_->read(at_, buffer_);
            failed_ = !got || *got == 0;
            if (failed_)
                return 0;
            buffer_at_ = at_;
            filled_ = *got;
        }
        const auto from = static_cast<std::size_t>(at_ - buffer_at_);
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(want, filled_ - from));
        std::memcpy(out, &buffer_[from], size);
        return size;
    }

    std::shared_ptr<const RandomAccess> bytes_;
    std::uint64_t at_;
    std::uint64_t left_;
    bool failed_ = false;
    std::array<std::byte, 8192> buffer_;
    std::uint64_t buffer_at_ = 0;
    std::size_t filled_ = 0;
};

namespace {

class Factory final : public DcmInputStreamFactory {
public:
    Factory(std::shared_ptr<const RandomAccess> bytes, std::uint64_t offset)
        : bytes_(std::move(bytes)), offset_(offset)
    {
    }

    DcmInputStream* create() const override
    {
        constexpr auto all = std::numeric_limits<std::uint64_t>::max();
        return new AccessStream(bytes_, offset_, all); // DCMTK takes it
    }

    DcmInputStreamFactory* clone() const override { return new Factory(bytes_, offset_); }

    DcmInputStreamFactoryType ident() const override { return DFT_DcmInputFileStreamFactory; }

private:
    std::shared_ptr<const RandomAccess> bytes_;
    std::uint64_t offset_;
};

} // namespace

AccessStream::AccessStream(
    std::shared_ptr<const RandomAccess> bytes, std::uint64_t offset, std::uint64_t most
)
    : AccessStream(std::make_unique<Producer>(std::move(bytes), offset, most), offset)
{
}

AccessStream::AccessStream(std::unique_ptr<Producer> producer, std::uint64_t offset)
    : DcmInputStream(producer.get()), producer_(std::move(producer)), offset_(offset)
{
}

AccessStream::~AccessStream() = default;

DcmInputStreamFactory* AccessStream::newFactory() const
{
    if (currentProducer() != producer_.get())
        return nullptr; // inflated: cannot be read from the middle
    return new Factory(producer_->bytes(), offset_ + static_cast<std::uint64_t>(tell()));
}

bool AccessStream::exhausted() const
{
    return producer_->exhausted();
}

} // namespace gantry::mapping
