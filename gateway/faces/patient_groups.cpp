#include "gateway/faces/patient_groups.h"

#include "mapping/elements.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcelem.h>

#include <algorithm>
#include <charconv>

namespace gantry::faces {

namespace key = mapping::key;
using mapping::find_element;
using mapping::put_text;
using mapping::text_of;

namespace {

constexpr Tag counts[] = {
    key::studies_of_patient, key::series_of_patient, key::instances_of_patient
};

void ask_for(DcmDataset& keys, Tag tag)
{
    if (find_element(keys, tag) == nullptr)
        put_text(keys, tag, {});
}

/// What tells one patient from another: the ID within its issuer; without an ID all that is known.
std::string patient_key(DcmDataset& study)
{
    constexpr Tag demographics[] = {key::patient_name, key::patient_birth_date, key::patient_sex};
    std::string out = text_of(study, key::patient_id) + '\0';
    out += text_of(study, key::issuer_of_patient_id) + '\0';
    if (out.front() == '\0')
        for (const Tag tag : demographics)
            out += text_of(study, tag) + '\0';
    return out;
}

void sum_up(std::optional<std::uint64_t>& sum, const std::string& text)
{
    std::uint64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = failed == std::errc() && end == text.data() + text.size();
    sum = sum && whole ? std::optional(*sum + number) : std::nullopt;
}

std::vector<Tag> tags_of(const mapping::FindIdentifier& question)
{
    std::vector<Tag> out;
    DcmDataset keys(*question.keys);
    for (unsigned long i = 0; i < keys.card(); ++i)
        out.push_back(mapping::tag_of(*keys.getElement(i)));
    return out;
}

} // namespace

std::shared_ptr<const DcmDataset> study_keys_of(const mapping::FindIdentifier& patients)
{
    auto keys = std::make_shared<DcmDataset>(*patients.keys);
    const auto wants = [&](Tag tag) { return find_element(*keys, tag) != nullptr; };
    if (wants(key::series_of_patient))
        ask_for(*keys, key::series_of_study);
    if (wants(key::instances_of_patient))
        ask_for(*keys, key::instances_of_study);
    for (const Tag tag : counts)
        (void)keys->findAndDeleteElement(DcmTagKey(tag.group, tag.element));
    for (const Tag tag :
         {key::patient_name,
          key::issuer_of_patient_id,
          key::patient_birth_date,
          key::patient_sex,
          key::study_date,
          key::study_time,
          tag::study_instance_uid})
        ask_for(*keys, tag);
    return keys;
}

PatientGroups::PatientGroups(
    const mapping::FindIdentifier& question, const mapping::MatchingRules& rules, std::size_t most
)
    : question_(question), asked_(tags_of(question)), filter_(question, rules), most_(most)
{
    question_.keys.reset(); // another thread may read it
}

bool PatientGroups::add(DcmDataset& study)
{
    const std::string id = patient_key(study);
    const std::string moment = text_of(study, key::study_date) + text_of(study, key::study_time);
    const std::string series = text_of(study, key::series_of_study);
    const std::string instances = text_of(study, key::instances_of_study);
    auto answer = filter_.answer(study);
    if (!answer)
        return true;
    const auto known = by_key_.find(id);
    if (known == by_key_.end() && patients_.size() == most_)
        return false;
    if (known == by_key_.end()) {
        by_key_.emplace(id, patients_.size());
        patients_.push_back({std::move(*answer), moment});
    } else if (Patient& patient = patients_[known->second]; moment > patient.newest) {
        patient.answer = std::move(*answer);
        patient.newest = moment;
    }
    Patient& patient = patients_[by_key_[id]];
    ++patient.studies;
    sum_up(patient.series, series);
    sum_up(patient.instances, instances);
    return true;
}

void PatientGroups::put_count(DcmDataset& answer, Tag tag, std::optional<std::uint64_t> count) const
{
    if (std::ranges::find(asked_, tag) != asked_.end())
        put_text(answer, tag, count ? std::to_string(*count) : std::string());
}

std::vector<mapping::FindAnswer> PatientGroups::take(bool complete)
{
    std::vector<mapping::FindAnswer> out;
    for (Patient& patient : patients_) {
        DcmDataset& answer = *patient.answer.identifier;
        const auto known = [&](std::optional<std::uint64_t> count) {
            return complete ? count : std::nullopt;
        };
        put_count(answer, key::studies_of_patient, known(patient.studies));
        put_count(answer, key::series_of_patient, known(patient.series));
        put_count(answer, key::instances_of_patient, known(patient.instances));
        out.push_back(std::move(patient.answer));
    }
    patients_.clear();
    by_key_.clear();
    return out;
}

} // namespace gantry::faces
