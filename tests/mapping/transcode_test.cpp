#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcpxitem.h>
#include <doctest/doctest.h>

#include "transcode_support.h"

using namespace gantry;
using namespace gantry::mapping;
using namespace gantry::tests;

namespace {

Uid uid(std::string_view text)
{
    return Uid::parse(text).value();
}

std::string failure_of(const Result<std::string>& result)
{
    return result ? "it went through" : result.error().text();
}

/// Fragments as they come: the first is the offset table.
std::string encapsulated(const MadeImage& image, const std::vector<std::string>& fragments)
{
    Encoder out(Encoder::Form::explicit_le);
    out.header({0x7fe0, 0x0010}, "OB", 0xffffffff);
    for (const std::string& fragment : fragments)
        out.item(static_cast<std::uint32_t>(fragment.size())).raw(fragment);
    return head_of(image) + out.end_sequence().str();
}

/// The codestreams of what the transcoder made of `image`, without the offset table.
std::vector<std::string> codestreams(const MadeImage& image, std::string_view syntax)
{
    const auto made = transcode(syntax::explicit_le, syntax, image.body());
    REQUIRE_MESSAGE(made.has_value(), failure_of(made));
    const auto data_set = load(*made, syntax);
    DcmElement* element = nullptr;
    REQUIRE(data_set->findAndGetElement(DCM_PixelData, element).good());
    DcmPixelSequence* sequence = nullptr;
    const DcmXfer xfer(std::string(syntax).c_str());
    REQUIRE(dynamic_cast<DcmPixelData*>(element)
                ->getEncapsulatedRepresentation(xfer.getXfer(), nullptr, sequence)
                .good());
    std::vector<std::string> out;
    for (unsigned long i = 1; i < sequence->card(); ++i) {
        DcmPixelItem* item = nullptr;
        Uint8* bytes = nullptr;
        REQUIRE(sequence->getItem(item, i).good());
        REQUIRE(item->getUint8Array(bytes).good());
        out.emplace_back(reinterpret_cast<char*>(bytes), item->getLength());
    }
    return out;
}

constexpr std::string_view encoded_syntaxes[] = {
    syntax::rle, syntax::jpeg_lossless, syntax::jpeg_ls, syntax::jpeg_2000
};

} // namespace

TEST_CASE("an instance is sent as it is where that is accepted, else uncompressed, else packed")
{
    struct Row {
        const char* says;
        std::string_view from;
        std::vector<Uid> accepted;
        std::string_view best;
    };

    const Uid explicit_le = uid(syntax::explicit_le);
    const Uid implicit_le = uid(syntax::implicit_le);
    const Row rows[] = {
        {"as it is", syntax::rle, {explicit_le, uid(syntax::rle)}, syntax::rle},
        {"JPEG to explicit", syntax::jpeg_baseline, {implicit_le, explicit_le}, syntax::explicit_le
        },
        {"JPEG to implicit", syntax::jpeg_baseline, {implicit_le}, syntax::implicit_le},
        {"HTJ2K to explicit", syntax::htj2k, {explicit_le}, syntax::explicit_le},
        {"explicit to implicit", syntax::explicit_le, {implicit_le}, syntax::implicit_le},
        {"big endian", syntax::explicit_be, {uid(syntax::rle)}, syntax::rle},
        {"never with loss", syntax::explicit_le, {uid(syntax::jpeg_baseline)}, ""},
        {"JPEG lossless before JPEG-LS",
         syntax::explicit_le,
         {uid(syntax::jpeg_ls), uid(syntax::jpeg_lossless)},
         syntax::jpeg_lossless},
        {"video", "1.2.840.10008.1.2.4.102", {explicit_le}, ""},
        {"JPEG XL", "1.2.840.10008.1.2.4.110", {explicit_le, implicit_le}, ""},
        {"what nobody knows", "1.2.3.4", {explicit_le}, ""},
        {"what nobody knows goes as it is", "1.2.3.4", {uid("1.2.3.4")}, "1.2.3.4"},
        {"nothing accepted", syntax::explicit_le, {}, ""},
        {"no way into big endian", syntax::explicit_le, {uid(syntax::explicit_be)}, ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        CHECK(best_syntax(uid(row.from), row.accepted).str() == row.best);
    }
}

TEST_CASE("what is encoded without loss comes back bit for bit")
{
    const MadeImage images[] = {
        {},
        {.bits = 8, .stored = 8},
        {.bits = 16, .stored = 16},
        {.bits = 16, .stored = 12, .is_signed = true},
        {.bits = 16, .stored = 16, .is_signed = true},
        {.rows = 1, .columns = 1, .bits = 8, .stored = 8},
        {.rows = 33, .columns = 31, .bits = 8, .stored = 8, .frames = 3},
        {.rows = 40, .columns = 300, .samples = 3, .bits = 8, .stored = 8, .photometric = "RGB"},
        {.samples = 3, .bits = 8, .stored = 8, .frames = 2, .photometric = "YBR_FULL"},
        {.rows = 17, .columns = 17, .frames = 4, .photometric = "MONOCHROME1"},
        {.bits = 8, .stored = 8, .photometric = "PALETTE COLOR"},
    };
    for (const MadeImage& image : images) {
        for (const std::string_view to : encoded_syntaxes) {
            CAPTURE(to);
            CAPTURE(image.bits);
            CAPTURE(image.photometric);
            const auto there = transcode(syntax::explicit_le, to, image.body(), 13);
            REQUIRE_MESSAGE(there.has_value(), failure_of(there));
            const auto back = transcode(to, syntax::explicit_le, *there, 17);
            REQUIRE_MESSAGE(back.has_value(), failure_of(back));
            const auto data_set = load(*back, syntax::explicit_le);
            CHECK((pixels_of(*data_set) == image.pixels()));
            CHECK(text_of(*data_set, DCM_PhotometricInterpretation) == image.photometric);
            CHECK(text_of(*data_set, DCM_SOPInstanceUID) == "1.2.3.44");
            CHECK((*back == image.body()));
        }
    }
}

TEST_CASE("RLE keeps 32 bits, and colour by plane comes out by pixel")
{
    const MadeImage dose{.bits = 32, .stored = 32, .frames = 3};
    const auto there = transcode(syntax::explicit_le, syntax::rle, dose.body());
    REQUIRE_MESSAGE(there.has_value(), failure_of(there));
    const auto back = transcode(syntax::rle, syntax::explicit_le, *there);
    REQUIRE_MESSAGE(back.has_value(), failure_of(back));
    CHECK((*back == dose.body()));

    const auto planes = sample("color-pl.dcm");
    const auto pixel = sample("color-px.dcm");
    if (planes.body.empty())
        return;
    for (const std::string_view to : encoded_syntaxes) {
        CAPTURE(to);
        const auto packed = transcode(planes.syntax, to, planes.body);
        REQUIRE_MESSAGE(packed.has_value(), failure_of(packed));
        const auto unpacked = transcode(to, syntax::explicit_le, *packed);
        REQUIRE_MESSAGE(unpacked.has_value(), failure_of(unpacked));
        const auto data_set = load(*unpacked, syntax::explicit_le);
        CHECK(number_of(*data_set, DCM_PlanarConfiguration) == 0);
        const auto expected = load(pixel.body, syntax::explicit_le);
        CHECK((pixels_of(*data_set) == pixels_of(*expected)));
    }
}

TEST_CASE("JPEG 2000 names its colour transform, and it is gone with it")
{
    const MadeImage image{.samples = 3, .bits = 8, .stored = 8, .photometric = "RGB"};
    const auto there = transcode(syntax::explicit_le, syntax::jpeg_2000, image.body());
    REQUIRE(there.has_value());
    const auto coded = load(*there, syntax::jpeg_2000);
    CHECK(text_of(*coded, DCM_PhotometricInterpretation) == "YBR_RCT");

    // Where the image says that its colours are not transformed, decoding would turn them round.
    MadeImage denying = image;
    denying.photometric = "YBR_FULL";
    const auto denied = transcode(
        syntax::jpeg_2000,
        syntax::explicit_le,
        encapsulated(denying, {"", codestreams(image, syntax::jpeg_2000).front()})
    );
    CHECK_FALSE(denied.has_value());
}

TEST_CASE("compressed goes to implicit and to other compressed syntaxes in one pass")
{
    const MadeImage image{.frames = 2};
    for (const std::string_view from : encoded_syntaxes) {
        CAPTURE(from);
        const auto packed = transcode(syntax::explicit_le, from, image.body());
        REQUIRE(packed.has_value());
        const auto implicit = transcode(from, syntax::implicit_le, *packed, 99);
        REQUIRE_MESSAGE(implicit.has_value(), failure_of(implicit));
        CHECK((pixels_of(*load(*implicit, syntax::implicit_le)) == image.pixels()));
        for (const std::string_view to : encoded_syntaxes) {
            if (from == to)
                continue;
            CAPTURE(to);
            const auto other = transcode(from, to, *packed, 99);
            REQUIRE_MESSAGE(other.has_value(), failure_of(other));
            const auto back = transcode(to, syntax::explicit_le, *other);
            REQUIRE_MESSAGE(back.has_value(), failure_of(back));
            CHECK((*back == image.body()));
        }
    }
}

TEST_CASE("frames are found by the offset table and without one, in any number of fragments")
{
    const MadeImage image{.rows = 16, .columns = 16, .frames = 3};
    const auto offsets = [](const std::vector<std::size_t>& values) {
        Encoder out(Encoder::Form::explicit_le);
        for (const std::size_t value : values)
            out.number(static_cast<std::uint32_t>(value), 4);
        return out.str();
    };
    for (const std::string_view from :
         {syntax::jpeg_lossless, syntax::jpeg_ls, syntax::jpeg_2000}) {
        CAPTURE(from);
        const auto whole = codestreams(image, from);
        REQUIRE(whole.size() == 3);
        std::vector<std::string> pieces;
        std::vector<std::size_t> starts;
        std::size_t at = 0;
        for (const std::string& stream : whole) {
            starts.push_back(at);
            const std::size_t half = stream.size() / 4 * 2;
            for (const std::string& piece : {stream.substr(0, half), stream.substr(half)}) {
                pieces.push_back(piece);
                at += 8 + piece.size();
            }
        }
        const auto decoded = [&](const std::string& table) {
            std::vector<std::string> fragments = pieces;
            fragments.insert(fragments.begin(), table);
            return transcode(from, syntax::explicit_le, encapsulated(image, fragments), 31);
        };
        CHECK((decoded(offsets(starts)).value() == image.body()));
        CHECK((decoded("").value() == image.body()));
        // Tables that cannot be true are not gone by.
        CHECK((decoded(offsets({0, 0, 0})).value() == image.body()));
        CHECK((decoded(offsets({0})).value() == image.body()));
        CHECK_FALSE(decoded(offsets({0, 3, 5})).has_value());
    }
}

TEST_CASE("the extended offset table goes with the fragments that it points into")
{
    const MadeImage image{.frames = 2};
    const auto streams = codestreams(image, syntax::rle);
    const std::string table(16, '\0');
    std::string body = encapsulated(image, {"", streams[0], streams[1]});
    const std::string pixels = body.substr(head_of(image).size());
    body = head_of(image) +
           Encoder(Encoder::Form::explicit_le)
               .element({0x7fe0, 0x0001}, "OV", table)
               .element({0x7fe0, 0x0002}, "OV", table)
               .str() +
           pixels;
    CHECK((transcode(syntax::rle, syntax::explicit_le, body).value() == image.body()));
}

TEST_CASE("lossy compression stays marked, whatever the data set said of it")
{
    const auto baseline = sample("SC_rgb_jpeg_dcmtk.dcm");
    const auto near = sample("JPEGLSNearLossless_08.dcm");
    if (baseline.body.empty())
        return;
    for (const Encoded& from : {baseline, near}) {
        CAPTURE(from.name);
        const auto made = transcode(from.syntax, syntax::explicit_le, from.body);
        REQUIRE_MESSAGE(made.has_value(), failure_of(made));
        CHECK(text_of(*load(*made, syntax::explicit_le), DCM_LossyImageCompression) == "01");
    }
    const MadeImage image;
    const auto lossless = transcode(syntax::explicit_le, syntax::rle, image.body());
    const auto back = transcode(syntax::rle, syntax::explicit_le, lossless.value());
    CHECK(text_of(*load(back.value(), syntax::explicit_le), DCM_LossyImageCompression).empty());
}

TEST_CASE("a compressed icon is decoded with its image")
{
    const MadeImage image{.bits = 8, .stored = 8};
    const auto stream = codestreams(image, syntax::rle).front();
    const auto with_icon = [&](std::string_view pixels) {
        Encoder out(Encoder::Form::explicit_le);
        out.header({0x0088, 0x0200}, "SQ", 0xffffffff)
            .item(0xffffffff)
            .raw(head_of(image).substr(head_of({.bits = 8}).find("(\0\x02")))
            .raw(pixels)
            .end_item()
            .end_sequence();
        return out.str();
    };
    const std::string fragments = encapsulated(image, {"", stream}).substr(head_of(image).size());
    const std::string native = image.body().substr(head_of(image).size());
    const std::string head = head_of(image);
    const auto made =
        transcode(syntax::rle, syntax::explicit_le, head + with_icon(fragments) + fragments);
    REQUIRE_MESSAGE(made.has_value(), failure_of(made));
    CHECK((*made == head + with_icon(native) + native));
    const auto native_icon =
        transcode(syntax::explicit_le, syntax::rle, head + with_icon(native) + native);
    REQUIRE_MESSAGE(native_icon.has_value(), failure_of(native_icon));
    CHECK((*native_icon == head + with_icon(native) + fragments));
}

TEST_CASE("an image without all its pixels is an error")
{
    const MadeImage image{.rows = 64, .columns = 64, .frames = 2};
    for (const std::string_view from : encoded_syntaxes) {
        CAPTURE(from);
        const auto whole = codestreams(image, from);
        const auto decode = [&](const MadeImage& as, const std::vector<std::string>& fragments) {
            return transcode(from, syntax::explicit_le, encapsulated(as, fragments)).has_value();
        };
        CHECK(decode(image, {"", whole[0], whole[1]}));
        CHECK_FALSE(decode(image, {"", whole[0]}));
        CHECK_FALSE(decode(image, {"", whole[0], whole[1], whole[1]}));
        CHECK_FALSE(decode(image, {"", "", ""}));
        CHECK_FALSE(decode(image, {""}));
        CHECK_FALSE(decode(image, {}));
        for (const double part : {0.02, 0.3, 0.7, 0.95}) {
            CAPTURE(part);
            auto size = static_cast<std::size_t>(static_cast<double>(whole[1].size()) * part);
            size -= size % 2;
            CHECK_FALSE(decode(image, {"", whole[0], whole[1].substr(0, size)}));
            // The middle is gone, the end is there.
            const std::string holed = whole[1].substr(0, size) +
                                      whole[1].substr(std::min(size + 200, whole[1].size() - 4));
            if (size + 400 < whole[1].size())
                CHECK_FALSE(decode(image, {"", whole[0], holed}));
        }
        MadeImage other = image;
        other.rows = 32;
        CHECK_FALSE(decode(other, {"", whole[0], whole[1]}));
        other = image;
        other.columns = 128;
        CHECK_FALSE(decode(other, {"", whole[0], whole[1]}));
        other = image;
        other.bits = other.stored = 8;
        CHECK_FALSE(decode(other, {"", whole[0], whole[1]}));
        other = image;
        other.samples = 3;
        CHECK_FALSE(decode(other, {"", whole[0], whole[1]}));
    }
}

TEST_CASE("attributes that no frame can be made of are errors")
{
    const auto refused = [](MadeImage image) {
        return !transcode(syntax::explicit_le, syntax::rle, image.body()).has_value();
    };
    CHECK_FALSE(refused({}));
    CHECK(refused({.rows = 0}));
    CHECK(refused({.samples = 2}));
    CHECK(refused({.bits = 16, .stored = 17}));
    CHECK(refused({.samples = 3, .bits = 8, .stored = 8, .photometric = "YBR_FULL_422"}));
    const MadeImage image;
    const std::string body = image.body();
    CHECK_FALSE(
        transcode(syntax::explicit_le, syntax::rle, body.substr(0, body.size() - 2)).has_value()
    );
    MadeImage more = image;
    more.frames = 2;
    CHECK_FALSE(
        transcode(
            syntax::explicit_le, syntax::rle, head_of(more) + body.substr(head_of(image).size())
        )
            .has_value()
    );
    // native pixels where the syntax says that they are compressed
    CHECK_FALSE(transcode(syntax::rle, syntax::explicit_le, body).has_value());
}

TEST_CASE("what is larger than the limits is an error before it is decoded")
{
    const MadeImage image{.rows = 64, .columns = 64};
    const auto packed = transcode(syntax::explicit_le, syntax::rle, image.body()).value();
    const auto within = [&](TranscodeLimits limits) {
        Transcoder transcoder(
            syntax::rle, syntax::explicit_le, [](ConstBytes) { return Result<void>(); }, limits
        );
        const auto fed = transcoder.feed(bytes_of(packed));
        return fed ? transcoder.finish() : fed;
    };
    CHECK(within({Bytes{8192}, Bytes{8192}}).has_value());
    CHECK(within({Bytes{8191}, Bytes{8192}}).error().code == make_error_code(Errc::too_large));
    CHECK(within({Bytes{8192}, Bytes{100}}).error().code == make_error_code(Errc::too_large));
}

TEST_CASE("a data set without pixels keeps everything that it has")
{
    const auto report = sample("test-SR.dcm");
    if (report.body.empty())
        return;
    for (const std::string_view to : encoded_syntaxes) {
        CAPTURE(to);
        const auto there = transcode(report.syntax, to, report.body);
        REQUIRE_MESSAGE(there.has_value(), failure_of(there));
        const auto back = transcode(to, syntax::explicit_le, *there);
        REQUIRE_MESSAGE(back.has_value(), failure_of(back));
        CHECK((*back == *there));
        CHECK(load(*back, syntax::explicit_le)->card() == load(report.body, report.syntax)->card());
    }
}
