#include "gateway/origins/archive/file_writer.h"

#include "gateway/origins/archive/stored_head.h"

#include <array>
#include <vector>

namespace gantry::archive {

FileWriter::FileWriter(
    ArchiveFiles& files, const Clock& clock, ArchiveFiles::Incoming incoming, mapping::FileHead head
)
    : files_(files),
      clock_(clock),
      incoming_(std::move(incoming)),
      offset_(mapping::write_file_head(head).size())
{
}

FileWriter::~FileWriter()
{
    if (!released_)
        files_.discard(incoming_.name);
}

Result<void> FileWriter::write(ConstBytes bytes)
{
    if (const auto allowed = files_.before(Step::write); !allowed)
        return allowed.error();
    if (const auto written = custody::write_at(incoming_.file, bytes, offset_ + length_); !written)
        return written.error();
    digest_.update(bytes);
    length_ += bytes.size();
    return {};
}

/// The head did not say what the data set says: the data set moves to another file, where there is
/// room for the right one.
Result<void> FileWriter::make_room(std::uint64_t offset)
{
    auto other = files_.create();
    if (!other)
        return other.error();
    std::swap(incoming_, *other);
    const auto copied = [&]() -> Result<void> {
        std::vector<std::byte> buffer(256U << 10U);
        for (std::uint64_t done = 0; done < length_;) {
            const auto got = custody::read_at(other->file, buffer, offset_ + done);
            if (!got)
                return got.error();
            const auto chunk = ConstBytes(buffer).first(*got);
            if (const auto put = custody::write_at(incoming_.file, chunk, offset + done); !put)
                return put.error();
            done += *got;
        }
        return {};
    }();
    files_.discard(other->name);
    offset_ = offset;
    return copied;
}

Result<void> FileWriter::seal(InstanceKey key, AeTitle source)
{
    std::string head = mapping::write_file_head({key.sop, key.transfer_syntax, source});
    if (head.size() != offset_)
        if (const auto moved = make_room(head.size()); !moved)
            return moved.error();
    instance_.received = std::chrono::time_point_cast<WallTime::duration>(clock_.wall());
    StoredFile& file = instance_.file;
    file = {std::move(key), std::move(source), offset_, {length_}, digest_.digest()};
    const auto received = static_cast<std::uint64_t>(instance_.received.time_since_epoch().count());
    const std::string preamble = write_preamble({offset_, length_, received, file.digest});
    head.replace(0, preamble.size(), preamble);
    const auto written = custody::write_at(incoming_.file, std::as_bytes(std::span(head)), 0);
    if (!written)
        return written.error();
    auto attributes = read_attributes(files_.incoming_path(incoming_.name), offset_, file.key);
    if (!attributes)
        return attributes.error();
    instance_.attributes = std::move(*attributes);
    sealed_ = true;
    return {};
}

} // namespace gantry::archive
