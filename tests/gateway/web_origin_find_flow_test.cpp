// How matches flow from a DICOMweb archive to who asks: as they come, no faster than they are
// taken, and no longer than they are wanted; and how a hierarchy is walked where an archive has no
// lists.
#include <dcmtk/config/osconfig.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <dcmtk/dcmdata/dcdatset.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "tests/gateway/find_support.h"

using namespace gantry;
using namespace gantry::tests;
using namespace std::chrono_literals;

namespace {

std::string entity(const std::map<std::string, std::string>& uids)
{
    std::string out = "{";
    for (const auto& [tag, uid] : uids)
        out +=
            (out.size() == 1 ? "\"" : ",\"") + tag + R"(":{"vr":"UI","Value":[")" + uid + R"("]})";
    return out + "}";
}

/// Two studies 1.1 and 1.2 of two series 1.1.1 ... of two instances 1.1.1.1 ..., lists only.
Reply hierarchy(const ReceivedRequest& request, std::uint16_t no_list)
{
    std::string path = request.target.substr(std::string("/dicom-web").size());
    path = path.substr(0, path.find('?'));
    if (!parameter(request, "offset").empty())
        return qido_reply("[]");
    const auto list = [](const std::string& parent, const std::string& tag) {
        return qido_reply(
            "[" + entity({{tag, parent + ".1"}}) + "," + entity({{tag, parent + ".2"}}) + "]"
        );
    };
    const std::size_t depth = static_cast<std::size_t>(std::ranges::count(path, '/'));
    if (path == "/studies")
        return list("1", "0020000D");
    if (depth == 3 && path.ends_with("/series"))
        return list(path.substr(9, 3), "0020000E");
    if (depth == 5)
        return list(path.substr(20, 5), "00080018");
    return Reply::with(no_list);
}

} // namespace

TEST_CASE("the first match is given before the last page is asked for")
{
    FindHouse house;
    house.archive.otherwise([](const ReceivedRequest& request) {
        return StudyArchive{.count = 1'000, .cap = 100}.answer(request);
    });
    std::size_t asked_at_first = 0;
    house.on_match = [&](std::size_t number) -> asio::awaitable<Result<void>> {
        if (number == 1)
            asked_at_first = house.archive.requests().size();
        co_return Result<void>{};
    };
    CHECK(house.find().uids.size() == 1'000);
    CHECK(asked_at_first == 1);
    CHECK(house.archive.requests().size() >= 10);
}

TEST_CASE("the next page is asked for while one is given, and no more than that")
{
    FindHouse house;
    house.limits.first_page = 100;
    house.limits.page = 100;
    house.archive.otherwise([](const ReceivedRequest& request) {
        return StudyArchive{.count = 1'000}.answer(request);
    });
    std::vector<std::size_t> asked;
    house.on_match = [&](std::size_t number) -> asio::awaitable<Result<void>> {
        if (number % 100 == 50) {
            asio::steady_timer pause(co_await asio::this_coro::executor, 20ms);
            (void)co_await pause.async_wait(use_tuple);
            asked.push_back(house.archive.requests().size());
        }
        co_return Result<void>{};
    };
    CHECK(house.find().uids.size() == 1'000);
    REQUIRE(asked.size() == 10);
    for (std::size_t page = 3; page <= 10; ++page) {
        CHECK(asked[page - 1] >= page);
        CHECK(asked[page - 1] <= page + 1);
    }
    CHECK(asked[5] == 7);
}

TEST_CASE("a slow asker holds the archive back")
{
    FindHouse house;
    const std::string wide(200'000, 'x'); // of 200 results, far more than sockets buffer
    std::string body = "[";
    for (unsigned i = 0; i < 200; ++i)
        body += (i == 0 ? "" : ",") + std::string(R"({"0020000D":{"vr":"UI","Value":["1.2.)") +
                std::to_string(i) + R"("]},"00104000":{"vr":"LT","Value":[")" + wide + R"("]}})";
    house.archive.then(qido_reply(body + "]")).otherwise(qido_reply("[]"));
    std::size_t taken = 0;
    house.on_match = [&](std::size_t number) -> asio::awaitable<Result<void>> {
        if (number == 3) {
            asio::steady_timer pause(co_await asio::this_coro::executor, 50ms);
            (void)co_await pause.async_wait(use_tuple);
            taken = house.archive.connections(); // still the one
            CHECK(house.archive.requests().size() == 1);
        }
        co_return Result<void>{};
    };
    CHECK(house.find().uids.size() == 200);
    CHECK(taken == 1);
}

TEST_CASE("a find that is cancelled ends at once, and its request with it")
{
    for (const bool waits : {true, false}) { // for the answer, or in its middle
        FindHouse house;
        Reply reply = waits ? Reply::only(Reply::End::stall) : qido_reply(studies_json(0, 1'000));
        if (!waits) {
            reply.cut_after = 5'000;
            reply.end = Reply::End::stall;
        }
        house.archive.otherwise(reply);

        struct Sink final : FindSink {
            asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset>) override
            {
                co_return Result<void>{};
            }
        } sink;

        asio::cancellation_signal cancel;
        bool ended = false;
        const auto room = house.room();
        auto task = find_by_qido(room, FindHouse::studies(), sink);
        asio::co_spawn(
            house.loop,
            std::move(task),
            asio::bind_cancellation_slot(
                cancel.slot(), [&](std::exception_ptr, FindEnd) { ended = true; }
            )
        );
        while (!house.archive.wait_for_requests(1, 0ms))
            house.loop.run_for(1ms);
        house.loop.run_for(10ms);
        REQUIRE_FALSE(ended);
        cancel.emit(asio::cancellation_type::terminal);
        const auto from = std::chrono::steady_clock::now();
        while (!ended && std::chrono::steady_clock::now() - from < 1s)
            house.loop.run_for(1ms);
        CHECK(ended);
        CHECK(std::chrono::steady_clock::now() - from < 100ms);
    }
}

TEST_CASE("a hierarchy is walked where an archive has no list of all (PS3.18 10.6.1)")
{
    for (const unsigned status : {400U, 404U, 405U, 501U}) {
        const auto no_list = static_cast<std::uint16_t>(status);
        CAPTURE(no_list);
        FindHouse house;
        house.archive.otherwise([no_list](const ReceivedRequest& request) {
            return hierarchy(request, no_list);
        });
        const Found series = house.find(FindHouse::question(QueryLevel::series, {}));
        CHECK(told(series.end) == "complete");
        CHECK(series.uids == std::vector<std::string>{"1.1.1", "1.1.2", "1.2.1", "1.2.2"});

        const Found of_study =
            house.find(FindHouse::question(QueryLevel::image, {{"0020000D", "1.2"}}));
        CHECK(told(of_study.end) == "complete");
        CHECK(
            of_study.uids == std::vector<std::string>{"1.2.1.1", "1.2.1.2", "1.2.2.1", "1.2.2.2"}
        );

        const Found all = house.find(FindHouse::question(QueryLevel::image, {}));
        CHECK(told(all.end) == "complete");
        CHECK(all.uids.size() == 8);

        FindQuestion some = FindHouse::question(QueryLevel::image, {});
        some.offset = 3;
        some.limit = 2;
        CHECK(house.find(some).uids == std::vector<std::string>{"1.1.2.2", "1.2.1.1"});
    }
}

TEST_CASE("a list that an archive does not have is asked for once")
{
    FindHouse house;
    house.archive.otherwise([](const ReceivedRequest& request) { return hierarchy(request, 404); });
    (void)house.find(FindHouse::question(QueryLevel::image, {{"0020000D", "1.2"}}));
    (void)house.find(FindHouse::question(QueryLevel::image, {{"0020000D", "1.1"}}));
    unsigned lists = 0;
    for (const std::string& target : house.targets())
        lists += target.starts_with("/studies/1.1/instances") ||
                         target.starts_with("/studies/1.2/instances")
                     ? 1
                     : 0;
    CHECK(lists == 1);
}

TEST_CASE("a walk ends where it would have no end")
{
    FindHouse house;
    house.limits.max_parents = 1;
    house.archive.otherwise([](const ReceivedRequest& request) { return hierarchy(request, 404); });
    const Found found = house.find(FindHouse::question(QueryLevel::series, {}));
    CHECK(found.end.shortfall == Shortfall::limit);
    CHECK_FALSE(found.end.complete);
}

TEST_CASE("what the path says of a match is filled in")
{
    FindHouse house;
    house.archive.then(qido_reply("[" + entity({{"00080018", "1.9"}}) + "]"))
        .otherwise(qido_reply("[]"));

    struct Sink final : FindSink {
        asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
        {
            match_ = std::move(attributes);
            co_return Result<void>{};
        }

        std::unique_ptr<DcmDataset> match_;
    } sink;

    const FindEnd end = run(
        house.loop,
        find_by_qido(
            house.room(),
            FindHouse::question(QueryLevel::image, {{"0020000D", "1.2"}, {"0020000E", "1.2.3"}}),
            sink
        )
    );
    REQUIRE(end.complete);
    OFString text;
    CHECK(sink.match_->findAndGetOFString(DcmTagKey(0x0020, 0x000d), text).good());
    CHECK(std::string(text.c_str()) == "1.2");
    CHECK(sink.match_->findAndGetOFString(DcmTagKey(0x0020, 0x000e), text).good());
    CHECK(std::string(text.c_str()) == "1.2.3");
}

TEST_CASE("an archive that has XML only is read all the same (PS3.19 A.1)")
{
    FindHouse house;
    const std::string study =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><NativeDicomModel>"
        "<DicomAttribute tag=\"0020000D\" vr=\"UI\"><Value "
        "number=\"1\">1.2.0</Value></DicomAttribute>"
        "<DicomAttribute tag=\"00100010\" vr=\"PN\"><PersonName number=\"1\"><Alphabetic>"
        "<FamilyName>M\xc3\xbcller</FamilyName><GivenName>Ute</GivenName></Alphabetic></PersonName>"
        "</DicomAttribute></NativeDicomModel>";
    house.archive.otherwise([study](const ReceivedRequest& request) {
        if (request.fields.find("Accept").find("dicom+xml") == std::string_view::npos)
            return Reply::with(406);
        if (!parameter(request, "offset").empty())
            return Reply::with(204);
        Reply reply = Reply::with(
            200, "--b\r\nContent-Type: application/dicom+xml\r\n\r\n" + study + "\r\n--b--\r\n"
        );
        reply.fields.add(
            "Content-Type", R"(multipart/related; type="application/dicom+xml"; boundary=b)"
        );
        return reply;
    });

    struct Sink final : FindSink {
        asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
        {
            OFString text;
            (void)attributes->findAndGetOFString(DcmTagKey(0x0010, 0x0010), text);
            names.emplace_back(text.c_str());
            co_return Result<void>{};
        }

        std::vector<std::string> names;
    } sink;

    const FindEnd end = run(house.loop, find_by_qido(house.room(), FindHouse::studies(), sink));
    CHECK(told(end) == "complete");
    CHECK(sink.names == std::vector<std::string>{"M\xc3\xbcller^Ute"});
    CHECK(house.learned.xml_only);
}
