// kill -9 and power cuts between any two steps that reach the disk: nothing acknowledged is lost or
// altered, nothing whose delivery was recorded is delivered again.
#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <map>
#include <set>
#include <spawn.h>
#include <string>
#include <sys/wait.h>

#include "tests/gateway/custody_queue_fixture.h"
#include "tests/support/shadow_disk.h"

using namespace gantry;
using namespace gantry::custody;
using namespace gantry::tests;

namespace {

using Numbers = std::set<unsigned>;

struct Said {
    Numbers acknowledged;
    Numbers archived;
    Numbers recorded;
};

Said read_log(const std::filesystem::path& log)
{
    std::map<std::string, Numbers> said;
    std::ifstream stream(log);
    std::string what;
    unsigned number = 0;
    while (stream >> what >> number)
        said[what].insert(number);
    return {said["acknowledged"], said["archived"], said["recorded"]};
}

// A run of the child in a folder of its own, killed at a step.
struct Life {
    explicit Life(unsigned kill_at, bool with_shadow = false)
    {
        std::filesystem::create_directory(state);
        std::filesystem::create_directory(store);
        std::string rules = "path " + state.string() + "\nkill " + std::to_string(kill_at) + "\n";
        if (with_shadow)
            rules += "shadow " + state.string() + " " + store.string() + "\n";
        std::string program = GANTRY_CUSTODY_CHILD;
        std::string folder = state;
        std::string log_name = log;
        std::array<char*, 5> arguments{
            program.data(), folder.data(), log_name.data(), rules.data(), nullptr
        };
        pid_t child = 0;
        REQUIRE(
            posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments.data(), environ) == 0
        );
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        const bool ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        REQUIRE((killed || ended));
        said = read_log(log);
    }

    ScratchFolder scratch = ScratchFolder::in_memory();
    std::filesystem::path state = scratch.path() / "state";
    std::filesystem::path store = scratch.path() / "shadow";
    std::filesystem::path log = scratch.path() / "log";
    bool killed = false;
    Said said;
};

unsigned number_of(const InstanceKey& key)
{
    return static_cast<unsigned>(std::stoul(key.sop.sop_instance.str().substr(8)));
}

// What the next start finds, against what was said before.
void check_after(const Said& said, const std::filesystem::path& state)
{
    QueueFixture gantry;
    gantry.spool_options.folder = state / "spool";
    gantry.queue_options.database = state / "queue.db";
    gantry.open();
    Numbers to_deliver;
    for (const Delivery& delivery : gantry.claim()) {
        const unsigned number = number_of(delivery.instance.envelope.key);
        CHECK(fetch(*gantry.spool, delivery.instance.slot) == content_of(number));
        CHECK(to_deliver.insert(number).second);
        gantry.record(delivery, DeliveryState::delivered);
    }
    Numbers delivered;
    for (const QueueRow& row : gantry.rows())
        if (row.state == DeliveryState::delivered)
            delivered.insert(number_of(row.key));
    for (const unsigned number : said.acknowledged) {
        CAPTURE(number);
        CHECK(delivered.contains(number));
        const bool again = to_deliver.contains(number);
        if (said.recorded.contains(number))
            CHECK_FALSE(again);
        else if (!said.archived.contains(number))
            CHECK(again);
    }
}

constexpr unsigned enough = 100'000;

// Every other step, from `first`, until the child gets through; two cases of each, so that they run
// side by side.
template <class Check>
void walk(unsigned first, bool with_shadow, Check check)
{
    spdlog::set_level(spdlog::level::off);
    bool killed = true;
    unsigned step = first;
    for (; killed; step += 2) {
        CAPTURE(step);
        const Life life(step, with_shadow);
        killed = life.killed;
        check(life, step);
    }
    CHECK(step > 60); // the child does take that many
}

void check_as_left(const Life& life, unsigned)
{
    check_after(life.said, life.state);
}

void check_strict_disk(const Life& life, unsigned)
{
    const auto left = life.scratch.path() / "left";
    rebuild_after_power_cut(life.state, life.store, left, std::nullopt);
    check_after(life.said, left);
}

void check_eager_disk(const Life& life, unsigned step)
{
    for (unsigned seed = step * 2; seed < step * 2 + 2; ++seed) {
        CAPTURE(seed);
        const auto left = life.scratch.path() / std::to_string(seed);
        rebuild_after_power_cut(life.state, life.store, left, seed);
        check_after(life.said, left);
    }
}

} // namespace

TEST_CASE("left alone the crash tests' process acknowledges and delivers")
{
    const Life life(enough);
    CHECK_FALSE(life.killed);
    CHECK(life.said.acknowledged.size() == 8);
    CHECK(life.said.recorded.size() == 6);
}

TEST_CASE("killed at any odd step nothing acknowledged is lost and nothing recorded is sent again")
{
    walk(1, false, check_as_left);
}

TEST_CASE("killed at any even step nothing acknowledged is lost and nothing recorded is sent again")
{
    walk(2, false, check_as_left);
}

TEST_CASE("after a power cut at any odd step a disk that wrote only what it had to holds all")
{
    walk(1, true, check_strict_disk);
}

TEST_CASE("after a power cut at any even step a disk that wrote only what it had to holds all")
{
    walk(2, true, check_strict_disk);
}

TEST_CASE("after a power cut at any odd step it does not matter what else the disk has written")
{
    walk(1, true, check_eager_disk);
}

TEST_CASE("after a power cut at any even step it does not matter what else the disk has written")
{
    walk(2, true, check_eager_disk);
}
