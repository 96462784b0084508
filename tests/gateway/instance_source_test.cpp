// What a thread that may block gets of an instance, wherever that lies.
#include "gateway/custody/spool_content.h"
#include "gateway/error.h"
#include "gateway/origins/archive/stored_content.h"
#include "gateway/origins/held_content.h"
#include "gateway/origins/scratch_file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/gateway/archive_support.h"
#include "tests/support/fake_spool.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

struct Read {
    std::string bytes;
    std::size_t pieces = 0;
    std::optional<Error> failed;
};

Read read_all(ByteSource& source)
{
    Read read;
    for (;;) {
        const auto piece = source.next();
        if (!piece) {
            read.failed = piece.error();
            return read;
        }
        if (piece->empty())
            return read;
        ++read.pieces;
        read.bytes.append(reinterpret_cast<const char*>(piece->data()), piece->size());
    }
}

// One instance in an archive of its own.
struct Stored {
    explicit Stored(std::size_t pixels) : instance(make_instance({}, {}, pixels))
    {
        REQUIRE(store(*archive, instance).kind == StoreOutcome::Kind::stored);
        file = *archive->catalogue().find(instance.key.sop.sop_instance).value();
        path = archive->path_of(instance.key.study, instance.key.sop.sop_instance);
    }

    std::unique_ptr<ByteSource> source()
    {
        return archive::StoredContent(disk, file, path).source(); // outlives the content
    }

    // Changes the last byte of the data set.
    void damage() const
    {
        std::fstream out(path, std::ios::binary | std::ios::in | std::ios::out);
        out.seekp(static_cast<std::streamoff>(file.offset + file.length.count - 1));
        out.put('?');
    }

    ScratchFolder folder;
    ManualClock clock;
    WorkerPool disk{"disk", 1};
    Instance instance;
    std::unique_ptr<archive::Archive> archive =
        archive::Archive::open(archive_options(folder.path()), clock).value();
    archive::StoredFile file;
    std::filesystem::path path;
};

constexpr std::size_t small = 500'000;
constexpr std::size_t large = 5'000'000;

} // namespace

TEST_CASE("a stored instance is read again from its beginning by each source of its own")
{
    for (const std::size_t pixels : {std::size_t{64}, small, large}) {
        CAPTURE(pixels);
        Stored stored(pixels);
        const auto first = stored.source();
        REQUIRE(first->next().value().size() > 0);
        const auto second = stored.source();
        CHECK(read_all(*second).bytes == stored.instance.data_set);
    }
}

TEST_CASE("a small file that is damaged gives no byte away")
{
    Stored stored(small);
    stored.damage();
    const auto source = stored.source();
    const Read read = read_all(*source);
    REQUIRE(read.failed);
    CHECK(read.failed->code == make_error_code(Errc::damaged));
    CHECK(read.bytes.empty());
}

TEST_CASE("a large file that is damaged fails before its end")
{
    Stored stored(large);
    stored.damage();
    const auto source = stored.source();
    const Read read = read_all(*source);
    REQUIRE(read.failed);
    CHECK(read.failed->code == make_error_code(Errc::damaged));
    CHECK(read.bytes.size() < stored.instance.data_set.size());
}

TEST_CASE("a file that is cut short or gone fails")
{
    Stored stored(large);
    std::filesystem::resize_file(stored.path, 1'000'000);
    CHECK(read_all(*stored.source()).failed.value().code == make_error_code(Errc::damaged));
    std::filesystem::remove(stored.path);
    const auto source = stored.source();
    CHECK(read_all(*source).failed.value().code == make_error_code(Errc::not_found));
}

TEST_CASE("a spooled instance is read and checked in bounded pieces")
{
    asio::io_context loop;
    WorkerPool disk{"disk", 1};
    TaskGroup tasks(loop.get_executor(), "reading");
    for (const std::uint64_t length : {1'000ULL, 3'000'000ULL}) {
        CAPTURE(length);
        FakeSpool spool;
        const auto instance = spool.put({}, Bytes{length});
        const auto begun = std::make_shared<bool>(false);
        const custody::SpoolContent content({spool, disk, tasks}, instance, begun);
        const auto source = content.source();
        CHECK(*begun);
        CHECK(read_all(*source).bytes.size() == length);
        spool.slot(instance.slot).damaged = true;
        const Read damaged = read_all(*content.source());
        REQUIRE(damaged.failed);
        CHECK(damaged.failed->code == make_error_code(Errc::damaged));
        CHECK(damaged.bytes.size() < length);
        CHECK(spool.slot(instance.slot).largest <= 2U << 20U);
    }
}

TEST_CASE("what lies in a scratch file is read from its data set on while the file lives")
{
    WorkerPool disk{"disk", 1};
    const ScratchFolder folder;
    const std::string text = "head" + std::string(1'500'000, 'd');
    auto file = ScratchFile::create(folder.path()).value();
    file->append(bytes_of(text)).value();
    const auto source = ScratchContent(std::move(file), {{}, {}, 4}, disk).source();
    const Read read = read_all(*source);
    CHECK(read.bytes == text.substr(4));
    CHECK_FALSE(read.failed);
}

TEST_CASE("what is held in memory stays until its last source is gone")
{
    auto text = std::make_shared<std::string>("data set");
    const std::weak_ptr<std::string> alive = text;
    HeldContent::Held held{text, bytes_of(*text)};
    auto content = std::make_unique<HeldContent>(InstanceKey{}, AeTitle{}, std::move(held));
    text.reset();
    auto source = content->source();
    CHECK(content->length().count == 8);
    content.reset();
    CHECK(read_all(*source).bytes == "data set");
    CHECK_FALSE(alive.expired());
    source.reset();
    CHECK(alive.expired());
}

namespace {

std::string read_at(const RandomAccess& access, std::uint64_t offset, std::size_t size)
{
    std::string bytes(size, '?');
    const auto got = access.read(offset, std::as_writable_bytes(std::span(bytes)));
    bytes.resize(got.value());
    return bytes;
}

void check_any_place(const RandomAccess& access, const std::string& all)
{
    CHECK(access.size().count == all.size());
    const std::size_t places[] = {0, 1, all.size() / 2, all.size() - 1, all.size()};
    for (const std::size_t at : places) {
        CAPTURE(at);
        CHECK(read_at(access, at, 700) == all.substr(at, 700));
    }
    CHECK(read_at(access, all.size() + 5, 10).empty());
    CHECK(read_at(access, UINT64_MAX, 10).empty());
    CHECK(read_at(access, 0, all.size() + 99) == all);
}

} // namespace

TEST_CASE("a stored instance is read at any place and stays readable once it has been opened")
{
    Stored stored(large);
    auto content = std::make_unique<archive::StoredContent>(stored.disk, stored.file, stored.path);
    const auto access = content->random_access();
    content.reset();
    check_any_place(*access, stored.instance.data_set);
    std::filesystem::remove(stored.path);
    check_any_place(*access, stored.instance.data_set);
}

TEST_CASE("a stored instance that is gone or cut short cannot be read at that place")
{
    Stored stored(large);
    const archive::StoredContent content(stored.disk, stored.file, stored.path);
    std::vector<std::byte> into(100);
    std::filesystem::resize_file(stored.path, 1'000'000);
    const auto cut = content.random_access();
    CHECK(cut->read(500'000, into).value() == 100);
    CHECK(cut->read(2'000'000, into).error().code == make_error_code(Errc::damaged));
    std::filesystem::remove(stored.path);
    const auto gone = content.random_access();
    CHECK(gone->read(0, into).error().code == make_error_code(Errc::not_found));
}

TEST_CASE("what lies in a scratch file or in memory is read at any place")
{
    WorkerPool disk{"disk", 1};
    const ScratchFolder folder;
    std::string text;
    for (std::size_t i = 0; text.size() < 1'500'000; ++i)
        text += std::to_string(i);
    auto file = ScratchFile::create(folder.path()).value();
    file->append(bytes_of("head" + text)).value();
    const auto scratch = ScratchContent(std::move(file), {{}, {}, 4}, disk).random_access();
    check_any_place(*scratch, text);
    const auto owner = std::make_shared<std::string>(text);
    HeldContent::Held held{owner, bytes_of(*owner)};
    const auto memory = HeldContent({}, {}, std::move(held)).random_access();
    check_any_place(*memory, text);
}
