// How a find pages through a DICOMweb archive, whatever its habits.
#include "gateway/error.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/gateway/find_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

/// Every study of the archive, once, in order.
void check_all(const Found& found, unsigned count)
{
    CHECK(told(found.end) == "complete");
    REQUIRE(found.uids.size() == count);
    for (unsigned i = 0; i < count; ++i)
        REQUIRE(found.uids[i] == "1.2." + std::to_string(i));
}

void stands_in(FindHouse& house, StudyArchive archive)
{
    house.archive.otherwise([archive](const ReceivedRequest& request) {
        return archive.answer(request);
    });
}

} // namespace

TEST_CASE("a find reads every page of an archive, whatever it does with limit and offset")
{
    struct Row {
        const char* says;
        StudyArchive archive;
    };

    std::vector<Row> rows;
    for (const unsigned count : {0U, 1U, 37U, 99U, 100U, 101U, 400U, 2'345U}) {
        rows.push_back({"as the standard wants it", {.count = count}});
        rows.push_back({"caps at 200", {.count = count, .cap = 200}});
        rows.push_back({"caps at 100 and warns", {.count = count, .cap = 100, .warns = true}});
        rows.push_back({"caps at 7", {.count = std::min(count, 120U), .cap = 7}});
        rows.push_back({"ignores limit", {.count = count, .honours_limit = false}});
        rows.push_back(
            {"ignores limit, caps at 100", {.count = count, .cap = 100, .honours_limit = false}}
        );
        if (count != 100) // which looks like a cap
            rows.push_back({"ignores offset", {.count = count, .honours_offset = false}});
        rows.push_back({"repeats results", {.count = count, .overlap = 3}});
    }
    rows.push_back({"ignores both", {.count = 137, .honours_limit = false, .honours_offset = false}}
    );
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        CAPTURE(row.archive.count);
        FindHouse house;
        stands_in(house, row.archive);
        check_all(house.find(), row.archive.count);
        check_all(house.find(), row.archive.count); // with what has been learned
    }
}

TEST_CASE("an archive that keeps pages back is not taken for complete")
{
    const StudyArchive archives[] = {
        {.count = 400, .cap = 100, .honours_offset = false},
        {.count = 400, .cap = 100, .honours_limit = false, .honours_offset = false},
        {.count = 100, .cap = 100, .honours_offset = false}, // who knows
        {.count = 400, .cap = 37, .honours_offset = false, .warns = true},
    };
    for (const StudyArchive& archive : archives) {
        CAPTURE(archive.cap);
        FindHouse house;
        stands_in(house, archive);
        const Found found = house.find();
        CHECK(told(found.end) == "limit: search: the origin does not give all pages");
        CHECK(found.uids.size() == archive.cap);
    }
}

TEST_CASE("a short page is the end once it is known how large a page can be")
{
    FindHouse house;
    house.archive.otherwise([](const ReceivedRequest& request) {
        const bool one = request.target.find("PatientID=") != std::string::npos;
        return StudyArchive{.count = one ? 20U : 500U}.answer(request);
    });
    const FindQuestion question = FindHouse::question(QueryLevel::study, {{"00100020", "4711"}});
    check_all(house.find(question), 20);
    CHECK(house.targets().back() == "/studies?limit=200"); // once for each archive
    CHECK(house.archive.requests().size() == 2);
    check_all(house.find(question), 20);
    CHECK(house.archive.requests().size() == 3);
}

TEST_CASE("a short page of a small archive may be a cap as well as the end")
{
    FindHouse house;
    stands_in(house, {.count = 20});
    check_all(house.find(), 20);
    check_all(house.find(), 20);
    CHECK(house.targets().back() == "/studies?includefield=00100020&limit=200&offset=20");
}

TEST_CASE("no more is asked for than there can be")
{
    FindHouse house;
    stands_in(house, {.count = 2});
    const Found found =
        house.find(FindHouse::question(QueryLevel::study, {{"0020000D", "1.2.0\\1.2.1"}}));
    check_all(found, 2);
    CHECK(
        house.targets() == std::vector<std::string>{"/studies?StudyInstanceUID=1.2.0,1.2.1&limit=2"}
    );
}

TEST_CASE("limit and offset of the question are kept exactly")
{
    struct Row {
        std::uint64_t offset;
        std::optional<std::uint64_t> limit;
        unsigned first; // the result, of 260 studies
        unsigned count;
    };

    const Row rows[] = {
        {0, 10, 0, 10},
        {0, 260, 0, 260},
        {0, 261, 0, 260},
        {5, 10, 5, 10},
        {120, 100, 120, 100},
        {255, 10, 255, 5},
        {260, 10, 260, 0},
        {300, 10, 260, 0},
        {0, 0, 0, 0},
        {100, std::nullopt, 100, 160},
    };
    const StudyArchive archives[] = {
        {.count = 260},
        {.count = 260, .cap = 30},
        {.count = 260, .honours_limit = false},
        {.count = 260, .honours_offset = false},
    };
    for (const StudyArchive& archive : archives) {
        FindHouse house;
        stands_in(house, archive);
        for (const Row& row : rows) {
            CAPTURE(row.offset);
            CAPTURE(row.limit.value_or(9'999));
            FindQuestion question = FindHouse::studies();
            question.offset = row.offset;
            question.limit = row.limit;
            const Found found = house.find(std::move(question));
            CHECK(told(found.end) == "complete");
            REQUIRE(found.uids.size() == row.count);
            for (unsigned i = 0; i < row.count; ++i)
                CHECK(found.uids[i] == "1.2." + std::to_string(row.first + i));
        }
    }
}

TEST_CASE("how many matches are beyond the limit is told where the archive says so")
{
    FindHouse house;
    stands_in(house, {.count = 42, .warns = true});
    FindQuestion question = FindHouse::studies();
    question.limit = 10;
    const Found found = house.find(std::move(question));
    CHECK(told(found.end) == "complete");
    CHECK(found.end.remaining == 32);
}

TEST_CASE("an offset is left to the archive once it has shown that it honours it")
{
    FindHouse house;
    stands_in(house, {.count = 250});
    check_all(house.find(), 250);
    const std::size_t before = house.archive.requests().size();
    FindQuestion question = FindHouse::studies();
    question.offset = 200;
    question.limit = 10;
    const Found found = house.find(std::move(question));
    REQUIRE(found.uids.size() == 10);
    CHECK(found.uids.front() == "1.2.200");
    REQUIRE(house.targets().size() == before + 1);
    CHECK(house.targets().back() == "/studies?includefield=00100020&limit=10&offset=200");
}

TEST_CASE("an archive that refuses a large limit is asked for less")
{
    for (const std::uint16_t status : {std::uint16_t(400), std::uint16_t(413)}) {
        FindHouse house;
        const StudyArchive archive{.count = 450};
        house.archive.otherwise([archive, status](const ReceivedRequest& request) {
            const bool large = std::stoul(parameter(request, "limit")) > 200;
            return large ? Reply::with(status) : archive.answer(request);
        });
        check_all(house.find(), 450);
        const std::size_t before = house.archive.requests().size();
        check_all(house.find(), 450);
        const auto requests = house.archive.requests();
        for (std::size_t i = before; i < requests.size(); ++i)
            CHECK(std::stoul(parameter(requests[i], "limit")) <= 250);
    }
}

TEST_CASE("a profile's page size is the largest that is asked for")
{
    FindHouse house;
    house.profile.search.page_size = 50;
    house.learned = known_of(house.profile);
    stands_in(house, {.count = 120, .cap = 50});
    check_all(house.find(), 120);
    for (const ReceivedRequest& request : house.archive.requests())
        CHECK(parameter(request, "limit") == "50");
    CHECK(house.archive.requests().size() <= 4); // the last is short, one may be asked for ahead
}

TEST_CASE("several values of a key are asked for by themselves and united")
{
    FindHouse house;
    house.limits.first_page = 100;
    house.archive.otherwise([](const ReceivedRequest& request) {
        const bool ct = parameter(request, "ModalitiesInStudy") == "CT";
        const StudyArchive archive{.count = 150};
        Reply reply = archive.answer(request);
        if (!ct) // 50 to 249: the first hundred were found by the other request
            reply = parameter(request, "offset").empty()    ? qido_reply(studies_json(50, 150))
                    : parameter(request, "offset") == "100" ? qido_reply(studies_json(150, 250))
                                                            : qido_reply("[]");
        return reply;
    });
    const Found found =
        house.find(FindHouse::question(QueryLevel::study, {{"00080061", "CT\\MR"}}));
    check_all(found, 250);
}

TEST_CASE("limit and offset count what several requests give together")
{
    FindHouse house;
    house.archive.otherwise([](const ReceivedRequest& request) {
        if (!parameter(request, "offset").empty())
            return qido_reply("[]");
        const bool ct = parameter(request, "ModalitiesInStudy") == "CT";
        return qido_reply(ct ? studies_json(0, 5) : studies_json(3, 9));
    });
    FindQuestion question = FindHouse::question(QueryLevel::study, {{"00080061", "CT\\MR"}});
    question.offset = 4;
    question.limit = 3;
    const Found found = house.find(std::move(question));
    CHECK(told(found.end) == "complete");
    CHECK(found.uids == std::vector<std::string>{"1.2.4", "1.2.5", "1.2.6"});
}

TEST_CASE("a caret is sent raw to an archive that does not decode it")
{
    FindHouse house;
    house.archive.otherwise([](const ReceivedRequest& request) {
        const bool raw = request.target.find("DOE^J*") != std::string::npos;
        return qido_reply(raw ? studies_json(0, 1) : "[]");
    });
    const FindQuestion question = FindHouse::question(QueryLevel::study, {{"00100010", "DOE^J*"}});
    check_all(house.find(question), 1);
    CHECK(house.learned.raw_caret);
    const std::size_t before = house.archive.requests().size();
    check_all(house.find(question), 1);
    CHECK(house.targets()[before].starts_with("/studies?PatientName=DOE^J*&"));
}

TEST_CASE("what is found by plain values does not hide what an archive cannot read")
{
    FindHouse house;
    house.archive.otherwise([](const ReceivedRequest& request) {
        const bool plain = request.target.find("Description=HEAD") != std::string::npos;
        const bool widened = request.target.find("Description=A*B") != std::string::npos;
        return qido_reply(plain ? studies_json(0, 1) : widened ? studies_json(1, 2) : "[]");
    });
    const Found found =
        house.find(FindHouse::question(QueryLevel::study, {{"00081030", "HEAD\\A B"}}));
    CHECK(told(found.end) == "complete");
    CHECK(
        std::set(found.uids.begin(), found.uids.end()) == std::set<std::string>{"1.2.0", "1.2.1"}
    );
}

TEST_CASE("an archive that ignores a key is not taken for one that decodes it")
{
    FindHouse house;
    house.archive.otherwise([](const ReceivedRequest& request) {
        const bool name = request.target.find("PatientName") != std::string::npos;
        const bool read = request.target.find("PatientName=J*rg&") != std::string::npos;
        return qido_reply(!name || read ? studies_json(0, 1) : "[]");
    });
    check_all(house.find(FindHouse::question(QueryLevel::study, {{"00081030", "A B"}})), 1);
    check_all(house.find(FindHouse::question(QueryLevel::study, {{"00100010", "J\xc3\xb6rg"}})), 1);
    CHECK_FALSE(house.learned.raw_caret); // it was asked for more: that says nothing
}

TEST_CASE("an archive that decodes is not asked twice")
{
    FindHouse house;
    house.archive.otherwise([](const ReceivedRequest& request) {
        const bool there = request.target.find("DOE%5EJ*") != std::string::npos;
        return qido_reply(
            there && parameter(request, "offset").empty() ? studies_json(0, 1) : "[]"
        );
    });
    check_all(house.find(FindHouse::question(QueryLevel::study, {{"00100010", "DOE^J*"}})), 1);
    const std::size_t before = house.archive.requests().size();
    check_all(house.find(FindHouse::question(QueryLevel::study, {{"00100010", "ROE^J*"}})), 0);
    CHECK(house.archive.requests().size() == before + 1);
}

TEST_CASE("date and time ranges go apart unless the archive is known to take them for one")
{
    const auto asked = [](std::optional<bool> combines, std::optional<std::uint64_t> limit) {
        FindHouse house;
        house.profile.search.combines_date_time = combines;
        house.archive.otherwise(qido_reply("[]"));
        FindQuestion question = FindHouse::question(
            QueryLevel::study, {{"00080020", "20240101-20240131"}, {"00080030", "1000-1800"}}
        );
        question.combined_date_time = true;
        question.limit = limit;
        (void)house.find(std::move(question));
        return house.targets().front().find("StudyTime=") == std::string::npos ? "date" : "both";
    };
    CHECK(asked(std::nullopt, std::nullopt) == std::string("date"));
    CHECK(asked(false, std::nullopt) == std::string("date"));
    CHECK(asked(true, std::nullopt) == std::string("both"));
    CHECK(asked(std::nullopt, 10) == std::string("both")); // nobody matches after the limit
}
