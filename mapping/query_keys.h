// What the query/retrieve information models say of their keys (PS3.4 C.6.1, C.6.2; PS3.18 10.6.3).
// Pure tables; any thread.
#pragma once

#include "mapping/vocabulary/query_level.h"
#include "mapping/vocabulary/tag.h"

#include <array>
#include <optional>

namespace gantry::mapping {

namespace key {

inline constexpr Tag query_retrieve_level{0x0008, 0x0052};
inline constexpr Tag query_retrieve_view{0x0008, 0x0053};
inline constexpr Tag retrieve_ae_title{0x0008, 0x0054};
inline constexpr Tag instance_availability{0x0008, 0x0056};
inline constexpr Tag retrieve_url{0x0008, 0x1190};
inline constexpr Tag timezone_offset{0x0008, 0x0201};
inline constexpr Tag modalities_in_study{0x0008, 0x0061};
inline constexpr Tag study_date{0x0008, 0x0020};
inline constexpr Tag study_time{0x0008, 0x0030};
inline constexpr Tag patient_name{0x0010, 0x0010};
inline constexpr Tag patient_id{0x0010, 0x0020};
inline constexpr Tag issuer_of_patient_id{0x0010, 0x0021};
inline constexpr Tag patient_birth_date{0x0010, 0x0030};
inline constexpr Tag patient_sex{0x0010, 0x0040};
inline constexpr Tag studies_of_patient{0x0020, 0x1200};
inline constexpr Tag series_of_patient{0x0020, 0x1202};
inline constexpr Tag instances_of_patient{0x0020, 0x1204};
inline constexpr Tag series_of_study{0x0020, 0x1206};
inline constexpr Tag instances_of_study{0x0020, 0x1208};
inline constexpr Tag instances_of_series{0x0020, 0x1209};
inline constexpr Tag step_date{0x0040, 0x0244};
inline constexpr Tag step_time{0x0040, 0x0245};

} // namespace key

/// The unique key of a level.
Tag unique_key(QueryLevel level);

struct UniqueKey {
    Tag tag;
    QueryLevel level;
};

/// All four, from the patient down.
inline constexpr std::array<UniqueKey, 4> unique_keys{
    {{{0x0010, 0x0020}, QueryLevel::patient},
     {{0x0020, 0x000d}, QueryLevel::study},
     {{0x0020, 0x000e}, QueryLevel::series},
     {{0x0008, 0x0018}, QueryLevel::image}}
};

/// Whether a model has that level; study root has no patient, Patient/Study Only ends at the study.
bool has_level(QueryModel model, QueryLevel level);

/// "PATIENT", "STUDY", "SERIES", "IMAGE".
const char* level_name(QueryLevel level);

/// Required or unique in a C-FIND of that level (tables C.6-1 to C.6-5): every origin matches and
/// returns it, so where it is missing it is empty.
bool is_required(Tag tag, QueryLevel level);

/// Says something of the question or of the answer, not of what is asked for (PS3.4 C.4.1.1.3):
/// level, view, character set, time zone, and where and how what was found can be had.
bool is_control(Tag tag);

/// Whether an attribute is known to stand below a level: no answer of that level can have it.
bool is_below(Tag tag, QueryLevel level);

} // namespace gantry::mapping
