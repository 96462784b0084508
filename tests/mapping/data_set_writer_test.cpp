#include "mapping/data_set_scanner.h"
#include "mapping/data_set_writer.h"
#include "mapping/dicom_json.h"
#include "mapping/written_element.h"
#include "support/data_sets.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include "sample_files.h"

using namespace gantry;
using namespace gantry::mapping;
using namespace gantry::tests;

namespace {

SuppliedValue supplied(std::vector<std::string> pieces, bool encapsulated = false)
{
    SuppliedValue out;
    for (const std::string& piece : pieces)
        out.pieces.push_back(piece.size());
    out.encapsulated = encapsulated;
    out.give = [pieces = std::move(pieces)](std::size_t i, const SuppliedValue::Take& take) {
        return take(bytes_of(pieces.at(i)));
    };
    return out;
}

Result<std::string> write(DcmItem& item, const SuppliedValues& values = {})
{
    std::string out;
    const auto keep = [&out](ConstBytes bytes) -> Result<void> {
        out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
    };
    if (const auto written = write_data_set(item, values, keep); !written)
        return written.error();
    return out;
}

/// Elements without values, and Bits Allocated.
std::unique_ptr<DcmDataset> image(std::initializer_list<DcmTagKey> empty, Uint16 bits = 0)
{
    auto out = std::make_unique<DcmDataset>();
    if (bits != 0)
        REQUIRE(out->putAndInsertUint16(DCM_BitsAllocated, bits).good());
    for (const DcmTagKey& key : empty) {
        DcmElement* element = nullptr;
        REQUIRE(DcmItem::newDicomElement(element, DcmTag(key)).good());
        REQUIRE(out->insert(element).good());
    }
    return out;
}

std::unique_ptr<DcmDataset> read(const std::string& bytes, E_TransferSyntax syntax)
{
    auto out = std::make_unique<DcmDataset>();
    DcmInputBufferStream stream;
    stream.setBuffer(bytes.data(), static_cast<offile_off_t>(bytes.size()));
    stream.setEos();
    out->transferInit();
    REQUIRE(out->read(stream, syntax).good());
    out->transferEnd();
    return out;
}

constexpr auto explicit_form = Encoder::Form::explicit_le;

} // namespace

TEST_CASE("values come from elsewhere where they are supplied")
{
    const auto item = image({DCM_PixelData}, 16);
    REQUIRE(item->putAndInsertString(DCM_SOPInstanceUID, "1.2.3").good());
    const auto written = write(*item, {{"7FE00010", supplied({"abc", "defg"})}}).value();
    const std::string expected = Encoder(explicit_form)
                                     .element({0x0008, 0x0018}, "UI", std::string("1.2.3\0", 6))
                                     .element({0x0028, 0x0100}, "US", std::string("\x10\0", 2))
                                     .element({0x7fe0, 0x0010}, "OW", std::string("abcdefg\0", 8))
                                     .str();
    CHECK(written == expected);
}

TEST_CASE("frames become fragments of even length behind an empty offset table")
{
    const auto item = image({DCM_PixelData}, 8);
    const auto written = write(*item, {{"7FE00010", supplied({"abc", "de"}, true)}}).value();
    const std::string expected = Encoder(explicit_form)
                                     .element({0x0028, 0x0100}, "US", std::string("\x08\0", 2))
                                     .header({0x7fe0, 0x0010}, "OB", 0xffffffff)
                                     .item(0)
                                     .item(4)
                                     .raw(std::string("abc\0", 4))
                                     .item(2)
                                     .raw("de")
                                     .end_sequence()
                                     .str();
    CHECK(written == expected);
}

TEST_CASE("values inside of items are found by their numbers")
{
    const auto item = image({});
    DcmItem* inner = nullptr;
    REQUIRE(item->findOrCreateSequenceItem(DCM_WaveformSequence, inner, 0).good());
    DcmElement* wave = nullptr;
    REQUIRE(DcmItem::newDicomElement(wave, DcmTag(DCM_WaveformData)).good());
    REQUIRE(inner->insert(wave).good());
    REQUIRE(inner->putAndInsertString(DCM_MultiplexGroupLabel, "A").good());
    const auto written =
        write(
            *item, {{"54000100.1.54001010", supplied({"wave"})}, {"54001010", supplied({"no"})}}
        ).value();
    CHECK(written.find("wave") != std::string::npos);
    CHECK(written.find("no") == std::string::npos);
    DataSetScanner scanner(TransferSyntax::of(transfer_syntax::explicit_le));
    CHECK(scanner.feed(bytes_of(written)).has_value());
    const auto again = read(written, EXS_LittleEndianExplicit);
    CHECK(lines_of(*again).find("003a,0020=A") != std::string::npos);
}

TEST_CASE("each value stands in a VR that has room for it")
{
    struct Row {
        const char* path;
        DcmTagKey key;
        Uint16 bits;
        std::size_t size;
        const char* vr;
        char padding;
    };

    const Row rows[] = {
        {"7FE00010", DCM_PixelData, 8, 3, "OW", '\0'},
        {"7FE00010", DCM_PixelData, 16, 3, "OW", '\0'},
        {"7FE00010", DCM_PixelData, 0, 3, "OW", '\0'},
        {"0040A160", DCM_TextValue, 0, 3, "UT", ' '},
        {"00104000", DCM_PatientComments, 0, 3, "LT", ' '},
        {"00104000", DCM_PatientComments, 0, 70'001, "UN", '\0'},
        {"00420011", DCM_EncapsulatedDocument, 0, 70'001, "OB", '\0'},
    };
    for (const Row& row : rows) {
        CAPTURE(row.path);
        CAPTURE(row.size);
        const auto item = image({row.key}, row.bits);
        const auto written = write(*item, {{row.path, supplied({std::string(row.size, 'x')})}});
        REQUIRE(written.has_value());
        const auto value = written->find('x');
        const bool long_form = std::string_view(row.vr) != "LT";
        CHECK(written->substr(value - (long_form ? 8 : 4), 2) == row.vr);
        CHECK(written->size() % 2 == 0);
        CHECK(written->back() == row.padding);
    }
}

TEST_CASE("a value of another length than promised and one of four gigabytes are refused")
{
    const auto item = image({DCM_PixelData});
    for (const std::uint64_t promised : {3U, 5U}) {
        SuppliedValue value = supplied({"four"});
        value.pieces = {promised};
        CHECK(!write(*item, {{"7FE00010", value}}).has_value());
    }
    for (const bool encapsulated : {false, true}) {
        SuppliedValue value = supplied({"four"}, encapsulated);
        value.pieces = {0xffffffff};
        const auto written = write(*item, {{"7FE00010", value}});
        REQUIRE(!written.has_value());
        CHECK(written.error().code == make_error_code(Errc::too_large));
    }
}

TEST_CASE("what nobody supplies is written as it was read")
{
    unsigned compared = 0;
    for (const auto& path : sample_files()) {
        CAPTURE(path.filename().string());
        DcmFileFormat file;
        if (file.loadFile(path.c_str()).bad())
            continue;
        DcmDataset& original = *file.getDataset();
        DcmElement* pixels = nullptr;
        if (original.findAndGetElement(DCM_PixelData, pixels).good() && is_encapsulated(*pixels))
            continue;
        original.loadAllDataIntoMemory();
        const auto written = write(original);
        REQUIRE_MESSAGE(written.has_value(), (written ? "" : written.error().text()));
        const auto again = read(*written, EXS_LittleEndianExplicit);
        std::string before;
        std::string after;
        if (!write_dicom_json(original, before))
            continue;
        REQUIRE(write_dicom_json(*again, after).has_value());
        CHECK((before == after)); // too long to be shown
        ++compared;
    }
    CHECK(compared >= (sample_files().empty() ? 0 : 20));
}
