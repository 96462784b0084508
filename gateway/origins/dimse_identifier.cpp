#include "gateway/origins/dimse_identifier.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>

#include <span>
#include <string>

namespace gantry {

namespace {

void put(DcmDataset& into, const DcmTagKey& tag, std::span<const Uid> uids)
{
    std::string list;
    for (const Uid& uid : uids)
        list += (list.empty() ? "" : "\\") + uid.str();
    if (!list.empty())
        (void)into.putAndInsertOFStringArray(tag, OFString(list.data(), list.size()));
}

const char* name_of(QueryLevel level)
{
    switch (level) {
    case QueryLevel::patient: return "PATIENT";
    case QueryLevel::study: return "STUDY";
    case QueryLevel::series: return "SERIES";
    case QueryLevel::image: return "IMAGE";
    }
    return "STUDY";
}

} // namespace

std::shared_ptr<const DcmDataset> retrieve_identifier(const DimseJob& job)
{
    auto out = std::make_shared<DcmDataset>();
    (void)out->putAndInsertString(DCM_QueryRetrieveLevel, name_of(job.level));
    put(*out, DCM_StudyInstanceUID, std::span(&job.study, 1));
    put(*out, DCM_SeriesInstanceUID, job.series);
    put(*out, DCM_SOPInstanceUID, job.instances);
    return out;
}

} // namespace gantry
