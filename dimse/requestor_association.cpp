#include "dimse/requestor_association.h"

#include "dimse/dial.h"
#include "dimse/extended_negotiation.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace gantry::dimse {

namespace {

// What a peer gets to close after our A-ABORT.
constexpr std::chrono::milliseconds linger{200};

// What it gets to confirm our A-RELEASE-RQ: whoever waits for an answer waits for this, too.
constexpr std::chrono::milliseconds release_patience{5'000};

// An A-ASSOCIATE-AC holds one syntax for each context: 128 of them take 10 KiB.
constexpr std::uint32_t max_accept_size = 64U << 10U;

std::string abort_text(const std::byte* pdu)
{
    return "A-ABORT source " + std::to_string(wire::number(pdu + 8)) + " reason " +
           std::to_string(wire::number(pdu + 9));
}

} // namespace

RequestorAssociation::RequestorAssociation(
    FileDescriptor socket, const RequestorOptions& options, const StopSignal& stop
)
    : options_(options),
      stop_(&stop),
      connection_(std::move(socket), stop, options.timeouts.acse),
      reader_(connection_, options.pdu_size),
      writer_(connection_)
{
}

RequestorAssociation::~RequestorAssociation()
{
    if (usable_ || releasing_) // one that is parked may end on the loop: no wait then
        connection_.finish(pdu::user_abort(), parked_ ? std::chrono::milliseconds{0} : linger);
}

Result<std::unique_ptr<RequestorAssociation>> RequestorAssociation::open(
    const PeerAddress& peer,
    const RequestorOptions& options,
    AssociateRequest request,
    const StopSignal& stop
)
{
    auto socket = dial(peer, options.timeouts.connect, stop);
    if (!socket)
        return socket.error();
    std::unique_ptr<RequestorAssociation> association(
        new RequestorAssociation(std::move(*socket), options, stop) // private constructor
    );
    if (const auto negotiated = association->negotiate(std::move(request)); !negotiated)
        return negotiated.error();
    return association;
}

Result<void> RequestorAssociation::negotiate(AssociateRequest request)
{
    request_ = std::move(request);
    usable_ = true; // from here on an A-ABORT is owed
    if (const Transfer sent = connection_.write(write_associate_request(request_));
        sent != Transfer::done)
        return error_of(interruption_of(sent));
    if (const auto answer = read_answer(); !answer)
        return answer.error();
    distrust();
    writer_.set_peer_max_pdu(accept_.user.max_pdu);
    connection_.set_silence(options_.timeouts.dimse);
    return {};
}

Result<void> RequestorAssociation::read_answer()
{
    if (const Transfer got = connection_.fill(pdu::Small{}.size()); got != Transfer::done) {
        usable_ = got != Transfer::closed;
        return error_of(interruption_of(got));
    }
    const std::byte* head = connection_.buffered().data();
    const auto type = static_cast<pdu::Type>(wire::number(head));
    if (type == pdu::Type::associate_rj || type == pdu::Type::abort) {
        usable_ = false;
        if (type == pdu::Type::abort)
            return error(Errc::aborted, abort_text(head));
        const auto code = [head](int at) {
            return static_cast<std::uint8_t>(wire::number(head + at));
        };
        return error(Errc::rejected, pdu::Rejection{code(7), code(8), code(9)}.text());
    }
    const std::uint32_t length = wire::be32(head + 2);
    if (type != pdu::Type::associate_ac || length > max_accept_size)
        return error(Errc::malformed, "no answer to A-ASSOCIATE-RQ");
    if (const Transfer got = connection_.fill(pdu::head_size + length); got != Transfer::done)
        return error_of(interruption_of(got));
    auto parsed = parse_associate_accept(connection_.buffered().subspan(pdu::head_size, length));
    if (!std::holds_alternative<AssociateAccept>(parsed))
        return error(Errc::malformed, "A-ASSOCIATE-AC");
    accept_ = std::get<AssociateAccept>(std::move(parsed));
    connection_.consume(pdu::head_size + length);
    return {};
}

/// Nothing is accepted that was not proposed: what it would bring nobody could use.
void RequestorAssociation::distrust()
{
    for (NegotiatedContext& context : accept_.contexts) {
        const std::size_t place = context.id / 2U;
        const bool proposed =
            place < request_.contexts.size() &&
            std::ranges::count(
                request_.contexts[place].transfer_syntaxes, context.transfer_syntax
            ) > 0;
        if (proposed)
            continue;
        context.transfer_syntax = {};
        if (context.reason == ContextAnswer::Reason::accepted)
            context.reason = ContextAnswer::Reason::no_reason;
    }
}

const NegotiatedContext* RequestorAssociation::accepted_context(std::uint8_t id) const
{
    const auto found = std::ranges::find(accept_.contexts, id, &NegotiatedContext::id);
    const bool usable = found != accept_.contexts.end() && !found->transfer_syntax.empty();
    return usable ? &*found : nullptr;
}

/// Of one that was accepted.
const Uid& RequestorAssociation::class_of(std::uint8_t context) const
{
    return request_.contexts[context / 2U].abstract_syntax;
}

std::uint8_t
RequestorAssociation::context_of(const Uid& abstract_syntax, const Uid& transfer_syntax) const
{
    for (const NegotiatedContext& context : accept_.contexts) {
        if (context.transfer_syntax.empty() || class_of(context.id) != abstract_syntax)
            continue;
        if (transfer_syntax.empty() || context.transfer_syntax == transfer_syntax)
            return context.id;
    }
    return 0;
}

QueryOptions RequestorAssociation::granted(const Uid& sop_class) const
{
    const auto options_in = [&](const std::vector<ExtendedNegotiation>& items) {
        const auto item = std::ranges::find(items, sop_class, &ExtendedNegotiation::sop_class);
        if (item == items.end())
            return QueryOptions{};
        return offered_options(service_of(sop_class.str()), item->information)
            .value_or(QueryOptions{});
    };
    return common_options(options_in(request_.user.extended), options_in(accept_.user.extended));
}

bool RequestorAssociation::may_store(const Uid& sop_class) const
{
    const auto lets = [&](const RoleSelection& role) {
        return role.sop_class == sop_class && role.scp;
    };
    return std::ranges::any_of(request_.user.roles, lets) &&
           std::ranges::any_of(accept_.user.roles, lets);
}

bool RequestorAssociation::takes_stores(const Uid& query_class) const
{
    return std::ranges::any_of(accept_.contexts, [&](const NegotiatedContext& context) {
        return !context.transfer_syntax.empty() && class_of(context.id) != query_class &&
               may_store(class_of(context.id));
    });
}

std::vector<Negotiation::Context> RequestorAssociation::accepted() const
{
    std::vector<Negotiation::Context> contexts;
    for (const NegotiatedContext& context : accept_.contexts) {
        if (!context.transfer_syntax.empty())
            contexts.push_back({class_of(context.id), context.transfer_syntax, context.reason});
    }
    return contexts;
}

void RequestorAssociation::park(const StopSignal& never)
{
    stop_ = &never;
    connection_.serve_under(never);
    parked_ = true;
}

bool RequestorAssociation::resume(const StopSignal& stop)
{
    stop_ = &stop;
    connection_.serve_under(stop);
    parked_ = false;
    heard_ = false;
    if (usable_ && connection_.wait_any(-1, std::chrono::milliseconds{0}).input)
        (void)hear_idle();
    return usable_;
}

Error RequestorAssociation::hear_idle()
{
    CommandMessage message;
    Interruption met = reader_.read_command(message);
    if (met == Interruption::none)
        met = reader_.broken(pdu::AbortReason::unexpected_parameter);
    return lost(met).error();
}

Interruption RequestorAssociation::read_command(CommandMessage& message)
{
    const Interruption met = reader_.read_command(message);
    heard_ = heard_ || met == Interruption::none;
    return met;
}

Result<DimseStatus> RequestorAssociation::lost(Interruption interruption)
{
    usable_ = false;
    switch (interruption) {
    case Interruption::released: connection_.finish(pdu::release_response(), linger); break;
    case Interruption::silence:
    case Interruption::broken_off:
    case Interruption::stopped: connection_.finish(pdu::user_abort(), linger); break;
    case Interruption::broken:
    case Interruption::release_confirmed:
        connection_.finish(pdu::provider_abort(reader_.abort_reason()), linger);
        break;
    case Interruption::none:
    case Interruption::aborted:
    case Interruption::closed: break;
    }
    vanished_ = interruption == Interruption::released || interruption == Interruption::aborted ||
                interruption == Interruption::closed;
    if (interruption == Interruption::stopped && !stop_->requested())
        return error(Errc::timeout, "C-CANCEL was not heeded");
    return error_of(interruption);
}

void RequestorAssociation::release()
{
    ask_release();
    await_release();
}

void RequestorAssociation::ask_release()
{
    if (!usable_)
        return;
    usable_ = false;
    connection_.end_within(std::min(options_.timeouts.acse, release_patience));
    releasing_ = connection_.write(pdu::release_request()) == Transfer::done;
}

void RequestorAssociation::await_release()
{
    if (!std::exchange(releasing_, false))
        return;
    CommandMessage ignored;
    Interruption met = reader_.read_command(ignored);
    if (met == Interruption::released) { // collision (PS3.8 9.2 AR-8): ours to answer first
        if (connection_.write(pdu::release_response()) != Transfer::done)
            return;
        met = reader_.read_command(ignored);
    }
    if (met != Interruption::release_confirmed && met != Interruption::closed)
        connection_.finish(pdu::user_abort(), linger);
}

} // namespace gantry::dimse
