#include "gateway/error.h"
#include "gateway/origins/archive/archive.h"
#include "gateway/origins/archive/index.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <doctest/doctest.h>

#include <fcntl.h>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "tests/gateway/archive_support.h"
#include "tests/support/samples.h"
#include "tests/support/skip.h"

using namespace gantry;
using namespace gantry::tests;
using archive::Archive;
using archive::Step;
using Kind = StoreOutcome::Kind;

namespace fs = std::filesystem;

namespace {

struct Opened {
    ScratchFolder folder;
    ManualClock clock;
    std::unique_ptr<Archive> archive = open();

    std::unique_ptr<Archive> open(archive::StepObserver before = {})
    {
        auto options = archive_options(folder.path());
        options.before = std::move(before);
        return Archive::open(std::move(options), clock).value();
    }

    void reopen(archive::StepObserver before = {})
    {
        archive.reset();
        archive = open(std::move(before));
    }

    fs::path root() const { return folder.path() / "archive"; }
};

std::uint64_t instances_in(Archive& archive)
{
    archive::Selection all;
    all.level = QueryLevel::image;
    return archive.catalogue().count(all).value();
}

bool has(Archive& archive, const Instance& instance)
{
    return archive.catalogue().find(instance.key.sop.sop_instance).value().has_value();
}

std::size_t incoming_files(const Opened& opened)
{
    const auto at = fs::directory_iterator(opened.root() / "incoming");
    return static_cast<std::size_t>(std::distance(fs::begin(at), fs::end(at)));
}

std::string file_bytes(const fs::path& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

Instance other_content(Place place)
{
    return make_instance(place, [](DcmDataset& data_set) {
        (void)data_set.putAndInsertString(DCM_StudyDescription, "changed");
    });
}

} // namespace

TEST_CASE("a stored instance is a DICOM file with the data set byte for byte")
{
    Opened opened;
    const Instance instance = make_instance({});
    CHECK(store(*opened.archive, instance).kind == Kind::stored);
    const auto path = opened.archive->path_of(instance.key.study, instance.key.sop.sop_instance);
    const std::string file = file_bytes(path);
    CHECK(file.substr(128, 4) == "DICM");
    CHECK(file.ends_with(instance.data_set));
    const auto read = read_instance(path);
    CHECK(read.key == instance.key);
    CHECK(read.data_set == instance.data_set);
    opened.reopen();
    CHECK(incoming_files(opened) == 0);
    CHECK(has(*opened.archive, instance));
}

TEST_CASE("a head that states other UIDs than the data set is written anew")
{
    Opened opened;
    const Instance instance = make_instance({1, 1, 4});
    const auto wrong = Uid::parse("1.2.840.99999.1234567890.1.2.3.4.5").value();
    auto writer = opened.archive->begin({{wrong, wrong}, instance.key.transfer_syntax, {}}).value();
    writer->write(bytes_of(instance.data_set)).value();
    writer->seal(instance.key, AeTitle::parse("CT1").value()).value();
    std::vector<std::unique_ptr<archive::ArchiveWriter>> writers;
    writers.push_back(std::move(writer));
    CHECK(opened.archive->commit(std::move(writers)).at(0).kind == Kind::stored);
    const auto path = opened.archive->path_of(instance.key.study, instance.key.sop.sop_instance);
    CHECK(read_instance(path).key == instance.key);
    CHECK(read_instance(path).data_set == instance.data_set);
    opened.archive.reset();
    CHECK(incoming_files(opened) == 0);
}

TEST_CASE("the same data set again is there already and another one is a conflict")
{
    Opened opened;
    const Instance first = make_instance({});
    CHECK(store(*opened.archive, first).kind == Kind::stored);
    CHECK(store(*opened.archive, first).kind == Kind::already_there);
    const StoreOutcome conflict = store(*opened.archive, other_content({}));
    CHECK(conflict.kind == Kind::conflict);
    CHECK(conflict.reason == 0x0111);
    const auto path = opened.archive->path_of(first.key.study, first.key.sop.sop_instance);
    CHECK(read_instance(path).data_set == first.data_set);
    CHECK(instances_in(*opened.archive) == 1);
}

TEST_CASE("duplicates inside one batch are told apart")
{
    Opened opened;
    std::vector<std::unique_ptr<archive::ArchiveWriter>> writers;
    writers.push_back(sealed(*opened.archive, make_instance({})));
    writers.push_back(sealed(*opened.archive, make_instance({})));
    writers.push_back(sealed(*opened.archive, other_content({})));
    writers.push_back(sealed(*opened.archive, make_instance({1, 1, 2})));
    const auto outcomes = opened.archive->commit(std::move(writers));
    CHECK(outcomes[0].kind == Kind::stored);
    CHECK(outcomes[1].kind == Kind::already_there);
    CHECK(outcomes[2].kind == Kind::conflict);
    CHECK(outcomes[3].kind == Kind::stored);
    CHECK(instances_in(*opened.archive) == 2);
}

TEST_CASE("many that commit at once are all stored once")
{
    Opened opened;
    constexpr unsigned threads = 8;
    constexpr unsigned each = 10;
    std::atomic<unsigned> stored = 0;
    std::atomic<unsigned> there = 0;
    {
        std::vector<std::jthread> running;
        for (unsigned t = 0; t < threads; ++t)
            running.emplace_back([&, t] {
                for (unsigned n = 0; n < each; ++n) {
                    stored +=
                        store(*opened.archive, make_instance({t + 1, 1, n})).kind == Kind::stored;
                    const auto shared = store(*opened.archive, make_instance({100, 1, n})).kind;
                    stored += shared == Kind::stored;
                    there += shared == Kind::already_there;
                }
            });
    }
    CHECK(stored == threads * each + each);
    CHECK(there == (threads - 1) * each);
    CHECK(instances_in(*opened.archive) == threads * each + each);
}

TEST_CASE("a writer that is given up leaves nothing")
{
    Opened opened;
    (void)sealed(*opened.archive, make_instance({}));
    CHECK(incoming_files(opened) == 0);
    CHECK(instances_in(*opened.archive) == 0);
}

TEST_CASE("an instance whose file has vanished is stored again")
{
    Opened opened;
    const Instance instance = make_instance({});
    CHECK(store(*opened.archive, instance).kind == Kind::stored);
    fs::remove(opened.archive->path_of(instance.key.study, instance.key.sop.sop_instance));
    CHECK(store(*opened.archive, instance).kind == Kind::stored);
    CHECK(store(*opened.archive, instance).kind == Kind::already_there);
    archive::Selection study;
    const auto page = opened.archive->catalogue().list(study, std::nullopt, 10).value();
    CHECK(page.rows.at(0).study_instances == 1);
}

TEST_CASE("below the low-water mark nothing is taken")
{
    ScratchFolder folder;
    ManualClock clock;
    auto options = archive_options(folder.path());
    options.min_free = Bytes{1ULL << 62U};
    const auto archive = Archive::open(std::move(options), clock).value();
    CHECK(archive->admit().error().code == make_error_code(Errc::spool_full));
    CHECK(archive->begin({}).error().code == make_error_code(Errc::spool_full));
}

TEST_CASE("an archive is held by one process at a time")
{
    Opened opened;
    const auto second = Archive::open(archive_options(opened.folder.path()), opened.clock);
    REQUIRE(!second);
    CHECK(second.error().code == make_error_code(Errc::in_use));
}

TEST_CASE("an error of the disk at any step is no success and leaves nothing behind")
{
    for (const Step failing :
         {Step::create, Step::write, Step::flush, Step::link, Step::flush_folder, Step::index}) {
        CAPTURE(static_cast<int>(failing));
        bool broken = true; // outlives the archive, which asks to its end
        Opened opened;
        opened.reopen([&](Step step) {
            return broken && step == failing ? std::make_error_code(std::errc::io_error)
                                             : std::error_code();
        });
        const Instance instance = make_instance({});
        const auto attempt = [&]() -> StoreOutcome {
            auto begun =
                opened.archive->begin({instance.key.sop, instance.key.transfer_syntax, {}});
            if (!begun || !(*begun)->write(bytes_of(instance.data_set)))
                return {Kind::transient, 0, "not written", std::nullopt};
            (*begun)->seal(instance.key, {}).value();
            std::vector<std::unique_ptr<archive::ArchiveWriter>> writers;
            writers.push_back(std::move(*begun));
            return opened.archive->commit(std::move(writers)).at(0);
        };
        CHECK(attempt().kind == Kind::transient);
        CHECK(!has(*opened.archive, instance));
        CHECK(incoming_files(opened) == 0);
        const auto path =
            opened.archive->path_of(instance.key.study, instance.key.sop.sop_instance);
        CHECK(!fs::exists(path));
        broken = false;
        CHECK(attempt().kind == Kind::stored);
    }
}

TEST_CASE("a kill at any step loses nothing acknowledged and keeps nothing by halves")
{
    const Instance before = make_instance({1, 1, 1});
    const Instance during = make_instance({2, 1, 2});
    for (const Step killed :
         {Step::create,
          Step::write,
          Step::link,
          Step::flush,
          Step::flush_folder,
          Step::index,
          Step::unlink}) {
        CAPTURE(static_cast<int>(killed));
        Opened opened;
        CHECK(store(*opened.archive, before).kind == Kind::stored);
        opened.archive.reset();
        const pid_t child = ::fork();
        if (child == 0) {
            auto archive = opened.open([killed](Step step) {
                if (step == killed)
                    ::_exit(9);
                return std::error_code();
            });
            (void)store(*archive, during);
            archive.reset();
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        CHECK(WEXITSTATUS(status) == 9);
        opened.reopen();
        CHECK(incoming_files(opened) == 0);
        CHECK(has(*opened.archive, before));
        // With its final name it is found; before, it was never there.
        const bool swept = killed >= Step::flush;
        CHECK(has(*opened.archive, during) == swept);
        CHECK(store(*opened.archive, during).kind == (swept ? Kind::already_there : Kind::stored));
        CHECK(store(*opened.archive, other_content({2, 1, 2})).kind == Kind::conflict);
    }
}

TEST_CASE("after a power cut what the index lost is found again and what is torn is not")
{
    Opened opened;
    const Instance kept = make_instance({1, 1, 1});
    const Instance torn = make_instance({1, 1, 2});
    const auto paths = [&](const Instance& one) {
        return opened.archive->path_of(one.key.study, one.key.sop.sop_instance);
    };
    const fs::path kept_path = paths(kept);
    const fs::path torn_path = paths(torn);
    const fs::path saved = opened.folder.path() / "index.before";
    opened.reopen(); // an index without them is on disk
    opened.archive.reset();
    fs::copy_file(opened.root() / "index.sqlite", saved);
    const pid_t child = ::fork();
    if (child == 0) {
        auto archive = opened.open();
        (void)store(*archive, kept);
        (void)store(*archive, torn);
        ::_exit(0); // their names in incoming/ stay
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(incoming_files(opened) == 2);
    for (const char* part : {"index.sqlite-wal", "index.sqlite-shm", "index.sqlite"})
        fs::remove(opened.root() / part);
    fs::copy_file(saved, opened.root() / "index.sqlite");
    std::fstream(torn_path, std::ios::in | std::ios::out | std::ios::binary)
        .seekp(-3, std::ios::end)
        .put('!');
    opened.archive = opened.open();
    CHECK(has(*opened.archive, kept));
    CHECK(!has(*opened.archive, torn));
    CHECK(fs::exists(torn_path)); // nothing that has its name is deleted
    CHECK(incoming_files(opened) == 0);
    CHECK(store(*opened.archive, torn).kind == Kind::stored);
    CHECK(read_instance(torn_path).data_set == torn.data_set);
    CHECK(read_instance(kept_path).data_set == kept.data_set);
}

TEST_CASE("an index that is gone or damaged is rebuilt from the files")
{
    for (const bool damaged : {false, true}) {
        CAPTURE(damaged);
        Opened opened;
        for (unsigned n = 1; n <= 5; ++n)
            CHECK(store(*opened.archive, make_instance({1, n % 2, n})).kind == Kind::stored);
        const Instance one = make_instance({1, 1, 1});
        const auto before = opened.archive->catalogue().find(one.key.sop.sop_instance).value();
        opened.archive.reset();
        for (const char* part : {"index.sqlite-wal", "index.sqlite-shm", "index.sqlite"})
            fs::remove(opened.root() / part);
        if (damaged)
            std::ofstream(opened.root() / "index.sqlite") << std::string(8'192, '?');
        const auto cut = opened.root() / "00" / "00" / "1.2.3.dcm";
        fs::create_directories(cut.parent_path());
        std::ofstream(cut) << "no file of ours";
        opened.reopen();
        CHECK(instances_in(*opened.archive) == 5);
        const auto after = opened.archive->catalogue().find(one.key.sop.sop_instance).value();
        REQUIRE(after);
        CHECK(after->key == before->key);
        CHECK(after->digest == before->digest);
        CHECK(after->offset == before->offset);
        CHECK(fs::exists(cut));
        CHECK(store(*opened.archive, one).kind == Kind::already_there);
    }
}

TEST_CASE("a rebuild that was cut short is taken up again")
{
    Opened opened;
    CHECK(store(*opened.archive, make_instance({})).kind == Kind::stored);
    opened.archive.reset();
    for (const char* part : {"index.sqlite-wal", "index.sqlite-shm", "index.sqlite"})
        fs::remove(opened.root() / part);
    (void)archive::Index::open(opened.root() / "index.sqlite").value(); // made, and not filled
    opened.reopen();
    CHECK(instances_in(*opened.archive) == 1);
}

TEST_CASE("every sample that can be stored is stored as it is")
{
    const auto folder = samples_folder();
    if (!folder)
        return skip("no sample files");
    unsigned stored = 0;
    for (const auto& entry : fs::directory_iterator(*folder)) {
        if (entry.path().extension() != ".dcm")
            continue;
        CAPTURE(entry.path().filename().string());
        std::optional<Instance> instance;
        try {
            instance = read_instance(entry.path());
        } catch (const std::exception&) {
            continue; // cut short, or no file: not for the archive
        }
        if (instance->key.study.empty() || instance->key.sop.sop_instance.empty())
            continue;
        Opened opened; // several share a UID
        CHECK(store(*opened.archive, *instance).kind == Kind::stored);
        const auto& key = instance->key;
        const auto read = read_instance(opened.archive->path_of(key.study, key.sop.sop_instance));
        CHECK(read.data_set == instance->data_set);
        CHECK(read.key == key);
        ++stored;
    }
    CHECK(stored > 40);
}
