// What the tests of the local archive and of the web face share: made-up instances, as data sets
// and as files, and sinks that keep what they are given.
#pragma once

#include "gateway/origin.h"
#include "gateway/origins/archive/archive.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/manual_clock.h"
#include "tests/support/scratch_folder.h"

class DcmDataset;

namespace gantry::tests {

struct Instance {
    InstanceKey key;
    std::string data_set;

    /// As a DICOM file.
    std::string file() const;
};

/// Where an instance stands: 1.2.`study`, 1.2.`study`.`series`, 1.2.`study`.`series`.`number`.
struct Place {
    unsigned study = 1;
    unsigned series = 1;
    unsigned number = 1;
};

using Change = std::function<void(DcmDataset&)>;

/// A small secondary capture in Explicit VR Little Endian with `pixels` bytes of pixel data.
Instance make_instance(Place place, const Change& change = {}, std::size_t pixels = 64);

/// Of a file, as it is: its data set, and its key by the scanner. Throws where it does not hold.
Instance read_instance(const std::filesystem::path& path);

ConstBytes bytes_of(const std::string& text);

/// Into the archive, committed; throws where it is not taken so far.
StoreOutcome store(archive::Archive& archive, const Instance& instance);
std::unique_ptr<archive::ArchiveWriter> sealed(archive::Archive& archive, const Instance& instance);

archive::ArchiveOptions archive_options(const std::filesystem::path& folder);

/// An instance to hand to an origin. `broken`: its last read fails as damaged.
std::unique_ptr<InstanceContent> content_of(Instance instance, bool broken = false);

class KeepMatches final : public FindSink {
public:
    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override;
    ~KeepMatches() override;

    std::vector<std::unique_ptr<DcmDataset>> matches;
};

/// The value of an attribute named as in the dictionary, "-" where it is not there.
std::string value_of(DcmDataset& data_set, const char* keyword);

/// Keys of a question: {"PatientName", "A*"}; "" asks for it.
std::shared_ptr<DcmDataset> keys_of(const std::vector<std::pair<const char*, const char*>>& keys);

} // namespace gantry::tests
