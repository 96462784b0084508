#include "dimse/acceptor_association.h"

#include "dimse/log.h"
#include "dimse/response.h"
#include "dimse/store_intake.h"
#include "gateway/loop/worker_pool.h"
#include "mapping/vocabulary/sop_class.h"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <exception>
#include <utility>
#include <variant>

namespace gantry::dimse {

namespace {

// How long a peer that has been told the end may take to close (ARTIM, PS3.8 9.1.5), while we
// throw away what it still sends. A thread waits for it, so it is short.
constexpr std::chrono::milliseconds linger{500};

const char* end_text(Interruption end)
{
    switch (end) {
    case Interruption::released: return "released";
    case Interruption::aborted: return "aborted by peer";
    case Interruption::closed: return "connection lost";
    case Interruption::silence: return "idle";
    case Interruption::stopped: return "stopping";
    case Interruption::broken_off: return "instance to send broke off";
    case Interruption::release_confirmed:
    case Interruption::broken: return "protocol violated by peer";
    case Interruption::none: break;
    }
    return "failed";
}

} // namespace

AcceptorAssociation::AcceptorAssociation(
    asio::any_io_executor loop,
    const AcceptorOptions& options,
    ServiceProvider& provider,
    AcceptedConnection accepted,
    std::stop_token stop
)
    : loop_(std::move(loop)),
      provider_(provider),
      info_(std::move(accepted.info)),
      request_(std::move(accepted.request)),
      pdu_size_(options.pdu_size),
      pending_interval_(options.pending_interval),
      stop_token_(stop),
      stop_(std::move(stop)),
      connection_(std::move(accepted.socket), stop_, options.timeouts.dimse),
      reader_(connection_, options.pdu_size),
      writer_(connection_)
{
}

void AcceptorAssociation::run() noexcept
{
    bool opened = false;
    try {
        opened = open();
        if (opened)
            close(serve());
    } catch (const std::exception& fault) {
        log().error("association failed assoc={} reason=\"{}\"", info_.id, fault.what());
        connection_.finish(pdu::user_abort(), linger);
    }
    if (opened)
        provider_.association_closed(info_);
}

bool AcceptorAssociation::open()
{
    auto parsed = parse_associate_request(request_);
    request_ = {};
    if (const auto* reason = std::get_if<pdu::AbortReason>(&parsed)) {
        log().warn(
            "association aborted assoc={} calling={} peer={} reason=\"A-ASSOCIATE-RQ malformed\"",
            info_.id,
            info_.calling.str(),
            info_.peer_address
        );
        connection_.finish(pdu::provider_abort(*reason), linger);
        return false;
    }
    const auto& request = std::get<AssociateRequest>(parsed);
    if (!request.dicom_application_context) {
        refuse(Refusal::application_context_name);
        return false;
    }
    info_.implementation_version = request.user.implementation_version;
    Negotiated negotiated = negotiate(request, info_, provider_, pdu_size_);
    contexts_ = std::move(negotiated.contexts);
    writer_.set_peer_max_pdu(request.user.max_pdu);
    if (connection_.write(write_associate_accept(negotiated.accept)) != Transfer::done)
        return false;
    log().info(
        "association accepted assoc={} calling={} called={} peer={} contexts={}/{}",
        info_.id,
        info_.calling.str(),
        info_.called.str(),
        info_.peer_address,
        contexts_.size(),
        request.contexts.size()
    );
    provider_.association_opened(info_);
    return true;
}

void AcceptorAssociation::refuse(Refusal refusal)
{
    log().warn(
        "association refused calling={} called={} peer={} reason=\"{}\"",
        info_.calling.str(),
        info_.called.str(),
        info_.peer_address,
        to_string(refusal)
    );
    // Runs before the listener hears that this association is over, and so within its life.
    asio::post(
        loop_,
        [&provider = provider_,
         request = AssociationRequest{info_.calling, info_.called, info_.peer_address},
         refusal] { provider.association_refused(request, refusal); }
    );
    connection_.finish(pdu::reject(refusal), linger);
}

Interruption AcceptorAssociation::serve()
{
    for (;;) {
        CommandMessage message;
        if (const Interruption met = reader_.read_command(message); met != Interruption::none)
            return met;
        if (const Interruption met = serve_message(message); met != Interruption::none)
            return met;
    }
}

Interruption AcceptorAssociation::serve_message(const CommandMessage& message)
{
    const AcceptedContext* context = contexts_.find(message.context);
    const auto field = static_cast<std::uint16_t>(message.set.command());
    if (context == nullptr)
        return reader_.broken(pdu::AbortReason::invalid_parameter_value);
    if (message.set.command() == Command::c_cancel_rq)
        return Interruption::none; // of something that has already ended (PS3.7 9.3.2.3)
    if ((field & response_bit) != 0 || !message.set.us(element::message_id))
        return reader_.broken(pdu::AbortReason::unexpected_parameter);
    switch (message.set.command()) {
    case Command::c_echo_rq: return echo(message, *context);
    case Command::c_store_rq: return store(message, *context);
    case Command::c_find_rq:
    case Command::c_move_rq:
    case Command::c_get_rq: return query(message, *context);
    default: return refuse(message, {status::unrecognised_operation, {}});
    }
}

Interruption
AcceptorAssociation::echo(const CommandMessage& message, const AcceptedContext& context)
{
    if (message.set.has_data_set() ||
        service_of(context.abstract_syntax.str()) != Service::verification)
        return refuse(message, {status::sop_class_not_supported, {}});
    DimseStatus answer{status::processing_failure, {}};
    try {
        answer = block_on(loop_, provider_.on_echo(info_), stop_token_);
    } catch (const std::exception& fault) {
        if (stop_.requested())
            return Interruption::stopped;
        log().error("echo failed assoc={} reason=\"{}\"", info_.id, fault.what());
    }
    return respond(message, answer);
}

Interruption
AcceptorAssociation::store(const CommandMessage& message, const AcceptedContext& context)
{
    const auto begin = [this](const StoreRequest& request) {
        return provider_.begin_store(info_, request);
    };
    const StoreIntake intake =
        take_store(reader_, message, {context.abstract_syntax, context.transfer_syntax}, begin);
    if (intake.met != Interruption::none)
        return intake.met;
    if (intake.taken) {
        if (status_class(intake.status.code) != StatusClass::failure)
            ++stored_;
        log().debug(
            "stored assoc={} instance={} status={:04x}",
            info_.id,
            message.set.text(element::affected_sop_instance),
            intake.status.code
        );
    }
    return respond(message, intake.status);
}

Interruption AcceptorAssociation::refuse(const CommandMessage& message, const DimseStatus& status)
{
    if (message.set.has_data_set()) {
        if (const Interruption met = reader_.skip_data(message.context); met != Interruption::none)
            return met;
    }
    return respond(message, status);
}

Interruption AcceptorAssociation::respond(const CommandMessage& message, const DimseStatus& status)
{
    response_.clear();
    write_response(response_, message.set, status);
    return interruption_of(writer_.write_command(message.context, response_));
}

void AcceptorAssociation::close(Interruption end)
{
    log().info(
        "association ended assoc={} calling={} reason=\"{}\" stored={}",
        info_.id,
        info_.calling.str(),
        end_text(end),
        stored_
    );
    switch (end) {
    case Interruption::released: connection_.finish(pdu::release_response(), linger); break;
    case Interruption::silence:
    case Interruption::broken_off:
    case Interruption::stopped: connection_.finish(pdu::user_abort(), linger); break;
    case Interruption::release_confirmed:
        connection_.finish(pdu::provider_abort(pdu::AbortReason::unexpected_pdu), linger);
        break;
    case Interruption::broken:
        connection_.finish(pdu::provider_abort(reader_.abort_reason()), linger);
        break;
    case Interruption::none:
    case Interruption::aborted:
    case Interruption::closed: break;
    }
}

} // namespace gantry::dimse
