// Receives one instance into a file of the archive. Blocking; one thread at a time.
#pragma once

#include "gateway/custody/digest.h"
#include "gateway/origins/archive/archive_files.h"
#include "gateway/origins/archive/index.h"

namespace gantry::archive {

class FileWriter final : public ArchiveWriter {
public:
    FileWriter(
        ArchiveFiles& files,
        const Clock& clock,
        ArchiveFiles::Incoming incoming,
        mapping::FileHead head
    );
    /// Takes its name in incoming/ away, unless that has been released; the final one, if it has
    /// got one, stays.
    ~FileWriter() override;
    FileWriter(const FileWriter&) = delete;
    FileWriter& operator=(const FileWriter&) = delete;

    Result<void> write(ConstBytes bytes) override;
    Result<void> seal(InstanceKey key, AeTitle source) override;

    bool sealed() const noexcept { return sealed_; }

    /// What the index is to know of it, once sealed.
    const NewInstance& instance() const noexcept { return instance_; }

    const ArchiveFiles::Incoming& incoming() const noexcept { return incoming_; }

    /// The name in incoming/ is somebody else's to take away.
    std::string release() noexcept
    {
        released_ = true;
        return incoming_.name;
    }

private:
    Result<void> make_room(std::uint64_t offset);

    ArchiveFiles& files_;
    const Clock& clock_;
    ArchiveFiles::Incoming incoming_;
    std::uint64_t offset_; // of the data set: the length of the head, if it stays as stated
    std::uint64_t length_ = 0;
    custody::DigestStream digest_;
    NewInstance instance_;
    bool sealed_ = false;
    bool released_ = false;
};

} // namespace gantry::archive
