#include "mapping/data_set_scanner.h"
#include "mapping/file_meta.h"
#include "mapping/reencode.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include <array>
#include <optional>

#include "sample_files.h"

using namespace gantry;
using namespace gantry::mapping;
using namespace gantry::tests;

namespace {

Result<std::string> reencode(
    std::string_view syntax,
    std::string_view bytes,
    std::size_t chunk,
    Encoding to = Encoding::explicit_le
)
{
    std::string out;
    const auto collect = [&out](ConstBytes piece) -> Result<void> {
        out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        return {};
    };
    Reencoder reencoder(TransferSyntax::of(syntax), to, collect);
    for (std::size_t at = 0; at < bytes.size(); at += chunk) {
        if (const auto fed = reencoder.feed(bytes_of(bytes.substr(at, chunk))); !fed)
            return fed.error();
    }
    if (const auto ended = reencoder.finish(); !ended)
        return ended.error();
    return out;
}

std::unique_ptr<DcmDataset> load(const std::string& bytes, E_TransferSyntax syntax)
{
    auto data_set = std::make_unique<DcmDataset>();
    DcmInputBufferStream stream;
    stream.setBuffer(bytes.data(), static_cast<offile_off_t>(bytes.size()));
    stream.setEos();
    data_set->transferInit();
    const OFCondition read = data_set->read(stream, syntax, EGL_noChange);
    data_set->transferEnd();
    CHECK_MESSAGE(read.good(), read.text());
    return data_set;
}

std::string save(DcmDataset& data_set, E_TransferSyntax syntax, E_EncodingType lengths)
{
    std::string bytes(std::size_t{4} << 20U, '\0');
    DcmOutputBufferStream stream(bytes.data(), static_cast<offile_off_t>(bytes.size()));
    data_set.transferInit();
    const OFCondition written =
        data_set.write(stream, syntax, lengths, nullptr, EGL_withGL, EPD_noChange);
    data_set.transferEnd();
    REQUIRE_MESSAGE(written.good(), written.text());
    stream.flush();
    void* start = nullptr;
    offile_off_t size = 0;
    stream.flushBuffer(start, size);
    return {static_cast<const char*>(start), static_cast<std::size_t>(size)};
}

std::string value_of(DcmElement& element)
{
    std::string bytes(element.getLength(), '\0');
    const auto size = static_cast<Uint32>(bytes.size());
    if (size > 0)
        CHECK(element.getPartialValue(bytes.data(), 0, size, nullptr, EBO_LittleEndian).good());
    if (bytes.size() % 2 != 0)
        bytes.push_back('\0');
    return bytes;
}

bool left_out(const DcmTag& tag)
{
    return tag.getElement() == 0 || tag.getGroup() == 0xfffc;
}

std::vector<DcmElement*> elements_of(DcmItem& item)
{
    std::vector<DcmElement*> elements;
    for (unsigned long i = 0; i < item.card(); ++i) {
        if (!left_out(item.getElement(i)->getTag()))
            elements.push_back(item.getElement(i));
    }
    return elements;
}

enum class Vrs { may_differ, same };

/// Same elements in the same order, with equal values, all the way down.
void check_equal(DcmItem& expected, DcmItem& actual, Vrs vrs)
{
    const auto left = elements_of(expected);
    const auto right = elements_of(actual);
    REQUIRE(left.size() == right.size());
    for (std::size_t i = 0; i < left.size(); ++i) {
        CAPTURE(left[i]->getTag().toString().c_str());
        REQUIRE(left[i]->getTag() == right[i]->getTag());
        if (vrs == Vrs::same)
            CHECK(left[i]->getVR() == right[i]->getVR());
        auto* sequence = dynamic_cast<DcmSequenceOfItems*>(left[i]);
        if (sequence == nullptr || dynamic_cast<DcmPixelSequence*>(left[i]) != nullptr) {
            CHECK((value_of(*left[i]) == value_of(*right[i])));
            continue;
        }
        auto* other = dynamic_cast<DcmSequenceOfItems*>(right[i]);
        REQUIRE(other != nullptr);
        REQUIRE(sequence->card() == other->card());
        for (unsigned long item = 0; item < sequence->card(); ++item)
            check_equal(*sequence->getItem(item), *other->getItem(item), vrs);
    }
}

struct Sample {
    std::filesystem::path path;
    std::string name;
    std::string syntax;
    std::string body;
};

std::vector<Sample> whole_samples()
{
    std::vector<Sample> samples;
    for (const auto& path : sample_files()) {
        const std::string file = read_text(path);
        const auto head = read_file_head(bytes_of(file), true);
        REQUIRE(head.has_value());
        if (path.filename() != "MR_truncated.dcm")
            samples.push_back(
                {path,
                 path.filename().string(),
                 head->head.transfer_syntax.str(),
                 file.substr(head->data_set_offset)}
            );
    }
    return samples;
}

void check_scans(const std::string& bytes)
{
    DataSetScanner scanner(TransferSyntax::of(transfer_syntax::explicit_le));
    CHECK(scanner.feed(bytes_of(bytes)).has_value());
    CHECK(scanner.finish().has_value());
}

constexpr std::uint32_t undefined = 0xffffffff;

Encoder le()
{
    return Encoder(Encoder::Form::explicit_le);
}

Encoder implicit()
{
    return Encoder(Encoder::Form::implicit_le);
}

} // namespace

TEST_CASE("each value of each sample file survives re-encoding to Explicit VR Little Endian")
{
    for (const Sample& sample : whole_samples()) {
        const TransferSyntax& syntax = TransferSyntax::of(sample.syntax);
        if (syntax.encoding == Encoding::explicit_le)
            continue;
        CAPTURE(sample.name);
        const auto whole = reencode(sample.syntax, sample.body, sample.body.size());
        REQUIRE_MESSAGE(whole.has_value(), (whole ? "" : whole.error().text()));
        CHECK((reencode(sample.syntax, sample.body, 1).value() == *whole));
        CHECK((reencode(sample.syntax, sample.body, 1001).value() == *whole));
        check_scans(*whole);
        DcmFileFormat file;
        REQUIRE(file.loadFile(sample.path.c_str()).good());
        DcmDataset* const original = file.getDataset();
        const auto reencoded = load(*whole, EXS_LittleEndianExplicit);
        check_equal(*original, *reencoded, Vrs::may_differ);
        // and as DCMTK itself would have done it, VR by VR
        const auto reference = load(
            save(*original, EXS_LittleEndianExplicit, EET_UndefinedLength), EXS_LittleEndianExplicit
        );
        check_equal(*reference, *reencoded, Vrs::same);
    }
}

TEST_CASE("each native sample file comes back from implicit, big endian and deflated as it was")
{
    constexpr E_TransferSyntax ways[] = {
        EXS_LittleEndianImplicit, EXS_BigEndianExplicit, EXS_DeflatedLittleEndianExplicit
    };
    for (const Sample& sample : whole_samples()) {
        if (sample.syntax != transfer_syntax::explicit_le)
            continue;
        CAPTURE(sample.name);
        const auto original = load(sample.body, EXS_LittleEndianExplicit);
        for (const E_TransferSyntax way : ways) {
            for (const E_EncodingType lengths : {EET_UndefinedLength, EET_ExplicitLength}) {
                CAPTURE(DcmXfer(way).getXferName());
                const std::string there = save(*original, way, lengths);
                const auto back = reencode(DcmXfer(way).getXferID(), there, 4096);
                REQUIRE_MESSAGE(back.has_value(), (back ? "" : back.error().text()));
                const auto reencoded = load(*back, EXS_LittleEndianExplicit);
                check_equal(*original, *reencoded, Vrs::may_differ);
            }
        }
    }
}

TEST_CASE("each native sample file goes to Implicit VR with every value that it has (PS3.5 A.1)")
{
    for (const Sample& sample : whole_samples()) {
        if (TransferSyntax::of(sample.syntax).encapsulated)
            continue;
        CAPTURE(sample.name);
        const auto implicit_body =
            reencode(sample.syntax, sample.body, 1001, Encoding::implicit_le);
        REQUIRE_MESSAGE(
            implicit_body.has_value(), (implicit_body ? "" : implicit_body.error().text())
        );
        DcmFileFormat file;
        REQUIRE(file.loadFile(sample.path.c_str()).good());
        const auto reencoded = load(*implicit_body, EXS_LittleEndianImplicit);
        check_equal(*file.getDataset(), *reencoded, Vrs::may_differ);
    }
}

TEST_CASE("what is longer than 16 bits say has its own VR again in implicit, and fragments none")
{
    const std::string long_text(70000, 'x');
    const std::string from = le().element({16, 16}, "UN", long_text).str();
    CHECK(
        (reencode(transfer_syntax::explicit_le, from, 9, Encoding::implicit_le).value() ==
         implicit().element({16, 16}, "", long_text).str())
    );
    const std::string fragments =
        le().header(tag::pixel_data, "OB", undefined).item(0).end_sequence().str();
    const auto refused = reencode("1.2.840.10008.1.2.4.50", fragments, 9, Encoding::implicit_le);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::unsupported);
}

TEST_CASE(
    "what implicit VR left unsaid is said by the dictionary and by elements before (PS3.5 A.2)"
)
{
    struct Row {
        const char* says;
        std::string from;
        std::string to;
    };

    constexpr Tag smallest{0x0028, 0x0106};
    constexpr Tag is_signed{0x0028, 0x0103};
    constexpr Tag icons{0x0088, 0x0200};
    constexpr Tag waveforms{0x5400, 0x0100};
    constexpr Tag waveform_bits{0x5400, 0x1004};
    constexpr Tag waveform{0x5400, 0x1010};
    const std::string one("\1\0", 2);
    const std::string zero("\0\0", 2);
    const std::string long_text(70000, 'x');
    const std::string creator = "SIEMENS CSA HEADER";
    const Row rows[] = {
        {"a name",
         implicit().element({16, 16}, "", "A^B ").str(),
         le().element({16, 16}, "PN", "A^B ").str()},
        {"US or SS is US",
         implicit().element(smallest, "", one).str(),
         le().element(smallest, "US", one).str()},
        {"US or SS is SS where pixels are signed",
         implicit().element(is_signed, "", one).element(smallest, "", one).str(),
         le().element(is_signed, "US", one).element(smallest, "SS", one).str()},
        {"an item inherits signed pixels and may have its own",
         implicit()
             .element(is_signed, "", one)
             .header(icons, "", 44)
             .item(10)
             .element(smallest, "", one)
             .item(18)
             .element(is_signed, "", zero)
             .element(smallest, "", "")
             .str(),
         le().element(is_signed, "US", one)
             .header(icons, "SQ", undefined)
             .item(undefined)
             .element(smallest, "SS", one)
             .end_item()
             .item(undefined)
             .element(is_signed, "US", zero)
             .element(smallest, "US", "")
             .end_item()
             .end_sequence()
             .str()},
        {"native pixel data are OW",
         implicit().element(tag::pixel_data, "", "abcd").str(),
         le().element(tag::pixel_data, "OW", "abcd").str()},
        {"a waveform of 8 bits is OB",
         implicit()
             .header(waveforms, "", undefined)
             .item(undefined)
             .element(waveform_bits, "", std::string("\x08\0", 2))
             .element(waveform, "", "ab")
             .end_item()
             .end_sequence()
             .str(),
         le().header(waveforms, "SQ", undefined)
             .item(undefined)
             .element(waveform_bits, "US", std::string("\x08\0", 2))
             .element(waveform, "OB", "ab")
             .end_item()
             .end_sequence()
             .str()},
        {"a private element whose creator is known",
         implicit()
             .element({0x29, 0x11}, "", creator)
             .element({0x29, 0x1108}, "", "IMAGE NUM 4 ")
             .str(),
         le().element({0x29, 0x11}, "LO", creator)
             .element({0x29, 0x1108}, "CS", "IMAGE NUM 4 ")
             .str()},
        {"a private element whose creator nobody knows",
         implicit().element({0x29, 0x11}, "", "NOBODY").element({0x29, 0x1108}, "", "ab").str(),
         le().element({0x29, 0x11}, "LO", "NOBODY").element({0x29, 0x1108}, "UN", "ab").str()},
        {"a private element of undefined length is a sequence",
         implicit().header({0x29, 0x1108}, "", undefined).item(0).end_sequence().str(),
         le().header({0x29, 0x1108}, "SQ", undefined)
             .item(undefined)
             .end_item()
             .end_sequence()
             .str()},
        {"what 16 bits cannot hold is UN",
         implicit().element({16, 16}, "", long_text).str(),
         le().element({16, 16}, "UN", long_text).str()},
        {"odd values are padded",
         implicit().element({16, 16}, "", "A^B").element({32, 13}, "", "1.2").str(),
         le().element({16, 16}, "PN", "A^B ").element({32, 13}, "UI", std::string("1.2\0", 4)).str()
        },
        {"group lengths and trailing padding go",
         implicit()
             .element({8, 0}, "", "abcd")
             .element({16, 16}, "", "A^B ")
             .element({0xfffc, 0xfffc}, "", "abcd")
             .str(),
         le().element({16, 16}, "PN", "A^B ").str()},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto got = reencode(transfer_syntax::implicit_le, row.from, 5);
        REQUIRE_MESSAGE(got.has_value(), (got ? "" : got.error().text()));
        CHECK((*got == row.to));
    }
}

TEST_CASE("explicit little endian goes through as it is, whatever its pixels")
{
    const std::string odd = le().element({16, 16}, "PN", "A^B").element({8, 0}, "UL", "abcd").str();
    CHECK(reencode("1.2.840.10008.1.2.4.50", odd, 3).value() == odd);
    CHECK(reencode(transfer_syntax::explicit_le, odd, 3).value() == odd);
}

TEST_CASE("a data set that ends early is not re-encoded to something that does not")
{
    const std::string whole = implicit().element({16, 16}, "", "A^B ").str();
    const auto cut = reencode(transfer_syntax::implicit_le, whole.substr(0, 10), 4);
    REQUIRE_FALSE(cut.has_value());
    CHECK(cut.error().code == Errc::truncated);
}

TEST_CASE("a long stream of empty elements is handed on, not gathered")
{
    std::size_t largest = 0;
    const auto measure = [&largest](ConstBytes piece) -> Result<void> {
        largest = std::max(largest, piece.size());
        return {};
    };
    Reencoder reencoder(TransferSyntax::of(transfer_syntax::implicit_le), measure);
    const std::string empty = implicit().element({16, 16}, "", "").str();
    for (int i = 0; i < 100'000; ++i)
        REQUIRE(reencoder.feed(bytes_of(empty)).has_value());
    REQUIRE(reencoder.finish().has_value());
    CHECK(largest > 1000);
    CHECK(largest <= 66'000);
}
