#include "gateway/origins/web_origin.h"

#include "gateway/error.h"
#include "gateway/origins/archive_inquiry.h"
#include "gateway/origins/qido_find.h"
#include "gateway/origins/stow_batch.h"
#include "gateway/origins/wado_retrieve.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace gantry {

namespace {

constexpr Bytes probe_answer{64U << 10U};
constexpr std::size_t list_from = 8; // instances of a series; below, each is asked for by itself

// What an answer to GET /studies?limit=1 tells of the service. Where it offers no search it may
// still store.
std::string trouble_of(unsigned status)
{
    if (status / 100 == 2 || status == 400 || (status >= 404 && status <= 406) || status == 501)
        return {};
    std::string text = "HTTP " + std::to_string(status);
    if (status == 401)
        return text + ": credentials not accepted";
    if (status == 403)
        return text + ": credentials accepted, access denied";
    if (status == 407)
        return text + ": the proxy wants credentials";
    if (status / 100 == 3)
        return text + ": redirected elsewhere";
    return text;
}

std::string trouble_of(const web::ClientFailure& failure)
{
    std::string text = std::string(web::to_string(failure.phase)) + ": " + failure.error.text();
    return failure.certificate ? "certificate not accepted: " + text : text;
}

} // namespace

struct WebOrigin::State {
    StowRoom room;
    WadoRoom wado;
    SearchMemory learned;

    SearchRoom search_room()
    {
        return {room.name, room.inquiry.client, room.options.profile, learned, {}};
    }
};

namespace {

WadoRoom wado_room(const std::string& name, const InquiryRoom& room, const WebOriginOptions& given)
{
    WebRetrieveOptions options = given.retrieve;
    auto memory = options.memory;
    if (!memory)
        memory = std::make_shared<MemoryBudget>(retrieve_memory);
    const std::size_t known = given.profile.retrieve.requests_at_once.value_or(options.requests);
    const std::size_t at_once = std::min(known, options.requests);
    return {
        name,
        room.client,
        room.disk,
        room.scratch,
        std::move(options),
        std::move(memory),
        FetchPermits(at_once),
        given.profile.retrieve
    };
}

} // namespace

WebOrigin::WebOrigin(
    std::string name,
    web::Client& client,
    WebOriginOptions options,
    WorkerPool& disk,
    std::filesystem::path scratch
)
{
    const InquiryRoom inquiry{client, disk, std::move(scratch), options.max_answer};
    const SearchMemory known = known_of(options.profile);
    state_.reset(new State{{name, inquiry, options}, wado_room(name, inquiry, options), known});
}

WebOrigin::~WebOrigin() = default;

const std::string& WebOrigin::name() const
{
    return state_->room.name;
}

Abilities WebOrigin::abilities() const
{
    Abilities abilities;
    abilities.find = true;
    abilities.store = true;
    abilities.retrieve = true;
    abilities.verify = true;
    return abilities;
}

asio::awaitable<std::vector<StoreOutcome>>
WebOrigin::store(std::vector<std::unique_ptr<InstanceContent>> batch)
{
    StowBatch::AskHealth ask = [this] { return health(); };
    StowBatch stow(state_->room, std::move(ask), std::move(batch));
    co_return co_await stow.run();
}

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): see the
// contract

asio::awaitable<FindEnd> WebOrigin::find(FindQuestion question, FindSink& matches)
{
    co_return co_await find_by_qido(state_->search_room(), std::move(question), matches);
}

asio::awaitable<RetrieveEnd> WebOrigin::retrieve(RetrieveQuestion question, RetrieveSink& sink)
{
    AskFind ask = [this](FindQuestion keys, FindSink& matches) {
        return find(std::move(keys), matches);
    };
    WadoRetrieve retrieve(state_->wado, std::move(ask), sink);
    co_return co_await retrieve.run(std::move(question));
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

asio::awaitable<Result<std::vector<bool>>> WebOrigin::verify(std::vector<InstanceKey> instances)
{
    std::map<std::pair<Uid, Uid>, std::size_t> series;
    for (const InstanceKey& key : instances)
        ++series[{key.study, key.series}];
    std::set<std::string>
        listed; // a list may be incomplete: who is not on it is asked for by itself
    for (const auto& [uids, count] : series)
        if (count >= list_from)
            listed.merge(co_await list_series(state_->room.inquiry, uids.first, uids.second));
    std::vector<bool> there;
    for (const InstanceKey& key : instances) {
        if (listed.contains(key.sop.sop_instance.str())) {
            there.push_back(true);
            continue;
        }
        const Finding finding = co_await look_for(state_->room.inquiry, key);
        if (finding.what == Finding::What::unknown)
            co_return error(Errc::unavailable, finding.reason);
        there.push_back(finding.what == Finding::What::there);
    }
    co_return there;
}

asio::awaitable<Health> WebOrigin::health()
{
    const auto started = std::chrono::steady_clock::now();
    web::ClientRequest request;
    request.target = "/studies?limit=1";
    request.fields.add("Accept", "application/dicom+json");
    const web::ClientResult response =
        co_await state_->room.inquiry.client.request(std::move(request));
    Health health;
    health.round_trip = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - started
    );
    if (!response) {
        health.reason = trouble_of(response.error());
        co_return health;
    }
    health.reason = trouble_of((*response)->head().status);
    health.reachable = health.reason.empty();
    (void)co_await (*response)->read_all(probe_answer); // so that the connection can be kept
    co_return health;
}

} // namespace gantry
