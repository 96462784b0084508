#include "support/dimse_acceptor.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <future>
#include <utility>

namespace gantry::tests {

class RecordingProvider::Instance final : public dimse::IncomingInstance {
public:
    Instance(RecordingProvider& owner, dimse::StoreRequest request)
        : owner_(&owner), stored_{std::move(request), {}}
    {
    }

    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;
    Instance(Instance&&) = delete;
    Instance& operator=(Instance&&) = delete;

    ~Instance() override
    {
        if (finished_)
            return;
        const std::lock_guard lock(owner_->mutex_);
        ++owner_->dropped_;
        owner_->changed_.notify_all();
    }

    Result<void> write(ConstBytes fragment) override
    {
        if (owner_->on_write) {
            if (auto written = owner_->on_write(fragment); !written)
                return written;
        }
        if (owner_->keep_bytes)
            stored_.data_set.insert(stored_.data_set.end(), fragment.begin(), fragment.end());
        return {};
    }

    DimseStatus finish() override
    {
        finished_ = true;
        if (owner_->keep_bytes) {
            const std::lock_guard lock(owner_->mutex_);
            owner_->stored_.push_back(std::move(stored_));
        }
        return {owner_->store_status, {}};
    }

private:
    RecordingProvider* owner_;
    Stored stored_;
    bool finished_ = false;
};

bool RecordingProvider::wait(const std::size_t& counter, std::size_t count)
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, ScriptedPeer::deadline, [&] { return counter >= count; });
}

bool RecordingProvider::wait_closed(std::size_t count)
{
    return wait(closed_, count);
}

bool RecordingProvider::wait_opened(std::size_t count)
{
    return wait(opened_, count);
}

bool RecordingProvider::wait_refused(std::size_t count)
{
    return wait(refused_, count);
}

void RecordingProvider::association_refused(const dimse::AssociationRequest&, dimse::Refusal)
{
    const std::lock_guard lock(mutex_);
    ++refused_;
    changed_.notify_all();
}

std::vector<Stored> RecordingProvider::stored() const
{
    const std::lock_guard lock(mutex_);
    return stored_;
}

std::size_t RecordingProvider::opened() const
{
    const std::lock_guard lock(mutex_);
    return opened_;
}

std::size_t RecordingProvider::dropped() const
{
    const std::lock_guard lock(mutex_);
    return dropped_;
}

std::optional<dimse::Refusal> RecordingProvider::admit(const dimse::AssociationRequest& request)
{
    return on_admit ? on_admit(request) : std::nullopt;
}

std::uint16_t RecordingProvider::max_associations_of(const AeTitle&) const
{
    return max_of_calling;
}

dimse::ContextAnswer RecordingProvider::negotiate(
    const dimse::AssociationInfo&, const dimse::ProposedContext& context
) const
{
    if (on_negotiate)
        return on_negotiate(context);
    if (!takes(service_of(context.abstract_syntax.str())))
        return {};
    return {dimse::ContextAnswer::Reason::accepted, context.transfer_syntaxes.front(), !!retrieve};
}

bool RecordingProvider::takes(Service service) const
{
    switch (service) {
    case Service::storage:
    case Service::verification: return true;
    case Service::find: return !!find;
    case Service::move:
    case Service::get: return !!retrieve;
    default: return false;
    }
}

dimse::QueryOptions RecordingProvider::grant(
    const dimse::AssociationInfo&, const Uid& sop_class, dimse::QueryOptions wanted
) const
{
    return on_grant ? on_grant(sop_class, wanted) : dimse::QueryOptions{};
}

void RecordingProvider::association_opened(const dimse::AssociationInfo&)
{
    const std::lock_guard lock(mutex_);
    ++opened_;
    changed_.notify_all();
}

void RecordingProvider::association_closed(const dimse::AssociationInfo&)
{
    const std::lock_guard lock(mutex_);
    ++closed_;
    changed_.notify_all();
}

std::variant<std::unique_ptr<dimse::IncomingInstance>, DimseStatus>
RecordingProvider::begin_store(const dimse::AssociationInfo&, const dimse::StoreRequest& request)
{
    if (on_begin) {
        if (auto refusal = on_begin(request))
            return *refusal;
    }
    return std::make_unique<Instance>(*this, request);
}

asio::awaitable<DimseStatus> RecordingProvider::on_echo(dimse::AssociationInfo)
{
    co_return DimseStatus{};
}

asio::awaitable<DimseStatus> RecordingProvider::on_find(
    dimse::AssociationInfo, dimse::FindRequest request, dimse::MatchSink& matches
)
{
    return find(std::move(request), matches);
}

asio::awaitable<dimse::RetrieveOutcome> RecordingProvider::on_retrieve(
    dimse::AssociationInfo, dimse::RetrieveRequest request, dimse::RetrieveSession& session
)
{
    return retrieve(std::move(request), session);
}

asio::awaitable<dimse::NormalizedResponse>
RecordingProvider::on_normalized(dimse::AssociationInfo, dimse::NormalizedRequest)
{
    dimse::NormalizedResponse response;
    response.status.code = status::sop_class_not_supported;
    co_return response;
}

dimse::AcceptorOptions acceptor_options()
{
    dimse::AcceptorOptions options;
    options.ae_title = *AeTitle::parse("GANTRY");
    return options;
}

DimseAcceptor::DimseAcceptor(
    dimse::ServiceProvider& provider, dimse::AcceptorOptions options, const char* host
)
    : guard_(io_.get_executor()),
      pool_("dimse-test", options.max_associations),
      listener_(io_.get_executor(), options, pool_, provider)
{
    asio::ip::tcp::acceptor acceptor(io_, asio::ip::tcp::endpoint(asio::ip::make_address(host), 0));
    port_ = acceptor.local_endpoint().port();
    auto cancel = std::make_shared<asio::cancellation_signal>();
    asio::co_spawn(
        io_,
        listener_.serve(std::move(acceptor)),
        asio::bind_cancellation_slot(cancel->slot(), [cancel](std::exception_ptr) {})
    );
    close_acceptor_ = [cancel] { cancel->emit(asio::cancellation_type::terminal); };
    thread_ = std::thread([this] { io_.run(); });
}

DimseAcceptor::~DimseAcceptor()
{
    stop();
    guard_.reset();
    thread_.join();
    pool_.stop();
    pool_.join();
}

template <class F>
auto DimseAcceptor::on_loop(F work)
{
    std::promise<decltype(work())> result;
    auto future = result.get_future();
    asio::post(io_, [&] {
        if constexpr (std::is_void_v<decltype(work())>) {
            work();
            result.set_value();
        } else
            result.set_value(work());
    });
    return future.get();
}

void DimseAcceptor::drain()
{
    on_loop([this] { listener_.drain(); });
}

void DimseAcceptor::stop()
{
    if (std::exchange(stopped_, true))
        return;
    on_loop([this] { close_acceptor_(); });
    block_on(io_.get_executor(), listener_.stop(), std::stop_token{});
}

std::size_t DimseAcceptor::associations()
{
    return on_loop([this] { return listener_.associations(); });
}

std::size_t DimseAcceptor::pending()
{
    return on_loop([this] { return listener_.pending(); });
}

} // namespace gantry::tests
