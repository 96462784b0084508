#include "gateway/error.h"
#include "gateway/origins/local_origin.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/gateway/archive_support.h"
#include "tests/support/run.h"

using namespace gantry;
using namespace gantry::tests;
using Kind = StoreOutcome::Kind;

namespace {

struct OpenOrigin {
    ScratchFolder folder;
    ManualClock clock;
    WorkerPool disk{"disk", 4};
    std::unique_ptr<LocalOrigin> local = open();

    std::unique_ptr<LocalOrigin> open()
    {
        LocalOriginOptions options;
        options.folder = folder.path() / "archive";
        options.min_free = {};
        return LocalOrigin::open(std::move(options), disk, clock).value();
    }

    std::vector<Kind> put(std::vector<std::unique_ptr<InstanceContent>> batch)
    {
        std::vector<Kind> kinds;
        for (const auto& outcome : test::run(local->store(std::move(batch))))
            kinds.push_back(outcome.kind);
        return kinds;
    }

    Kind put(const Instance& instance)
    {
        std::vector<std::unique_ptr<InstanceContent>> batch;
        batch.push_back(content_of(instance));
        return put(std::move(batch)).at(0);
    }
};

class KeepInstances final : public RetrieveSink {
public:
    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> keys) override
    {
        expected = std::move(keys);
        co_return Result<void>{};
    }

    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> given) override
    {
        InstanceContent& content = *given;
        Instance one{content.key(), {}};
        for (;;) {
            const auto chunk = co_await content.read();
            if (!chunk)
                co_return chunk.error();
            if (chunk->empty())
                break;
            one.data_set.append(reinterpret_cast<const char*>(chunk->data()), chunk->size());
        }
        sources.push_back(content.source_ae().str());
        instances.push_back(std::move(one));
        co_return Result<void>{};
    }

    std::vector<InstanceKey> expected;
    std::vector<Instance> instances;
    std::vector<std::string> sources;
};

RetrieveQuestion of_study(const char* uid)
{
    RetrieveQuestion question;
    question.studies.push_back(Uid::parse(uid).value());
    return question;
}

} // namespace

TEST_CASE("a batch is stored with one outcome for each in order")
{
    OpenOrigin origin;
    CHECK(origin.put(make_instance({1, 1, 1})) == Kind::stored);
    std::vector<std::unique_ptr<InstanceContent>> batch;
    batch.push_back(content_of(make_instance({1, 1, 1})));
    batch.push_back(content_of(make_instance({1, 1, 2}), true));
    batch.push_back(content_of(make_instance({1, 1, 3}, {}, 300'000)));
    batch.push_back(content_of(make_instance({1, 1, 1}, [](DcmDataset& data_set) {
        (void)data_set.putAndInsertString(DCM_StudyDescription, "other");
    })));
    const auto kinds = origin.put(std::move(batch));
    CHECK(kinds == std::vector{Kind::already_there, Kind::damaged, Kind::stored, Kind::conflict});
    CHECK(origin.put(std::vector<std::unique_ptr<InstanceContent>>{}).empty());
}

TEST_CASE("what was stored is retrieved byte for byte with its source")
{
    OpenOrigin origin;
    const Instance large = make_instance({1, 2, 1}, {}, 700'000);
    CHECK(origin.put(make_instance({1, 1, 1})) == Kind::stored);
    CHECK(origin.put(large) == Kind::stored);
    CHECK(origin.put(make_instance({2, 1, 1})) == Kind::stored);
    KeepInstances got;
    const auto end = test::run(origin.local->retrieve(of_study("1.2.1"), got));
    CHECK(end.complete);
    CHECK(got.expected.size() == 2);
    REQUIRE(got.instances.size() == 2);
    CHECK(got.instances[0].data_set == make_instance({1, 1, 1}).data_set);
    CHECK(got.instances[1].data_set == large.data_set);
    CHECK(got.instances[1].key == large.key);
    CHECK(got.sources[0] == "MODALITY");
}

TEST_CASE("what is not here is an empty set and a complete retrieve")
{
    OpenOrigin origin;
    KeepInstances got;
    CHECK(test::run(origin.local->retrieve(of_study("1.2.99"), got)).complete);
    CHECK(got.expected.empty());
    CHECK(!test::run(origin.local->retrieve({}, got)).complete);
}

TEST_CASE("a patient is retrieved study by study and a study only where it is theirs")
{
    OpenOrigin origin;
    for (unsigned study : {1U, 2U})
        for (unsigned number : {2U, 1U})
            CHECK(origin.put(make_instance({study, 1, number})) == Kind::stored);
    const auto retrieve = [&](std::vector<std::string> patients, const char* study) {
        RetrieveQuestion question = study == nullptr ? RetrieveQuestion{} : of_study(study);
        question.patient_ids = std::move(patients);
        KeepInstances got;
        CHECK(test::run(origin.local->retrieve(question, got)).complete);
        std::string uids;
        for (const Instance& instance : got.instances)
            uids += instance.key.sop.sop_instance.str() + " ";
        return uids;
    };
    CHECK(retrieve({"P2"}, nullptr) == "1.2.2.1.1 1.2.2.1.2 ");
    CHECK(retrieve({"P2", "P1"}, nullptr) == "1.2.2.1.1 1.2.2.1.2 1.2.1.1.1 1.2.1.1.2 ");
    CHECK(retrieve({"P1"}, "1.2.1") == "1.2.1.1.1 1.2.1.1.2 ");
    CHECK(retrieve({"P1"}, "1.2.2").empty());
}

TEST_CASE("a long series is given whole and in order while it is read ahead")
{
    OpenOrigin origin;
    for (unsigned number = 50; number >= 1; --number)
        CHECK(origin.put(make_instance({1, 1, number})) == Kind::stored);
    KeepInstances got;
    CHECK(test::run(origin.local->retrieve(of_study("1.2.1"), got)).complete);
    REQUIRE(got.instances.size() == 50);
    for (unsigned number = 1; number <= 50; ++number)
        CHECK(got.instances[number - 1].data_set == make_instance({1, 1, number}).data_set);
}

TEST_CASE("a file that was damaged is not given as whole and names what is missing")
{
    for (const bool cut_short : {true, false}) {
        CAPTURE(cut_short);
        OpenOrigin origin;
        const Instance instance = make_instance({1, 1, 1});
        CHECK(origin.put(instance) == Kind::stored);
        CHECK(origin.put(make_instance({1, 1, 2})) == Kind::stored);
        const auto path =
            origin.local->archive().path_of(instance.key.study, instance.key.sop.sop_instance);
        if (cut_short)
            std::filesystem::resize_file(path, std::filesystem::file_size(path) - 10);
        else
            std::fstream(path, std::ios::in | std::ios::out | std::ios::binary)
                .seekp(-3, std::ios::end)
                .put('!');
        KeepInstances got;
        const auto end = test::run(origin.local->retrieve(of_study("1.2.1"), got));
        CHECK(!end.complete);
        CHECK(got.instances.empty());
        CHECK(end.missing.size() == 2);
    }
}

TEST_CASE("verify says what is safely there")
{
    OpenOrigin origin;
    const Instance here = make_instance({1, 1, 1});
    const Instance gone = make_instance({1, 1, 2});
    const Instance never = make_instance({1, 1, 3});
    CHECK(origin.put(here) == Kind::stored);
    CHECK(origin.put(gone) == Kind::stored);
    std::filesystem::remove(
        origin.local->archive().path_of(gone.key.study, gone.key.sop.sop_instance)
    );
    InstanceKey other_class = here.key;
    other_class.sop.sop_class = Uid::parse("1.2.840.10008.5.1.4.1.1.2").value();
    const std::vector<InstanceKey> asked{here.key, gone.key, never.key, other_class};
    const auto there = test::run(origin.local->verify(asked)).value();
    CHECK(there == std::vector<bool>{true, false, false, false});
}

TEST_CASE("an archive in order is healthy")
{
    OpenOrigin origin;
    const auto health = test::run(origin.local->health());
    CHECK(health.reachable);
    CHECK(health.reason.empty());
}
