#include "mapping/transcode.h"

#include "mapping/data_set_tokens.h"
#include "mapping/frame_codec.h"
#include "mapping/pixel_stage.h"
#include "mapping/reencode.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace gantry::mapping {

namespace {

// What is not compressed first; then what more receivers know.
constexpr std::string_view preference[] = {
    transfer_syntax::explicit_le,
    transfer_syntax::implicit_le,
    "1.2.840.10008.1.2.4.70", // JPEG lossless
    "1.2.840.10008.1.2.5",    // RLE
    "1.2.840.10008.1.2.4.80", // JPEG-LS
    "1.2.840.10008.1.2.4.90", // JPEG 2000
};

bool is_plain(std::string_view uid)
{
    return uid == transfer_syntax::explicit_le || uid == transfer_syntax::implicit_le;
}

Headers headers_of(std::string_view uid)
{
    return uid == transfer_syntax::implicit_le ? Headers::implicit_vr : Headers::explicit_vr;
}

} // namespace

bool can_transcode(std::string_view from, std::string_view to)
{
    if (from == to)
        return true;
    return codec_of(from) != Codec::other && (is_plain(to) || is_encoded_here(to));
}

Uid best_syntax(const Uid& from, std::span<const Uid> accepted)
{
    if (std::ranges::find(accepted, from) != accepted.end())
        return from;
    for (const std::string_view uid : preference) {
        const auto found = std::ranges::find(accepted, uid, &Uid::str);
        if (found != accepted.end() && can_transcode(from.str(), uid))
            return *found;
    }
    return {};
}

/// Up to three steps, each handing on to the next: into explicit little endian, decode, encode.
class Transcoder::Impl {
public:
    Impl(std::string_view from, std::string_view to, Out out, const TranscodeLimits& limits)
    {
        const bool encodes = codec_of(to) != Codec::none && from != to;
        const bool decodes = codec_of(from) != Codec::none && from != to;
        if (encodes) {
            encoder_.emplace(to, std::move(out), limits);
            encoder_tokens_.emplace(TransferSyntax::of(transfer_syntax::explicit_le), *encoder_);
            out = [this](ConstBytes piece) { return encoder_tokens_->feed(piece); };
        }
        if (decodes) {
            const Headers headers = encodes ? Headers::explicit_vr : headers_of(to);
            decoder_.emplace(from, headers, std::move(out), limits);
            decoder_tokens_.emplace(TransferSyntax::of(from), *decoder_);
        } else if (from == to) {
            copy_ = std::move(out);
        } else {
            const bool implicit = to == transfer_syntax::implicit_le;
            reencoder_.emplace(
                TransferSyntax::of(from),
                implicit ? Encoding::implicit_le : Encoding::explicit_le,
                std::move(out)
            );
        }
    }

    Result<void> feed(ConstBytes chunk)
    {
        if (copy_)
            return chunk.empty() ? Result<void>() : copy_(chunk);
        return decoder_ ? decoder_tokens_->feed(chunk) : reencoder_->feed(chunk);
    }

    Result<void> finish()
    {
        if (reencoder_) {
            if (const auto ended = reencoder_->finish(); !ended)
                return ended.error();
        }
        if (decoder_) {
            if (const auto ended = finish(*decoder_tokens_, *decoder_); !ended)
                return ended.error();
        }
        return encoder_ ? finish(*encoder_tokens_, *encoder_) : Result<void>();
    }

private:
    static Result<void> finish(DataSetTokenizer& tokens, PixelStage& stage)
    {
        const auto ended = tokens.finish();
        return ended ? stage.finish() : ended;
    }

    Out copy_;
    std::optional<PixelEncoder> encoder_;
    std::optional<DataSetTokenizer> encoder_tokens_;
    std::optional<PixelDecoder> decoder_;
    std::optional<DataSetTokenizer> decoder_tokens_;
    std::optional<Reencoder> reencoder_;
};

Transcoder::Transcoder(
    std::string_view from, std::string_view to, Out out, const TranscodeLimits& limits
)
    : impl_(std::make_unique<Impl>(from, to, std::move(out), limits))
{
}

Transcoder::~Transcoder() = default;
Transcoder::Transcoder(Transcoder&&) noexcept = default;
Transcoder& Transcoder::operator=(Transcoder&&) noexcept = default;

Result<void> Transcoder::feed(ConstBytes chunk)
{
    return impl_->feed(chunk);
}

Result<void> Transcoder::finish()
{
    return impl_->finish();
}

} // namespace gantry::mapping
