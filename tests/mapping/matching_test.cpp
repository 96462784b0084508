#include "mapping/matching.h"

#include <doctest/doctest.h>

#include <vector>

using namespace gantry::mapping;

namespace {

Vr vr_named(std::string_view name)
{
    return make_vr(name[0], name[1]);
}

} // namespace

TEST_CASE("a stored value satisfies a key or not (PS3.4 C.2.2.2)")
{
    struct Row {
        const char* says;
        std::string_view vr;
        std::string_view key;
        std::string_view value;
        bool match;
    };

    const Row rows[] = {
        {"equal", "LO", "ABC", "ABC", true},
        {"padding does not count", "LO", "ABC ", " ABC", true},
        {"case counts", "LO", "abc", "ABC", false},
        {"an empty key is universal", "LO", "", "ABC", true},
        {"an empty key matches nothing as well", "LO", "", "", true},
        {"a star matches nothing as well", "LO", "*", "", true},
        {"an empty value is no other", "LO", "ABC", "", false},
        {"star at the end", "LO", "AB*", "ABC", true},
        {"star in the middle", "LO", "A*C", "ABBBC", true},
        {"star for nothing", "LO", "A*C", "AC", true},
        {"several stars", "LO", "*B*D*", "ABCDE", true},
        {"several stars, one too many letters", "LO", "*B*D", "ABCDE", false},
        {"going back to a star", "LO", "*ab", "aab aab", true},
        {"question mark", "SH", "A?C", "ABC", true},
        {"a question mark is one character", "SH", "A?C", "AC", false},
        {"a question mark is one character of UTF-8", "LO", "M?ller", "M\xc3\xbcller", true},
        {"and not half of one", "LO", "M??ller", "M\xc3\xbcller", false},
        {"no wildcards in UIDs", "UI", "1.2.*", "1.2.3", false},
        {"a UID without its padding", "UI", "1.2.3", std::string_view("1.2.3\0", 6), true},
        {"names without regard to case", "PN", "doe^jo*", "DOE^JOHN", true},
        {"delimiters at the end of a name say nothing", "PN", "DOE^JOHN^^", "DOE^JOHN", true},
        {"a name without given name", "PN", "DOE^*", "DOE", true},
        {"another name", "PN", "DOE^*", "DOES", false},
        {"a name of wildcards", "PN", "*^*", "DOE", true},
        {"accents do not count", "PN", "muller^jerome", "Müller^Jérôme", true},
        {"on either side", "PN", "DVOŘÁK*", "Dvorak^Antonin", true},
        {"nor the case of Cyrillic", "PN", "ЛЮК*", "Люкceмбypг", true},
        {"nor of Greek", "PN", "διον*", "ΔΙΟΝΥΣΙΟΣ", true},
        {"another letter is another", "PN", "möller", "Müller", false},
        {"the ideographic group", "PN", "山田*", "Yamada^Tarou=山田^太郎", true},
        {"of a name by its groups", "PN", "*=山田*", "Yamada^Tarou=山田^太郎", true},
        {"the wrong group", "PN", "山田*=*", "Yamada^Tarou=山田^太郎", false},
        {"a date", "DA", "20240131", "20240131", true},
        {"a date as old devices write it", "DA", "20240131", "2024.01.31", true},
        {"another date", "DA", "20240131", "20240130", false},
        {"in a range", "DA", "20240101-20240131", "20240131", true},
        {"at its beginning", "DA", "20240101-20240131", "20240101", true},
        {"after it", "DA", "20240101-20240131", "20240201", false},
        {"until", "DA", "-20240131", "19000101", true},
        {"since", "DA", "20240101-", "20991231", true},
        {"not since", "DA", "20240101-", "20231231", false},
        {"a range in years", "DA", "2023-2024", "20241231", true},
        {"no date is in no range", "DA", "20240101-", "", false},
        {"a hyphen alone", "DA", "-", "20240101", false},
        {"a bound that is none", "DA", "2024-01-31", "20240301", false},
        {"a time", "TM", "102030", "102030.000", true},
        {"a time of less precision", "TM", "1020", "102030", true},
        {"a time with colons", "TM", "102030", "10:20:30", true},
        {"times in a range", "TM", "10-11", "113000.5", true},
        {"times after a range", "TM", "10-11", "120000", false},
        {"date and time", "DT", "20240131102030-20240131", "20240131120000.123", true},
        {"date and time before", "DT", "20240131102030-", "20240131102029", false},
        {"an offset is no range", "DT", "20240131102030-0500", "20240131102030", true},
        {"numbers are numbers", "IS", "7", "007", true},
        {"decimals too", "DS", "1.50", "+1.5e0", true},
        {"other numbers", "IS", "7", "70", false},
        {"what is no number is text", "IS", "7a", "7a", true},
        {"codes", "CS", "M?", "MR", true},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        CHECK(matches(vr_named(row.vr), row.key, row.value) == row.match);
    }
}

TEST_CASE("of several values one is enough (PS3.4 C.2.2.2)")
{
    CHECK(matches_any(vr_named("CS"), "MR", "CT\\MR"));
    CHECK_FALSE(matches_any(vr_named("CS"), "M", "CT\\MR"));
    CHECK(matches_any(vr_named("CS"), "", ""));
    CHECK_FALSE(matches_any(vr_named("LT"), "b", "a\\b"));
    CHECK(matches_any(vr_named("LT"), "a\\b", "a\\b"));
}

TEST_CASE("a list of UIDs matches each of them (PS3.4 C.2.2.2.2)")
{
    const std::vector<std::string> uids = {"1.2", "1.3 "};
    CHECK(matches_uid_list(uids, "1.3"));
    CHECK(matches_uid_list(uids, std::string_view("1.2\0", 4)));
    CHECK_FALSE(matches_uid_list(uids, "1.4"));
    CHECK(matches_uid_list({}, "1.4"));
}

TEST_CASE("no pattern takes forever")
{
    std::string pattern;
    for (int i = 0; i < 500; ++i)
        pattern += "a*";
    CHECK_FALSE(matches(vr_named("UT"), pattern + "b", std::string(20'000, 'a')));
}
