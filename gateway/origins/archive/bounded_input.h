// A file as DCMTK reads it, that ends after so many bytes have been read: values that are skipped
// (large ones are left in the file) do not count. What a hostile data set can make us hold is
// bounded by that.
#pragma once

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcistrma.h>

#include <cstdint>
#include <filesystem>
#include <memory>

namespace gantry::archive {

class BoundedInput final : public DcmInputStream {
public:
    BoundedInput(const std::filesystem::path& file, std::uint64_t offset, std::uint64_t most);
    ~BoundedInput() override;

    DcmInputStreamFactory* newFactory() const override;

private:
    class Producer;
    explicit BoundedInput(
        std::unique_ptr<Producer> producer, const std::filesystem::path& file, std::uint64_t offset
    );

    std::unique_ptr<Producer> producer_;
    std::filesystem::path file_;
    std::uint64_t offset_;
};

} // namespace gantry::archive
