#include "mapping/character_set.h"
#include "mapping/dicom_text.h"
#include "mapping/elements.h"
#include "support/data_sets.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <doctest/doctest.h>

#include "sample_files.h"

using namespace gantry;
using mapping::DataSetEncoder;
using mapping::make_vr;
using mapping::TextDecoder;
using mapping::TextEncoder;

namespace {

constexpr mapping::Vr pn = make_vr('P', 'N');
constexpr mapping::Vr lo = make_vr('L', 'O');

std::string joined(const std::vector<std::string>& values)
{
    std::string out;
    for (std::size_t i = 0; i < values.size(); ++i)
        out += (i == 0 ? "" : "\\") + values[i];
    return out;
}

struct InSet {
    const char* character_set;
    const char* text;
};

// A name that each set can hold.
const InSet names[] = {
    {"ISO_IR 100", "Buc^Jérôme"},
    {"ISO_IR 101", "Dvořák^Antonín"},
    {"ISO_IR 109", "Ĉapek^Ŭo"},
    {"ISO_IR 110", "Bērziņš^Ģirts"},
    {"ISO_IR 144", "Люкceмбypг"},
    {"ISO_IR 127", "قباني^لنزار"},
    {"ISO_IR 126", "Διονυσιος"},
    {"ISO_IR 138", "שרון^דבורה"},
    {"ISO_IR 148", "Çavuşoğlu^Işıl"},
    {"ISO_IR 203", "Œuvre^Š€"},
    {"ISO_IR 166", "นามสกุล^ชื่อ"},
    {"ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ"},
    {"ISO_IR 192", "Wang^XiaoDong=王^小東="},
    {"GB18030", "Wang^XiaoDong=王^小东"},
    {"GBK", "Wang^XiaoDong=王^小东"},
    {"\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう"},
    {"ISO 2022 IR 13\\ISO 2022 IR 87", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"},
    {"\\ISO 2022 IR 87\\ISO 2022 IR 159", "Takao^Shu=高尾^脩侫丂"},
    {"\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동"},
    {"\\ISO 2022 IR 58", "Zhang^XiaoDong=张^小东="},
    {"ISO 2022 IR 100\\ISO 2022 IR 144", "Jérôme^Люкceм=é^Л"},
    {"\\ISO 2022 IR 126\\ISO 2022 IR 144", "Διον^Люк=D^Ж"},
    {"ISO 2022 IR 6\\ISO 2022 IR 100", "Müller^Jörg"},
    {"ISO 2022 IR 100\\ISO 2022 IR 149", "Jérôme=홍^길동"},
    {"\\ISO 2022 IR 166", "Name=นาม^ชื่อ"},
};

} // namespace

TEST_CASE("a name goes into every character set and comes back (PS3.3 C.12.1.1.2)")
{
    for (const InSet& row : names) {
        CAPTURE(row.character_set);
        TextEncoder encoder(row.character_set);
        REQUIRE(encoder.known());
        const auto raw = encoder.encode(pn, row.text);
        REQUIRE(raw.has_value());
        TextDecoder decoder(row.character_set);
        CHECK(joined(decoder.values(pn, *raw)) == row.text);
    }
}

TEST_CASE("the examples of the standard come out byte for byte (PS3.5 annexes H, I, J, K)")
{
    struct Row {
        const char* character_set;
        const char* text;
        const char* raw;
    };

    const Row rows[] = {
        {"\\ISO 2022 IR 87",
         "Yamada^Tarou=山田^太郎=やまだ^たろう",
         "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"},
        {"ISO 2022 IR 13\\ISO 2022 IR 87",
         "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
         "\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^"
         "\x1b$B$?$m$&\x1b(J"},
        {"\\ISO 2022 IR 149",
         "Hong^Gildong=洪^吉洞=홍^길동",
         "Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6"
         "\xb5\xbf"},
        {"\\ISO 2022 IR 58",
         "Zhang^XiaoDong=张^小东=",
         "Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab="},
        {"GB18030", "Wang^XiaoDong=王^小东=", "Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab="},
        {"ISO_IR 100",
         "Äneas^Rüdiger",
         "\xc4neas^R\xfc"
         "diger"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.character_set);
        TextEncoder encoder(row.character_set);
        const auto raw = encoder.encode(pn, row.text);
        REQUIRE(raw.has_value());
        CHECK(*raw == row.raw);
    }
}

TEST_CASE("what has no place in a set is not written, or marked and counted")
{
    struct Row {
        const char* character_set;
        const char* text;
        const char* lossy;
        std::size_t replaced;
    };

    const Row rows[] = {
        {"", "Müller", "M?ller", 1},
        {"ISO_IR 6", "Müller", "M?ller", 1},
        {"ISO_IR 100", "山田=Müller", "?\?=M\xfcller", 2},
        {"ISO_IR 144", "Jérôme", "J?r?me", 2},
        {"\\ISO 2022 IR 87", "山é田", "\x1b$B;3\x1b(B?\x1b$BED\x1b(B", 1},
        {"GBK", "\xf0\x9f\x98\x80x", "?x", 1},
        {"ISO_IR 100", "a\x1b(Bb", "a?(Bb", 1},
        {"ISO_IR 100", "\xc3", "?", 1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        TextEncoder encoder(row.character_set);
        CHECK_FALSE(encoder.encode(lo, row.text).has_value());
        std::size_t replaced = 0;
        CHECK(encoder.encode_lossy(lo, row.text, replaced) == row.lossy);
        CHECK(replaced == row.replaced);
    }
    CHECK_FALSE(TextEncoder("ISO_IR 999").known());
    CHECK_FALSE(TextEncoder("ISO_IR 192\\ISO 2022 IR 87").known());
    CHECK(TextEncoder("ISO 2022 IR 87").character_set() == "\\ISO 2022 IR 87");
}

TEST_CASE("a data set is decoded with its items, by its own set, the peer's, or not at all")
{
    auto declared = tests::data_set("0008,0005=ISO_IR 100 | 0010,0010=M\xfcller | "
                                    "0040,0275>0040,0007=R\xf6ntgen");
    CHECK(mapping::decode_text(*declared) == 0);
    CHECK(
        tests::lines_of(*declared) ==
        "0008,0005=ISO_IR 192 | 0010,0010=Müller | 0040,0275{0040,0007=Röntgen}"
    );

    auto undeclared = tests::data_set("0010,0010=M\xfcller");
    CHECK(mapping::decode_text(*undeclared, "ISO_IR 100") == 0);
    CHECK(tests::lines_of(*undeclared) == "0008,0005=ISO_IR 192 | 0010,0010=Müller");

    auto unreadable = tests::data_set("0010,0010=M\xfcller | 0010,0020=P\xe9");
    CHECK(mapping::decode_text(*unreadable) == 2);

    auto plain = tests::data_set("0008,0005=ISO_IR 100 | 0010,0010=Miller");
    CHECK(mapping::decode_text(*plain) == 0);
    CHECK(tests::lines_of(*plain) == "0010,0010=Miller");
}

TEST_CASE("an answer is in the first set that holds all of it, else marked")
{
    struct Row {
        const char* says;
        std::vector<std::string> wanted;
        const char* text;
        const char* answer;
        std::size_t replaced;
    };

    const Row rows[] = {
        {"ASCII names no set", {"ISO_IR 100"}, "Miller", "0010,0010=Miller", 0},
        {"the set of the question",
         {"ISO_IR 100", "ISO_IR 192"},
         "Müller",
         "0008,0005=ISO_IR 100 | 0010,0010=M\xfcller",
         0},
        {"the one that the peer is known to read",
         {"ISO_IR 100", "ISO_IR 192"},
         "山田",
         "0008,0005=ISO_IR 192 | 0010,0010=山田",
         0},
        {"marked in the set of the question",
         {"ISO_IR 100"},
         "山=Müller",
         "0008,0005=ISO_IR 100 | 0010,0010=?=M\xfcller",
         1},
        {"marked where nothing is left of it", {}, "山田", "0010,0010=??", 2},
        {"a set that nobody knows is passed over", {"KLINGON"}, "Müller", "0010,0010=M?ller", 1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        auto data_set = tests::data_set(std::string("0010,0010=") + row.text);
        DataSetEncoder encoder(row.wanted);
        const auto done = encoder.encode(*data_set);
        CHECK(done.replaced == row.replaced);
        CHECK(tests::lines_of(*data_set) == row.answer);
    }
}

TEST_CASE("the text of every sample file goes round in its own set and in UTF-8")
{
    for (const auto& path : tests::sample_files()) {
        DcmFileFormat file;
        if (file.loadFile(path.c_str(), EXS_Unknown, EGL_noChange, 4096).bad())
            continue;
        CAPTURE(path.filename().string());
        DcmDataset& data_set = *file.getDataset();
        const std::string own = mapping::character_set_of(data_set);
        if (own.empty() && path.filename().string().starts_with("chr"))
            FAIL("no character set in ", path.filename().string());
        CHECK(mapping::decode_text(data_set) == 0);
        const std::string utf8 = tests::lines_of(data_set);
        for (const std::string& set : {own, std::string("ISO_IR 192")}) {
            DcmDataset sent(data_set);
            const auto done = DataSetEncoder({set}).encode(sent);
            CHECK(done.replaced == 0);
            CHECK((done.character_set.empty() || done.character_set == set));
            CHECK(mapping::decode_text(sent) == 0);
            CHECK(tests::lines_of(sent) == utf8);
        }
    }
}
