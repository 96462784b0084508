#include "gateway/origins/archive/bounded_input.h"

#include <dcmtk/dcmdata/dcistrmf.h>

#include <algorithm>

namespace gantry::archive {

class BoundedInput::Producer final : public DcmProducer {
public:
    Producer(const std::filesystem::path& file, std::uint64_t offset, std::uint64_t most)
        : file_(OFFilename(file.c_str()), static_cast<offile_off_t>(offset)),
          left_(static_cast<offile_off_t>(most))
    {
    }

    OFBool good() const override { return file_.good(); }

    OFCondition status() const override { return file_.status(); }

    OFBool eos() override { return file_.eos(); }

    offile_off_t avail() override { return std::min(left_, file_.avail()); }

    offile_off_t read(void* buffer, offile_off_t size) override
    {
        const offile_off_t got = file_.read(buffer, std::min(left_, size));
        left_ -= got;
        return got;
    }

    offile_off_t skip(offile_off_t size) override { return file_.skip(size); }

    void putback(offile_off_t size) override
    {
        file_.putback(size);
        left_ += size;
    }

private:
    DcmFileProducer file_;
    offile_off_t left_;
};

BoundedInput::BoundedInput(
    const std::filesystem::path& file, std::uint64_t offset, std::uint64_t most
)
    : BoundedInput(std::make_unique<Producer>(file, offset, most), file, offset)
{
}

BoundedInput::BoundedInput(
    std::unique_ptr<Producer> producer, const std::filesystem::path& file, std::uint64_t offset
)
    : DcmInputStream(producer.get()), producer_(std::move(producer)), file_(file), offset_(offset)
{
}

BoundedInput::~BoundedInput() = default;

DcmInputStreamFactory* BoundedInput::newFactory() const
{
    if (currentProducer() != producer_.get())
        return nullptr; // inflated: cannot be read from the middle
    const auto at = static_cast<offile_off_t>(offset_) + tell();
    return new DcmInputFileStreamFactory(OFFilename(file_.c_str()), at); // DCMTK takes it
}

} // namespace gantry::archive
