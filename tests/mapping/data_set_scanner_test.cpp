#include "mapping/data_set_scanner.h"
#include "mapping/data_set_tokens.h"
#include "mapping/file_meta.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>
#include <zlib.h>

#include <map>

#include "sample_files.h"

using namespace gantry;
using namespace gantry::mapping;
using namespace gantry::tests;

namespace {

constexpr auto undefined = undefined_length;
constexpr std::string_view implicit_le = transfer_syntax::implicit_le;
constexpr std::string_view explicit_le = transfer_syntax::explicit_le;
constexpr std::string_view explicit_be = transfer_syntax::explicit_be;

Result<ScannedDataSet> scan(std::string_view syntax, std::string_view bytes, std::size_t chunk)
{
    DataSetScanner scanner(TransferSyntax::of(syntax));
    for (std::size_t at = 0; at < bytes.size(); at += chunk) {
        if (const auto fed = scanner.feed(bytes_of(bytes.substr(at, chunk))); !fed)
            return fed.error();
    }
    return scanner.finish();
}

Encoder le()
{
    return Encoder(Encoder::Form::explicit_le);
}

Encoder be()
{
    return Encoder(Encoder::Form::explicit_be);
}

Encoder implicit()
{
    return Encoder(Encoder::Form::implicit_le);
}

std::string deflated(std::string_view text)
{
    z_stream z{};
    deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&z, text.size()) + 64, '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); // zlib only reads it
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    deflate(&z, Z_FINISH);
    out.resize(out.size() - z.avail_out);
    deflateEnd(&z);
    return out;
}

constexpr Tag sequence{0x0008, 0x1140};
constexpr Tag private_tag{0x0009, 0x1001};
constexpr Tag name{0x0010, 0x0010};

std::string nested(unsigned levels)
{
    Encoder out = le();
    for (unsigned i = 0; i < levels; ++i)
        out.header(sequence, "SQ", undefined).item(undefined);
    for (unsigned i = 0; i < levels; ++i)
        out.end_item().end_sequence();
    return out.str();
}

} // namespace

TEST_CASE("a data set whose structure holds to its end passes, whatever its values (PS3.5 7)")
{
    struct Row {
        const char* says;
        std::string_view syntax;
        std::string bytes;
    };

    const std::string zeros(100, '\0');
    const Row rows[] = {
        {"empty", explicit_le, ""},
        {"a value of odd length", explicit_le, le().element(name, "PN", "A^B").str()},
        {"a value that does not fit its VR", explicit_le, le().element(name, "DA", "x^y!").str()},
        {"an empty sequence", explicit_le, le().header(sequence, "SQ", 0).str()},
        {"an empty item of defined length",
         explicit_le,
         le().header(sequence, "SQ", 8).item(0).str()},
        {"an item of undefined length in a sequence of defined length",
         explicit_le,
         le().header(sequence, "SQ", 16).item(undefined).end_item().str()},
        {"an item of defined length in a sequence of undefined length",
         explicit_le,
         le().header(sequence, "SQ", undefined)
             .item(10)
             .element(name, "PN", "AB")
             .end_sequence()
             .str()},
        {"UN of undefined length is implicit little endian inside",
         explicit_le,
         le().header(private_tag, "UN", undefined)
             .raw(implicit()
                      .item(undefined)
                      .element(name, "", "A^B ")
                      .end_item()
                      .end_sequence()
                      .str())
             .element(name, "PN", "A^B ")
             .str()},
        {"and so it is in big endian",
         explicit_be,
         be().header(private_tag, "UN", undefined)
             .raw(implicit()
                      .item(undefined)
                      .element(name, "", "A^B ")
                      .end_item()
                      .end_sequence()
                      .str())
             .element(name, "PN", "A^B ")
             .str()},
        {"UN of defined length is not looked into",
         explicit_le,
         le().element(private_tag, "UN", "\xfe\xff not an item").str()},
        {"a VR that nobody knows has the long form",
         explicit_le,
         le().element(private_tag, "ZZ", "abcd").element(name, "PN", "A^B ").str()},
        {"a VR that is no letters has the short form",
         explicit_le,
         le().element(private_tag, "??", "abcd").element(name, "PN", "A^B ").str()},
        {"an unknown tag of undefined length is a sequence in implicit VR",
         implicit_le,
         implicit()
             .header(private_tag, "", undefined)
             .item(undefined)
             .element(name, "", "AB")
             .end_item()
             .end_sequence()
             .str()},
        {"fragments",
         "1.2.840.10008.1.2.4.50",
         le().header(tag::pixel_data, "OB", undefined)
             .item(0)
             .item(4)
             .raw("\xff\xd8\xff\xd9")
             .end_sequence()
             .str()},
        {"fragments under UN",
         "1.2.840.10008.1.2.4.50",
         le().header(tag::pixel_data, "UN", undefined).item(4).raw("abcd").end_sequence().str()},
        {"data set trailing padding",
         explicit_le,
         le().element(name, "PN", "A^B ").element({0xfffc, 0xfffc}, "OB", zeros).str()},
        {"padding with zeros", explicit_le, le().element(name, "PN", "A^B ").raw(zeros).str()},
        {"one zero too many",
         implicit_le,
         implicit().element(name, "", "A^B").raw(std::string(1, '\0')).str()},
        {"a wrong group length",
         explicit_le,
         le().element({8, 0}, "UL", "\xff\xff\xff\xff").element(name, "PN", "A^B ").str()},
        {"64 sequences deep", explicit_le, nested(64)},
        {"a delimiter with a length",
         explicit_le,
         le().header(sequence, "SQ", undefined).tag({0xfffe, 0xe0dd}).number(7, 4).str()},
    };
    for (const Row& row : rows) {
        for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
            CAPTURE(row.says);
            CAPTURE(chunk);
            const auto scanned = scan(row.syntax, row.bytes, chunk);
            CHECK_MESSAGE(scanned.has_value(), (scanned ? "" : scanned.error().text()));
            if (scanned)
                CHECK(scanned->size == row.bytes.size());
        }
    }
}

TEST_CASE("a data set whose structure does not hold is refused with its reason (PS3.5 7)")
{
    struct Row {
        const char* says;
        std::string_view syntax;
        std::string bytes;
        Errc code;
    };

    const Row rows[] = {
        {"cut in a tag", explicit_le, "\x08", Errc::truncated},
        {"cut in a long header",
         explicit_le,
         le().header(name, "OB", 1000).str().substr(0, 10),
         Errc::truncated},
        {"cut in a value",
         explicit_le,
         le().header(name, "PN", 10).raw("A^B").str(),
         Errc::truncated},
        {"cut before a value", explicit_le, le().header(name, "PN", 10).str(), Errc::truncated},
        {"cut in a sequence",
         explicit_le,
         le().header(sequence, "SQ", undefined).item(undefined).end_item().str(),
         Errc::truncated},
        {"cut in an item",
         explicit_le,
         le().header(sequence, "SQ", undefined).item(undefined).str(),
         Errc::truncated},
        {"cut between fragments",
         "1.2.840.10008.1.2.4.50",
         le().header(tag::pixel_data, "OB", undefined).item(0).item(2).raw("ab").str(),
         Errc::truncated},
        {"a value longer than its item",
         explicit_le,
         le().header(sequence, "SQ", 22).item(14).element(name, "PN", "A^B C^D").str(),
         Errc::malformed},
        {"an item longer than its sequence",
         explicit_le,
         le().header(sequence, "SQ", 8).item(10).element(name, "PN", "AB").str(),
         Errc::malformed},
        {"a header that crosses the end of its item",
         explicit_le,
         le().header(sequence, "SQ", 12).item(4).element(name, "PN", "AB").str(),
         Errc::malformed},
        {"an undefined item that its sequence cuts off",
         explicit_le,
         le().header(sequence, "SQ", 8).item(undefined).element(name, "PN", "AB").str(),
         Errc::malformed},
        {"an element where an item should be",
         explicit_le,
         le().header(sequence, "SQ", undefined).element(name, "PN", "AB").str(),
         Errc::malformed},
        {"an item outside of a sequence", explicit_le, le().item(0).str(), Errc::malformed},
        {"a delimiter outside of a sequence",
         explicit_le,
         le().end_sequence().str(),
         Errc::malformed},
        {"the wrong delimiter",
         explicit_le,
         le().header(sequence, "SQ", undefined).item(undefined).end_sequence().str(),
         Errc::malformed},
        {"a fragment of undefined length",
         "1.2.840.10008.1.2.4.50",
         le().header(tag::pixel_data, "OB", undefined).item(undefined).str(),
         Errc::malformed},
        {"something after the zeros",
         explicit_le,
         le().element(name, "PN", "AB").raw(std::string(8, '\0')).raw("x").str(),
         Errc::malformed},
        {"65 sequences deep", explicit_le, nested(65), Errc::too_deep},
        {"a deflate stream that is none", transfer_syntax::deflated, "\x07 garbage", Errc::malformed
        },
        {"a deflate stream cut short",
         transfer_syntax::deflated,
         deflated(le().element(name, "PN", "A^B ").str()).substr(0, 5),
         Errc::truncated},
        {"something after the deflate stream",
         transfer_syntax::deflated,
         deflated("") + "no trailer",
         Errc::malformed},
    };
    for (const Row& row : rows) {
        for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
            CAPTURE(row.says);
            CAPTURE(chunk);
            const auto scanned = scan(row.syntax, row.bytes, chunk);
            REQUIRE_FALSE(scanned.has_value());
            CHECK_MESSAGE(scanned.error().code == row.code, scanned.error().text());
        }
    }
}

TEST_CASE("only the top level says what a data set is, and the first of two counts")
{
    const std::string bytes = le().element(tag::sop_class_uid, "UI", std::string("1.2.3\0", 6))
                                  .element(tag::sop_instance_uid, "UI", "1.2.4 ")
                                  .element(tag::sop_instance_uid, "UI", "1.2.5 ")
                                  .header(sequence, "SQ", undefined)
                                  .item(undefined)
                                  .element(tag::study_instance_uid, "UI", "9.9 ")
                                  .element(tag::pixel_data, "OB", "ab")
                                  .end_item()
                                  .end_sequence()
                                  .element(tag::series_instance_uid, "UI", "no uid")
                                  .element(tag::pixel_data, "OB", "ab")
                                  .str();
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{4096}}) {
        const auto scanned = scan(explicit_le, bytes, chunk);
        REQUIRE(scanned.has_value());
        CHECK(scanned->sop_class.str() == "1.2.3");
        CHECK(scanned->sop_instance.str() == "1.2.4");
        CHECK(scanned->study.empty());
        CHECK(scanned->series.empty());
        CHECK(scanned->pixel_data == bytes.size() - 14);
    }
}

TEST_CASE("a deflated data set of many times its size is read to its end (PS3.5 A.5)")
{
    const std::string big =
        le().element(tag::pixel_data, "OB", std::string(64U << 20U, '\0')).str();
    const std::string small = deflated(big);
    REQUIRE(small.size() < big.size() / 900);
    const auto scanned = scan(transfer_syntax::deflated, small + '\0', 4096);
    REQUIRE(scanned.has_value());
    CHECK(scanned->size == big.size());
    CHECK(scanned->pixel_data == 0);
}

TEST_CASE("after a failure every further call fails the same way")
{
    DataSetScanner scanner(TransferSyntax::of(explicit_le));
    const std::string bad = le().item(0).str();
    REQUIRE_FALSE(scanner.feed(bytes_of(bad)).has_value());
    const auto again = scanner.feed(bytes_of(le().element(name, "PN", "AB").str()));
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().code == Errc::malformed);
    CHECK(scanner.finish().error().code == Errc::malformed);
}

TEST_CASE("every sample file scans as DCMTK reads it")
{
    const std::map<std::string, Errc> refused = {{"MR_truncated.dcm", Errc::truncated}};
    for (const auto& path : sample_files()) {
        CAPTURE(path.filename().string());
        const std::string file = read_text(path);
        const auto head = read_file_head(bytes_of(file), true);
        REQUIRE(head.has_value());
        const std::string_view body = std::string_view(file).substr(head->data_set_offset);
        const std::string& syntax = head->head.transfer_syntax.str();
        const auto bad = refused.find(path.filename().string());
        for (const std::size_t chunk : {std::size_t{1}, std::size_t{1000}, file.size()}) {
            const auto scanned = scan(syntax, body, chunk);
            if (bad != refused.end()) {
                REQUIRE_FALSE(scanned.has_value());
                CHECK(scanned.error().code == bad->second);
                continue;
            }
            REQUIRE_MESSAGE(scanned.has_value(), (scanned ? "" : scanned.error().text()));
            DcmFileFormat reference;
            REQUIRE(reference.loadFile(path.c_str()).good());
            const auto uid = [&](const DcmTagKey& key) {
                const Uint8* raw = nullptr; // some are written as UN
                unsigned long size = 0;
                DcmDataset& data_set = *reference.getDataset();
                if (data_set.findAndGetUint8Array(key, raw, &size).good() && raw != nullptr)
                    return Uid::parse({reinterpret_cast<const char*>(raw), size})
                        .value_or(Uid())
                        .str();
                OFString value;
                data_set.findAndGetOFString(key, value);
                return std::string(value.c_str());
            };
            CHECK(scanned->sop_class.str() == uid(DCM_SOPClassUID));
            CHECK(scanned->sop_instance.str() == uid(DCM_SOPInstanceUID));
            CHECK(scanned->study.str() == uid(DCM_StudyInstanceUID));
            CHECK(scanned->series.str() == uid(DCM_SeriesInstanceUID));
            CHECK(
                scanned->pixel_data.has_value() ==
                bool(reference.getDataset()->tagExists(DCM_PixelData))
            );
        }
    }
}
