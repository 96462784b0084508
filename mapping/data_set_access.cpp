#include "mapping/data_set_access.h"

#include "mapping/access_stream.h"
#include "mapping/data_set_walk.h"
#include "mapping/image_frames.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcxfer.h>

#include <optional>
#include <utility>

namespace gantry::mapping {

namespace {

/// DCMTK does not know the newer ones: they are read as a compressed one that it does know.
E_TransferSyntax reading_syntax(std::string_view uid)
{
    const DcmXfer known(std::string(uid).c_str());
    return known.getXfer() != EXS_Unknown ? known.getXfer() : EXS_JPEG2000LosslessOnly;
}

/// Finds the first element that is not before the pixels.
class PixelSearch final : public WalkSink {
public:
    bool wants_rest() const override { return false; }

    Result<void> begin(const Token& token) override
    {
        if (token.depth > 0 || token.kind == Token::Kind::item || token.tag < tag::pixel_data)
            return {};
        found_ = token;
        return stop();
    }

    Result<void> value(const Token& /*token*/, ConstBytes /*piece*/) override { return {}; }

    Result<void> end(const Token& /*token*/) override { return {}; }

    const std::optional<Token>& found() const { return found_; }

private:
    std::optional<Token> found_;
};

class Reading {
public:
    Reading(
        std::shared_ptr<const RandomAccess> bytes, std::string_view syntax, const DataSetAccess& how
    )
        : bytes_(std::move(bytes)), syntax_(reading_syntax(syntax)), how_(how)
    {
    }

    /// Elements from `offset` on, up to a tag.
    Result<void> read(std::uint64_t offset, DcmTagKey until, DcmDataset& into) const
    {
        AccessStream stream(bytes_, offset, how_.most.count);
        into.transferInit();
        const OFCondition done =
            into.readUntilTag(stream, syntax_, EGL_noChange, how_.max_value, until);
        into.transferEnd();
        if (stream.exhausted())
            return error(Errc::too_large, "the attributes of a data set");
        if (done.bad() && done != EC_EndOfStream)
            return error(Errc::malformed, std::string("a data set: ") + done.text());
        return {};
    }

    E_TransferSyntax syntax() const { return syntax_; }

private:
    std::shared_ptr<const RandomAccess> bytes_;
    E_TransferSyntax syntax_;
    DataSetAccess how_;
};

/// Says that there are compressed pixels, and holds none.
Result<void> put_fragments(DcmDataset& data_set, E_TransferSyntax syntax)
{
    auto pixels = std::make_unique<DcmPixelData>(DCM_PixelData);
    auto fragments = std::make_unique<DcmPixelSequence>(DCM_PixelSequenceTag);
    pixels->putOriginalRepresentation(syntax, nullptr, fragments.release());
    if (data_set.insert(pixels.get(), OFTrue).bad())
        return error(Errc::malformed, "pixel data twice");
    (void)pixels.release();
    return {};
}

void move_elements(DcmDataset& from, DcmDataset& to)
{
    while (from.card() > 0) {
        std::unique_ptr<DcmElement> element(from.remove(0UL));
        if (to.insert(element.get(), OFFalse).good())
            (void)element.release();
    }
}

} // namespace

Result<std::unique_ptr<DcmDataset>> read_data_set(
    std::shared_ptr<const RandomAccess> bytes,
    std::string_view transfer_syntax,
    const DataSetAccess& how
)
{
    const TransferSyntax& syntax = TransferSyntax::of(transfer_syntax);
    if (syntax.encoding == Encoding::deflated_explicit_le)
        return error(Errc::unsupported, "reading within a deflated data set");
    PixelSearch search;
    if (const auto walked = walk_data_set(*bytes, syntax, search); !walked)
        return walked.error();
    const Reading reading(bytes, transfer_syntax, how);
    auto data_set = std::make_unique<DcmDataset>();
    const auto& first = search.found();
    const DcmTagKey until(tag::pixel_data.group, tag::pixel_data.element);
    if (const auto read = reading.read(0, until, *data_set); !read)
        return read.error();
    if (!first)
        return data_set;
    std::uint64_t rest = first->offset;
    if (first->kind == Token::Kind::fragments) {
        const auto end = end_of_fragments(*bytes, search.position());
        if (!end)
            return end.error();
        if (const auto put = put_fragments(*data_set, reading.syntax()); !put)
            return put.error();
        rest = *end;
    }
    DcmDataset tail;
    if (rest < bytes->size().count)
        if (const auto read = reading.read(rest, DcmTagKey(0xffff, 0xffff), tail); !read)
            return read.error();
    move_elements(tail, *data_set);
    return data_set;
}

} // namespace gantry::mapping
