// Which instances a retrieve covers, as an archive's find tells.
#include "gateway/error.h"

#include <doctest/doctest.h>

#include "tests/gateway/wado_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

std::vector<Uid> uids(std::initializer_list<const char*> texts)
{
    std::vector<Uid> out;
    for (const char* text : texts)
        out.push_back(*Uid::parse(text));
    return out;
}

struct Asked {
    FakeFind find;
    ExpectedInstances expected;

    Asked()
    {
        for (unsigned series : {2U, 1U})
            for (unsigned number : {10U, 9U})
                find.has.push_back(instance_of(series, number));
        Sample other = instance_of(5, 1);
        other.study = "1.9";
        find.has.push_back(other);
        find.patient_of = {{"1.2.3", "P1"}, {"1.9", "p1"}};
    }

    std::vector<std::string> ask(RetrieveQuestion question)
    {
        expected = run(expected_instances(find.ask(), std::move(question)));
        std::vector<std::string> out;
        for (const InstanceKey& key : expected.instances)
            out.push_back(key.sop.sop_instance.str());
        return out;
    }
};

using List = std::vector<std::string>;
const List study_list{"1.2.3.2.9", "1.2.3.2.10", "1.2.3.1.9", "1.2.3.1.10"};

} // namespace

TEST_CASE("a study is asked for as one list")
{
    Asked asked;
    CHECK(asked.ask(of_study()) == study_list);
    CHECK(asked.expected.end.complete);
    CHECK(asked.find.asked == List{"image 1.2.3/*/*"});
    const InstanceKey& key = asked.expected.instances.front();
    CHECK(key.study.str() == "1.2.3");
    CHECK(key.series.str() == "1.2.3.2");
    CHECK(key.sop.sop_class.str() == instance_of(2, 9).sop_class);
}

TEST_CASE("an archive that does not list a study is asked series by series")
{
    for (const Shortfall shortfall : {Shortfall::question, Shortfall::failed}) {
        Asked asked;
        asked.find.relational_fails = FindEnd{false, shortfall, "HTTP 404"};
        CHECK(asked.ask(of_study()) == study_list);
        CHECK(asked.expected.end.complete);
        CHECK(asked.find.asked.size() == 4);
        CHECK(asked.find.asked.at(2) == "image 1.2.3/1.2.3.2/*");
    }
}

TEST_CASE("an archive that cannot be asked says why")
{
    for (const Shortfall shortfall :
         {Shortfall::unavailable, Shortfall::unauthorised, Shortfall::limit, Shortfall::failed}) {
        Asked asked;
        asked.find.fails = FindEnd{false, shortfall, "so"};
        CHECK(asked.ask(of_study()).empty());
        CHECK_FALSE(asked.expected.end.complete);
        CHECK(asked.expected.end.shortfall == shortfall);
    }
}

TEST_CASE("nothing named is not everything")
{
    Asked asked;
    CHECK(asked.ask({}).empty());
    CHECK(asked.expected.end.shortfall == Shortfall::question);
    CHECK(asked.find.asked.empty());
}

TEST_CASE("more than was asked for and repetitions are dropped")
{
    Asked asked;
    asked.find.ignores_keys = true;
    asked.find.has.push_back(instance_of(1, 9));
    CHECK(asked.ask(of_study()) == study_list);
    RetrieveQuestion question = of_study();
    question.series = uids({"1.2.3.1"});
    CHECK(asked.ask(question) == List{"1.2.3.1.9", "1.2.3.1.10"});
}

TEST_CASE("the studies of a patient are those whose PatientID is the very same")
{
    Asked asked;
    RetrieveQuestion question;
    question.level = QueryLevel::patient;
    question.patient_ids = {"P1"};
    asked.find.ignores_keys = true;
    CHECK(asked.ask(question) == study_list);
    question.patient_ids = {"P"};
    CHECK(asked.ask(question).empty());
    CHECK(asked.expected.end.complete);
}

TEST_CASE("a study of another patient is not given")
{
    Asked asked;
    RetrieveQuestion question = of_study();
    question.patient_ids = {"p1"};
    CHECK(asked.ask(question).empty());
    CHECK(asked.expected.end.complete);
    question.patient_ids = {"P1"};
    CHECK(asked.ask(question) == study_list);
}

TEST_CASE("series and instances may be named without what is above them")
{
    Asked asked;
    RetrieveQuestion question;
    question.series = uids({"1.2.3.1", "1.2.3.5"});
    CHECK(asked.ask(question) == List{"1.2.3.1.9", "1.2.3.1.10", "1.2.3.5.1"});
    CHECK(asked.find.asked.front() == "series */1.2.3.1,1.2.3.5/*");
    CHECK(asked.expected.instances.back().study.str() == "1.9");
    question.series.clear();
    question.instances = uids({"1.2.3.1.9", "1.2.3.5.1", "1.2.3.5.2"});
    CHECK(asked.ask(question) == List{"1.2.3.1.9", "1.2.3.5.1"});
}

TEST_CASE("a long list of instances does not become a long request")
{
    Asked asked;
    RetrieveQuestion question = of_study();
    question.series = uids({"1.2.3.1"});
    question.instances = uids({"1.2.3.1.9"});
    for (int i = 0; i < 40; ++i)
        question.instances.push_back(*Uid::parse("1.7." + std::to_string(i)));
    CHECK(asked.ask(question) == List{"1.2.3.1.9"});
    CHECK(asked.find.asked == List{"image 1.2.3/1.2.3.1/*"});
    question.series.clear();
    asked.find.asked.clear();
    CHECK(asked.ask(question) == List{"1.2.3.1.9"});
    CHECK(asked.find.asked.size() == 3);
}

TEST_CASE("a retrieve of what cannot be told ends with the reason and fetches nothing")
{
    WadoHouse house;
    house.has(instance_of(1, 1));
    house.find.fails = FindEnd{false, Shortfall::unauthorised, "HTTP 401"};
    const RetrieveEnd end = house.retrieve_study();
    CHECK_FALSE(end.complete);
    CHECK(end.shortfall == Shortfall::unauthorised);
    CHECK_FALSE(house.taker.expected);
    CHECK(house.targets().empty());
}

TEST_CASE("a retrieve of what is not there is complete and empty")
{
    WadoHouse house;
    house.has(instance_of(1, 1));
    const RetrieveEnd end = house.retrieve(of_study("1.2.4"));
    CHECK(end.complete);
    REQUIRE(house.taker.expected);
    CHECK(house.taker.expected->empty());
    CHECK(house.targets().empty());
}
