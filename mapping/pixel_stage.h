// The steps of a Transcoder: a sink of tokens that decodes or encodes the pixel data among them and
// writes all else as it is. Worker threads, one at a time.
#pragma once

#include "mapping/fragment_gatherer.h"
#include "mapping/image_attributes.h"
#include "mapping/token_writer.h"
#include "mapping/transcode.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::mapping {

/// What both have in common: the attributes of the data set's own image are written as they will
/// be, not as they were.
class PixelStage : public TokenSink {
public:
    PixelStage(TokenWriter::Out out, Headers headers) : writer_(std::move(out), headers) {}

    Result<void> begin(const Token& token) override;
    Result<void> value(const Token& token, ConstBytes piece) override;
    Result<void> end(const Token& token) override;
    Result<void> finish();

protected:
    /// Photometric Interpretation as it will be; `image` knows what comes before.
    virtual std::string photometric(const ImageAttributes& image) const = 0;
    /// (0028,2110) as it will be, where it was `old` (empty: absent); nothing: as it was.
    virtual std::optional<std::string> lossy(const std::string& old) const = 0;
    /// The token is the stage's own business: neither it nor what is in it is copied.
    virtual bool takes(const Token& token) const = 0;
    virtual Result<void> begin_taken(const Token& token) = 0;
    virtual Result<void> taken_value(ConstBytes piece) = 0;
    virtual Result<void> end_taken(const Token& token) = 0;

    const ImageAttributes& image() const { return reader_.here(); }

    TokenWriter& writer() { return writer_; }

private:
    Result<void> write_before(Tag tag);
    Result<void> write_replaced(const Token& token);
    Result<void> text(Tag tag, std::string_view value);

    TokenWriter writer_;
    ImageAttributeReader reader_;
    bool taken_ = false; // the token that is open
    bool replacing_ = false;
    std::string replaced_; // the value that will not go out
    bool planar_written_ = false;
    bool lossy_written_ = false;
};

/// Photometric Interpretation of what a codec has decoded (PS3.3 C.7.6.3.1.2). Colour subsampling
/// ends with the codestream.
std::string decoded_photometric(Codec codec, const std::string& coded);

/// What the codec has to do for that.
Colours decoded_colours(Codec codec, const std::string& coded);

/// Colour by plane to colour by pixel.
std::vector<std::byte> by_pixel(std::span<const std::byte> planes, const FrameShape& shape);

/// Samples that our encoders take.
bool can_encode(const FrameShape& shape, std::string_view photometric);

/// Fragments to native pixel data.
class PixelDecoder final : public PixelStage {
public:
    PixelDecoder(
        std::string_view from, Headers headers, TokenWriter::Out out, const TranscodeLimits& limits
    );

private:
    std::string photometric(const ImageAttributes& image) const override;
    std::optional<std::string> lossy(const std::string& old) const override;
    bool takes(const Token& token) const override;
    Result<void> begin_taken(const Token& token) override;
    Result<void> taken_value(ConstBytes piece) override;
    Result<void> end_taken(const Token& token) override;
    Result<void> open(const Token& token);
    Result<void> close();
    Result<void> decode(ConstBytes codestream);

    Codec codec_;
    Loss loss_;
    TranscodeLimits limits_;
    std::optional<FragmentGatherer> gatherer_;
    ImageAttributes decoding_;
    std::vector<std::byte> frame_;
    Token element_; // what is written
    bool dropping_ = false;
};

/// Native pixel data of the data set itself to fragments.
class PixelEncoder final : public PixelStage {
public:
    /// What it hears is explicit little endian.
    PixelEncoder(std::string_view to, TokenWriter::Out out, const TranscodeLimits& limits);

private:
    std::string photometric(const ImageAttributes& image) const override;
    std::optional<std::string> lossy(const std::string& old) const override;
    bool takes(const Token& token) const override;
    Result<void> begin_taken(const Token& token) override;
    Result<void> taken_value(ConstBytes piece) override;
    Result<void> end_taken(const Token& token) override;
    Result<void> encode();
    Result<void> fragment(ConstBytes bytes);

    Codec codec_;
    TranscodeLimits limits_;
    ImageAttributes encoding_;
    std::vector<std::byte> frame_; // fills up
    std::uint32_t encoded_ = 0;    // frames
};

} // namespace gantry::mapping
