// What DICOM JSON and the Native DICOM Model have in common: what of a data set is written, and as
// which VR. Internal to mapping/. Any thread, but one data set in one thread.
#pragma once

#include "mapping/value_representation.h"
#include "mapping/vocabulary/tag.h"

#include <cstdint>
#include <string>

class DcmElement;
class DcmItem;
class DcmObject;

namespace gantry::mapping {

inline constexpr unsigned max_written_depth = 64;              // of sequences
inline constexpr std::uint32_t encapsulated_size = 0xffffffff; // of BulkValue

Tag tag_of_object(const DcmObject& object);

/// Group lengths, commands, file meta information, padding, delimiters (PS3.18 F.2.2).
bool is_left_out(Tag tag);

/// (0008,0005) of a data set or item itself.
std::string declared_character_set(DcmItem& item);

/// Pixel Representation (0028,0103), which decides between US and SS (PS3.5 A.2); items inherit it.
bool has_signed_pixels(DcmItem& item, bool inherited);

bool is_encapsulated(DcmElement& element);

/// Where a data set leaves the VR to its reader, DCMTK has a name of its own for the choice.
Vr written_vr(DcmElement& element, bool signed_pixels);

/// Bytes of a value field, little endian.
bool read_value(DcmElement& element, std::string& into, std::uint32_t from, std::uint32_t size);

} // namespace gantry::mapping
