#include "gateway/origins/cache/cached_file.h"

#include "gateway/custody/digest.h"

#include <algorithm>
#include <array>

namespace gantry::cache {

namespace {

constexpr std::uint64_t piece = 1U << 20U;

} // namespace

Result<CachedFile> read_cached_file(custody::Fd file, const FileName& name)
{
    const Bytes size = name.size;
    const auto length = custody::size_of(file);
    if (!length)
        return length.error();
    if (*length != size.count || size.count < note_size)
        return error(Errc::damaged, "another length than its name says");
    std::array<std::byte, note_size> last{};
    const auto got = custody::read_at(file, last, size.count - note_size);
    if (!got)
        return got.error();
    auto note = read_note(ConstBytes(last).first(*got), size);
    if (!note)
        return error(Errc::damaged, "no note at its end");
    if (PackedUid(note->key.sop.sop_instance) != name.sop)
        return error(Errc::damaged, "another instance than its name says");
    return CachedFile{std::make_shared<const custody::Fd>(std::move(file)), name, std::move(*note)};
}

Result<void> read_whole(const CachedFile& file, std::span<std::byte> into)
{
    const auto got = custody::read_at(*file.file, into, file.note.offset);
    if (!got)
        return got.error();
    custody::DigestStream digest;
    digest.update(into);
    if (*got < into.size() || digest.digest() != file.note.digest)
        return error(Errc::damaged, "digest differs");
    return {};
}

Result<void> check_whole(const CachedFile& file)
{
    const std::uint64_t length = file.note.length.count;
    std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(piece, length)));
    custody::DigestStream digest;
    for (std::uint64_t done = 0; done < length;) {
        const auto want = std::min<std::uint64_t>(buffer.size(), length - done);
        const auto part = std::span(buffer).first(static_cast<std::size_t>(want));
        const auto got = custody::read_at(*file.file, part, file.note.offset + done);
        if (!got)
            return got.error();
        if (*got < part.size())
            return error(Errc::damaged, "file is cut short");
        digest.update(part);
        done += part.size();
    }
    if (digest.digest() != file.note.digest)
        return error(Errc::damaged, "digest differs");
    return {};
}

} // namespace gantry::cache
