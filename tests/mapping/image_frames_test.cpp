#include "mapping/data_set_access.h"
#include "mapping/file_meta.h"
#include "mapping/image_frames.h"
#include "support/memory_access.h"

#include <doctest/doctest.h>

#include "transcode_support.h"

using namespace gantry;
using namespace gantry::mapping;
using namespace gantry::tests;

namespace {

std::string text(const std::vector<std::byte>& bytes)
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr std::string_view explicit_le = transfer_syntax::explicit_le;

Encoder explicit_encoder()
{
    return Encoder(Encoder::Form::explicit_le);
}

std::string number(std::uint64_t value, unsigned size)
{
    std::string out;
    for (unsigned i = 0; i < size; ++i)
        out.push_back(static_cast<char>(value >> (8 * i) & 0xffU));
    return out;
}

/// Encapsulated pixel data after the head of an 8 bit image with that many frames.
struct Fragments {
    unsigned frames = 1;
    std::string table = {};
    std::vector<std::string> fragments = {};
    std::string extended = {};
    bool ends = true;

    std::string body() const
    {
        MadeImage image;
        image.bits = image.stored = 8;
        image.frames = frames;
        Encoder out = explicit_encoder();
        out.raw(head_of(image));
        if (!extended.empty())
            out.element({0x7fe0, 0x0001}, "OV", extended);
        out.header({0x7fe0, 0x0010}, "OB", 0xffffffff);
        out.item(static_cast<std::uint32_t>(table.size())).raw(table);
        for (const std::string& one : fragments)
            out.item(static_cast<std::uint32_t>(one.size())).raw(one);
        if (ends)
            out.end_sequence();
        return out.str();
    }
};

std::string soi(const std::string& rest)
{
    return "\xff\xd8\xff" + rest;
}

std::string whole(const RandomAccess& bytes, const ImageFrames& frames)
{
    std::string out;
    for (std::uint32_t n = 1; n <= frames.count(); ++n)
        out += text(stored_frame(bytes, frames, n).value()) + "|";
    return out;
}

} // namespace

TEST_CASE("frames are found by offset tables or by where codestreams begin")
{
    const std::string a = soi("a");
    const std::string b = soi("bb2");
    const std::string rest = "rest";

    struct Row {
        const char* says;
        Fragments what;
        const char* syntax;
        std::string frames; // empty: fails
    };

    const auto offsets = [](std::initializer_list<unsigned> list, unsigned size) {
        std::string out;
        for (const unsigned one : list)
            out += number(one, size);
        return out;
    };
    const std::string jpeg(syntax::jpeg_baseline);
    const Row rows[] = {
        {"one for each", {2, {}, {a, b}}, jpeg.c_str(), a + "|" + b + "|"},
        {"by begins", {2, {}, {a, rest, b}}, jpeg.c_str(), a + rest + "|" + b + "|"},
        {"by table", {2, offsets({0, 24}, 4), {a, rest, b}}, jpeg.c_str(), a + rest + "|" + b + "|"
        },
        {"the table is right against begins",
         {2, offsets({0, 12}, 4), {a, b, b}},
         jpeg.c_str(),
         a + "|" + b + b + "|"},
        {"a table that points nowhere",
         {2, offsets({0, 13}, 4), {a, rest, b}},
         jpeg.c_str(),
         a + rest + "|" + b + "|"},
        {"a table of zeros", {2, offsets({0, 0}, 4), {a, b}}, jpeg.c_str(), a + "|" + b + "|"},
        {"a table of another length", {2, offsets({0}, 4), {a, b}}, jpeg.c_str(), a + "|" + b + "|"
        },
        {"extended",
         {2, {}, {a, rest, a}, offsets({0, 12}, 8)},
         jpeg.c_str(),
         a + "|" + rest + a + "|"},
        {"one frame is all fragments", {1, {}, {a, b, rest}}, jpeg.c_str(), a + b + rest + "|"},
        {"a video is one", {99, {}, {"1234", "56"}}, "1.2.840.10008.1.2.4.102", "123456|"},
        {"RLE has one fragment for each", {2, {}, {"r1", "r2"}}, "1.2.840.10008.1.2.5", "r1|r2|"},
        {"fewer", {3, {}, {a, b}}, jpeg.c_str(), ""},
        {"more", {2, {}, {a, b, a}}, jpeg.c_str(), ""},
        {"none", {1, {}, {}}, jpeg.c_str(), ""},
        {"no end", {2, {}, {a, b}, {}, false}, jpeg.c_str(), ""},
        {"fragments in a native syntax", {1, {}, {a}}, "1.2.840.10008.1.2.1", ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const MemoryAccess bytes(row.what.body());
        const auto frames = ImageFrames::read(bytes, row.syntax);
        CHECK(frames.has_value() == !row.frames.empty());
        if (frames.has_value())
            CHECK(whole(bytes, *frames) == row.frames);
    }
}

TEST_CASE("an offset table that lies about one frame is no frame rather than a wrong one")
{
    const std::string table = number(0, 4) + number(16, 4) + number(24, 4);
    const Fragments what{3, table, {soi("aaaaa"), "", soi("ccccc")}};
    const MemoryAccess bytes(what.body());
    const auto frames = ImageFrames::read(bytes, syntax::jpeg_baseline);
    REQUIRE(frames.has_value());
    CHECK(stored_frame(bytes, *frames, 1).has_value());
    CHECK(stored_frame(bytes, *frames, 2).has_error());
    CHECK(stored_frame(bytes, *frames, 3).has_value());
}

TEST_CASE("native frames lie one behind the other")
{
    MadeImage image;
    image.frames = 3;
    const std::string body = image.body();
    const MemoryAccess bytes(body);
    const auto frames = ImageFrames::read(bytes, explicit_le);
    REQUIRE(frames.has_value());
    CHECK(frames->count() == 3);
    const std::size_t size = 5 * 7 * 2;
    for (std::uint32_t n = 1; n <= 3; ++n) {
        const auto extent = frames->frame(bytes, n).value();
        REQUIRE(extent.pieces.size() == 1);
        CHECK(extent.pieces[0].length == size);
        CHECK(
            text(stored_frame(bytes, *frames, n).value()) ==
            image.pixels().substr((n - 1) * size, size)
        );
    }
    CHECK(frames->frame(bytes, 0).has_error());
    CHECK(frames->frame(bytes, 4).has_error());
    CHECK(stored_frame(bytes, *frames, 1, Bytes{10}).error().code == Errc::too_large);
    CHECK(bytes.read_so_far() < body.size() * 2);
}

TEST_CASE("frames of one bit that share a byte come apart")
{
    MadeImage image; // 35 pixels a frame
    image.bits = image.stored = 1;
    image.frames = 3;
    std::string bits; // pixel by pixel
    for (unsigned i = 0; i < 3 * 35; ++i)
        bits.push_back(i * i % 7 < 3 ? '1' : '0');
    std::string packed(14, '\0');
    for (std::size_t i = 0; i < bits.size(); ++i)
        if (bits[i] == '1')
            packed[i / 8] = static_cast<char>(packed[i / 8] | 1 << (i % 8));
    Encoder body = explicit_encoder();
    body.raw(head_of(image)).element({0x7fe0, 0x0010}, "OB", packed);
    const MemoryAccess bytes(body.str());
    const auto frames = ImageFrames::read(bytes, explicit_le);
    REQUIRE(frames.has_value());
    for (std::uint32_t n = 1; n <= 3; ++n) {
        const auto frame = stored_frame(bytes, *frames, n).value();
        REQUIRE(frame.size() == 5);
        std::string got;
        for (std::size_t i = 0; i < 40; ++i)
            got.push_back((std::to_integer<unsigned>(frame[i / 8]) >> (i % 8) & 1U) ? '1' : '0');
        CHECK(got == bits.substr((n - 1) * 35, 35) + "00000");
    }
}

TEST_CASE("pixels that are missing or cut short are told")
{
    MadeImage image;
    const std::string body = image.body();
    CHECK(
        ImageFrames::read(MemoryAccess(head_of(image)), explicit_le).error().code == Errc::not_dicom
    );
    CHECK(
        ImageFrames::read(MemoryAccess(body.substr(0, body.size() - 4)), explicit_le)
            .error()
            .code == Errc::truncated
    );
    CHECK(
        ImageFrames::read(MemoryAccess(body), transfer_syntax::deflated).error().code ==
        Errc::unsupported
    );
    CHECK(
        ImageFrames::read(MemoryAccess(body), transfer_syntax::explicit_be).error().code ==
        Errc::unsupported
    );
    image.frames = 3;
    Encoder lies = explicit_encoder();
    lies.raw(head_of(image)).element({0x7fe0, 0x0010}, "OW", std::string(70, 'x'));
    const MemoryAccess bytes(lies.str());
    const auto frames = ImageFrames::read(bytes, explicit_le);
    REQUIRE(frames.has_value());
    CHECK(frames->frame(bytes, 1).has_value());
    CHECK(frames->frame(bytes, 2).has_error());
}

TEST_CASE("each frame of the compressed samples is what transcoding the whole makes of it")
{
    unsigned images = 0;
    for (const Encoded& one : compressed_samples()) {
        CAPTURE(one.name);
        const auto whole_image = transcode(one.syntax, explicit_le, one.body);
        const MemoryAccess bytes(one.body);
        const auto frames = ImageFrames::read(bytes, one.syntax);
        REQUIRE(frames.has_value());
        if (!whole_image)
            continue;
        const auto native = load(*whole_image, explicit_le);
        std::string pixels;
        for (std::uint32_t n = 1; n <= frames->count(); ++n) {
            const auto frame = native_frame(bytes, *frames, n);
            REQUIRE(frame.has_value());
            CHECK(frame->photometric == text_of(*native, DCM_PhotometricInterpretation));
            pixels += text(frame->bytes);
        }
        const std::string expected = pixels_of(*native);
        CHECK(pixels == expected.substr(0, pixels.size()));
        CHECK(expected.size() - pixels.size() <= 1);
        ++images;
    }
    CHECK((images >= 12 || !samples_folder()));
}

TEST_CASE("DCMTK reads the attributes of every sample without its pixels")
{
    for (const auto& path : sample_files()) {
        CAPTURE(path.filename().string());
        const std::string file = read_text(path);
        const auto head = read_file_head(bytes_of(file), true).value();
        const std::string syntax = head.head.transfer_syntax.str();
        const auto encoding = TransferSyntax::of(syntax).encoding;
        const auto bytes = memory_access(file.substr(head.data_set_offset));
        const auto read = read_data_set(bytes, syntax);
        if (encoding == Encoding::deflated_explicit_le) {
            CHECK(read.error().code == Errc::unsupported);
            continue;
        }
        DcmFileFormat reference;
        if (reference.loadFile(path.c_str()).bad())
            continue;
        REQUIRE(read.has_value());
        DcmDataset& expected = *reference.getDataset();
        CHECK((*read)->card() == expected.card());
        for (unsigned long i = 0; i < expected.card(); ++i) {
            DcmElement* other = nullptr;
            DcmElement& element = *expected.getElement(i);
            CAPTURE(element.getTag().toString().c_str());
            REQUIRE((*read)->findAndGetElement(element.getTag(), other).good());
            if (element.getTag() != DCM_PixelData)
                CHECK(element.compare(*other) == 0);
        }
    }
}

TEST_CASE("large values stay where they are until they are asked for")
{
    MadeImage image;
    image.rows = image.columns = 1000;
    Encoder body = explicit_encoder();
    body.raw(image.body())
        .element({0x7fe1, 0x0010}, "LO", "AFTER")
        .element({0x7fe1, 0x1010}, "OB", std::string(1'000'000, 'z'));
    const auto bytes = memory_access(body.str());
    const auto data_set = read_data_set(bytes, explicit_le);
    REQUIRE(data_set.has_value());
    CHECK(bytes->read_so_far() < 100'000);
    CHECK(text_of(**data_set, DcmTagKey(0x7fe1, 0x0010)) == "AFTER");
    CHECK(pixels_of(**data_set) == image.pixels());
    CHECK(read_data_set(bytes, explicit_le, {4096, Bytes{50}}).error().code == Errc::too_large);
}
