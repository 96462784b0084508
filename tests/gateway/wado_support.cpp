#include "tests/gateway/wado_support.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>

#include <algorithm>
#include <sstream>

namespace gantry::tests {

namespace {

constexpr const char* base = "/dicom-web";

std::vector<std::string> values_of(const DcmDataset& keys, const DcmTagKey& tag)
{
    OFString text;
    (void)const_cast<DcmDataset&>(keys).findAndGetOFStringArray(tag, text); // DCMTK's way
    std::vector<std::string> out;
    std::istringstream in(text.c_str());
    for (std::string one; std::getline(in, one, '\\');)
        out.push_back(one);
    return out;
}

std::string shown(const std::vector<std::string>& values)
{
    std::string out;
    for (const std::string& value : values)
        out += (out.empty() ? "" : ",") + value;
    return out.empty() ? "*" : out;
}

bool fits(const std::vector<std::string>& values, const std::string& value)
{
    return values.empty() || std::ranges::find(values, value) != values.end();
}

std::string number_of(const Sample& sample)
{
    return sample.instance.substr(sample.instance.rfind('.') + 1);
}

} // namespace

Sample instance_of(unsigned series, unsigned number)
{
    Sample made;
    made.series = made.study + "." + std::to_string(series);
    made.instance = made.series + "." + std::to_string(number);
    made.value = "S" + std::to_string(series) + "N" + std::to_string(number);
    return made;
}

std::string parts_of(const std::vector<std::string>& files, bool closed)
{
    std::string body;
    for (const std::string& file : files)
        body += "\r\n--b\r\nContent-Type: application/dicom\r\n\r\n" + file;
    return body + (closed ? "\r\n--b--\r\n" : "\r\n--b\r\n");
}

Reply multipart(std::string body, std::uint16_t status)
{
    Reply reply = Reply::with(status, std::move(body));
    reply.fields.add("Content-Type", "multipart/related; type=\"application/dicom\"; boundary=b");
    return reply;
}

Reply wado_files(const std::vector<Sample>& samples, std::uint16_t status)
{
    std::vector<std::string> files;
    for (const Sample& sample : samples)
        files.push_back(sample.file());
    return multipart(parts_of(files), status);
}

AskFind FakeFind::ask()
{
    return
        [this](FindQuestion question, FindSink& sink) { return answer(std::move(question), sink); };
}

std::string FakeFind::count_of(const std::string& series) const
{
    const auto said = counts.find(series);
    if (said != counts.end())
        return said->second;
    return std::to_string(std::ranges::count(has, series, &Sample::series));
}

asio::awaitable<FindEnd> FakeFind::answer(FindQuestion question, FindSink& sink)
{
    const auto studies = values_of(*question.keys, DCM_StudyInstanceUID);
    const auto series = values_of(*question.keys, DCM_SeriesInstanceUID);
    const auto instances = values_of(*question.keys, DCM_SOPInstanceUID);
    const auto patients = values_of(*question.keys, DCM_PatientID);
    const char* level = question.level == QueryLevel::image    ? "image "
                        : question.level == QueryLevel::series ? "series "
                                                               : "study ";
    asked.push_back(level + shown(studies) + "/" + shown(series) + "/" + shown(instances));
    if (fails)
        co_return *fails;
    if (const auto end = fails_after ? fails_after() : std::nullopt)
        co_return *end;
    if (relational_fails && question.level == QueryLevel::image && series.size() != 1)
        co_return *relational_fails;
    Names given;
    std::uint64_t matches = 0;
    for (const Sample& sample : has) {
        const auto patient = patient_of.find(sample.study);
        const std::string id = patient == patient_of.end() ? "" : patient->second;
        if (!ignores_keys && (!fits(studies, sample.study) || !fits(series, sample.series) ||
                              !fits(instances, sample.instance) || !fits(patients, id)))
            continue;
        const std::string& unique = question.level == QueryLevel::image    ? sample.instance
                                    : question.level == QueryLevel::series ? sample.series
                                                                           : sample.study;
        if (question.level != QueryLevel::image && !given.insert(unique).second)
            continue; // image level: repeated, as some archives do
        auto match = std::make_unique<DcmDataset>();
        const auto put = [&](const DcmTagKey& tag, const std::string& value) {
            (void)match->putAndInsertString(tag, value.c_str());
        };
        put(DCM_StudyInstanceUID, sample.study);
        put(DCM_PatientID, id);
        if (question.level != QueryLevel::study)
            put(DCM_SeriesInstanceUID, sample.series);
        if (question.level == QueryLevel::series)
            put(DCM_NumberOfSeriesRelatedInstances, count_of(sample.series));
        if (question.level == QueryLevel::image) {
            put(DCM_SOPInstanceUID, sample.instance);
            put(DCM_SOPClassUID, sample.sop_class);
            put(DCM_InstanceNumber, number_of(sample));
        }
        const auto taken = co_await sink.match(std::move(match));
        if (!taken)
            co_return FindEnd{false, Shortfall::failed, taken.error().text()};
        if (question.limit && ++matches == *question.limit)
            break;
    }
    co_return FindEnd{true};
}

asio::awaitable<Result<void>> Taker::expect(std::vector<InstanceKey> instances)
{
    twice = twice || expected;
    expected = std::move(instances);
    co_return Result<void>{};
}

asio::awaitable<Result<void>>
Taker::expect_number(std::uint64_t instances, std::vector<InstanceKey> some)
{
    numbers.push_back(instances);
    std::ranges::move(some, std::back_inserter(examples));
    if (unreachable)
        co_return *unreachable;
    co_return Result<void>{};
}

std::optional<std::vector<Uid>> Taker::acceptable(const Uid& sop_class) const
{
    return accepts ? accepts(sop_class) : std::nullopt;
}

asio::awaitable<Result<void>> Taker::instance(std::unique_ptr<InstanceContent> content)
{
    const std::string uid = content->key().sop.sop_instance.str();
    most_waiting = std::max(most_waiting, ++waiting);
    if (pauses)
        co_await pauses();
    --waiting;
    if (refuses)
        if (const auto refused = refuses(content->key()); !refused)
            co_return refused.error();
    twice = twice || !(expected || !numbers.empty()) || data_sets.contains(uid);
    std::string& bytes = data_sets[uid];
    while (!keeps_content) {
        const auto chunk = co_await content->read();
        if (!chunk)
            co_return chunk.error();
        if (chunk->empty())
            break;
        bytes.append(reinterpret_cast<const char*>(chunk->data()), chunk->size());
    }
    keys[uid] = content->key();
    order.push_back(uid);
    if (keeps_content)
        contents.push_back(std::move(content));
    co_return Result<void>{};
}

Names Taker::received() const
{
    Names out;
    for (const auto& [uid, bytes] : data_sets)
        out.insert(uid);
    return out;
}

// The longest silence of the archive. What a sanitizer slows down is not silent yet.
#if defined(__has_feature) && (__has_feature(thread_sanitizer) || __has_feature(address_sanitizer))
static constexpr std::chrono::milliseconds silence{5'000};
#else
static constexpr std::chrono::milliseconds silence{500};
#endif

WebRetrieveOptions WadoHouse::quick()
{
    WebRetrieveOptions options;
    options.min_backoff = std::chrono::milliseconds(1);
    options.max_backoff = std::chrono::milliseconds(5);
    return options;
}

WadoHouse::WadoHouse(WebRetrieveOptions options, std::uint16_t connections)
{
    web::ClientOptions client_options;
    client_options.url = archive.url(base);
    client_options.timeout = silence;
    client_options.connections = connections;
    client = std::make_unique<web::Client>(loop.get_executor(), std::move(client_options));
    auto memory = options.memory ? options.memory : std::make_shared<MemoryBudget>(retrieve_memory);
    const std::size_t at_once = options.requests;
    room.reset(new WadoRoom{
        "cloud",
        *client,
        disk,
        scratch.path(),
        std::move(options),
        std::move(memory),
        FetchPermits(at_once)
    });
    archive.otherwise([this](const ReceivedRequest& request) { return answer(request); });
}

void WadoHouse::has(const Sample& sample)
{
    has_.push_back(sample);
    find.has.push_back(sample);
}

void WadoHouse::on(std::string target_end, Reply reply)
{
    on(std::move(target_end), [reply](const ReceivedRequest&) { return reply; });
}

void WadoHouse::on(std::string target_end, ScriptedOrigin::Choose choose)
{
    scripted_.push_back({std::move(target_end), true, std::move(choose)});
}

void WadoHouse::on_path(std::string part, ScriptedOrigin::Choose choose)
{
    scripted_.push_back({std::move(part), false, std::move(choose)});
}

Reply WadoHouse::answer(const ReceivedRequest& request) const
{
    for (const auto& [text, at_end, choose] : scripted_)
        if (at_end ? request.target.ends_with(text)
                   : request.target.find(text) != std::string::npos)
            return choose(request);
    std::vector<Sample> found;
    for (const Sample& sample : has_) {
        const std::string series = base + ("/studies/" + sample.study) + "/series/" + sample.series;
        if (request.target == series || request.target == series + "/instances/" + sample.instance)
            found.push_back(sample);
    }
    return found.empty() ? Reply::with(404) : wado_files(found);
}

RetrieveEnd WadoHouse::retrieve(RetrieveQuestion question)
{
    WadoRetrieve retrieve(*room, find.ask(), taker);
    return run(loop, retrieve.run(std::move(question)));
}

RetrieveEnd WadoHouse::retrieve_study()
{
    return retrieve(of_study());
}

std::vector<std::string> WadoHouse::targets() const
{
    std::vector<std::string> out;
    for (const ReceivedRequest& request : archive.requests())
        out.push_back(request.target.substr(std::string_view(base).size()));
    return out;
}

std::size_t WadoHouse::asked_for(std::string_view target_end) const
{
    return static_cast<std::size_t>(std::ranges::count_if(targets(), [&](const std::string& one) {
        return one.ends_with(target_end);
    }));
}

RetrieveQuestion of_study(std::string_view study)
{
    RetrieveQuestion question;
    question.level = QueryLevel::study;
    question.studies.push_back(*Uid::parse(study));
    return question;
}

Names missing_of(const RetrieveEnd& end)
{
    Names out;
    for (const SopReference& sop : end.missing)
        out.insert(sop.sop_instance.str());
    return out;
}

} // namespace gantry::tests
