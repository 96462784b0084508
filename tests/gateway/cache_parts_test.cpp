// The parts of the cache that only compute: names and notes of files, which is used longest ago,
// what is known of studies, how what is missing is asked for.
#include "gateway/origins/cache/cache_index.h"
#include "gateway/origins/cache/fetch_plan.h"
#include "gateway/origins/cache/file_note.h"
#include "gateway/origins/cache/known_lists.h"

#include <doctest/doctest.h>

#include <numeric>

#include "tests/gateway/far_origin.h"

using namespace gantry;
using namespace gantry::cache;
using namespace gantry::tests;
using namespace std::chrono_literals;

namespace {

ConstBytes bytes_of(const std::string& text)
{
    return std::as_bytes(std::span(text));
}

FileNote some_note()
{
    FileNote note;
    note.key = far_instance(1, 2, 3).key;
    note.source = AeTitle::parse("MODALITY1").value();
    note.offset = 4;
    note.length = {1'000};
    note.digest[3] = std::byte{7};
    return note;
}

constexpr Bytes noted_size{4 + 1'000 + note_size};

IndexedFile indexed(unsigned number, std::uint64_t size = 100, std::int64_t fetched = 1'000)
{
    IndexedFile file;
    file.name.sop = PackedUid(far_instance(1, 1, number).key.sop.sop_instance);
    file.name.size = {size};
    file.name.fetched = WallTime(std::chrono::milliseconds(fetched));
    return file;
}

InstanceList list_of(const std::vector<FarInstance>& instances)
{
    InstanceList list;
    for (const FarInstance& one : instances)
        list.add(one.key);
    return list;
}

Scope scope_of(const RetrieveQuestion& question)
{
    return Scope::of(question).value();
}

} // namespace

TEST_CASE("a UID is packed and unpacked as it is")
{
    const std::string texts[] = {
        "1",
        "1.2.840.10008.1.2",
        "0.01.9",
        "1.2.3456789012345678901234567890123456789012345678901234567890.1"
    };
    for (const std::string& text : texts) {
        CAPTURE(text);
        CHECK(PackedUid(uid(text)).unpack().str() == text);
    }
    CHECK(PackedUid().unpack().empty());
    CHECK(PackedUid(uid("1.2")) != PackedUid(uid("1.20")));
}

TEST_CASE("what a note says is read again and no bit of it may change")
{
    const FileNote note = some_note();
    const std::string text = write_note(note);
    REQUIRE(text.size() == note_size);
    const auto read = read_note(bytes_of(text), noted_size);
    REQUIRE(read);
    CHECK(read->key == note.key);
    CHECK(read->source == note.source);
    CHECK(read->offset == note.offset);
    CHECK(read->length == note.length);
    CHECK(read->digest == note.digest);
    for (std::size_t at = 0; at < text.size(); ++at) {
        std::string changed = text;
        changed[at] = static_cast<char>(changed[at] ^ 0x10);
        CHECK_FALSE(read_note(bytes_of(changed), noted_size));
    }
    CHECK_FALSE(read_note(bytes_of(text), noted_size + Bytes{1}));
    CHECK_FALSE(read_note(bytes_of(text).first(255), noted_size));
}

TEST_CASE("a file name says what it stands for and others are none")
{
    const FileName name{
        PackedUid(uid("1.2.3")), WallTime(std::chrono::milliseconds(1'800'000'000'123)), {4'096}, 77
    };
    const auto read = FileName::parse(name.str());
    REQUIRE(read);
    CHECK(*read == name);
    for (const char* wrong :
         {"",
          "1.2.3",
          "1.2.3-1-2",
          "1.2.3-1-2-",
          "1.2.3-1-2-3-4",
          "1.2.3--2-3",
          "1.2.3-1-2-g",
          "1.2.3-1-2-100000000",
          "1.2.3-01-2-3",
          "1..3-1-2-3",
          "x-1-2-3",
          "1.2.3-8000000000000000-2-3"})
        CHECK_FALSE(FileName::parse(wrong));
}

TEST_CASE("the index gives up what was used longest ago and nothing that is in use")
{
    CacheIndex index;
    for (const char* folder : {"o/1/1", "o/1/2", "o/2/1"}) {
        CHECK_FALSE(index.put(folder, indexed(1)));
        CHECK_FALSE(index.put(folder, indexed(2)));
    }
    CHECK(index.size().count == 600);
    CHECK(index.files() == 6);
    index.touch("o/1/1");
    index.pin("o/1/2");
    const auto first = index.evict({150});
    REQUIRE(first.size() == 2);
    CHECK(first.front().folder == "o/2/1");
    CHECK(index.evict({300}).empty());
    CHECK(index.evict({200}).size() == 2);
    CHECK_FALSE(index.any_below("o/1/1"));
    CHECK(index.any_below("o/1/"));
    CHECK_FALSE(index.any_below("o/2/"));
    index.unpin("o/1/2");
    CHECK(index.evict({1}).size() == 1);
    CHECK(index.size().count == 100);
}

TEST_CASE("the index has one file of an instance and forgets no other than it is told")
{
    CacheIndex index;
    CHECK_FALSE(index.put("o/1/1", indexed(1, 100, 1)));
    const auto before = index.put("o/1/1", indexed(1, 300, 2));
    REQUIRE(before);
    CHECK(before->name == indexed(1, 100, 1).name);
    CHECK(index.size().count == 300);
    CHECK_FALSE(index.remove("o/1/1", indexed(1, 100, 1).name));
    CHECK_FALSE(index.remove("o/1/9", indexed(1, 300, 2).name));
    CHECK(index.remove("o/1/1", indexed(1, 300, 2).name));
    CHECK(index.files() == 0);
    CHECK(index.find("o/1/1", indexed(1).name.sop) == nullptr);
}

TEST_CASE("the index gives up what is older or newer than it may be")
{
    CacheIndex index;
    for (unsigned number = 1; number <= 4; ++number)
        (void)index.put("o/1/1", indexed(number, 100, number * 1'000));
    const auto time = [](int ms) { return WallTime(std::chrono::milliseconds(ms)); };
    CHECK(index.expire(time(2'000), time(3'000)).size() == 2);
    CHECK(index.files() == 2);
    CHECK(index.find("o/1/1", indexed(2).name.sop) != nullptr);
}

TEST_CASE("a list is remembered for its study and for each of its series")
{
    const SteadyTime now{1h};
    KnownLists lists;
    const InstanceList list =
        list_of({far_instance(1, 2, 1), far_instance(1, 1, 1), far_instance(1, 1, 2)});
    lists.learn(scope_of(study_question(1)), list, now);
    const auto study = lists.known(scope_of(study_question(1)), now);
    REQUIRE(study);
    CHECK(study->list.keys() == list.keys());
    CHECK(study->asked == now);
    CHECK(lists.known(scope_of(series_question(1, 1)), now)->list.size() == 2);
    CHECK(lists.known(scope_of(series_question(1, 7)), now)->list.empty());
    CHECK(lists.known(scope_of(image_question(1, 1, {2})), now)->list.size() == 1);
    CHECK_FALSE(lists.known(scope_of(study_question(1)), now + 1ms));
    CHECK_FALSE(lists.known(scope_of(study_question(2)), now));
    lists.forget(study_question(1).studies.front());
    CHECK_FALSE(lists.known(scope_of(series_question(1, 1)), now));
}

TEST_CASE("a series that was asked for later makes its study known only as far as it was")
{
    const SteadyTime now{1h};
    KnownLists lists;
    lists.learn(scope_of(study_question(1)), list_of({far_instance(1, 1, 1)}), now);
    lists.learn(
        scope_of(series_question(1, 1)),
        list_of({far_instance(1, 1, 1), far_instance(1, 1, 2)}),
        now + 1s
    );
    CHECK(lists.known(scope_of(series_question(1, 1)), now + 1s));
    CHECK(lists.known(scope_of(study_question(1)), now)->list.size() == 2);
    CHECK_FALSE(lists.known(scope_of(study_question(1)), now + 1s));
    // A series that the study did not have when it was asked for.
    lists.learn(scope_of(series_question(1, 2)), list_of({far_instance(1, 2, 1)}), now + 2s);
    CHECK_FALSE(lists.known(scope_of(study_question(1)), now));
    CHECK(lists.known(scope_of(series_question(1, 2)), now + 2s));
}

TEST_CASE("lists that take too much room are forgotten longest ago first")
{
    const SteadyTime now{1h};
    KnownLists lists(50);
    for (unsigned study = 1; study <= 5; ++study) {
        std::vector<FarInstance> some;
        for (unsigned number = 1; number <= 4; ++number)
            some.push_back(far_instance(study, 1, number, 0));
        lists.learn(scope_of(study_question(study)), list_of(some), now + study * 1s);
    }
    CHECK_FALSE(lists.known(scope_of(study_question(1)), now));
    CHECK(lists.known(scope_of(study_question(5)), now));
    std::vector<FarInstance> many;
    for (unsigned number = 1; number <= 60; ++number)
        many.push_back(far_instance(9, 1, number, 0));
    lists.learn(scope_of(study_question(9)), list_of(many), now + 1min);
    CHECK_FALSE(lists.known(scope_of(study_question(9)), now));
}

TEST_CASE("what one question covers and another one wants")
{
    struct Row {
        RetrieveQuestion one;
        RetrieveQuestion other;
        bool covers;
        bool meets;
    };

    const Row rows[] = {
        {study_question(1), study_question(1), true, true},
        {study_question(1), study_question(2), false, false},
        {study_question(1), series_question(1, 1), true, true},
        {series_question(1, 1), study_question(1), false, true},
        {series_question(1, 1), series_question(1, 2), false, false},
        {series_question(1, 1), image_question(1, 1, {3}), true, true},
        {image_question(1, 1, {3}), image_question(1, 1, {3, 4}), false, true},
        {image_question(1, 1, {3, 4}), image_question(1, 1, {4}), true, true},
        {image_question(1, 1, {3}), image_question(1, 1, {4}), false, false},
        {image_question(1, 1, {3}), series_question(1, 1), false, true}
    };
    for (const Row& row : rows) {
        CAPTURE(row.one.instances.size());
        CAPTURE(row.other.instances.size());
        CHECK(scope_of(row.one).covers(scope_of(row.other)) == row.covers);
        CHECK(scope_of(row.one).meets(scope_of(row.other)) == row.meets);
    }
    RetrieveQuestion two = study_question(1);
    two.studies.push_back(uid("1.2.2"));
    CHECK_FALSE(Scope::of(two));
    RetrieveQuestion patient;
    patient.patient_ids = {"P1"};
    patient.studies = study_question(1).studies;
    CHECK_FALSE(Scope::of(patient));
}

TEST_CASE("what is missing is asked for as whole series where that is no more than is missing")
{
    const InstanceList list = list_of(
        {far_instance(1, 1, 1), far_instance(1, 1, 2), far_instance(1, 2, 1), far_instance(1, 3, 1)}
    );
    const Scope study = scope_of(study_question(1));
    const Scope some = scope_of(image_question(1, 1, {1, 2}));

    struct Row {
        const char* says;
        const Scope* whole;
        std::vector<std::size_t> missing;
        QueryLevel level;
        std::size_t series;
        std::size_t instances;
        std::size_t places;
    };

    const Row rows[] = {
        {"all of a study", &study, {0, 1, 2, 3}, QueryLevel::study, 0, 0, 4},
        {"two whole series", &study, {2, 3}, QueryLevel::series, 2, 0, 2},
        {"whole series first", &study, {0, 2, 3}, QueryLevel::series, 2, 0, 2},
        {"a part of a series", &study, {1}, QueryLevel::image, 1, 1, 1},
        {"of a list that is no series", &some, {0, 1}, QueryLevel::image, 1, 2, 2},
        {"of a list of anything", nullptr, {0, 1, 2, 3}, QueryLevel::image, 1, 2, 2}
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const PlannedFetch fetch = plan_fetch(list, row.missing, row.whole);
        CHECK(fetch.question.level == row.level);
        CHECK(fetch.question.studies.size() == 1);
        CHECK(fetch.question.series.size() == row.series);
        CHECK(fetch.question.instances.size() == row.instances);
        CHECK(fetch.places.size() == row.places);
    }
}
