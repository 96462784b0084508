#include "mapping/vocabulary/ae_title.h"
#include "mapping/vocabulary/dimse_status.h"
#include "mapping/vocabulary/sop_class.h"
#include "mapping/vocabulary/transfer_syntax.h"
#include "mapping/vocabulary/uid.h"

#include <doctest/doctest.h>

#include <string>

using namespace gantry;

TEST_CASE("a UID is digits and dots, 64 characters at the most (PS3.5 9.1)")
{
    struct Row {
        const char* says;
        std::string text;
        const char* uid; // nullptr: refused
    };

    const Row rows[] = {
        {"plain", "1.2.840.10008.1.1", "1.2.840.10008.1.1"},
        {"NUL padding goes", std::string("1.2.3\0", 6), "1.2.3"},
        {"space padding goes", "1.2.3 ", "1.2.3"},
        {"leading zeros of a component pass", "1.02.3", "1.02.3"},
        {"64 characters", std::string(64, '1'), nullptr},
        {"65 characters", std::string(65, '1'), nullptr},
        {"empty", "", nullptr},
        {"double dot", "1..2", nullptr},
        {"leading dot", ".1", nullptr},
        {"trailing dot", "1.", nullptr},
        {"a path", "../../etc/passwd", nullptr},
        {"a letter", "1.2.a", nullptr},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto uid = Uid::parse(row.text);
        if (row.text.size() == 64)
            CHECK(uid.has_value());
        else
            CHECK((uid ? uid->str() : "refused") == (row.uid != nullptr ? row.uid : "refused"));
    }
}

TEST_CASE("an AE title is 1 to 16 characters, trimmed, without backslash or control characters "
          "(PS3.5 6.2)")
{
    CHECK(AeTitle::parse(" CT1  ")->str() == "CT1");
    CHECK(AeTitle::parse("a b")->str() == "a b");
    CHECK(AeTitle::parse("ABCDEFGHIJKLMNOP").has_value());
    CHECK_FALSE(AeTitle::parse("ABCDEFGHIJKLMNOPQ").has_value());
    CHECK_FALSE(AeTitle::parse("    ").has_value());
    CHECK_FALSE(AeTitle::parse("A\\B").has_value());
    CHECK_FALSE(AeTitle::parse("A\nB").has_value());
    CHECK_FALSE(AeTitle::parse("\xc3\x84").has_value());
    CHECK(AeTitle::parse("ct1") != AeTitle::parse("CT1"));
}

TEST_CASE("a status is classified by its range (PS3.7 annex C)")
{
    CHECK(status_class(0x0000) == StatusClass::success);
    CHECK(status_class(0xb007) == StatusClass::warning);
    CHECK(status_class(0x0107) == StatusClass::warning);
    CHECK(status_class(0xa700) == StatusClass::failure);
    CHECK(status_class(0xc123) == StatusClass::failure);
    CHECK(status_class(0x0122) == StatusClass::failure);
    CHECK(status_class(0xff01) == StatusClass::pending);
    CHECK(status_class(0xfe00) == StatusClass::cancel);
}

TEST_CASE(
    "every abstract syntax belongs to a service and what nobody knows is storage (PS3.6 annex A)"
)
{
    CHECK(service_of("1.2.840.10008.1.1") == Service::verification);
    CHECK(service_of("1.2.840.10008.5.1.4.1.1.2") == Service::storage); // CT Image
    CHECK(service_of("1.2.840.10008.5.1.4.1.1.5") == Service::storage); // NM Image, retired
    CHECK(service_of("1.3.12.2.1107.5.9.1") == Service::storage);       // a vendor's own
    CHECK(service_of("1.2.840.10008.5.1.4.1.2.2.1") == Service::find);
    CHECK(service_of("1.2.840.10008.5.1.4.31") == Service::worklist);
    CHECK(service_of("1.2.840.10008.3.1.2.3.3") == Service::performed_step);
    CHECK(service_of("1.2.840.10008.3.1.2.1.1") == Service::other); // Detached Patient Management
    CHECK(service_of("1.2.840.10008.1.20.1") == Service::storage_commitment);
    CHECK(service_of("1.2.840.10008.5.1.1.9") == Service::other);      // Basic Grayscale Print
    CHECK(service_of("1.2.840.10008.5.1.4.38.1") == Service::storage); // Hanging Protocol Storage
    CHECK(service_of("1.2.840.10008.5.1.4.38.2") == Service::other);   // Hanging Protocol FIND
}

TEST_CASE("a transfer syntax that is not known is taken as encapsulated Explicit VR Little Endian "
          "(PS3.5 A.4)")
{
    CHECK_FALSE(TransferSyntax::of(transfer_syntax::implicit_le).web_allowed);
    CHECK_FALSE(TransferSyntax::of(transfer_syntax::explicit_be).web_allowed);
    CHECK(TransferSyntax::of(transfer_syntax::explicit_le).web_allowed);
    CHECK(TransferSyntax::of("1.2.840.10008.1.2.4.90").encapsulated);
    const TransferSyntax& unknown = TransferSyntax::of("1.2.840.113619.5.2");
    CHECK(unknown.encoding == Encoding::explicit_le);
    CHECK(unknown.uid.empty());
}
