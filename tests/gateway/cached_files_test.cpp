// The files of the cache: restarts, damage, eviction, and what is never taken for whole.
#include "gateway/error.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/gateway/cache_support.h"

using namespace gantry;
using namespace gantry::tests;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using List = std::vector<std::string>;

constexpr std::size_t large = 3'000'000;
const List both{"1.2.1.1.1", "1.2.1.1.2"};

// One small and one large instance.
struct House : CacheHouse {
    explicit House(std::function<void(CacheOptions&)> change = {}) : CacheHouse(std::move(change))
    {
        far.has = {far_instance(1, 1, 1), far_instance(1, 1, 2, large)};
    }

    fs::path file_of(const std::string& instance) const
    {
        for (const fs::path& file : files())
            if (file.filename().string().starts_with(instance + '-'))
                return file;
        throw std::runtime_error("no file of " + instance);
    }

    // Changes one byte in the middle.
    void damage(const std::string& instance) const
    {
        const fs::path file = file_of(instance);
        std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
        out.seekp(static_cast<std::streamoff>(fs::file_size(file) / 2));
        out.put('\0');
    }
};

bool holds(const fs::path& file, const std::string& text)
{
    std::ifstream in(file, std::ios::binary);
    const std::string all{std::istreambuf_iterator<char>(in), {}};
    return all.find(text) != std::string::npos;
}

} // namespace

TEST_CASE("what is here is used again after a restart")
{
    House house;
    house.retrieve(series_question(1, 1));
    house.reopen();
    CHECK(house.cache->instances() == 2);
    CHECK(house.cache->size().count > large);
    CHECK(house.exact(house.retrieve(image_question(1, 1, {1, 2})), both));
    CHECK(house.exact(house.retrieve(series_question(1, 1)), both));
    CHECK(house.far.retrieves() == 1);
}

TEST_CASE("what no run finished is deleted at the start")
{
    House house;
    house.retrieve(series_question(1, 1));
    const fs::path file = house.file_of("1.2.1.1.1");
    std::ofstream(house.options.folder / "incoming" / "7") << "half";
    std::ofstream(file.parent_path() / "1.2.1.1.9") << "no such name";
    std::ofstream(house.options.folder / "stray") << "text";
    fs::create_directories(house.options.folder / "0123456789abcdef" / "no-uid" / "1.2");
    // Another, older file of the same instance.
    const std::string name = file.filename().string();
    const auto dash = name.find('-');
    const auto end = name.find('-', dash + 1);
    fs::copy_file(file, file.parent_path() / (name.substr(0, dash) + "-1" + name.substr(end)));
    house.reopen();
    CHECK(house.files().size() == 2);
    CHECK(house.cache->instances() == 2);
    CHECK(fs::exists(file));
    CHECK_FALSE(fs::exists(house.options.folder / "0123456789abcdef"));
}

TEST_CASE("a file that is cut short is fetched again")
{
    for (const bool restart : {false, true}) {
        House house;
        house.retrieve(series_question(1, 1));
        fs::resize_file(house.file_of("1.2.1.1.1"), 700);
        fs::resize_file(house.file_of("1.2.1.1.2"), 700'000);
        if (restart)
            house.reopen();
        const Taker& taker = house.retrieve(series_question(1, 1));
        CHECK(house.complete(taker));
        CHECK(house.exact(taker, both));
        CHECK(house.far.given.at("1.2.1.1.1") == 2);
        CHECK(house.cache->counters().damaged == 2);
    }
}

TEST_CASE("a small file with a wrong byte is fetched again before anything of it is given")
{
    House house;
    house.retrieve(series_question(1, 1));
    house.damage("1.2.1.1.1");
    const Taker& taker = house.retrieve(series_question(1, 1));
    CHECK(house.complete(taker));
    CHECK(house.exact(taker, both));
    CHECK(taker.failed.empty());
    CHECK(house.cache->counters().damaged == 1);
    CHECK(house.far.given.at("1.2.1.1.1") == 2);
}

TEST_CASE("a large file with a wrong byte fails who reads it and is fetched again for the next")
{
    for (const auto by : {Taker::By::read, Taker::By::source}) {
        House house;
        house.retrieve(series_question(1, 1));
        house.damage("1.2.1.1.2");
        Taker& taker = house.start(series_question(1, 1), [by](Taker& one) { one.by = by; });
        house.run_until([&] { return taker.end.has_value(); });
        CHECK(taker.failed == List{"1.2.1.1.2"});
        CHECK(house.exact(house.retrieve(series_question(1, 1)), both));
        CHECK(house.cache->counters().damaged == 1);
    }
}

TEST_CASE("a file that was written before the machine went down is read whole before it is trusted")
{
    House house;
    house.retrieve(series_question(1, 1));
    house.damage("1.2.1.1.2");
    for (const fs::path& file : house.files()) {
        const std::string name = file.filename().string();
        fs::rename(file, file.parent_path() / (name.substr(0, name.rfind('-')) + "-7"));
    }
    house.reopen();
    Taker& taker =
        house.start(series_question(1, 1), [](Taker& one) { one.by = Taker::By::random_access; });
    house.run_until([&] { return taker.end.has_value(); });
    CHECK(house.complete(taker));
    CHECK(house.exact(taker, both));
    CHECK(house.far.given.at("1.2.1.1.2") == 2);
    CHECK(house.far.given.at("1.2.1.1.1") == 1);
}

TEST_CASE("a file that somebody deleted is fetched again")
{
    House house;
    house.retrieve(series_question(1, 1));
    fs::remove(house.file_of("1.2.1.1.2"));
    CHECK(house.exact(house.retrieve(image_question(1, 1, {1, 2})), both));
}

TEST_CASE("two processes do not share a cache")
{
    House house;
    const auto second = InstanceCache::open(house.options, *house.disk, house.clock);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == make_error_code(Errc::in_use));
}

TEST_CASE("the series that was used longest ago makes room")
{
    House house([](CacheOptions& options) { options.max_size = {6'000}; });
    house.far.has.clear();
    for (unsigned series = 1; series <= 4; ++series)
        for (unsigned number = 1; number <= 2; ++number)
            house.far.has.push_back(far_instance(1, series, number));
    for (unsigned series = 1; series <= 2; ++series)
        house.retrieve(series_question(1, series));
    house.retrieve(series_question(1, 1));
    house.retrieve(series_question(1, 3));
    CHECK(house.cache->counters().evicted == 2);
    house.far.asked.clear();
    house.retrieve(series_question(1, 1));
    CHECK(house.far.asked.empty());
    house.retrieve(series_question(1, 2));
    CHECK(house.far.asked.size() == 1);
    CHECK(house.cache->size().count <= 6'000);
}

TEST_CASE("which series was used longest ago is known after a restart")
{
    House house([](CacheOptions& options) { options.max_size = {6'000}; });
    house.far.has.clear();
    for (unsigned series = 1; series <= 3; ++series)
        for (unsigned number = 1; number <= 2; ++number)
            house.far.has.push_back(far_instance(1, series, number));
    house.retrieve(series_question(1, 1));
    house.retrieve(series_question(1, 2));
    house.retrieve(series_question(1, 1));
    house.settle();
    house.reopen();
    house.retrieve(series_question(1, 3));
    house.far.given.clear();
    house.retrieve(series_question(1, 1));
    CHECK(house.far.given.empty());
}

TEST_CASE("the size is held to while many are kept at once")
{
    House house([](CacheOptions& options) { options.max_size = {10'000}; });
    house.far.has.clear();
    for (unsigned number = 1; number <= 60; ++number)
        house.far.has.push_back(far_instance(1, number % 5, number));
    std::vector<Taker*> takers;
    for (unsigned series = 0; series < 5; ++series)
        takers.push_back(&house.start(series_question(1, series)));
    house.run_until([&] {
        CHECK(house.cache->size().count <= 10'000);
        return std::ranges::all_of(takers, [](const Taker* one) { return one->end.has_value(); });
    });
    for (const Taker* taker : takers) {
        CHECK(house.complete(*taker));
        CHECK(taker->got.size() == 12);
    }
}

TEST_CASE("nothing is kept where the file system has too little left")
{
    House house([](CacheOptions& options) { options.min_free = {1ULL << 60U}; });
    CHECK(house.exact(house.retrieve(series_question(1, 1)), both));
    CHECK(house.files().empty());
    CHECK(house.cache->counters().not_kept == 2);
    CHECK(house.far.given.at("1.2.1.1.2") == 1);
}

TEST_CASE("deleting a file does not disturb who reads it")
{
    House house([](CacheOptions& options) { options.max_size = {large + 5'000}; });
    house.far.has.push_back(far_instance(2, 1, 1, large));
    house.retrieve(series_question(1, 1));
    Taker& slow = house.start(image_question(1, 1, {2}), [](Taker& one) { one.allowed = 0; });
    house.settle();
    fs::remove_all(house.file_of("1.2.1.1.2").parent_path());
    house.store(house.far.has[1]);
    slow.allow(1);
    house.run_until([&] { return slow.end.has_value(); });
    CHECK(house.exact(slow, {"1.2.1.1.2"}));
}

TEST_CASE("a large instance that lies in a file already is not written again")
{
    House house;
    house.far.in_a_file = {"1.2.1.1.2"};
    CHECK(house.exact(house.retrieve(series_question(1, 1)), both));
    const fs::path file = house.file_of("1.2.1.1.2");
    CHECK(holds(file, "head1.2.1.1.2/0"));
    CHECK(house.exact(house.retrieve(series_question(1, 1)), both));
    house.reopen();
    CHECK(house.exact(house.retrieve(series_question(1, 1)), both));
    CHECK(house.far.retrieves() == 1);
}

TEST_CASE("what is too old is deleted though nobody asks for it")
{
    House house;
    house.retrieve(series_question(1, 1));
    house.clock.advance(25h);
    house.reopen();
    CHECK(house.files().empty());
    CHECK(house.cache->counters().expired == 2);
}

namespace {

class TextSource final : public ByteSource {
public:
    explicit TextSource(const std::string& text) : text_(text) {}

    Result<ConstBytes> next() override
    {
        const auto part = std::string_view(text_).substr(at_, 10'000);
        at_ += part.size();
        return std::as_bytes(std::span(part));
    }

private:
    const std::string& text_;
    std::size_t at_ = 0;
};

constexpr unsigned kept_numbers = 40;

cache::SeriesFolder folder_of(const InstanceKey& key)
{
    return cache::CacheStore::series_folder("far", key.study, key.series);
}

// Keeps, and keeps again, until it is killed; says so after a while.
[[noreturn]] void keep_for_ever(const CacheOptions& options, unsigned before_word, int word)
{
    const SystemClock clock;
    const auto store = cache::CacheStore::open(options, clock).value();
    for (unsigned number = 0;; ++number) {
        const FarInstance one = far_instance(1, 1, number % kept_numbers, 400'000);
        TextSource source(one.data_set);
        (void)store->keep({folder_of(one.key), one.key, {}, {one.data_set.size()}}, source);
        if (number == before_word && ::write(word, "", 1) != 1)
            std::abort();
    }
}

void kill_in_the_middle(const CacheOptions& options, unsigned before)
{
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0)
        keep_for_ever(options, before, ends[1]);
    char word = 0;
    REQUIRE(::read(ends[0], &word, 1) == 1);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(ends[0]);
    ::close(ends[1]);
}

} // namespace

TEST_CASE("a process that is killed leaves nothing that could be taken for whole")
{
    const ScratchFolder folder = ScratchFolder::in_memory();
    CacheOptions options;
    options.folder = folder.path() / "cache";
    options.min_free = {};
    std::size_t found = 0;
    for (unsigned round = 0; round < 10; ++round) {
        kill_in_the_middle(options, 20 + 3 * round);
        const SystemClock clock;
        const auto store = cache::CacheStore::open(options, clock).value();
        for (unsigned number = 0; number < kept_numbers; ++number) {
            const InstanceKey key = far_instance(1, 1, number, 0).key;
            const cache::PackedUid sop(key.sop.sop_instance);
            if (!store->look(folder_of(key), sop))
                continue;
            const auto file = store->open_file(folder_of(key), sop);
            REQUIRE(file.has_value());
            CHECK(cache::check_whole(*file).has_value());
            CHECK(file->note.length.count == 400'000);
            ++found;
        }
        CHECK(store->counters().damaged == 0);
    }
    CHECK(found >= 200);
}
