// Files and their index, as one: what the local origin is made of. A file is a DICOM file (PS3.10)
// below ab/cd/, named by its SOP Instance UID, its data set byte for byte as received; the index
// (index.sqlite) can always be rebuilt from the files.
//
// The order of a commit: linked to its final name -> file and names flushed -> index written ->
// acknowledged. The index need not be flushed for that: until it is, a file keeps its name in
// incoming/ beside the final one, and the start-up sweep looks at what is there. One flush serves
// all who wait for one.
//
// Everything here blocks: not on the loop. Any thread may call, several at once.
#pragma once

#include "gateway/loop/clock.h"
#include "gateway/origin.h"
#include "gateway/origins/archive/catalogue.h"
#include "mapping/file_meta.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace gantry::archive {

/// Failure Reason (0008,1197) of an instance whose UID is taken by another one (PS3.7 C.5.5).
inline constexpr std::uint16_t duplicate_sop_instance = 0x0111;

/// The steps of a store that touch the disk, for tests that fail or die at each.
enum class Step : std::uint8_t { create, write, link, flush, flush_folder, index, unlink };

/// Asked before each step; an error is taken as the step's own.
using StepObserver = std::function<std::error_code(Step)>;

struct ArchiveOptions {
    std::filesystem::path folder;
    Bytes min_free{1ULL << 30U};
    StepObserver before = {};
};

/// Takes one instance. One thread at a time. Destroyed before it is committed: leaves nothing.
class ArchiveWriter {
public:
    virtual ~ArchiveWriter() = default;
    /// The next bytes of the data set.
    virtual Result<void> write(ConstBytes bytes) = 0;
    /// The data set is whole, and this is what it holds. Reads what the index wants of it.
    virtual Result<void> seal(InstanceKey key, AeTitle source) = 0;
};

class Archive {
public:
    /// See LocalOrigin::open().
    static Result<std::unique_ptr<Archive>> open(ArchiveOptions options, const Clock& clock);
    virtual ~Archive() = default;

    /// May an instance come in? Fails with spool_full below min_free. Cheap; any thread, the loop
    /// as well.
    virtual Result<void> admit() const = 0;
    /// `head` as the sender states it: what the data set says goes before it, in seal().
    virtual Result<std::unique_ptr<ArchiveWriter>> begin(mapping::FileHead head) = 0;
    /// Of sealed writers; one outcome for each, in order. Those stored would survive a power cut.
    virtual std::vector<StoreOutcome> commit(std::vector<std::unique_ptr<ArchiveWriter>> writers
    ) = 0;

    virtual Catalogue& catalogue() = 0;
    virtual std::filesystem::path path_of(const Uid& study, const Uid& sop_instance) const = 0;
    /// Its file is there, and as long as it was when it was stored.
    virtual bool whole(const StoredFile& file) const = 0;
};

} // namespace gantry::archive
