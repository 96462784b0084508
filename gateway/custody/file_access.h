// A stretch of a file that can be read at any place. Opened at the first read, or before; from then
// on it stays readable, whoever takes its name away. Any thread that may block, several at once.
#pragma once

#include "gateway/custody/file.h"
#include "mapping/vocabulary/random_access.h"

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

namespace gantry::custody {

class FileAccess final : public RandomAccess {
public:
    struct Stretch {
        std::uint64_t offset = 0;
        Bytes length;
    };

    /// Opens nothing yet: cheap enough for the loop.
    FileAccess(std::filesystem::path path, Stretch stretch);
    FileAccess(std::shared_ptr<const Fd> file, Stretch stretch);

    Bytes size() const override { return stretch_.length; }

    /// Errors: not_found, disk; damaged where the file is shorter than the stretch.
    Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) const override;

private:
    void open() const;

    std::filesystem::path path_;
    Stretch stretch_;
    mutable std::once_flag once_;
    mutable std::shared_ptr<const Fd> file_;
    mutable std::optional<Error> failed_;
};

} // namespace gantry::custody
