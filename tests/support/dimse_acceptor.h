// A listener on a free port, with its loop and its threads, and a provider that remembers what it
// was given. For tests of dimse/ and for measuring it.
#pragma once

#include "dimse/listener.h"
#include "dimse/options.h"
#include "dimse/service_provider.h"
#include "mapping/vocabulary/sop_class.h"
#include "support/scripted_peer.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gantry::tests {

struct Stored {
    dimse::StoreRequest request;
    ByteVector data_set;
};

/// Takes every storage class in the first syntax offered. Change the functions before use.
class RecordingProvider final : public dimse::ServiceProvider {
public:
    std::uint16_t max_of_calling = 1'000;
    bool keep_bytes = true;
    std::uint16_t store_status = 0;
    std::function<std::optional<dimse::Refusal>(const dimse::AssociationRequest&)> on_admit;
    std::function<dimse::ContextAnswer(const dimse::ProposedContext&)> on_negotiate;
    std::function<std::optional<DimseStatus>(const dimse::StoreRequest&)> on_begin;
    std::function<Result<void>(ConstBytes)> on_write;
    /// Query and retrieve: their classes are accepted where the function is there. They give a
    /// coroutine and are none themselves.
    std::function<asio::awaitable<DimseStatus>(dimse::FindRequest, dimse::MatchSink&)> find;
    std::function<
        asio::awaitable<dimse::RetrieveOutcome>(dimse::RetrieveRequest, dimse::RetrieveSession&)>
        retrieve;
    std::function<dimse::QueryOptions(const Uid&, dimse::QueryOptions)> on_grant;

    /// Waits until `count` associations have ended; false at the deadline.
    bool wait_closed(std::size_t count);
    bool wait_opened(std::size_t count);

    std::vector<Stored> stored() const;
    std::size_t opened() const;
    std::size_t dropped() const; // instances that were never finished
    bool wait_refused(std::size_t count);

    std::optional<dimse::Refusal> admit(const dimse::AssociationRequest& request) override;
    void
    association_refused(const dimse::AssociationRequest& request, dimse::Refusal refusal) override;
    std::uint16_t max_associations_of(const AeTitle& calling) const override;
    dimse::ContextAnswer negotiate(
        const dimse::AssociationInfo& peer, const dimse::ProposedContext& context
    ) const override;
    dimse::QueryOptions grant(
        const dimse::AssociationInfo& peer, const Uid& sop_class, dimse::QueryOptions wanted
    ) const override;
    void association_opened(const dimse::AssociationInfo& peer) override;
    void association_closed(const dimse::AssociationInfo& peer) override;
    std::variant<std::unique_ptr<dimse::IncomingInstance>, DimseStatus>
    begin_store(const dimse::AssociationInfo& peer, const dimse::StoreRequest& request) override;
    asio::awaitable<DimseStatus> on_echo(dimse::AssociationInfo peer) override;
    asio::awaitable<DimseStatus> on_find(
        dimse::AssociationInfo peer, dimse::FindRequest request, dimse::MatchSink& matches
    ) override;
    asio::awaitable<dimse::RetrieveOutcome> on_retrieve(
        dimse::AssociationInfo peer, dimse::RetrieveRequest request, dimse::RetrieveSession& session
    ) override;
    asio::awaitable<dimse::NormalizedResponse>
    on_normalized(dimse::AssociationInfo peer, dimse::NormalizedRequest request) override;

private:
    class Instance;

    bool takes(Service service) const;
    bool wait(const std::size_t& counter, std::size_t count);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Stored> stored_;
    std::size_t opened_ = 0;
    std::size_t closed_ = 0;
    std::size_t dropped_ = 0;
    std::size_t refused_ = 0;
};

/// AE title GANTRY, generous limits.
dimse::AcceptorOptions acceptor_options();

class DimseAcceptor {
public:
    /// On `host`, a numeric address.
    explicit DimseAcceptor(
        dimse::ServiceProvider& provider,
        dimse::AcceptorOptions options = acceptor_options(),
        const char* host = "127.0.0.1"
    );
    DimseAcceptor(const DimseAcceptor&) = delete;
    DimseAcceptor& operator=(const DimseAcceptor&) = delete;
    /// Stops and joins.
    ~DimseAcceptor();

    std::uint16_t port() const noexcept { return port_; }

    asio::any_io_executor loop() { return io_.get_executor(); }

    void drain();
    /// Gives up all associations and returns when none is left.
    void stop();

    std::size_t associations();
    std::size_t pending();

private:
    template <class F>
    auto on_loop(F work);

    asio::io_context io_{1};
    asio::executor_work_guard<asio::io_context::executor_type> guard_;
    WorkerPool pool_;
    dimse::Listener listener_;
    std::uint16_t port_ = 0;
    std::function<void()> close_acceptor_;
    bool stopped_ = false;
    std::thread thread_;
};

} // namespace gantry::tests
