// Makes a value of a data set out of the parts that bring it (PS3.18 10.5.1.2, 8.7.3.3). Blocking:
// on a worker.
#pragma once

#include "gateway/faces/web_store_bulk.h"
#include "gateway/origins/scratch_file.h"
#include "mapping/data_set_writer.h"
#include "mapping/dicom_json_reader.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

class DcmDataset;

namespace gantry::faces {

struct MadeValue {
    mapping::SuppliedValue value;
    std::string transfer_syntax; // of the data set that holds it; empty: any
    std::uint16_t failure = 0;   // Failure Reason (0008,1197); 0: it is there
};

/// A value other than pixel data is one part, whatever its media type. Pixel data of the data set
/// is uncompressed (application/octet-stream), a video, or images of one kind: one part a frame.
/// What the images say of themselves is added to `data_set` where it says nothing, and must not be
/// contradicted by it. GIF and PNG, and a syntax that may not stand on the web, are C122H; what
/// cannot be put together is C000H; A900H: another image than the data set describes; A700H: a part
/// could not be kept.
MadeValue make_value(
    const std::shared_ptr<const ScratchFile>& file,
    const std::vector<const BulkPart*>& parts,
    const mapping::BulkReference& where,
    DcmDataset& data_set
);

} // namespace gantry::faces
