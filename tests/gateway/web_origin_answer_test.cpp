// What becomes of instances for everything that a DICOMweb archive may answer to STOW-RS.
#include "mapping/file_meta.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/gateway/stow_support.h"

using namespace gantry;
using namespace gantry::tests;
using namespace std::chrono_literals;
using Kind = StoreOutcome::Kind;

namespace {

std::vector<Sample> samples(unsigned count)
{
    std::vector<Sample> made;
    for (unsigned i = 1; i <= count; ++i)
        made.push_back(sample(i));
    return made;
}

// Answers by the instances of a request, once it is read.
StowHouse::Stow report_of(std::uint16_t status, std::map<std::string, unsigned> reasons)
{
    return [status, reasons](const ReceivedRequest&) {
        Reply reply = Reply::json(status, "");
        reply.body_of = [reasons](const ReceivedRequest& request) {
            std::vector<std::pair<std::string, unsigned>> all;
            for (const std::string& uid : instances_in(request))
                all.emplace_back(uid, reasons.contains(uid) ? reasons.at(uid) : 0);
            return stow_report(all);
        };
        return reply;
    };
}

StowHouse::Stow always(Reply reply)
{
    return [reply](const ReceivedRequest&) { return reply; };
}

Reply with_field(Reply reply, const char* name, const char* value)
{
    reply.fields.add(name, value);
    return reply;
}

} // namespace

TEST_CASE("a batch is one multipart request of whole DICOM files with its length known before")
{
    StowHouse house;
    const auto outcomes = house.store(samples(3));
    REQUIRE(outcomes.size() == 3);
    for (const StoreOutcome& outcome : outcomes)
        CHECK(told(outcome) == "stored: 200 stored");
    const auto posts = house.stow_requests();
    REQUIRE(posts.size() == 1);
    CHECK(posts[0].target == "/dicom-web/studies");
    CHECK(posts[0].complete);
    CHECK(posts[0].fields.find("Content-Length") == std::to_string(posts[0].body_bytes));
    CHECK(posts[0].fields.find("Transfer-Encoding").empty());
    CHECK(posts[0].fields.find("Accept") == "application/dicom+json");
    CHECK(posts[0]
              .fields.find("Content-Type")
              .starts_with("multipart/related; type=\"application/dicom\"; boundary="));
    REQUIRE(posts[0].parts.size() == 3);
    for (unsigned i = 0; i < 3; ++i) {
        CHECK(posts[0].parts[i].fields.find("Content-Type") == "application/dicom");
        CHECK(posts[0].parts[i].hash == content_hash(sample(i + 1).file()));
    }
}

TEST_CASE("each study goes in a request of its own")
{
    StowHouse house;
    auto batch = samples(4);
    batch[1].study = "1.2.99";
    batch[3].study = "1.2.99";
    const auto outcomes = house.store(batch);
    CHECK(std::ranges::all_of(outcomes, [](const auto& o) { return o.kind == Kind::stored; }));
    using Uids = std::vector<std::string>;
    CHECK(
        house.posts() ==
        std::vector<Uids>{
            {batch[0].instance, batch[2].instance}, {batch[1].instance, batch[3].instance}
        }
    );
}

TEST_CASE("what becomes of a single instance, by the answer")
{
    struct Row {
        const char* says;
        Reply reply;
        Kind kind;
        std::optional<std::chrono::seconds> retry_after = {};
    };

    const std::string uid = sample(1).instance;
    const auto reason = [&](std::uint16_t status, unsigned code) {
        return Reply::json(status, stow_report({{uid, code}}));
    };
    Reply date = with_field(Reply::with(503), "Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    date = with_field(date, "Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT");
    Reply xml = Reply::with(
        200,
        "<NativeDicomModel><DicomAttribute tag=\"00081199\" vr=\"SQ\"><Item number=\"1\">"
        "<DicomAttribute tag=\"00081155\" vr=\"UI\"><Value number=\"1\">" +
            uid + "</Value></DicomAttribute></Item></DicomAttribute></NativeDicomModel>"
    );
    const std::string text_reason = R"({"00081198":{"Value":[{"00081155":{"Value":[")" + uid +
                                    R"("]},"00081197":{"vr":"US","Value":["42752"]}}]}})";
    const std::vector<Row> rows = {
        {"200, named as stored", reason(200, 0), Kind::stored},
        {"the same in XML", with_field(xml, "Content-Type", "application/dicom+xml"), Kind::stored},
        {"202 with a warning", reason(202, 0xb000), Kind::stored_changed},
        {"200, listed as failed", reason(200, 0xa900), Kind::refused},
        {"out of resources", reason(202, 0xa700), Kind::transient},
        {"a reason as text", Reply::json(409, text_reason), Kind::transient},
        {"processing failure", reason(409, 0x0110), Kind::limited},
        {"class not supported", reason(409, 0x0122), Kind::refused},
        {"syntax not supported, and nothing else to offer", reason(409, 0xc122), Kind::refused},
        {"being stored at this moment", reason(409, 0xb00f), Kind::transient},
        {"not authorised, by the report", reason(409, 0x0124), Kind::unavailable},
        {"400", Reply::with(400), Kind::refused},
        {"401", Reply::with(401), Kind::unavailable},
        {"403", Reply::with(403), Kind::unavailable},
        {"404", Reply::with(404), Kind::unavailable},
        {"408", Reply::with(408), Kind::transient},
        {"409 without a report, and not there", Reply::with(409), Kind::limited},
        {"411", Reply::with(411), Kind::limited},
        {"413", Reply::with(413), Kind::refused},
        {"415", Reply::with(415), Kind::unavailable},
        {"429", with_field(Reply::with(429), "Retry-After", "7"), Kind::unavailable, 7s},
        {"500 of a server that is well", Reply::with(500), Kind::limited},
        {"501", Reply::with(501), Kind::refused},
        {"502 of a server that is well", Reply::with(502), Kind::limited},
        {"503", with_field(Reply::with(503), "Retry-After", "120"), Kind::unavailable, 120s},
        {"503 until a date", date, Kind::unavailable, 60s},
        {"504, and not there", Reply::with(504), Kind::transient},
        {"507", Reply::with(507), Kind::unavailable},
        {"302", with_field(Reply::with(302), "Location", "/x"), Kind::unavailable},
        {"200 that names nobody, and not there", Reply::json(200, "{}"), Kind::transient},
        {"200 with garbage, and not there", Reply::json(200, "{\"0008"), Kind::transient},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        StowHouse house;
        house.on_stow(always(row.reply));
        const auto outcomes = house.store({sample(1)});
        REQUIRE(outcomes.size() == 1);
        CAPTURE(told(outcomes[0]));
        CHECK(outcomes[0].kind == row.kind);
        CHECK_FALSE(outcomes[0].answer.empty());
        if (row.retry_after)
            CHECK(outcomes[0].retry_after == row.retry_after);
        CHECK(house.posts().size() == 1);
    }
}

TEST_CASE("202 with one failure among ten: nine are stored and one is not")
{
    StowHouse house;
    house.on_stow(report_of(202, {{sample(4).instance, 0xa900}}));
    const auto outcomes = house.store(samples(10));
    REQUIRE(outcomes.size() == 10);
    for (unsigned i = 0; i < 10; ++i)
        CHECK(outcomes[i].kind == (i == 3 ? Kind::refused : Kind::stored));
    CHECK(outcomes[3].reason == 0xa900);
    CHECK(house.posts().size() == 1);
}

TEST_CASE("a request too large is split until it fits, and later ones begin smaller")
{
    StowHouse house;
    const auto stored = report_of(200, {});
    const std::uint64_t one = sample(1).file().size();
    house.on_stow([&](const ReceivedRequest& head) {
        const auto length = std::stoull(std::string(head.fields.find("Content-Length")));
        return length > 3 * one ? Reply::early(413, 0) : stored(head);
    });
    auto outcomes = house.store(samples(8));
    CHECK(std::ranges::all_of(outcomes, [](const auto& o) { return o.kind == Kind::stored; }));
    const std::size_t before = house.posts().size();
    outcomes = house.store(samples(8));
    CHECK(std::ranges::all_of(outcomes, [](const auto& o) { return o.kind == Kind::stored; }));
    const auto later = house.stow_requests();
    for (std::size_t i = before; i < later.size(); ++i)
        CHECK(later[i].complete); // none is refused any more
}

TEST_CASE("one bad instance that spoils a request is found, and the others arrive")
{
    struct Row {
        std::uint16_t status;
        Kind kind;
    };

    for (const Row row :
         {Row{400, Kind::refused},
          Row{500, Kind::limited},
          Row{409, Kind::limited},
          Row{403, Kind::transient},
          Row{415, Kind::transient}}) {
        CAPTURE(row.status);
        StowHouse house;
        const auto stored = report_of(200, {});
        // the length tells requests with it from those without: it alone is larger
        auto batch = samples(9);
        batch[5].pixel_bytes = 20'000;
        house.on_stow([&](const ReceivedRequest& head) {
            const auto length = std::stoull(std::string(head.fields.find("Content-Length")));
            const bool has_bad = length > 20'000;
            return has_bad ? Reply::with(row.status) : stored(head);
        });
        const auto outcomes = house.store(batch);
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            CAPTURE(i);
            CAPTURE(told(outcomes[i]));
            CHECK(outcomes[i].kind == (i == 5 ? row.kind : Kind::stored));
        }
        CHECK(house.posts().size() <= 2 * batch.size());
    }
}

TEST_CASE("a server that fails as a whole is left alone, and is not given every instance by itself")
{
    StowHouse house;
    house.archive.otherwise(Reply::with(500));
    const auto outcomes = house.store(samples(8));
    for (const StoreOutcome& outcome : outcomes)
        CHECK(told(outcome) == "unavailable: HTTP 500");
    CHECK(house.posts().size() == 1);
}

TEST_CASE("a service that lets nothing in costs two requests, not one for each instance")
{
    StowHouse house;
    house.on_stow(always(Reply::with(403)));
    const auto outcomes = house.store(samples(8));
    for (const StoreOutcome& outcome : outcomes)
        CHECK(told(outcome) == "unavailable: HTTP 403");
    CHECK(house.posts().size() == 2);
}

TEST_CASE("what the server has not said is believed where the site says so")
{
    WebOriginOptions options;
    options.trust_empty_success = true;
    StowHouse house(options);
    house.on_stow(always(Reply::with(200)));
    CHECK(house.store({sample(1)})[0].kind == Kind::stored);
    house.on_stow(always(Reply::with(202)));
    CHECK(house.store({sample(1)})[0].kind == Kind::transient);
}
