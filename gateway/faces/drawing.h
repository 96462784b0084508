// One instance that is being drawn: its attributes and where its frames are, read when they are
// needed. Blocks and computes: on the transcoders, one thread at a time.
#pragma once

#include "gateway/faces/web_instance.h"
#include "mapping/render.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

class DcmDataset;

namespace gantry::faces {

/// Pictures of an image.
class Drawing {
public:
    Drawing(OpenInstance instance, std::shared_ptr<const mapping::ImageFrames> frames);
    ~Drawing();
    Drawing(const Drawing&) = delete;
    Drawing& operator=(const Drawing&) = delete;

    /// Frame `number` from 1. Errors as native_frame() and render_frame().
    Result<mapping::Picture> picture(std::uint32_t number, const mapping::RenderOptions& options);

    /// (0028,6010), else the one in the middle.
    Result<std::uint32_t> representative_frame();
    /// Between frames, in hundredths of a second (PS3.3 C.7.6.5).
    Result<std::uint16_t> pause();

private:
    Result<void> read();

    OpenInstance instance_;
    std::shared_ptr<const mapping::ImageFrames> frames_;
    std::unique_ptr<DcmDataset> attributes_;
};

/// `media` is one of picture_types(). `quality` of JPEG.
Result<std::vector<std::byte>>
encode_picture(const mapping::Picture& picture, std::string_view media, unsigned quality);

/// A report as HTML.
Result<std::string> page_of(const OpenInstance& instance);

/// An encapsulated document (PS3.3 C.24), read piece by piece.
class Document {
public:
    /// Errc::unsupported: of a media type that is not handed on, or none at all.
    static Result<std::shared_ptr<Document>> open(const OpenInstance& instance);

    Document(std::unique_ptr<DcmDataset> data_set, std::string media, std::uint32_t length);
    ~Document();
    Document(const Document&) = delete;
    Document& operator=(const Document&) = delete;

    const std::string& media() const noexcept { return media_; }

    std::uint32_t length() const noexcept { return length_; }

    /// From `offset` on, 256 KiB at the most; empty at the end.
    Result<std::vector<std::byte>> read(std::uint32_t offset) const;

private:
    std::unique_ptr<DcmDataset> data_set_;
    std::string media_;
    std::uint32_t length_;
};

} // namespace gantry::faces
