#include "mapping/file_meta.h"
#include "mapping/vocabulary/implementation.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include "sample_files.h"

using namespace gantry;
using namespace gantry::mapping;
using namespace gantry::tests;

namespace {

FileHead ct_head()
{
    FileHead head;
    head.sop = {*Uid::parse("1.2.840.10008.5.1.4.1.1.2"), *Uid::parse("1.2.3.4.5")};
    head.transfer_syntax = *Uid::parse(transfer_syntax::explicit_le);
    head.source = *AeTitle::parse("CT1");
    return head;
}

std::string preamble()
{
    return std::string(128, '\0') + "DICM";
}

Encoder le()
{
    return Encoder(Encoder::Form::explicit_le);
}

std::string uid_element(std::uint16_t element, std::string_view uid)
{
    return le()
        .element({2, element}, "UI", std::string(uid) + std::string(uid.size() % 2, '\0'))
        .str();
}

std::string study_date()
{
    return le().element({8, 0x20}, "DA", "20240101").str();
}

} // namespace

TEST_CASE("a head that was written is read back as it was (PS3.10 7.1)")
{
    const std::string bytes = write_file_head(ct_head());
    const auto read = read_file_head(bytes_of(bytes + study_date()));
    REQUIRE(read.has_value());
    CHECK(read->head.sop == ct_head().sop);
    CHECK(read->head.transfer_syntax == ct_head().transfer_syntax);
    CHECK(read->head.source == ct_head().source);
    CHECK(read->data_set_offset == bytes.size());
    CHECK(read->has_prefix);
    CHECK(read->transfer_syntax_stated);
}

TEST_CASE("a head that was written is what DCMTK expects (PS3.10 7.1)")
{
    const std::string bytes = write_file_head(ct_head()) + study_date();
    DcmInputBufferStream stream;
    stream.setBuffer(bytes.data(), static_cast<offile_off_t>(bytes.size()));
    stream.setEos();
    DcmFileFormat file;
    REQUIRE(file.read(stream).good());
    DcmMetaInfo& meta = *file.getMetaInfo();
    const auto text = [&](const DcmTagKey& key) {
        OFString value;
        CHECK(meta.findAndGetOFString(key, value).good());
        return std::string(value.c_str());
    };
    CHECK(text(DCM_MediaStorageSOPClassUID) == "1.2.840.10008.5.1.4.1.1.2");
    CHECK(text(DCM_MediaStorageSOPInstanceUID) == "1.2.3.4.5");
    CHECK(text(DCM_TransferSyntaxUID) == transfer_syntax::explicit_le);
    CHECK(text(DCM_ImplementationClassUID) == implementation::class_uid);
    CHECK(text(DCM_ImplementationVersionName) == implementation::version_name);
    CHECK(text(DCM_SourceApplicationEntityTitle) == "CT1");
    const Uint8* version = nullptr;
    REQUIRE(meta.findAndGetUint8Array(DCM_FileMetaInformationVersion, version).good());
    CHECK(version[0] == 0);
    CHECK(version[1] == 1);
    Uint32 length = 0;
    REQUIRE(meta.findAndGetUint32(DCM_FileMetaInformationGroupLength, length).good());
    CHECK(length == write_file_head(ct_head()).size() - 132 - 12);
    CHECK(file.getDataset()->tagExists(DCM_StudyDate));
}

TEST_CASE("odd heads are read where the file can still be understood")
{
    struct Row {
        const char* says;
        std::string bytes;
        std::size_t offset;
        std::string_view syntax;
        bool has_prefix;
        bool stated;
    };

    const std::string stated = uid_element(0x10, transfer_syntax::explicit_be);
    const std::string wrong_length = le().element({2, 0}, "UL", "\x02\1\1\1").str();
    Encoder implicit(Encoder::Form::implicit_le);
    const std::string implicit_meta = implicit.element({2, 0x10}, "", "1.2.840.10008.1.2.1 ").str();
    const std::string be_date =
        Encoder(Encoder::Form::explicit_be).element({8, 0x20}, "DA", "20240101").str();
    const std::string implicit_date =
        Encoder(Encoder::Form::implicit_le).element({8, 0x20}, "DA", "20240101").str();
    const std::string date = study_date();
    const std::size_t after = 132 + stated.size();
    const Row rows[] = {
        {"no group length", preamble() + stated + be_date, after, "1.2.840.10008.1.2.2", true, true
        },
        {"a wrong group length",
         preamble() + wrong_length + stated + be_date,
         after + 12,
         "1.2.840.10008.1.2.2",
         true,
         true},
        {"no preamble", stated + be_date, stated.size(), "1.2.840.10008.1.2.2", false, true},
        {"implicit meta information",
         preamble() + implicit_meta + date,
         132 + implicit_meta.size(),
         "1.2.840.10008.1.2.1",
         true,
         true},
        {"no transfer syntax",
         preamble() + uid_element(3, "1.2.3") + implicit_date,
         132 + 14,
         "1.2.840.10008.1.2",
         true,
         false},
        {"no meta information, explicit", date, 0, "1.2.840.10008.1.2.1", false, false},
        {"no meta information, implicit", implicit_date, 0, "1.2.840.10008.1.2", false, false},
        {"no meta information, big endian", be_date, 0, "1.2.840.10008.1.2.2", false, false},
        {"a deflated data set that begins like meta information",
         preamble() + le().element({2, 0}, "UL", std::string("\x1e\0\0\0", 4)).str() +
             uid_element(0x10, transfer_syntax::deflated) + std::string("\x02\0\x10\0UI\2\0ab", 10),
         132 + 12 + 30,
         "1.2.840.10008.1.2.1.99",
         true,
         true},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto read = read_file_head(bytes_of(row.bytes), true);
        REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().text()));
        CHECK(read->data_set_offset == row.offset);
        CHECK(read->head.transfer_syntax.str() == row.syntax);
        CHECK(read->has_prefix == row.has_prefix);
        CHECK(read->transfer_syntax_stated == row.stated);
    }
}

TEST_CASE("what is no DICOM file, or only part of a head, is said to be that")
{
    struct Row {
        const char* says;
        std::string bytes;
        bool whole;
        Errc code;
    };

    const std::string head = write_file_head(ct_head());
    const std::string huge =
        preamble() + le().header({2, 0x102}, "OB", 0x7fffffff).raw("abc").str();
    const Row rows[] = {
        {"nothing yet", "", false, Errc::incomplete},
        {"nothing at all", "", true, Errc::not_dicom},
        {"the prefix alone", head.substr(0, 132), false, Errc::incomplete},
        {"cut in an element", head.substr(0, 200), false, Errc::incomplete},
        {"cut in an element for good", head.substr(0, 200), true, Errc::truncated},
        {"a picture", "\xff\xd8\xff\xe0 JFIF" + std::string(200, 'x'), true, Errc::not_dicom},
        {"text", std::string(300, 'A'), true, Errc::not_dicom},
        {"zeros", std::string(300, '\0'), true, Errc::not_dicom},
        {"an element beyond anything real", huge, false, Errc::too_large},
        {"meta information and nothing to guess from",
         preamble() + uid_element(3, "1.2.3"),
         true,
         Errc::malformed},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto read = read_file_head(bytes_of(row.bytes), row.whole);
        REQUIRE_FALSE(read.has_value());
        CHECK_MESSAGE(read.error().code == row.code, read.error().text());
    }
}

TEST_CASE("the head of every sample file is read as DCMTK reads it")
{
    for (const auto& path : sample_files()) {
        CAPTURE(path.filename().string());
        const std::string file = read_text(path);
        const auto read = read_file_head(bytes_of(file), true);
        REQUIRE(read.has_value());
        DcmFileFormat reference;
        REQUIRE(reference
                    .loadFileUntilTag(
                        path.c_str(), EXS_Unknown, EGL_noChange, 4096, ERM_autoDetect, DCM_StudyDate
                    )
                    .good());
        OFString value;
        if (reference.getMetaInfo()->findAndGetOFString(DCM_TransferSyntaxUID, value).good())
            CHECK(read->head.transfer_syntax.str() == value.c_str());
        reference.getMetaInfo()->findAndGetOFString(DCM_MediaStorageSOPInstanceUID, value);
        CHECK(read->head.sop.sop_instance.str() == value.c_str());
        CHECK(read->has_prefix == (file.substr(128, 4) == "DICM"));
    }
}
