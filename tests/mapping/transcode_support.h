// Transcoding in tests, and what DCMTK sees in the result.
#pragma once

#include "mapping/transcode.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

#include <memory>
#include <string>
#include <string_view>

#include "sample_files.h"

namespace gantry::tests {

namespace syntax {

inline constexpr std::string_view jpeg_baseline = "1.2.840.10008.1.2.4.50";
inline constexpr std::string_view jpeg_lossless = "1.2.840.10008.1.2.4.70";
inline constexpr std::string_view jpeg_ls = "1.2.840.10008.1.2.4.80";
inline constexpr std::string_view jpeg_2000 = "1.2.840.10008.1.2.4.90";
inline constexpr std::string_view htj2k = "1.2.840.10008.1.2.4.201";
inline constexpr std::string_view rle = "1.2.840.10008.1.2.5";
using transfer_syntax::explicit_be;
using transfer_syntax::explicit_le;
using transfer_syntax::implicit_le;

} // namespace syntax

/// A sample file's data set and how it is encoded.
struct Encoded {
    std::string name;
    std::string syntax;
    std::string body;
};

Result<std::string> transcode(
    std::string_view from,
    std::string_view to,
    std::string_view body,
    std::size_t chunk = std::size_t{1} << 20U
);

/// The samples of a transfer syntax whose pixels are compressed.
std::vector<Encoded> compressed_samples();
/// Empty body where there is none of that name.
Encoded sample(const std::string& name);

std::unique_ptr<DcmDataset> load(const std::string& bytes, std::string_view syntax);
std::string text_of(DcmDataset& data_set, const DcmTagKey& tag);
unsigned number_of(DcmDataset& data_set, const DcmTagKey& tag);
/// Native pixel data, little endian.
std::string pixels_of(DcmDataset& data_set);

/// A data set of an image, explicit little endian. `colours` 3: RGB by pixel.
struct MadeImage {
    unsigned rows = 5;
    unsigned columns = 7;
    unsigned samples = 1;
    unsigned bits = 16;
    unsigned stored = 12;
    bool is_signed = false;
    unsigned frames = 1;
    bool planar = false;
    std::string photometric = "MONOCHROME2";

    std::string pixels() const;
    std::string body() const;
};

/// What stands before the pixel data of `image`.
std::string head_of(const MadeImage& image);

} // namespace gantry::tests
