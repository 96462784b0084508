#include "tests/gateway/far_origin.h"

#include "gateway/origins/held_content.h"
#include "gateway/origins/scratch_file.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>

#include <algorithm>

namespace gantry::tests {

namespace {

constexpr const char* ct = "1.2.840.10008.5.1.4.1.1.2";

std::string join(const std::vector<Uid>& uids)
{
    std::string out;
    for (const Uid& one : uids)
        out += (out.empty() ? "" : ",") + one.str();
    return out;
}

bool among(const std::vector<Uid>& uids, const Uid& one)
{
    return uids.empty() || std::ranges::find(uids, one) != uids.end();
}

std::vector<Uid> values_of(DcmDataset& keys, const DcmTagKey& tag)
{
    OFString text;
    (void)keys.findAndGetOFStringArray(tag, text);
    std::vector<Uid> out;
    std::string rest(text.c_str(), text.size());
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\\'), rest.size());
        if (const auto one = Uid::parse(rest.substr(0, end)))
            out.push_back(*one);
        rest.erase(0, std::min(end + 1, rest.size()));
    }
    return out;
}

// Has no source of its own.
class LoopOnly final : public InstanceContent {
public:
    explicit LoopOnly(std::unique_ptr<InstanceContent> content) : content_(std::move(content)) {}

    const InstanceKey& key() const override { return content_->key(); }

    AeTitle source_ae() const override { return {}; }

    Bytes length() const override { return content_->length(); }

    asio::awaitable<Result<ConstBytes>> read() override { return content_->read(); }

    void rewind() override { content_->rewind(); }

private:
    std::unique_ptr<InstanceContent> content_;
};

} // namespace

Uid uid(const std::string& text)
{
    return Uid::parse(text).value();
}

std::vector<Uid> uids(const std::vector<std::string>& texts)
{
    std::vector<Uid> out;
    for (const std::string& text : texts)
        out.push_back(uid(text));
    return out;
}

FarInstance far_instance(unsigned study, unsigned series, unsigned number, std::size_t bytes)
{
    const std::string study_uid = "1.2." + std::to_string(study);
    const std::string series_uid = study_uid + '.' + std::to_string(series);
    const std::string sop = series_uid + '.' + std::to_string(number);
    FarInstance out;
    out.key = {uid(study_uid), uid(series_uid), {uid(ct), uid(sop)}, uid("1.2.840.10008.1.2.1")};
    while (out.data_set.size() < bytes)
        out.data_set += sop + '/' + std::to_string(out.data_set.size()) + ' ';
    out.data_set.resize(bytes);
    return out;
}

RetrieveQuestion study_question(unsigned study)
{
    RetrieveQuestion question;
    question.level = QueryLevel::study;
    question.studies = {far_instance(study, 1, 1, 0).key.study};
    return question;
}

RetrieveQuestion series_question(unsigned study, unsigned series)
{
    RetrieveQuestion question = study_question(study);
    question.level = QueryLevel::series;
    question.series = {far_instance(study, series, 1, 0).key.series};
    return question;
}

RetrieveQuestion image_question(unsigned study, unsigned series, std::vector<unsigned> numbers)
{
    RetrieveQuestion question = series_question(study, series);
    question.level = QueryLevel::image;
    for (const unsigned number : numbers)
        question.instances.push_back(far_instance(study, series, number, 0).key.sop.sop_instance);
    return question;
}

FarOrigin::FarOrigin(asio::any_io_executor loop) : changed_(std::move(loop)) {}

void FarOrigin::allow(std::size_t instances)
{
    allowed = instances;
    changed_.notify();
}

std::size_t FarOrigin::retrieves() const
{
    return static_cast<std::size_t>(std::ranges::count_if(asked, [](const std::string& one) {
        return !one.starts_with("find");
    }));
}

asio::awaitable<std::vector<StoreOutcome>>
FarOrigin::store(std::vector<std::unique_ptr<InstanceContent>> batch)
{
    std::vector<StoreOutcome> outcomes(batch.size());
    for (StoreOutcome& outcome : outcomes)
        outcome.kind = StoreOutcome::Kind::stored;
    co_return outcomes;
}

asio::awaitable<FindEnd> FarOrigin::find(FindQuestion question, FindSink& matches)
{
    DcmDataset keys(*question.keys);
    const auto studies = values_of(keys, DCM_StudyInstanceUID);
    const auto series = values_of(keys, DCM_SeriesInstanceUID);
    const auto instances = values_of(keys, DCM_SOPInstanceUID);
    asked.push_back("find " + join(studies) + '/' + join(series) + '/' + join(instances));
    if (find_fails)
        co_return *find_fails;
    for (const FarInstance& one : has) {
        if (!among(studies, one.key.study) || !among(series, one.key.series) ||
            !among(instances, one.key.sop.sop_instance))
            continue;
        auto match = std::make_unique<DcmDataset>();
        (void)match->putAndInsertString(DCM_StudyInstanceUID, one.key.study.str().c_str());
        (void)match->putAndInsertString(DCM_SeriesInstanceUID, one.key.series.str().c_str());
        (void)match->putAndInsertString(DCM_SOPInstanceUID, one.key.sop.sop_instance.str().c_str());
        (void)match->putAndInsertString(DCM_SOPClassUID, one.key.sop.sop_class.str().c_str());
        const auto taken = co_await matches.match(std::move(match));
        if (!taken)
            co_return FindEnd{false, Shortfall::failed, taken.error().text()};
    }
    co_return FindEnd{true};
}

std::unique_ptr<InstanceContent> FarOrigin::content_of(const FarInstance& instance) const
{
    const auto bytes = std::make_shared<std::string>(instance.data_set);
    std::unique_ptr<InstanceContent> content;
    if (in_a_file.contains(instance.key.sop.sop_instance.str())) {
        auto file = ScratchFile::create(scratch).value();
        file->append(std::as_bytes(std::span(std::string_view("head")))).value();
        file->append(std::as_bytes(std::span(*bytes))).value();
        ScratchContent::What what{instance.key, {}, 4};
        content = std::make_unique<ScratchContent>(std::move(file), std::move(what), *disk);
    } else {
        HeldContent::Held held{bytes, std::as_bytes(std::span(*bytes))};
        content = std::make_unique<HeldContent>(instance.key, AeTitle{}, std::move(held));
    }
    if (hidden)
        content = std::make_unique<LoopOnly>(std::move(content));
    return content;
}

asio::awaitable<RetrieveEnd> FarOrigin::retrieve(RetrieveQuestion question, RetrieveSink& sink)
{
    struct UnderWay {
        explicit UnderWay(FarOrigin& o) : origin(o) { ++origin.under_way; }

        ~UnderWay()
        {
            --origin.under_way;
            origin.cancelled += ended ? 0 : 1;
        }

        UnderWay(const UnderWay&) = delete;
        UnderWay& operator=(const UnderWay&) = delete;
        FarOrigin& origin;
        bool ended = false;
    } under(*this);

    const char* level = question.level == QueryLevel::study    ? "study "
                        : question.level == QueryLevel::series ? "series "
                                                               : "image ";
    std::string text = level + join(question.studies);
    if (!question.series.empty())
        text += '/' + join(question.series);
    if (!question.instances.empty())
        text += '/' + join(question.instances);
    asked.push_back(text);
    if (fails) {
        under.ended = true;
        co_return *fails;
    }
    std::vector<const FarInstance*> list; // nothing changes while one is under way
    std::vector<InstanceKey> keys;
    for (const FarInstance& one : has)
        if (among(question.studies, one.key.study) && among(question.series, one.key.series) &&
            among(question.instances, one.key.sop.sop_instance)) {
            list.push_back(&one);
            keys.push_back(one.key);
        }
    RetrieveEnd end;
    Result<void> taken = co_await sink.expect(std::move(keys));
    std::size_t gave = 0;
    for (const FarInstance* there : list) {
        const FarInstance& one = *there;
        const std::string name = one.key.sop.sop_instance.str();
        const auto wanted = sink.acceptable(one.key.sop.sop_class);
        if (wanted && wanted->empty())
            continue;
        if (!taken || withheld.contains(name) || (breaks_off && gave == most)) {
            end.missing.push_back(one.key.sop);
            continue;
        }
        while (allowed == 0)
            co_await changed_.wait();
        --allowed;
        ++gave;
        ++given[name];
        auto content = content_of(one);
        taken = co_await sink.instance(std::move(content));
    }
    under.ended = true;
    end.complete = taken && end.missing.empty();
    if (!end.complete)
        end.shortfall = Shortfall::failed;
    if (breaks_off && !end.missing.empty()) {
        end.shortfall = breaks_off->shortfall;
        end.reason = breaks_off->reason;
    }
    co_return end;
}

asio::awaitable<Result<std::vector<bool>>> FarOrigin::verify(std::vector<InstanceKey> instances)
{
    co_return std::vector<bool>(instances.size(), true);
}

asio::awaitable<Health> FarOrigin::health()
{
    Health health;
    health.reachable = true;
    co_return health;
}

} // namespace gantry::tests
