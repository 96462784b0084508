// What a find says where a DICOMweb archive answers badly, late, in half or not at all.
#include "gateway/error.h"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <doctest/doctest.h>

#include <atomic>

#include "tests/gateway/find_support.h"

using namespace gantry;
using namespace gantry::tests;
using namespace std::chrono_literals;

namespace {

/// What a find says of an archive that answers everything like that.
std::string told_of(const Reply& reply, std::size_t* requests = nullptr)
{
    FindHouse house;
    house.archive.otherwise(reply);
    const Found found = house.find();
    if (requests != nullptr)
        *requests = house.archive.requests().size();
    return told(found.end) + (found.uids.empty() ? "" : " with matches");
}

Reply of_type(const char* type, std::string body)
{
    Reply reply = Reply::with(200, std::move(body));
    if (type != nullptr)
        reply.fields.add("Content-Type", type);
    return reply;
}

Reply waiting(std::uint16_t status, const char* seconds)
{
    Reply reply = Reply::with(status);
    reply.fields.add("Retry-After", seconds);
    return reply;
}

} // namespace

TEST_CASE("each answer that is none ends a find as what it is")
{
    struct Row {
        const char* says;
        Reply reply;
        std::size_t requests;
        const char* told;
    };

    const Row rows[] = {
        {"not understood", Reply::with(400), 2, "question: search: HTTP 400"},
        {"no credentials", Reply::with(401), 1, "unauthorised: search: HTTP 401"},
        {"not permitted", Reply::with(403), 1, "unauthorised: search: HTTP 403"},
        {"no such service", Reply::with(404), 1, "failed: search: HTTP 404"},
        {"neither JSON nor XML", Reply::with(406), 2, "failed: search: HTTP 406"},
        {"too much, however little is asked for", Reply::with(413), 4, "limit: search: HTTP 413"},
        {"too long", Reply::with(414), 2, "question: search: HTTP 414"},
        {"overloaded", Reply::with(429), 3, "unavailable: search: HTTP 429"},
        {"soon", waiting(503, "0"), 3, "unavailable: search: HTTP 503"},
        {"not for a while",
         waiting(503, "120"),
         1,
         "unavailable: search: HTTP 503: asks to wait 120 s"},
        {"a gateway's timeout", Reply::with(504), 3, "unavailable: search: HTTP 504"},
        {"broken", Reply::with(500), 1, "failed: search: HTTP 500"},
        {"broken behind", Reply::with(502), 1, "failed: search: HTTP 502"},
        {"elsewhere", Reply::with(302), 1, "failed: search: HTTP 302"},
        {"nothing", Reply::with(204), 1, "complete"},
        {"an empty array", qido_reply("[]"), 1, "complete"},
        {"nothing at all", qido_reply(""), 1, "complete"},
        {"a page for people",
         of_type("text/html; charset=utf-8", "<html>"),
         1,
         "failed: search: answers text/html"},
        {"no JSON", qido_reply("<html>"), 1, "failed: search: JSON: no array of objects: malformed"
        },
        {"an array of numbers",
         qido_reply("[1]"),
         1,
         "failed: search: JSON: no array of objects: malformed"},
        {"half an array", qido_reply("["), 3, "failed: search: JSON: half an array"},
        {"no key",
         qido_reply(R"([{"00100020":{"vr":"LO"}}])"),
         1,
         "failed: search: a match without its unique key"},
        {"reset",
         Reply::only(Reply::End::reset),
         3,
         "unavailable: search: wait: reading: Connection reset by peer: cut short"},
        {"silent", Reply::only(Reply::End::stall), 1, "unavailable: search: wait: reading: timeout"
        },
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        std::size_t requests = 0;
        const std::string told = told_of(row.reply, &requests);
        CHECK(
            told.substr(0, told.find(": reading")) ==
            std::string(row.told).substr(0, std::string(row.told).find(": reading"))
        );
        CHECK(requests == row.requests);
    }
}

TEST_CASE("a find says that an archive is down, and asks again where it comes back")
{
    FindHouse house;
    house.archive.go_down();
    const Found found = house.find();
    CHECK(found.end.shortfall == Shortfall::unavailable);
    CHECK(told(found.end).starts_with("unavailable: search: connect"));
    house.archive.come_back();
    house.archive.then(Reply::with(503))
        .then(qido_reply(studies_json(0, 3)))
        .otherwise(qido_reply("[]"));
    CHECK(house.find().uids.size() == 3);
}

TEST_CASE("results are taken under every name that JSON goes by")
{
    for (const char* const type : {"application/json", "application/dicom+json;charset=utf-8"}) {
        CAPTURE(type);
        FindHouse house;
        house.archive.then(of_type(type, studies_json(0, 2))).otherwise(Reply::with(204));
        CHECK(house.find().uids.size() == 2);
    }
}

TEST_CASE("an answer of 206 goes on behind what it gave")
{
    FindHouse house;
    Reply partial = qido_reply(studies_json(0, 5));
    partial.status = 206;
    house.learned.page_size = 1'000; // else a short page is no end in any case
    house.archive.then(partial).then(qido_reply(studies_json(5, 7)));
    const Found found = house.find();
    CHECK(told(found.end) == "complete");
    CHECK(found.uids.size() == 7);
    CHECK(house.targets().back() == "/studies?includefield=00100020&limit=200&offset=5");
}

TEST_CASE("an answer that breaks off is taken up behind the last whole match")
{
    const std::string whole = studies_json(0, 10);
    Reply half = qido_reply(whole);
    half.cut_after = 400; // of head and body
    half.end = Reply::End::close;
    Reply no_end = qido_reply(whole.substr(0, whole.find("1.2.4")));
    for (const Reply& broken : {half, no_end}) {
        FindHouse house;
        house.archive.then(broken).otherwise([](const ReceivedRequest& request) {
            return StudyArchive{.count = 10}.answer(request);
        });
        const Found found = house.find();
        CHECK(told(found.end) == "complete");
        REQUIRE(found.uids.size() == 10);
        for (unsigned i = 0; i < 10; ++i)
            CHECK(found.uids[i] == "1.2." + std::to_string(i));
        CHECK_FALSE(parameter(house.archive.requests()[1], "offset").empty());
    }
}

TEST_CASE("an answer that keeps breaking off ends the find with what came, and says so")
{
    FindHouse house;
    house.archive.otherwise(qido_reply("[" + study_json(0) + "," + study_json(1) + ","));
    const Found found = house.find();
    CHECK(told(found.end) == "failed: search: JSON: half an array");
    CHECK(found.uids.size() == 2);
}

TEST_CASE("a failure on a later page is no end")
{
    FindHouse house;
    const StudyArchive archive{.count = 400, .cap = 100};
    house.archive.otherwise([archive](const ReceivedRequest& request) {
        return parameter(request, "offset") == "200" ? Reply::with(401) : archive.answer(request);
    });
    const Found found = house.find();
    CHECK(told(found.end) == "unauthorised: search: HTTP 401");
    CHECK(found.uids.size() == 200);
}

TEST_CASE("a page that is refused for a moment is asked for again")
{
    FindHouse house;
    const StudyArchive archive{.count = 400, .cap = 100};
    std::atomic<int> refused = 0;
    house.archive.otherwise([&, archive](const ReceivedRequest& request) {
        const bool later = parameter(request, "offset") == "200" && refused++ < 2;
        return later ? waiting(429, "0") : archive.answer(request);
    });
    const Found found = house.find();
    CHECK(told(found.end) == "complete");
    CHECK(found.uids.size() == 400);
    CHECK(refused == 3);
}

TEST_CASE("an unknown study has no series and no instances")
{
    for (const QueryLevel level : {QueryLevel::series, QueryLevel::image}) {
        FindHouse house;
        house.archive.otherwise(Reply::with(404));
        const Found found =
            house.find(FindHouse::question(level, {{"0020000D", "1.2"}, {"0020000E", "1.2.3"}}));
        CHECK(told(found.end) == "complete");
    }
}

TEST_CASE("a match too large to be one ends the find")
{
    FindHouse house;
    house.limits.max_match = {1'000};
    house.archive.otherwise(
        qido_reply(R"([{"00081030":{"vr":"LO","Value":[")" + std::string(5'000, 'x') + R"("]}}])")
    );
    CHECK(told(house.find().end) == "failed: search: JSON: an object: too large");
}

TEST_CASE("a value that cannot be read does not cost the match")
{
    FindHouse house;
    house.archive
        .then(qido_reply(
            R"([{"0020000D":{"vr":"UI","Value":["1.2"]},"00201206":{"vr":"IS","Value":[{}]}}])"
        ))
        .otherwise(qido_reply("[]"));
    CHECK(house.find().uids == std::vector<std::string>{"1.2"});
}

TEST_CASE("the asker's error ends the find and the request")
{
    FindHouse house;
    house.archive.otherwise([](const ReceivedRequest& request) {
        return StudyArchive{.count = 5'000}.answer(request);
    });
    house.on_match = [](std::size_t number) -> asio::awaitable<Result<void>> {
        if (number == 150)
            co_return error(Errc::closed, "gone");
        co_return Result<void>{};
    };
    const Found found = house.find();
    CHECK_FALSE(found.end.complete);
    CHECK(found.uids.size() == 150);
    CHECK(house.archive.requests().size() <= 3);
}

TEST_CASE("patients are no question for a DICOMweb archive")
{
    FindHouse house;
    const Found found = house.find(FindHouse::question(QueryLevel::patient, {{"00100020", ""}}));
    CHECK(found.end.shortfall == Shortfall::question);
    CHECK(house.archive.requests().empty());
}
