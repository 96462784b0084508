// The reader of DICOM JSON: whatever comes is read or refused; what was read can be written and
// read once more, and what gantry itself wrote comes back without a change.
#include "mapping/dicom_json.h"
#include "mapping/dicom_json_reader.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <cstdint>
#include <cstdlib>
#include <string>

using namespace gantry;
using namespace gantry::mapping;

namespace {

std::string written(DcmDataset& data_set)
{
    std::string out;
    if (!write_dicom_json(data_set, out))
        std::abort();
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size); // bytes are bytes
    DicomJsonReadOptions lenient;
    lenient.unreadable = [](Tag) {};
    lenient.bulk_data = [](const BulkReference&) {};
    const auto first = read_dicom_json(text, lenient);
    if (!first)
        return 0;
    const auto second = read_dicom_json(written(**first));
    if (!second)
        std::abort();
    const std::string ours = written(**second); // what says nothing is gone
    const auto third = read_dicom_json(ours);
    if (!third || written(**third) != ours)
        std::abort();
    return 0;
}
