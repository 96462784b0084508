// Asks a DICOMweb archive what it has: by QIDO-RS whether an instance is there, by WADO-RS whether
// it is the same as ours. Runs on the loop; what is fetched goes to a scratch file.
#pragma once

#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"
#include "web/client.h"

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

namespace gantry {

/// What is needed to ask. The references outlive every inquiry.
struct InquiryRoom {
    web::Client& client;
    WorkerPool& disk;
    std::filesystem::path scratch;
    Bytes max_answer{16ULL << 20U}; // of a QIDO response
};

struct Finding {
    enum class What : std::uint8_t {
        absent,
        there,        // with our study and series; not compared
        identical,    // every byte, or every attribute where the archive writes them differently
        different,    // another instance has this UID, or it stands elsewhere
        incomparable, // there, and the archive does not give it back
        unknown       // could not be asked now
    };

    What what = What::unknown;
    std::string reason;       // where that is not plain
    bool unreachable = false; // unknown: nobody answered at all
};

/// Is an instance with this UID in its study and series? By QIDO-RS (PS3.18 10.6). `different`
/// where it is there with another SOP class.
asio::awaitable<Finding> look_for(InquiryRoom room, InstanceKey key);

/// As look_for(), anywhere in the archive: `different` where it is in another study or series.
asio::awaitable<Finding> look_everywhere_for(InquiryRoom room, InstanceKey key);

/// look_for(), then fetches the instance (PS3.18 10.4) and compares it with `ours` as it would be
/// sent.
asio::awaitable<Finding> compare_with_archive(InquiryRoom room, InstanceContent& ours);

/// The instances of a series as far as one search tells: some may be missing, none is made up.
asio::awaitable<std::set<std::string>> list_series(InquiryRoom room, Uid study, Uid series);

} // namespace gantry
