// Search results in XML: whatever comes is read or refused, and what was read is a data set in JSON
// as well, or is refused there. Warnings and media types of the same answers go along.
#include "mapping/dicom_json_reader.h"
#include "mapping/native_xml.h"
#include "mapping/qido_answer.h"

#include <dcmtk/config/osconfig.h>

#include <boost/json/serialize.hpp>
#include <dcmtk/dcmdata/dcdatset.h>

#include <cstdint>
#include <cstdlib>

using namespace gantry::mapping;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size); // bytes are bytes
    (void)result_form(text);
    if (const auto results = additional_results(text); results.count == 0U && results.there)
        std::abort();
    const auto object = read_native_xml(text);
    if (!object)
        return 0;
    DicomJsonReadOptions lenient;
    lenient.unreadable = [](gantry::Tag) {};
    (void)read_dicom_json(boost::json::serialize(*object), lenient);
    return 0;
}
