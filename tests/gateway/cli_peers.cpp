// The parts that the gantry binary talks with in the tests of its commands.
#include "dimse/listener.h"
#include "gateway/loop/task_group.h"
#include "web/server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include "cli_support.h"

namespace gantry::tests {

namespace {

using Tcp = asio::ip::tcp;

Tcp::acceptor any_port(asio::io_context& loop)
{
    spdlog::set_level(spdlog::level::off); // their log is not what is looked at
    return Tcp::acceptor(loop, Tcp::endpoint(asio::ip::address_v4::loopback(), 0));
}

asio::awaitable<void>
answer(web::Response& response, std::uint16_t status, std::string type, std::string body)
{
    web::ResponseHead head;
    head.status = status;
    if (!type.empty())
        head.fields.add("Content-Type", std::move(type));
    co_await response.send(std::move(head), std::move(body));
}

asio::awaitable<void>
take_and_answer(web::RequestBody& body, web::Response& response, std::uint16_t status)
{
    for (;;) {
        const auto piece = co_await body.read();
        if (!piece || piece->empty())
            break;
    }
    co_await answer(response, status, "", "");
}

} // namespace

struct FakeArchive::State {
    explicit State(Answers a) : answers(std::move(a)), acceptor(any_port(loop))
    {
        port = acceptor.local_endpoint().port();
        router.add(
            web::Method::get,
            "/dicom-web/studies",
            [this](const web::Request&, web::RequestBody&, web::Response& response) {
                return answer(
                    response, answers.query, answers.query_type, answers.query == 200 ? "[]" : ""
                );
            }
        );
        router.add(
            web::Method::post,
            "/dicom-web/studies",
            [this](const web::Request&, web::RequestBody& body, web::Response& response) {
                return take_and_answer(body, response, answers.store);
            }
        );
        server.emplace(loop.get_executor(), web::ServerOptions{}, router);
        tasks.spawn(server->serve(std::move(acceptor)));
        thread = std::thread([this] { loop.run(); });
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    ~State()
    {
        asio::post(loop, [this] {
            tasks.cancel();
            ending.spawn(server->stop());
        });
        thread.join();
    }

    Answers answers;
    asio::io_context loop;
    TaskGroup tasks{loop.get_executor(), "archive"};
    TaskGroup ending{loop.get_executor(), "archive"};
    web::Router router;
    std::optional<web::Server> server;
    Tcp::acceptor acceptor;
    std::uint16_t port = 0;
    std::thread thread;
};

FakeArchive::FakeArchive(Answers answers) : state_(std::make_unique<State>(std::move(answers))) {}

FakeArchive::~FakeArchive() = default;

std::uint16_t FakeArchive::port() const
{
    return state_->port;
}

namespace {

struct Kept {
    std::mutex mutex;
    std::map<std::string, std::string> instances;
};

class Incoming final : public dimse::IncomingInstance {
public:
    Incoming(Kept& kept, std::string uid) : kept_(kept), uid_(std::move(uid)) {}

    Result<void> write(ConstBytes fragment) override
    {
        data_.append(reinterpret_cast<const char*>(fragment.data()), fragment.size());
        return {};
    }

    DimseStatus finish() override
    {
        if (uid_.ends_with(".9"))
            return {0xa900, "does not match"};
        const std::lock_guard lock(kept_.mutex);
        kept_.instances[uid_] = data_;
        return {0x0000, ""};
    }

private:
    Kept& kept_;
    std::string uid_;
    std::string data_;
};

class Provider final : public dimse::ServiceProvider {
public:
    Kept kept;

    std::optional<dimse::Refusal> admit(const dimse::AssociationRequest& request) override
    {
        if (request.called.str() != "PEER")
            return dimse::Refusal::called_ae_not_recognised;
        if (!request.calling.str().starts_with("GANTRY"))
            return dimse::Refusal::calling_ae_not_recognised;
        return std::nullopt;
    }

    std::uint16_t max_associations_of(const AeTitle&) const override { return 8; }

    dimse::ContextAnswer
    negotiate(const dimse::AssociationInfo&, const dimse::ProposedContext& context) const override
    {
        dimse::ContextAnswer answer;
        const std::string& syntax = context.transfer_syntaxes.front().str();
        if (syntax.starts_with("1.2.840.10008.1.2.4")) {
            answer.reason = dimse::ContextAnswer::Reason::transfer_syntaxes_not_supported;
            return answer;
        }
        answer.reason = dimse::ContextAnswer::Reason::accepted;
        answer.transfer_syntax = context.transfer_syntaxes.front();
        return answer;
    }

    void association_opened(const dimse::AssociationInfo&) override {}

    void association_closed(const dimse::AssociationInfo&) override {}

    std::variant<std::unique_ptr<dimse::IncomingInstance>, DimseStatus>
    begin_store(const dimse::AssociationInfo&, const dimse::StoreRequest& request) override
    {
        return std::make_unique<Incoming>(kept, request.sop.sop_instance.str());
    }

    asio::awaitable<DimseStatus> on_echo(dimse::AssociationInfo) override
    {
        co_return DimseStatus{};
    }

    asio::awaitable<DimseStatus>
    on_find(dimse::AssociationInfo, dimse::FindRequest, dimse::MatchSink&) override
    {
        co_return DimseStatus{0x0122, ""};
    }

    asio::awaitable<dimse::RetrieveOutcome>
    on_retrieve(dimse::AssociationInfo, dimse::RetrieveRequest, dimse::RetrieveSession&) override
    {
        dimse::RetrieveOutcome outcome;
        outcome.status.code = 0x0122;
        co_return outcome;
    }

    asio::awaitable<dimse::NormalizedResponse>
    on_normalized(dimse::AssociationInfo, dimse::NormalizedRequest) override
    {
        co_return dimse::NormalizedResponse{};
    }
};

dimse::AcceptorOptions peer_options()
{
    dimse::AcceptorOptions options;
    options.ae_title = AeTitle::parse("PEER").value();
    return options;
}

void initialise_once()
{
    static const bool ready = dimse::initialise().has_value();
    if (!ready)
        throw std::runtime_error("DIMSE cannot be set up");
}

} // namespace

struct FakePeer::State {
    State() : acceptor(any_port(loop)), port(acceptor.local_endpoint().port())
    {
        initialise_once();
        listener.emplace(loop.get_executor(), peer_options(), pool, provider);
        tasks.spawn(listener->serve(std::move(acceptor)));
        thread = std::thread([this] { loop.run(); });
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    ~State()
    {
        asio::post(loop, [this] {
            tasks.cancel();
            ending.spawn(listener->stop());
        });
        thread.join();
        pool.stop();
    }

    asio::io_context loop;
    TaskGroup tasks{loop.get_executor(), "peer"};
    TaskGroup ending{loop.get_executor(), "peer"};
    Provider provider;
    WorkerPool pool{"peer", 64};
    std::optional<dimse::Listener> listener;
    Tcp::acceptor acceptor;
    std::uint16_t port;
    std::thread thread;
};

FakePeer::FakePeer() : state_(std::make_unique<State>()) {}

FakePeer::~FakePeer() = default;

std::uint16_t FakePeer::port() const
{
    return state_->port;
}

std::map<std::string, std::string> FakePeer::received() const
{
    const std::lock_guard lock(state_->provider.kept.mutex);
    return state_->provider.kept.instances;
}

std::uint16_t unused_port()
{
    asio::io_context loop;
    return any_port(loop).local_endpoint().port();
}

} // namespace gantry::tests
