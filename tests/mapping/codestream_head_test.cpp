#include "mapping/codestream_head.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include "sample_files.h"

using namespace gantry;
using namespace gantry::mapping;
using namespace gantry::tests;

namespace {

std::string bytes(std::initializer_list<unsigned> values)
{
    std::string out;
    for (const unsigned value : values)
        out.push_back(static_cast<char>(value));
    return out;
}

const std::string jpeg_begin = bytes({0xff, 0xd8});

/// Frame header of an image of 5 rows and 6 columns.
std::string frame(unsigned marker, unsigned bits, const std::string& names)
{
    const auto count = static_cast<unsigned>(names.size());
    std::string out = bytes({0xff, marker, 0, 8 + 3 * count, bits, 0, 5, 0, 6, count});
    for (const char name : names)
        out += std::string(1, name) + bytes({0x11, 0});
    return out;
}

std::string scan(unsigned components, unsigned parameter)
{
    std::string out = bytes({0xff, 0xda, 0, 6 + 2 * components, components});
    for (unsigned i = 0; i < components; ++i)
        out += bytes({i, 0});
    return out + bytes({parameter, 0, 0});
}

const std::string adobe_rgb = bytes({0xff, 0xee, 0, 14}) + "Adobe" + bytes({0, 100, 0, 0, 0, 0, 0});

std::string jpeg_2000(
    unsigned components,
    unsigned depth,
    unsigned multiple,
    unsigned transform,
    bool high_throughput = false
)
{
    std::string out = bytes({0xff, 0x4f, 0xff, 0x51, 0, 38 + 3 * components, 0, 0});
    out += bytes({0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 2}); // 6 by 5, away from the corner
    out += std::string(16, '\0') + bytes({0, components});
    for (unsigned i = 0; i < components; ++i)
        out += bytes({depth, 1, 1});
    if (high_throughput)
        out += bytes({0xff, 0x50, 0, 8, 0, 2, 0, 0, 0, 0});
    return out + bytes({0xff, 0x52, 0, 12, 0, 0, 0, 1, multiple, 5, 4, 4, 0, transform});
}

std::string box(const char* type, const std::string& content)
{
    const auto size = static_cast<unsigned>(content.size() + 8);
    return bytes({0, 0, size >> 8U, size & 0xffU}) + type + content;
}

Result<CodestreamHead> read(const std::string& codestream)
{
    return read_codestream_head(bytes_of(codestream));
}

} // namespace

TEST_CASE("a codestream says how it is compressed and what image is in it")
{
    struct Row {
        const char* says;
        std::string codestream;
        const char* syntax;
        unsigned samples;
        unsigned bits;
        bool sign;
        const char* photometric;
    };

    const Row rows[] = {
        {"baseline",
         frame(0xc0, 8, "1") + scan(1, 0),
         "1.2.840.10008.1.2.4.50",
         1,
         8,
         false,
         "MONOCHROME2"},
        {"extended",
         frame(0xc1, 12, "1") + scan(1, 0),
         "1.2.840.10008.1.2.4.51",
         1,
         12,
         false,
         "MONOCHROME2"},
        {"lossless",
         frame(0xc3, 16, "1") + scan(1, 1),
         "1.2.840.10008.1.2.4.70",
         1,
         16,
         false,
         "MONOCHROME2"},
        {"lossless with another predictor",
         frame(0xc3, 16, "1") + scan(1, 4),
         "1.2.840.10008.1.2.4.57",
         1,
         16,
         false,
         "MONOCHROME2"},
        {"colour",
         frame(0xc0, 8, "123") + scan(3, 0),
         "1.2.840.10008.1.2.4.50",
         3,
         8,
         false,
         "YBR_FULL_422"},
        {"colour called RGB",
         frame(0xc0, 8, "RGB") + scan(3, 0),
         "1.2.840.10008.1.2.4.50",
         3,
         8,
         false,
         "RGB"},
        {"colour that Adobe left as it was",
         adobe_rgb + frame(0xc0, 8, "123") + scan(3, 0),
         "1.2.840.10008.1.2.4.50",
         3,
         8,
         false,
         "RGB"},
        {"lossless colour",
         frame(0xc3, 8, "123") + scan(3, 1),
         "1.2.840.10008.1.2.4.70",
         3,
         8,
         false,
         "RGB"},
        {"JPEG-LS",
         frame(0xf7, 12, "1") + scan(1, 0),
         "1.2.840.10008.1.2.4.80",
         1,
         12,
         false,
         "MONOCHROME2"},
        {"JPEG-LS near lossless",
         frame(0xf7, 8, "123") + scan(3, 2),
         "1.2.840.10008.1.2.4.81",
         3,
         8,
         false,
         "RGB"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto head = read(jpeg_begin + row.codestream);
        REQUIRE_MESSAGE(head.has_value(), (head ? "" : head.error().text()));
        CHECK(head->transfer_syntax == row.syntax);
        CHECK(head->rows == 5);
        CHECK(head->columns == 6);
        CHECK(head->samples == row.samples);
        CHECK(head->bits == row.bits);
        CHECK(head->has_sign == row.sign);
        CHECK(head->photometric == row.photometric);
    }
}

TEST_CASE("JPEG 2000 says it bare and in its boxes")
{
    struct Row {
        const char* says;
        std::string codestream;
        const char* syntax;
        unsigned samples;
        unsigned bits;
        bool sign;
        const char* photometric;
    };

    const Row rows[] = {
        {"reversible", jpeg_2000(1, 15, 0, 1), "1.2.840.10008.1.2.4.90", 1, 16, false, "MONOCHROME2"
        },
        {"irreversible",
         jpeg_2000(1, 11, 0, 0),
         "1.2.840.10008.1.2.4.91",
         1,
         12,
         false,
         "MONOCHROME2"},
        {"signed", jpeg_2000(1, 0x8b, 0, 1), "1.2.840.10008.1.2.4.90", 1, 12, true, "MONOCHROME2"},
        {"colour", jpeg_2000(3, 7, 0, 1), "1.2.840.10008.1.2.4.90", 3, 8, false, "RGB"},
        {"colour transformed",
         jpeg_2000(3, 7, 1, 1),
         "1.2.840.10008.1.2.4.90",
         3,
         8,
         false,
         "YBR_RCT"},
        {"colour transformed with loss",
         jpeg_2000(3, 7, 1, 0),
         "1.2.840.10008.1.2.4.91",
         3,
         8,
         false,
         "YBR_ICT"},
        {"high throughput",
         jpeg_2000(1, 7, 0, 1, true),
         "1.2.840.10008.1.2.4.201",
         1,
         8,
         false,
         "MONOCHROME2"},
        {"high throughput with loss",
         jpeg_2000(1, 7, 0, 0, true),
         "1.2.840.10008.1.2.4.203",
         1,
         8,
         false,
         "MONOCHROME2"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const std::string before =
            box("jP  ", bytes({0x0d, 0x0a, 0x87, 0x0a})) + box("ftyp", "jp2 ");
        for (const bool boxed : {false, true}) {
            CAPTURE(boxed);
            const auto head = read(boxed ? before + box("jp2c", row.codestream) : row.codestream);
            REQUIRE_MESSAGE(head.has_value(), (head ? "" : head.error().text()));
            CHECK(head->transfer_syntax == row.syntax);
            CHECK(head->rows == 5);
            CHECK(head->columns == 6);
            CHECK(head->samples == row.samples);
            CHECK(head->bits == row.bits);
            CHECK(head->has_sign == row.sign);
            CHECK(head->photometric == row.photometric);
            CHECK(head->offset == (boxed ? before.size() + 8 : 0));
            CHECK(head->size == (boxed ? row.codestream.size() : 0));
        }
    }
}

TEST_CASE("what is no head of a codestream is refused wherever it ends")
{
    for (const std::string& whole :
         {jpeg_begin + adobe_rgb + frame(0xc0, 8, "123") + scan(3, 0),
          jpeg_2000(3, 7, 1, 1),
          box("jP  ", bytes({0x0d, 0x0a, 0x87, 0x0a})) + box("jp2c", jpeg_2000(1, 7, 0, 1))})
        for (std::size_t size = 0; size < whole.size(); ++size) {
            CAPTURE(size);
            CHECK(!read(whole.substr(0, size)).has_value());
        }
    CHECK(!read("GIF89a").has_value());
    CHECK(!read(jpeg_begin + scan(1, 0)).has_value()); // no frame
    CHECK(!read(jpeg_begin + jpeg_begin + std::string(100, '\xff')).has_value());
    const auto progressive = read(jpeg_begin + frame(0xc2, 8, "1") + scan(1, 0));
    REQUIRE(!progressive.has_value());
    CHECK(progressive.error().code == make_error_code(Errc::unsupported));
}

TEST_CASE("the frames of the samples say what their data sets say")
{
    unsigned compared = 0;
    for (const auto& path : sample_files()) {
        CAPTURE(path.filename().string());
        DcmFileFormat file;
        if (file.loadFile(path.c_str()).bad())
            continue;
        DcmDataset& data_set = *file.getDataset();
        DcmElement* element = nullptr;
        if (!DcmXfer(data_set.getOriginalXfer()).isEncapsulated() ||
            data_set.findAndGetElement(DCM_PixelData, element).bad())
            continue;
        E_TransferSyntax syntax = EXS_Unknown;
        const DcmRepresentationParameter* none = nullptr;
        DcmPixelSequence* sequence = nullptr;
        DcmPixelItem* item = nullptr;
        Uint8* bytes = nullptr;
        auto& pixels = dynamic_cast<DcmPixelData&>(*element);
        pixels.getCurrentRepresentationKey(syntax, none);
        if (pixels.getEncapsulatedRepresentation(syntax, none, sequence).bad() ||
            sequence->getItem(item, 1).bad() || item->getUint8Array(bytes).bad())
            continue;
        const std::string uid = DcmXfer(syntax).getXferID();
        const auto head = read_codestream_head(
            std::as_bytes(std::span(bytes, item->getLength()))
                .first(std::min<std::size_t>(item->getLength(), codestream_head_size))
        );
        if (uid == "1.2.840.10008.1.2.5") { // RLE says nothing
            CHECK(!head.has_value());
            continue;
        }
        REQUIRE_MESSAGE(head.has_value(), (head ? "" : head.error().text()));
        Uint16 rows = 0;
        Uint16 columns = 0;
        Uint16 samples = 0;
        (void)data_set.findAndGetUint16(DCM_Rows, rows);
        (void)data_set.findAndGetUint16(DCM_Columns, columns);
        (void)data_set.findAndGetUint16(DCM_SamplesPerPixel, samples);
        CHECK(head->rows == rows);
        CHECK(head->columns == columns);
        CHECK(head->samples == samples);
        if (uid != "1.2.840.10008.1.2.4.91") // may hold what lost nothing
            CHECK(head->transfer_syntax == uid);
        ++compared;
    }
    CHECK(compared >= (sample_files().empty() ? 0 : 5));
}
