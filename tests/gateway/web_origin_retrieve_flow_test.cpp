// How a retrieve from a web origin flows: a slow asker, one that refuses, one that goes away; large
// instances, little memory, several at once.
#include "gateway/error.h"
#include "gateway/origins/web_origin.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <list>

#include "tests/gateway/wado_support.h"

using namespace gantry;
using namespace gantry::tests;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t mebibyte = 1U << 20U;

Sample large(unsigned series, unsigned number, std::size_t pixel_bytes)
{
    Sample made = instance_of(series, number);
    made.pixel_bytes = pixel_bytes;
    return made;
}

// Holds whoever passes until it is opened.
struct Gate {
    explicit Gate(asio::io_context& loop) : wake(loop, asio::steady_timer::time_point::max()) {}

    asio::awaitable<void> pass()
    {
        while (!open)
            (void)co_await wake.async_wait(use_tuple);
    }

    void let_through()
    {
        open = true;
        wake.cancel();
    }

    asio::steady_timer wake;
    bool open = false;
};

asio::awaitable<void> after(std::chrono::milliseconds wait, std::function<void()> then)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, wait);
    (void)co_await timer.async_wait(use_tuple);
    then();
}

// Looks again every millisecond.
asio::awaitable<void> until(std::atomic<bool>* flag)
{
    while (!*flag)
        co_await after(1ms, [] {});
}

// Runs a retrieve and cancels it after a while. How long it took to end from there.
std::optional<SteadyClock::duration>
cancelled_after(WadoHouse& house, std::chrono::milliseconds wait)
{
    asio::cancellation_signal cancel;
    std::optional<SteadyClock::time_point> asked;
    std::optional<SteadyClock::duration> took;
    bool aborted = false;
    WadoRetrieve retrieve(*house.room, house.find.ask(), house.taker);
    auto ended = [&](std::exception_ptr fault, const RetrieveEnd&) {
        try {
            if (fault)
                std::rethrow_exception(fault);
        } catch (const boost::system::system_error& error) {
            aborted = error.code() == asio::error::operation_aborted;
        }
        if (asked)
            took = SteadyClock::now() - *asked;
        house.loop.stop();
    };
    asio::co_spawn(
        house.loop,
        retrieve.run(of_study()),
        asio::bind_cancellation_slot(cancel.slot(), std::move(ended))
    );
    auto stop = [&] {
        asked = SteadyClock::now();
        cancel.emit(asio::cancellation_type::terminal);
    };
    auto timer = after(wait, std::move(stop));
    asio::co_spawn(house.loop, std::move(timer), [](const std::exception_ptr&) {});
    house.loop.restart();
    house.loop.run_for(hang);
    return aborted ? took : std::nullopt;
}

// Sends a multipart body that never ends, and says when the client has gone.
struct Endless {
    std::atomic<bool> begun{false};
    std::atomic<bool> gone{false};

    Reply reply(std::string first)
    {
        Reply made;
        made.raw = "HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=b\r\n\r\n" +
                   std::move(first);
        made.pour = [this](const auto& send) {
            const std::string some(mebibyte / 4, 'x');
            begun = true;
            while (send(some)) {
            }
            gone = true;
        };
        made.end = Reply::End::close;
        return made;
    }
};

} // namespace

TEST_CASE("a web origin retrieves what its own find says that there is")
{
    WadoHouse house;
    std::string found;
    for (unsigned number = 1; number <= 3; ++number) {
        house.has(instance_of(1, number));
        const std::string one = qido_answer(instance_of(1, number));
        found += (found.empty() ? "" : ",") + one.substr(1, one.size() - 2);
    }
    const auto answer = [&](const ReceivedRequest& request) {
        const bool first = request.target.find("offset=") == std::string::npos ||
                           request.target.find("offset=0") != std::string::npos;
        return Reply::json(200, first ? "[" + found + "]" : "[]");
    };
    house.on_path("/studies/1.2.3/instances?", answer);
    WebOrigin origin("cloud", *house.client, {}, house.disk, house.scratch.path());
    CHECK(origin.abilities().retrieve);
    const RetrieveEnd end = run(house.loop, origin.retrieve(of_study(), house.taker));
    CHECK(end.complete);
    CHECK(end.reason.empty());
    CHECK(house.taker.received() == Names{"1.2.3.1.1", "1.2.3.1.2", "1.2.3.1.3"});
    CHECK(house.asked_for("/series/1.2.3.1") == 1);
}

TEST_CASE("a slow asker makes the archive wait and not the memory grow")
{
    WebRetrieveOptions options = WadoHouse::quick();
    options.window = Bytes{2 * mebibyte};
    WadoHouse house(std::move(options));
    std::vector<Sample> samples;
    for (unsigned number = 1; number <= 40; ++number) {
        samples.push_back(large(1, number, mebibyte / 2));
        house.has(samples.back());
    }
    std::uint64_t most = 0;
    house.taker.pauses = [&]() -> asio::awaitable<void> {
        most = std::max(most, house.room->memory->taken().count);
        return after(2ms, [] {});
    };
    CHECK(house.retrieve_study().complete);
    CHECK(house.taker.data_sets["1.2.3.1.40"] == samples.back().bytes());
    CHECK(house.targets().size() == 1);
    CHECK(house.taker.most_waiting >= 2); // the next is there while one is taken
    CHECK(most > mebibyte);               // it reads ahead
    CHECK(most <= 4 * mebibyte);          // the window, and what is just being read
    CHECK(house.room->memory->taken().count == 0);
}

TEST_CASE("an asker that refuses ends it at once and the rest is missing")
{
    WadoHouse house;
    for (unsigned series = 1; series <= 3; ++series)
        for (unsigned number = 1; number <= 3; ++number)
            house.has(instance_of(series, number));
    Endless endless;
    house.on("/series/1.2.3.2", endless.reply("--b\r\n\r\n" + instance_of(2, 1).file()));
    house.taker.pauses = [&] { return until(&endless.begun); };
    house.taker.refuses = [](const InstanceKey& key) -> Result<void> {
        if (key.sop.sop_instance.str() == "1.2.3.1.2")
            return error(Errc::closed, "gone");
        return {};
    };
    const RetrieveEnd end = house.retrieve_study();
    CHECK_FALSE(end.complete);
    CHECK(end.shortfall == Shortfall::failed);
    CHECK(end.reason.find("gone") != std::string::npos);
    Names told = missing_of(end);
    CHECK(told.contains("1.2.3.1.2"));
    for (const std::string& uid : house.taker.received())
        CHECK(told.insert(uid).second);
    CHECK(told.size() == 9); // each is one or the other
    house.archive.go_down(); // joins the conversation
    CHECK(endless.gone);
}

TEST_CASE("cancellation closes the connections within 100 ms, wherever it meets the retrieve")
{
    struct Row {
        const char* says;
        std::function<void(WadoHouse&, Endless&, Gate&)> prepare;
    };

    const std::string begun = "--b\r\n\r\n" + instance_of(1, 1).file().substr(0, 500);
    const Row rows[] = {
        {"silence before the answer",
         [](WadoHouse& house, Endless& endless, Gate&) {
             Reply reply = Reply::only(Reply::End::stall);
             endless.gone = true;
             house.on("", reply);
         }},
        {"in a part that goes on and on",
         [&](WadoHouse& house, Endless& endless, Gate&) { house.on("", endless.reply(begun)); }},
        {"while the asker holds an instance",
         [&](WadoHouse& house, Endless& endless, Gate& gate) {
             house.on(
                 "",
                 endless.reply(
                     parts_of({instance_of(1, 1).file(), instance_of(1, 2).file()}, false) + begun
                 )
             );
             house.taker.pauses = [&] { return gate.pass(); };
         }},
        {"in a pause before the next attempt",
         [](WadoHouse& house, Endless& endless, Gate&) {
             house.room->options.min_backoff = house.room->options.max_backoff = 30s;
             endless.gone = true;
             house.on("", Reply::with(503));
         }},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        Endless endless;
        WadoHouse house;
        house.room->options.in_memory = Bytes{mebibyte};
        for (unsigned number = 1; number <= 3; ++number)
            house.has(instance_of(1, number));
        Gate gate(house.loop);
        row.prepare(house, endless, gate);
        const auto took = cancelled_after(house, 50ms);
        REQUIRE(took);
        CHECK(*took < 100ms);
        house.client.reset(); // nothing of it holds a connection any more
        house.archive.go_down();
        CHECK(endless.gone);
        CHECK(house.room->memory->taken().count == 0);
    }
}

TEST_CASE("a large instance goes through the disk byte for byte")
{
    WadoHouse house;
    const Sample one = large(1, 1, 5 * mebibyte + 2);
    const Sample other = large(1, 2, 100);
    house.has(one);
    house.has(other);
    std::uint64_t most = 0;
    house.taker.pauses = [&]() -> asio::awaitable<void> {
        most = std::max(most, house.room->memory->taken().count);
        return after(0ms, [] {});
    };
    CHECK(house.retrieve_study().complete);
    CHECK(house.taker.data_sets[one.instance] == one.bytes());
    CHECK(house.taker.data_sets[other.instance] == other.bytes());
    CHECK(most <= 2 * mebibyte);
    CHECK(std::filesystem::is_empty(house.scratch.path()));
}

TEST_CASE("where no memory is left everything still comes")
{
    WebRetrieveOptions options = WadoHouse::quick();
    options.memory = std::make_shared<MemoryBudget>(Bytes{100'000});
    const auto memory = options.memory;
    WadoHouse house(std::move(options));
    for (unsigned number = 1; number <= 12; ++number)
        house.has(large(1, number, 30'000));
    house.taker.keeps_content = true; // what a slow association does
    CHECK(house.retrieve_study().complete);
    REQUIRE(house.taker.contents.size() == 12);
    CHECK(memory->taken().count <= 100'000);
    for (const auto& content : house.taker.contents) {
        const auto source = content->source();
        REQUIRE(source);
        std::string bytes;
        for (auto piece = source->next().value(); !piece.empty(); piece = source->next().value())
            bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        const std::string uid = content->key().sop.sop_instance.str();
        const auto number = static_cast<unsigned>(std::stoul(uid.substr(uid.rfind('.') + 1)));
        CHECK(bytes == large(1, number, 30'000).bytes());
    }
    house.taker.contents.clear();
    CHECK(memory->taken().count == 0);
}

TEST_CASE("a disk that is full is a failure of that instance only")
{
    WadoHouse house;
    house.has(large(1, 1, 100));
    house.has(large(1, 2, 3 * mebibyte));
    house.has(large(1, 3, 100));
    std::filesystem::remove_all(house.scratch.path());
    const RetrieveEnd end = house.retrieve_study();
    CHECK(missing_of(end) == Names{"1.2.3.1.2"});
    CHECK(end.shortfall == Shortfall::failed);
    CHECK(end.reason.find("scratch") != std::string::npos);
    CHECK(house.taker.received() == Names{"1.2.3.1.1", "1.2.3.1.3"});
}

TEST_CASE("64 MiB in one part leave the memory as it was")
{
    constexpr std::size_t length = 64 * mebibyte;
    WadoHouse house;
    const Sample empty = large(1, 1, 0);
    house.has(empty);
    std::string head = "--b\r\n\r\n" + empty.file();
    head.resize(head.size() - 4); // the length of its pixel data
    for (unsigned shift = 0; shift < 32; shift += 8)
        head += static_cast<char>(length >> shift & 0xffU);
    Reply reply;
    reply.raw = "HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=b\r\n\r\n" + head;
    reply.pour = [](const auto& send) {
        const std::string some(mebibyte, '\0');
        for (std::size_t sent = 0; sent < length && send(some); sent += some.size()) {
        }
        send("\r\n--b--\r\n");
    };
    reply.end = Reply::End::close;
    house.on("", reply);
    house.taker.keeps_content = true;
    CHECK(house.retrieve_study().complete);
    REQUIRE(house.taker.contents.size() == 1);
    CHECK(house.taker.contents[0]->length().count == empty.bytes().size() + length);
    CHECK(house.room->memory->taken().count == 0);
}

TEST_CASE("a retrieve of many series does not hold up another")
{
    WebRetrieveOptions options = WadoHouse::quick();
    options.requests = 3;
    WadoHouse house(std::move(options));
    for (unsigned series = 1; series <= 40; ++series)
        for (unsigned number = 1; number <= 2; ++number)
            house.has(instance_of(series, number));
    Sample other = instance_of(90, 1);
    other.study = "1.9";
    house.has(other);
    std::size_t before = 0; // series of the large one that were asked for until the small one ended
    Taker second;
    auto both = [&]() -> asio::awaitable<RetrieveEnd> {
        WadoRetrieve retrieve(*house.room, house.find.ask(), second);
        RetrieveEnd end = co_await retrieve.run(of_study("1.9"));
        before = house.targets().size();
        co_return end;
    };
    RetrieveEnd small;
    bool done = false;
    auto ended = [&](const std::exception_ptr&, RetrieveEnd end) {
        small = std::move(end);
        done = true;
    };
    Gate begun(house.loop);
    house.taker.pauses = [&]() -> asio::awaitable<void> {
        if (!std::exchange(begun.open, true))
            asio::co_spawn(house.loop, both(), ended);
        return after(1ms, [] {});
    };
    CHECK(house.retrieve_study().complete);
    house.loop.restart();
    while (!done && house.loop.run_one_for(hang) != 0) {
    }
    CHECK(small.complete);
    CHECK(second.received() == Names{other.instance});
    CHECK(house.taker.received().size() == 80);
    CHECK(before < 20);
}

TEST_CASE("an asker that stands still does not keep the archive from others")
{
    WebRetrieveOptions options = WadoHouse::quick();
    options.window = Bytes{100'000};
    options.patience = 10ms;
    options.requests = 2; // both are taken by those who stand still
    WadoHouse house(std::move(options), 3);
    std::vector<std::string> studies{"1.2.3", "1.2.4", "1.2.5"};
    for (const std::string& study : studies)
        for (unsigned number = 1; number <= 30; ++number) {
            Sample one = large(1, number, 30'000);
            one.study = study;
            one.series = study + ".1";
            one.instance = one.series + "." + std::to_string(number);
            house.has(one);
        }
    Gate gate(house.loop);
    std::vector<Taker> takers(3);
    std::vector<RetrieveEnd> ends(3);
    std::size_t ended = 0;
    auto one = [&](std::size_t which) -> asio::awaitable<void> {
        WadoRetrieve retrieve(*house.room, house.find.ask(), takers[which]);
        ends[which] = co_await retrieve.run(of_study(studies[which]));
        ++ended;
    };
    const auto start = [&](std::size_t which) {
        asio::co_spawn(house.loop, one(which), [](const std::exception_ptr&) {});
    };
    const auto run_until = [&](const std::function<bool()>& done) {
        house.loop.restart();
        while (!done() && house.loop.run_one_for(hang) != 0) {
        }
    };
    for (std::size_t slow : {0U, 1U}) {
        takers[slow].pauses = [&] { return gate.pass(); };
        start(slow);
    }
    run_until([&] { return takers[0].waiting == 2 && takers[1].waiting == 2; });
    start(2);
    run_until([&] { return ended == 1; });
    CHECK(ends[2].complete);
    CHECK(takers[2].received().size() == 30);
    CHECK(house.asked_for("/series/1.2.5.1") == 1);
    gate.let_through();
    run_until([&] { return ended == 3; });
    for (std::size_t slow : {0U, 1U}) {
        CHECK(ends[slow].complete);
        CHECK(takers[slow].received().size() == 30);
        CHECK_FALSE(takers[slow].twice);
    }
    CHECK(house.asked_for(".1.30") >= 1); // who gave way goes on by instance
}

TEST_CASE("permits go to whoever holds the fewest")
{
    asio::io_context loop;
    FetchPermits permits(3);
    CHECK(permits.for_one() == 2);
    CHECK(FetchPermits(0).for_one() == 1);
    const auto large = permits.number();
    const auto small = permits.number();
    std::vector<std::string> order;
    std::list<FetchPermits::Turn> held;
    auto take = [&](std::uint64_t retrieve, std::string name) -> asio::awaitable<void> {
        held.push_back(co_await permits.take(retrieve));
        order.push_back(std::move(name));
    };
    const auto start = [&](std::uint64_t retrieve, std::string name) {
        asio::co_spawn(loop, take(retrieve, std::move(name)), [](const std::exception_ptr&) {});
        loop.restart();
        loop.poll();
    };
    for (const char* name : {"L1", "L2", "L3", "L4"})
        start(large, name);
    CHECK(order == std::vector<std::string>{"L1", "L2"}); // one is left for others
    start(small, "S1");
    start(small, "S2");
    CHECK(order.back() == "S1");
    held.erase(held.begin()); // L1: both hold one, L3 came first
    loop.restart();
    loop.poll();
    CHECK(order.back() == "L3");
    held.erase(held.begin()); // L2: both hold one, L4 came before S2
    loop.restart();
    loop.poll();
    CHECK(order.back() == "L4");
    held.erase(std::next(held.begin())); // L3
    loop.restart();
    loop.poll();
    CHECK(order.back() == "S2");
}
