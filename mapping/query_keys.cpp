#include "mapping/query_keys.h"

#include "mapping/identifier.h"
#include "mapping/query_attributes.h"

#include <algorithm>
#include <span>

namespace gantry::mapping {

namespace {

struct ModelOfClass {
    std::string_view sop_class;
    QueryModel model;
};

// PS3.4 C.6.1.3, C.6.2.3, C.6.3.3: FIND, MOVE, GET.
constexpr ModelOfClass models[] = {
    {"1.2.840.10008.5.1.4.1.2.1.1", QueryModel::patient_root},
    {"1.2.840.10008.5.1.4.1.2.1.2", QueryModel::patient_root},
    {"1.2.840.10008.5.1.4.1.2.1.3", QueryModel::patient_root},
    {"1.2.840.10008.5.1.4.1.2.2.1", QueryModel::study_root},
    {"1.2.840.10008.5.1.4.1.2.2.2", QueryModel::study_root},
    {"1.2.840.10008.5.1.4.1.2.2.3", QueryModel::study_root},
    {"1.2.840.10008.5.1.4.1.2.3.1", QueryModel::patient_study_only},
    {"1.2.840.10008.5.1.4.1.2.3.2", QueryModel::patient_study_only},
    {"1.2.840.10008.5.1.4.1.2.3.3", QueryModel::patient_study_only},
};

constexpr Tag of_patient[] = {key::patient_name, key::patient_id};

constexpr Tag of_study[] = {
    key::study_date,
    key::study_time,
    {0x0008, 0x0050}, // Accession Number
    key::patient_name,
    key::patient_id,
    {0x0020, 0x0010}, // Study ID
    tag::study_instance_uid,
};

constexpr Tag of_series[] = {
    {0x0008, 0x0060}, // Modality
    {0x0020, 0x0011}, // Series Number
    tag::series_instance_uid,
};

constexpr Tag of_image[] = {
    {0x0020, 0x0013}, // Instance Number
    tag::sop_instance_uid,
};

constexpr Tag control[] = {
    tag::specific_character_set,
    key::query_retrieve_level,
    key::query_retrieve_view,
    key::retrieve_ae_title,
    key::instance_availability,
    key::timezone_offset,
    key::retrieve_url,
};

bool is_in(std::span<const Tag> several, Tag tag)
{
    return std::ranges::find(several, tag) != several.end();
}

} // namespace

std::optional<QueryModel> query_model(std::string_view sop_class)
{
    const auto* found = std::ranges::find(models, sop_class, &ModelOfClass::sop_class);
    return found == std::end(models) ? std::nullopt : std::optional(found->model);
}

Tag unique_key(QueryLevel level)
{
    return unique_keys[static_cast<std::size_t>(level)].tag;
}

bool has_level(QueryModel model, QueryLevel level)
{
    if (model == QueryModel::study_root)
        return level != QueryLevel::patient;
    return model == QueryModel::patient_root || level <= QueryLevel::study;
}

const char* level_name(QueryLevel level)
{
    switch (level) {
    case QueryLevel::patient: return "PATIENT";
    case QueryLevel::study: return "STUDY";
    case QueryLevel::series: return "SERIES";
    case QueryLevel::image: return "IMAGE";
    }
    return "";
}

bool is_required(Tag tag, QueryLevel level)
{
    switch (level) {
    case QueryLevel::patient: return is_in(of_patient, tag);
    case QueryLevel::study: return is_in(of_study, tag);
    case QueryLevel::series: return is_in(of_series, tag);
    case QueryLevel::image: return is_in(of_image, tag);
    }
    return false;
}

bool is_control(Tag tag)
{
    return is_in(control, tag);
}

bool is_below(Tag tag, QueryLevel level)
{
    const auto own = query_level(tag);
    return own && *own > level;
}

} // namespace gantry::mapping
