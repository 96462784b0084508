// What comes of a retrieve from a web origin, whatever its archive does: exactly which instances
// were given, which are missing and why.
#include "gateway/error.h"

#include <doctest/doctest.h>

#include <atomic>

#include "tests/gateway/wado_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

const Names all{"1.2.3.1.1", "1.2.3.1.2", "1.2.3.1.3", "1.2.3.2.1", "1.2.3.2.2"};

Names without(Names names, const Names& gone)
{
    for (const std::string& one : gone)
        names.erase(one);
    return names;
}

// Two series, of three and two instances.
struct Study : WadoHouse {
    explicit Study(WebRetrieveOptions options = quick()) : WadoHouse(std::move(options))
    {
        for (unsigned number : {3U, 1U, 2U})
            has(instance_of(1, number));
        for (unsigned number : {1U, 2U})
            has(instance_of(2, number));
    }

    // Every byte is right, each came once, and what did not come is missing.
    RetrieveEnd check(const Names& missing)
    {
        RetrieveEnd end = retrieve_study();
        CHECK(missing_of(end) == missing);
        CHECK(taker.received() == without(all, missing));
        CHECK(end.complete == missing.empty());
        CHECK((end.shortfall == Shortfall::none) == missing.empty());
        CHECK_FALSE(taker.twice);
        for (const Sample& sample : find.has)
            if (taker.data_sets.contains(sample.instance))
                CHECK(taker.data_sets[sample.instance] == sample.bytes());
        return end;
    }
};

const char* const series_1 = "/series/1.2.3.1";
const char* const instance_1 = "/instances/1.2.3.1.1";
const char* const instance_2 = "/instances/1.2.3.1.2";
const char* const instance_3 = "/instances/1.2.3.1.3";

std::string file_of(unsigned number)
{
    return instance_of(1, number).file();
}

} // namespace

TEST_CASE("a study comes series by series as it is stored")
{
    Study house;
    const RetrieveEnd end = house.check({});
    CHECK(end.reason.empty());
    REQUIRE(house.taker.expected);
    std::vector<std::string> expected;
    for (const InstanceKey& key : *house.taker.expected)
        expected.push_back(key.sop.sop_instance.str());
    CHECK(expected == std::vector<std::string>(all.begin(), all.end())); // by Instance Number
    CHECK(house.targets().size() == 2);
    CHECK(house.asked_for(series_1) == 1);
    for (const ReceivedRequest& request : house.archive.requests())
        CHECK(
            request.fields.find("Accept") ==
            R"(multipart/related; type="application/dicom"; transfer-syntax=*)"
        );
    const InstanceKey& key = house.taker.keys["1.2.3.2.1"];
    CHECK(key == instance_of(2, 1).key());
}

TEST_CASE("what a status means for a series and for its instances")
{
    struct Row {
        const char* says;
        std::uint16_t series;
        std::uint16_t instance; // 200: they come one by one
        Shortfall shortfall;
        std::size_t series_requests;
        std::size_t instance_requests; // for each
    };

    const Row rows[] = {
        {"204: nothing there", 204, 204, Shortfall::failed, 1, 1},
        {"404: not as a series", 404, 200, Shortfall::none, 1, 1},
        {"404: gone", 404, 404, Shortfall::failed, 1, 1},
        {"410: deleted", 410, 410, Shortfall::failed, 1, 1},
        {"413: too much at once", 413, 200, Shortfall::none, 1, 1},
        {"405: no such resource", 405, 200, Shortfall::none, 1, 1},
        {"403: not this", 403, 403, Shortfall::unauthorised, 1, 1},
        {"406: in no syntax", 406, 406, Shortfall::failed, 2, 2},
        {"400: does not understand", 400, 200, Shortfall::none, 2, 1},
        {"500: cannot as a series", 500, 200, Shortfall::none, 4, 1},
        {"500: cannot", 500, 500, Shortfall::failed, 4, 4},
        {"302: elsewhere", 302, 302, Shortfall::failed, 1, 1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        Study house;
        house.on(series_1, Reply::with(row.series));
        if (row.instance != 200)
            for (const char* target : {instance_1, instance_2, instance_3})
                house.on(target, Reply::with(row.instance));
        const bool lost = row.instance != 200;
        const RetrieveEnd end =
            house.check(lost ? Names{"1.2.3.1.1", "1.2.3.1.2", "1.2.3.1.3"} : Names{});
        CHECK(end.shortfall == row.shortfall);
        CHECK(house.asked_for(series_1) == row.series_requests);
        CHECK(house.asked_for(instance_2) == row.instance_requests);
    }
}

TEST_CASE("an archive that is busy is asked again after a while")
{
    for (const std::uint16_t status :
         std::initializer_list<std::uint16_t>{429, 503, 502, 504, 408}) {
        CAPTURE(status);
        Study house;
        std::atomic<unsigned> refused{0};
        house.on(series_1, [&](const ReceivedRequest&) {
            if (++refused > 2)
                return wado_files({instance_of(1, 1), instance_of(1, 2), instance_of(1, 3)});
            Reply reply = Reply::with(status);
            reply.fields.add("Retry-After", "0");
            return reply;
        });
        CHECK(house.check({}).complete);
        CHECK(house.asked_for(series_1) == 3);
    }
}

TEST_CASE("Retry-After is heeded within bounds")
{
    WebRetrieveOptions options = WadoHouse::quick();
    options.longest_wait = std::chrono::seconds(1);
    Study house(std::move(options));
    std::atomic<bool> refused{false};
    house.on(series_1, [&](const ReceivedRequest&) {
        if (refused.exchange(true))
            return wado_files({instance_of(1, 1), instance_of(1, 2), instance_of(1, 3)});
        Reply reply = Reply::with(503);
        reply.fields.add("Retry-After", "3600");
        return reply;
    });
    const auto started = std::chrono::steady_clock::now();
    CHECK(house.check({}).complete);
    const auto took = std::chrono::steady_clock::now() - started;
    CHECK(took >= std::chrono::milliseconds(990));
    CHECK(took < std::chrono::seconds(20));
}

TEST_CASE("an archive that stays away ends the whole retrieve")
{
    Study house;
    house.on("", Reply::with(503));
    const RetrieveEnd end = house.check(all);
    CHECK(end.shortfall == Shortfall::unavailable);
    CHECK(end.reason.find("HTTP 503") != std::string::npos);
    CHECK(house.targets().size() <= 8); // two series, four attempts each
}

TEST_CASE("an archive that is down is unavailable")
{
    Study house;
    house.archive.go_down();
    CHECK(house.check(all).shortfall == Shortfall::unavailable);
}

TEST_CASE("a silent archive is asked twice and no more")
{
    Study house;
    house.on("", Reply::only(Reply::End::stall));
    CHECK(house.check(all).shortfall == Shortfall::unavailable);
    CHECK(house.targets().size() <= 4);
}

TEST_CASE("credentials that run out in the middle end the retrieve")
{
    WebRetrieveOptions options = WadoHouse::quick();
    options.requests = 1;
    Study house(std::move(options));
    house.on(series_1, wado_files({instance_of(1, 1)}));
    house.on("", Reply::with(401));
    const RetrieveEnd end = house.check(without(all, {"1.2.3.1.1"}));
    CHECK(end.shortfall == Shortfall::unauthorised);
    CHECK(end.reason.find("HTTP 401") != std::string::npos);
    CHECK(house.targets().size() == 2);
}

TEST_CASE("what a 200 or 206 leaves out is asked for by instance")
{
    for (const std::uint16_t status : std::initializer_list<std::uint16_t>{200, 206}) {
        CAPTURE(status);
        Study house;
        house.on(series_1, wado_files({instance_of(1, 2)}, status));
        CHECK(house.check({}).complete);
        CHECK(house.asked_for(instance_1) == 1);
        CHECK(house.asked_for(instance_2) == 0);
        CHECK(house.asked_for(instance_3) == 1);
    }
}

TEST_CASE("what is left out again is missing")
{
    Study house;
    house.on(series_1, wado_files({instance_of(1, 2)}, 206));
    house.on(instance_1, Reply::with(404));
    house.on(instance_3, wado_files({}));
    const RetrieveEnd end = house.check({"1.2.3.1.1", "1.2.3.1.3"});
    CHECK(end.shortfall == Shortfall::failed);
    CHECK(end.missing.front().sop_class.str() == instance_of(1, 1).sop_class);
}

TEST_CASE("an answer that breaks off gives its whole parts and the rest comes by instance")
{
    struct Row {
        const char* says;
        Reply reply;
        std::size_t whole; // parts
    };

    const std::string two = parts_of({file_of(1), file_of(2)}, false);
    const std::string begun = two + "\r\n" + file_of(3).substr(0, 400);
    Reply short_of_length = multipart(parts_of({file_of(1), file_of(2), file_of(3)}));
    short_of_length.cut_after = two.size() + 400;
    short_of_length.end = Reply::End::close;
    Reply reset = short_of_length;
    reset.end = Reply::End::reset;
    Reply stall = short_of_length;
    stall.end = Reply::End::stall;
    Reply until_close = multipart(begun);
    until_close.until_close = true;
    until_close.end = Reply::End::close;
    Reply chunked = multipart(parts_of({file_of(1), file_of(2), file_of(3)}));
    chunked.chunked = true;
    chunked.cut_after = 1'400;
    chunked.end = Reply::End::close;
    const Row rows[] = {
        {"no final boundary", multipart(two), 2},
        {"no final boundary in a part", multipart(begun), 2},
        {"shorter than its Content-Length", short_of_length, 2},
        {"reset", reset, 0}, // what was on its way may be lost with it
        {"silence", stall, 2},
        {"closed", until_close, 2},
        {"no last chunk", chunked, 1},
        {"no boundary at all", multipart("nothing of that"), 0},
        {"nothing after the boundary", multipart("--b\r\n"), 0},
        {"garbage after a boundary", multipart("--b\r\nno field\r\n\r\n"), 0},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        Study house;
        house.on(series_1, row.reply);
        CHECK(house.check({}).complete);
        CHECK(house.asked_for(series_1) == 1);
        CHECK(house.asked_for(instance_3) == 1);
        CHECK(house.asked_for(instance_2) <= (row.whole > 1 ? 0U : 1U));
        CHECK(house.asked_for(instance_1) <= (row.whole > 0 ? 0U : 1U));
    }
}

TEST_CASE("an instance that always breaks off is missing after some attempts")
{
    Study house;
    Reply half = multipart("--b\r\n\r\n" + file_of(3).substr(0, 500));
    house.on(series_1, wado_files({instance_of(1, 1), instance_of(1, 2)}));
    house.on(instance_3, half);
    const RetrieveEnd end = house.check({"1.2.3.1.3"});
    CHECK(end.shortfall == Shortfall::failed);
    CHECK(house.asked_for(instance_3) == 4);
}

TEST_CASE("another content type than asked for is no instance")
{
    const char* const types[] = {
        "text/html",
        "application/dicom+json",
        "multipart/related",
        "multipart/mixed; boundary=b",
        ""
    };
    for (const char* type : types) {
        CAPTURE(type);
        Study house;
        Reply reply = Reply::with(200, parts_of({file_of(1), file_of(2), file_of(3)}));
        reply.fields.add("Content-Type", type);
        house.on(series_1, reply);
        house.on(instance_2, reply);
        CHECK(house.check({"1.2.3.1.2"}).shortfall == Shortfall::failed);
    }
}

TEST_CASE("a single instance may come without multipart")
{
    Study house;
    house.on(series_1, Reply::with(404));
    Reply reply = Reply::with(200, file_of(2));
    reply.fields.add("Content-Type", "application/dicom; transfer-syntax=1.2.840.10008.1.2.1");
    house.on(instance_2, reply);
    CHECK(house.check({}).complete);
}

TEST_CASE("what nobody asked for and what came already is dropped")
{
    Study house;
    Sample other = instance_of(1, 4);
    const std::string html =
        "\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>" + parts_of({file_of(2)}, false);
    const std::string rest = parts_of({other.file(), file_of(1), file_of(1), file_of(3)});
    house.on(series_1, multipart(html.substr(0, html.size() - 7) + rest));
    CHECK(house.check({}).complete);
    CHECK(house.targets().size() == 2);
}

TEST_CASE("an instance whose bytes cannot be trusted is never given")
{
    struct Row {
        const char* says;
        std::string file;
    };

    Sample swapped = instance_of(1, 3);
    const std::string head_of_2 =
        file_of(2).substr(0, file_of(2).size() - instance_of(1, 2).bytes().size());
    const Row rows[] = {
        {"no DICOM at all", "<html>not found</html>" + std::string(200, ' ')},
        {"nothing", ""},
        {"half a head", file_of(2).substr(0, 150)},
        {"a head and no end of its data set", file_of(2).substr(0, file_of(2).size() - 20)},
        {"the data set of another", head_of_2 + swapped.bytes()},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        Study house;
        house.on(series_1, multipart(parts_of({file_of(1), row.file, file_of(3)})));
        CHECK(house.check({}).complete);
        CHECK(house.asked_for(instance_2) == 1); // is there better alone
        Study worse;
        worse.on(series_1, multipart(parts_of({file_of(1), row.file, file_of(3)})));
        worse.on(instance_2, multipart(parts_of({row.file})));
        CHECK(worse.check({"1.2.3.1.2"}).shortfall == Shortfall::failed);
        CHECK(worse.asked_for(instance_2) <= 2);
    }
}

TEST_CASE("where a file's head names another instance the data set says which it is")
{
    Study house;
    const Sample stranger = instance_of(1, 9);
    const Sample two = instance_of(1, 2);
    const std::string file = stranger.file();
    const std::string head = file.substr(0, file.size() - stranger.bytes().size());
    house.on(series_1, multipart(parts_of({file_of(1), head + two.bytes(), file_of(3)})));
    CHECK(house.check({}).complete);
    CHECK(house.asked_for(instance_2) == 0);
}

TEST_CASE("a file without its head is known by its data set")
{
    Study house;
    const Sample two = instance_of(1, 2);
    house.on(series_1, multipart(parts_of({file_of(1), two.bytes(), file_of(3)})));
    CHECK(house.check({}).complete);
    CHECK(house.taker.keys["1.2.3.1.2"].transfer_syntax.str() == two.syntax);
}

TEST_CASE("wanted syntaxes are asked for and what comes instead is given as what it is")
{
    Study house;
    house.taker.accepts = [](const Uid&) {
        return std::vector{*Uid::parse("1.2.840.10008.1.2.4.70"), *Uid::parse("1.2.840.10008.1.2")};
    };
    Sample explicit_2 = instance_of(1, 2);
    explicit_2.syntax = "1.2.840.10008.1.2"; // not allowed on the web, and sent
    house.on(series_1, wado_files({instance_of(1, 1), explicit_2, instance_of(1, 3)}));
    const RetrieveEnd end = house.retrieve_study();
    CHECK(end.complete);
    CHECK(house.taker.keys["1.2.3.1.2"].transfer_syntax.str() == "1.2.840.10008.1.2");
    CHECK(house.taker.data_sets["1.2.3.1.2"] == explicit_2.bytes());
    const std::string type = R"(multipart/related; type="application/dicom"; transfer-syntax=)";
    CHECK(
        house.archive.requests().front().fields.find("Accept") ==
        type + "1.2.840.10008.1.2.4.70;q=1.0, " + type + "1.2.840.10008.1.2.1;q=0.9, " + type +
            "*;q=0.1"
    );
}

TEST_CASE("an archive known not to give series is asked by instance")
{
    Study house;
    house.room->profile.series_level = false;
    CHECK(house.check({}).complete);
    CHECK(house.asked_for(series_1) == 0);
    CHECK(house.targets().size() == 5);
}

TEST_CASE("after 406 or a failed conversion it is asked for as stored")
{
    for (const std::uint16_t status : std::initializer_list<std::uint16_t>{406, 500, 400}) {
        CAPTURE(status);
        Study house;
        house.taker.accepts = [](const Uid&) {
            return std::vector{*Uid::parse("1.2.840.10008.1.2.1")};
        };
        house.on(series_1, [&](const ReceivedRequest& request) {
            if (request.fields.find("Accept").find("q=1.0") != std::string::npos)
                return Reply::with(status);
            return wado_files({instance_of(1, 1), instance_of(1, 2), instance_of(1, 3)});
        });
        CHECK(house.check({}).complete);
        CHECK(house.asked_for(series_1) == 2);
        CHECK(house.targets().size() == 3);
    }
}

TEST_CASE("what the asker cannot take is not fetched and not missing")
{
    Study house;
    Sample report = instance_of(2, 3);
    report.sop_class = "1.2.840.10008.5.1.4.1.1.88.11";
    house.has(report);
    house.taker.accepts = [&](const Uid& sop_class) -> std::optional<std::vector<Uid>> {
        if (sop_class.str() == report.sop_class)
            return std::vector<Uid>{};
        return std::nullopt;
    };
    CHECK(house.retrieve_study().complete);
    CHECK(house.taker.expected->size() == 6);
    CHECK(house.taker.received() == all);
    CHECK(house.asked_for(report.instance) == 0);
}

TEST_CASE("named instances are asked for one by one")
{
    Study house;
    RetrieveQuestion question = of_study();
    question.level = QueryLevel::image;
    question.series.push_back(*Uid::parse("1.2.3.1"));
    for (const char* uid : {"1.2.3.1.1", "1.2.3.1.3", "1.2.3.1.9"})
        question.instances.push_back(*Uid::parse(uid));
    CHECK(house.retrieve(question).complete);
    CHECK(house.taker.received() == Names{"1.2.3.1.1", "1.2.3.1.3"});
    CHECK(house.asked_for(series_1) == 0);
    CHECK(house.targets().size() == 2);
}
