// Lost answers, broken connections, duplicates and damaged copies on the way to a DICOMweb archive.
#include "gateway/error.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/gateway/stow_support.h"

using namespace gantry;
using namespace gantry::tests;
using namespace std::chrono_literals;
using Kind = StoreOutcome::Kind;

namespace {

StowHouse::Stow always(Reply reply)
{
    return [reply](const ReceivedRequest&) { return reply; };
}

// The duplicate codes, and the ways to say it without a code.
std::vector<Reply> duplicate_answers(const std::string& uid)
{
    return {
        Reply::with(409),
        Reply::json(409, stow_report({{uid, 0xb00e}})),
        Reply::json(202, stow_report({{uid, 0xb00e}})),
        Reply::json(409, stow_report({{uid, 0x0111}})),
    };
}

} // namespace

TEST_CASE("a duplicate that is identical counts as delivered")
{
    for (const Reply& reply : duplicate_answers(sample(1).instance)) {
        StowHouse house;
        house.on_stow(always(reply));
        house.has(sample(1));
        const auto outcomes = house.store({sample(1)});
        CAPTURE(told(outcomes[0]));
        CHECK(outcomes[0].kind == Kind::already_there);
    }
}

TEST_CASE("an archive that cannot give what it has as it is stored is asked in the plain form")
{
    StowHouse house;
    house.on_stow(always(Reply::with(409)));
    house.has(sample(1));
    house.plain_only = true;
    CHECK(house.store({sample(1)})[0].kind == Kind::already_there);
}

TEST_CASE("a duplicate that differs is a conflict, whatever it differs in")
{
    Sample other_value = sample(1);
    other_value.value = "OTHER ";
    Sample other_pixels = sample(1);
    other_pixels.pixel_bytes = 66;
    Sample other_class = sample(1);
    other_class.sop_class = "1.2.840.10008.5.1.4.1.1.2";
    Sample other_study = sample(1);
    other_study.study = "1.2.777";
    Sample implicit = other_value; // compared by attributes
    implicit.syntax = "1.2.840.10008.1.2";
    for (const Sample& there : {other_value, other_pixels, other_class, other_study, implicit}) {
        for (const Reply& reply : duplicate_answers(sample(1).instance)) {
            StowHouse house;
            house.on_stow(always(reply));
            house.has(there);
            const auto outcomes = house.store({sample(1)});
            CAPTURE(told(outcomes[0]));
            CHECK(outcomes[0].kind == Kind::conflict);
        }
    }
}

TEST_CASE("a duplicate is compared by its attributes where the archive keeps another encoding")
{
    Sample implicit = sample(1);
    implicit.syntax = "1.2.840.10008.1.2";
    StowHouse house;
    house.on_stow(always(Reply::with(409)));
    house.has(sample(1), implicit.file());
    const auto outcomes = house.store({sample(1)});
    CAPTURE(told(outcomes[0]));
    CHECK(outcomes[0].kind == Kind::already_there);
}

TEST_CASE("a duplicate that the archive does not give back cannot be vouched for")
{
    StowHouse house;
    house.on_stow(always(Reply::with(409)));
    house.has(sample(1), "");
    const auto outcomes = house.store({sample(1)});
    CHECK(told(outcomes[0]) == "conflict: HTTP 409, WADO: HTTP 404");
}

TEST_CASE("where the answer is lost the archive is asked before anything is sent again")
{
    Reply garbage;
    garbage.raw = "SSH-2.0\r\n\r\n";
    Reply half = Reply::json(200, stow_report({{sample(1).instance, 0}}));
    half.cut_after = 150;
    half.end = Reply::End::close;
    const std::vector<Reply> lost = {
        Reply::cut(10),
        half,
        Reply::only(Reply::End::reset),
        Reply::only(Reply::End::close),
        Reply::only(Reply::End::stall),
        garbage,
        Reply::with(504),
        Reply::with(200),
    };
    for (const Reply& reply : lost) {
        {
            StowHouse house;
            house.on_stow(always(reply));
            house.has(sample(1));
            const auto outcomes = house.store({sample(1)});
            CAPTURE(told(outcomes[0]));
            CHECK(outcomes[0].kind == Kind::stored);
            CHECK(house.posts().size() == 1);
        }
        StowHouse house;
        house.on_stow(always(reply));
        const auto outcomes = house.store({sample(1)});
        CAPTURE(told(outcomes[0]));
        CHECK(outcomes[0].kind == Kind::transient);
        CHECK(house.posts().size() == 1);
    }
}

TEST_CASE("an instance at which the server breaks is found, and the others arrive")
{
    StowHouse house;
    std::vector<Sample> batch;
    for (unsigned i = 1; i <= 7; ++i)
        batch.push_back(sample(i));
    batch[2].pixel_bytes = 8'192;
    house.on_stow([&](const ReceivedRequest& head) {
        const auto length = std::stoull(std::string(head.fields.find("Content-Length")));
        if (length > 8'192)
            return Reply::only(Reply::End::reset);
        Reply reply = Reply::json(200, "");
        reply.body_of = [](const ReceivedRequest& request) {
            std::vector<std::pair<std::string, unsigned>> all;
            for (const std::string& uid : instances_in(request))
                all.emplace_back(uid, 0);
            return stow_report(all);
        };
        return reply;
    });
    const auto outcomes = house.store(batch);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        CAPTURE(told(outcomes[i]));
        CHECK(outcomes[i].kind == (i == 2 ? Kind::transient : Kind::stored));
    }
}

TEST_CASE("an archive that is down is unavailable, and one that comes back takes what is sent")
{
    StowHouse house;
    house.archive.go_down();
    for (const StoreOutcome& outcome : house.store({sample(1), sample(2)})) {
        CAPTURE(told(outcome));
        CHECK(outcome.kind == Kind::unavailable);
    }
    CHECK_FALSE(run(house.loop, house.origin->health()).reachable);
    house.archive.come_back();
    CHECK(run(house.loop, house.origin->health()).reachable);
    CHECK(house.store({sample(1)})[0].kind == Kind::stored);
}

TEST_CASE("a copy that is damaged never arrives, and the others do")
{
    StowHouse house;
    house.damaged_one = sample(2).instance;
    house.damaged = error(Errc::damaged, "digest");
    std::vector<Sample> batch{sample(1), sample(2), sample(3)};
    for (Sample& one : batch)
        one.pixel_bytes = 20'000;
    const auto outcomes = house.store(batch);
    CHECK(outcomes[0].kind == Kind::stored);
    CHECK(outcomes[1].kind == Kind::damaged);
    CHECK(outcomes[2].kind == Kind::stored);
    // The archive may notice the end of the broken request after the whole one has come.
    REQUIRE(house.archive.wait_for_requests(2, std::chrono::seconds(30)));
    const auto posts = house.stow_requests();
    REQUIRE(posts.size() == 2);
    const std::size_t whole = posts[0].complete ? 0 : 1;
    CHECK(posts[whole].complete);
    CHECK_FALSE(posts[1 - whole].complete);
    CHECK(house.posts()[whole] == std::vector{sample(1).instance, sample(3).instance});
}

TEST_CASE("a copy that cannot be read now is tried again later")
{
    StowHouse house;
    house.damaged_one = sample(1).instance;
    house.damaged = error(Errc::disk, "EIO");
    CHECK(house.store({sample(1)})[0].kind == Kind::transient);
}

TEST_CASE("what may not stand in a web request is re-encoded, unless the origin takes it")
{
    Sample implicit = sample(1);
    implicit.syntax = "1.2.840.10008.1.2";
    Sample expected = sample(1); // the same in Explicit VR Little Endian
    {
        StowHouse house;
        CHECK(house.store({implicit})[0].kind == Kind::stored);
        const auto posts = house.stow_requests();
        REQUIRE(posts.at(0).parts.size() == 1);
        CHECK(posts[0].parts[0].hash == content_hash(expected.file()));
    }
    WebOriginOptions listed;
    listed.transfer_syntaxes = {*Uid::parse(implicit.syntax)};
    WebOriginOptions as_is;
    as_is.pass_as_is = true;
    for (const WebOriginOptions& options : {listed, as_is}) {
        StowHouse house(options);
        CHECK(house.store({implicit})[0].kind == Kind::stored);
        CHECK(house.stow_requests().at(0).parts.at(0).hash == content_hash(implicit.file()));
    }
}

TEST_CASE("a syntax that the origin was said to take and does not is re-encoded once")
{
    WebOriginOptions as_is;
    as_is.pass_as_is = true;
    StowHouse house(as_is);
    Sample implicit = sample(1);
    implicit.syntax = "1.2.840.10008.1.2";
    house.archive.then(Reply::json(409, stow_report({{implicit.instance, 0xc122}})));
    CHECK(house.store({implicit})[0].kind == Kind::stored);
    CHECK(house.posts().size() == 2);
    house.on_stow(always(Reply::json(409, stow_report({{implicit.instance, 0xc122}}))));
    CHECK(house.store({implicit})[0].kind == Kind::refused);
    CHECK(house.posts().size() == 4);
}

TEST_CASE("whether instances are there is asked one by one, or by series where there are many")
{
    StowHouse house;
    house.has(sample(1));
    const auto ask = [&](std::vector<InstanceKey> keys) {
        return run(house.loop, house.origin->verify(std::move(keys)));
    };
    const auto two = ask({sample(1).key(), sample(2).key()});
    REQUIRE(two.has_value());
    CHECK(*two == std::vector{true, false});
    std::vector<InstanceKey> many;
    for (unsigned i = 1; i <= 9; ++i)
        many.push_back(sample(i).key());
    const auto nine = ask(many);
    REQUIRE(nine.has_value());
    CHECK((*nine)[0]);
    CHECK(std::ranges::count(*nine, true) == 1);
    house.archive.otherwise(Reply::with(500));
    CHECK_FALSE(ask({sample(1).key()}).has_value());
}

TEST_CASE("the health of an origin tells credentials from absence")
{
    struct Row {
        std::uint16_t status;
        bool reachable;
        const char* reason;
    };

    const Row rows[] = {
        {200, true, ""},
        {204, true, ""},
        {404, true, ""}, // offers no search: it may still store
        {401, false, "HTTP 401: credentials not accepted"},
        {403, false, "HTTP 403: credentials accepted, access denied"},
        {500, false, "HTTP 500"},
        {503, false, "HTTP 503"},
    };
    for (const Row& row : rows) {
        StowHouse house;
        house.archive.otherwise(Reply::with(row.status));
        const Health health = run(house.loop, house.origin->health());
        CHECK(health.reachable == row.reachable);
        CHECK(health.reason == row.reason);
    }
}
