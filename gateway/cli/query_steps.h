// One study, one of its series, one image of that: how `gantry doctor` tries queries over DIMSE
// (PS3.4 C.6.2). Runs on the loop; shows no patient data.
#pragma once

#include "dimse/requestor.h"
#include "mapping/vocabulary/query_level.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

class DcmDataset;

namespace gantry::cli {

inline constexpr std::string_view study_root_find = "1.2.840.10008.5.1.4.1.2.2.1";
inline constexpr std::string_view study_root_move = "1.2.840.10008.5.1.4.1.2.2.2";
inline constexpr std::string_view study_root_get = "1.2.840.10008.5.1.4.1.2.2.3";

inline constexpr std::array query_levels{QueryLevel::study, QueryLevel::series, QueryLevel::image};

/// A constant of ours.
Uid known_uid(std::string_view text);

struct FoundOne {
    std::optional<std::string> uid; // the unique key of the first match
    Result<DimseStatus> end;        // where there is no match: how the find ended
};

/// Asks for the first match at the level below `found`: unique keys from the study down, fewer than
/// there are levels. `requestor` outlives the call.
asio::awaitable<FoundOne> find_one(dimse::Requestor& requestor, std::vector<std::string> found);

/// The Identifier of a retrieve of one image: all three unique keys.
std::shared_ptr<DcmDataset> one_image(const std::vector<std::string>& found);

} // namespace gantry::cli
