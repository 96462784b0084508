// Patients made of their studies (PS3.4 C.6.1.1.2): QIDO-RS knows no patients. Loop; bounded.
#pragma once

#include "gateway/origin.h"
#include "mapping/identifier.h"
#include "mapping/key_filter.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

class DcmDataset;

namespace gantry::faces {

/// The question for the studies of the patients that are asked for: with what tells patients apart,
/// and what is summed up of their studies.
std::shared_ptr<const DcmDataset> study_keys_of(const mapping::FindIdentifier& patients);

class PatientGroups {
public:
    PatientGroups(
        const mapping::FindIdentifier& question,
        const mapping::MatchingRules& rules,
        std::size_t most
    );

    /// One study of a patient, where that satisfies the keys. False: there are too many patients.
    bool add(DcmDataset& study);

    /// In the order in which they came; what differs between studies of a patient is of the newest.
    /// Counts are empty where not all studies are known (`complete`), or one did not say.
    std::vector<mapping::FindAnswer> take(bool complete);

private:
    struct Patient {
        mapping::FindAnswer answer;
        std::string newest; // date and time of the study that `answer` is of
        std::uint64_t studies = 0;
        std::optional<std::uint64_t> series = 0;
        std::optional<std::uint64_t> instances = 0;
    };

    void put_count(DcmDataset& answer, Tag tag, std::optional<std::uint64_t> count) const;

    mapping::FindIdentifier question_;
    std::vector<Tag> asked_; // tags of the question
    mapping::KeyFilter filter_;
    std::size_t most_;
    std::vector<Patient> patients_;
    std::unordered_map<std::string, std::size_t> by_key_;
};

} // namespace gantry::faces
