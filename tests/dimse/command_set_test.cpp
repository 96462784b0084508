#include "dimse/command_set.h"
#include "support/dicom_bytes.h"

#include <doctest/doctest.h>

#include <string>

using namespace gantry;
using namespace gantry::dimse;

TEST_CASE("a command set is read element by element (PS3.7 6.3.1)")
{
    tests::StoreCommand command;
    command.message_id = 513;
    command.sop_instance = "1.2.3";
    const auto bytes = tests::store_command(command);
    const auto set = CommandSet::parse(bytes);
    REQUIRE(set);
    CHECK(set->command() == Command::c_store_rq);
    CHECK(set->us(element::message_id) == 513);
    CHECK(set->text(element::affected_sop_instance) == "1.2.3");
    CHECK(set->has_data_set());
    CHECK_FALSE(set->us(element::status));
    CHECK(set->text(element::error_comment).empty());
}

TEST_CASE("what is no command set is not taken for one")
{
    struct Row {
        const char* says;
        const char* bytes;
    };

    const Row rows[] = {
        {"nothing", ""},
        {"half an element", "0000 0001 0200"},
        {"another group", "0800 0001 02000000 0100"},
        {"length beyond the end", "0000 0001 ffffffff 0100"},
        {"length just beyond the end", "0000 0001 03000000 0100"},
        {"no command field", "0000 1001 02000000 0100"},
        {"command field of a wrong length", "0000 0001 04000000 01000000"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        CHECK_FALSE(CommandSet::parse(tests::hex(row.bytes)));
    }
}

TEST_CASE("a command set without end is not read to its end")
{
    tests::ByteVector bytes;
    for (int i = 0; i < 100; ++i) {
        const auto element = tests::hex("0000 0001 02000000 0100");
        bytes.insert(bytes.end(), element.begin(), element.end());
    }
    CHECK_FALSE(CommandSet::parse(bytes));
}

TEST_CASE("a written command set has its group length first and even values (PS3.7 6.3.1)")
{
    wire::Buffer out;
    CommandWriter(out)
        .uid(element::affected_sop_class, "1.2.3")
        .us(element::command_field, 0x8001)
        .at(element::offending_element, {0x0008, 0x0052})
        .text(element::error_comment, "odd")
        .finish();
    CHECK(
        out == tests::hex("0000 0000 04000000 30000000"
                          "0000 0200 06000000 312e322e3300"
                          "0000 0001 02000000 0180"
                          "0000 0109 04000000 08005200"
                          "0000 0209 04000000 6f646420")
    );
}
