// One C-STORE of a retrieve on its way in (PS3.7 9.1.1): gathered, read in passing, and given on
// when it is whole. The thread of its association; blocks on the disk and on the asker.
#pragma once

#include "gateway/origins/dimse_passage.h"
#include "mapping/data_set_scanner.h"
#include "mapping/status.h"

#include <optional>
#include <string>

namespace gantry {

class DimsePassage::Incoming final : public dimse::IncomingInstance {
public:
    Incoming(std::shared_ptr<DimsePassage> passage, dimse::StoreRequest request, std::size_t at);
    ~Incoming() override;
    Incoming(const Incoming&) = delete;
    Incoming& operator=(const Incoming&) = delete;

    Result<void> write(ConstBytes fragment) override;
    DimseStatus finish() override;

private:
    std::optional<mapping::StoreFailure> judge();
    DimseStatus refuse(mapping::StoreFailure failure);

    std::shared_ptr<DimsePassage> passage_;
    dimse::StoreRequest request_;
    std::size_t at_;
    GatheredBytes bytes_;
    std::uint64_t size_ = 0;
    std::optional<mapping::DataSetScanner> scanner_; // none: the structure is not read
    bool disk_failed_ = false;
    bool handed_over_ = false;
    std::string why_ = "a C-STORE broke off";
};

} // namespace gantry
