#include "dimse/requestor_association.h"

#include "dimse/dial.h"
#include "dimse/store_command.h"
#include "mapping/vocabulary/implementation.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <utility>
#include <variant>

namespace gantry::dimse {

namespace {

constexpr std::string_view verification = "1.2.840.10008.1.1";

// What a peer gets to close after our A-ABORT.
constexpr std::chrono::milliseconds linger{200};

// An A-ASSOCIATE-AC holds one syntax for each context: 128 of them take 10 KiB.
constexpr std::uint32_t max_accept_size = 64U << 10U;

Result<FileDescriptor> open_data_set(const InstanceToSend& instance)
{
    FileDescriptor file(::open(instance.file.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat properties{};
    if (!file.open() || ::fstat(file.get(), &properties) != 0)
        return error(
            Errc::unreadable, instance.file.string() + ": " + std::system_category().message(errno)
        );
    const auto size = static_cast<std::uint64_t>(properties.st_size);
    if (instance.offset.count > size || instance.length.count > size - instance.offset.count)
        return error(Errc::unreadable, instance.file.string() + ": shorter than expected");
    // PS3.5 7.1: all values are of even length, and so is a data set; only one that is deflated may
    // lack the byte that pads it (PS3.5 A.5), and gets it on its way.
    const bool deflated = instance.key.transfer_syntax.str() == transfer_syntax::deflated;
    if (instance.length.count == 0 || (instance.length.count % 2 != 0 && !deflated))
        return error(Errc::unreadable, instance.file.string() + ": data set of odd length");
    return file;
}

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
      connection_(std::move(socket), stop, options.timeouts.acse),
      reader_(connection_, options.pdu_size),
      writer_(connection_)
{
}

RequestorAssociation::~RequestorAssociation()
{
    if (usable_)
        connection_.finish(pdu::user_abort(), linger);
}

Result<std::unique_ptr<RequestorAssociation>> RequestorAssociation::open(
    const PeerAddress& peer,
    const RequestorOptions& options,
    std::vector<ProposedContext> contexts,
    const StopSignal& stop
)
{
    auto socket = dial(peer, options.timeouts.connect, stop);
    if (!socket)
        return socket.error();
    std::unique_ptr<RequestorAssociation> association(
        new RequestorAssociation(std::move(*socket), options, stop) // private constructor
    );
    AssociateRequest request;
    request.calling = options.calling_ae_title;
    request.called = peer.ae_title;
    request.user.max_pdu = options.pdu_size;
    request.user.implementation_version = std::string(implementation::version_name);
    std::uint8_t id = 1;
    for (ProposedContext& context : contexts) {
        context.id = id;
        id = static_cast<std::uint8_t>(id + 2);
        if (context.scp_role || !context.scu_role)
            request.user.roles.push_back(
                {context.abstract_syntax, context.scu_role, context.scp_role}
            );
    }
    request.contexts = std::move(contexts);
    if (const auto negotiated = association->negotiate(request); !negotiated)
        return negotiated.error();
    association->proposed_ = std::move(request.contexts);
    return association;
}

Result<void> RequestorAssociation::negotiate(const AssociateRequest& request)
{
    usable_ = true; // from here on an A-ABORT is owed
    if (const Transfer sent = connection_.write(write_associate_request(request));
        sent != Transfer::done)
        return error_of(interruption_of(sent));
    if (const auto answer = read_answer(); !answer)
        return answer.error();
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

std::uint8_t
RequestorAssociation::context_of(const Uid& abstract_syntax, const Uid& transfer_syntax) const
{
    for (const NegotiatedContext& context : accept_.contexts) {
        const std::size_t place = context.id / 2U;
        if (context.transfer_syntax.empty() || place >= proposed_.size() ||
            proposed_[place].abstract_syntax != abstract_syntax)
            continue;
        if (transfer_syntax.empty() || context.transfer_syntax == transfer_syntax)
            return context.id;
    }
    return 0;
}

Result<DimseStatus> RequestorAssociation::echo()
{
    const std::uint8_t context = context_of(Uid::parse(verification).value_or(Uid{}), {});
    if (context == 0)
        return error(Errc::no_context, "Verification");
    command_.clear();
    CommandWriter writer(command_);
    writer.uid(element::affected_sop_class, verification)
        .us(element::command_field, static_cast<std::uint16_t>(Command::c_echo_rq))
        .us(element::message_id, ++message_id_)
        .us(element::data_set_type, no_data_set)
        .finish();
    if (const Transfer sent = writer_.write_command(context, command_); sent != Transfer::done)
        return lost(interruption_of(sent));
    return read_response(Command::c_echo_rsp);
}

Result<DimseStatus> RequestorAssociation::store(const InstanceToSend& instance)
{
    const InstanceKey& key = instance.key;
    const std::uint8_t context = context_of(key.sop.sop_class, key.transfer_syntax);
    if (context == 0)
        return error(
            Errc::no_context, key.sop.sop_class.str() + " in " + key.transfer_syntax.str()
        );
    auto file = open_data_set(instance);
    if (!file)
        return file.error();
    command_.clear();
    write_store_command(command_, {.sop = key.sop, .message_id = ++message_id_});
    if (const Transfer sent = writer_.write_command(context, command_, true);
        sent != Transfer::done)
        return lost(interruption_of(sent));
    bool failed = false;
    const Transfer sent = writer_.write_file(
        context, file->get(), instance.offset.count, instance.length.count, failed
    );
    if (sent != Transfer::done)
        return lost(interruption_of(sent));
    if (failed) { // half a message is out: nothing more can be said here
        (void)lost(Interruption::broken_off);
        return error(Errc::unreadable, instance.file.string());
    }
    return read_response(Command::c_store_rsp);
}

Result<DimseStatus> RequestorAssociation::store(const OutgoingInstance& instance)
{
    const InstanceKey& key = instance.key;
    const std::uint8_t context = context_of(key.sop.sop_class, key.transfer_syntax);
    if (context == 0)
        return error(
            Errc::no_context, key.sop.sop_class.str() + " in " + key.transfer_syntax.str()
        );
    const auto sent = send_instance(writer_, context, instance, ++message_id_);
    if (sent.fault) {
        if (sent.begun)
            (void)lost(Interruption::broken_off);
        return *sent.fault;
    }
    if (sent.transfer != Transfer::done)
        return lost(interruption_of(sent.transfer));
    return read_response(Command::c_store_rsp);
}

std::vector<Negotiation::Context> RequestorAssociation::accepted() const
{
    std::vector<Negotiation::Context> contexts;
    for (const NegotiatedContext& context : accept_.contexts) {
        const std::size_t place = context.id / 2U;
        if (!context.transfer_syntax.empty() && place < proposed_.size())
            contexts.push_back(
                {proposed_[place].abstract_syntax, context.transfer_syntax, context.reason}
            );
    }
    return contexts;
}

Error RequestorAssociation::hear_idle()
{
    CommandMessage message;
    Interruption met = reader_.read_command(message);
    if (met == Interruption::none)
        met = reader_.broken(pdu::AbortReason::unexpected_parameter);
    return lost(met).error();
}

Result<DimseStatus> RequestorAssociation::read_response(Command expected)
{
    CommandMessage message;
    if (const Interruption met = reader_.read_command(message); met != Interruption::none)
        return lost(met);
    const auto status = message.set.us(element::status);
    if (message.set.command() != expected || message.set.has_data_set() || !status ||
        message.set.us(element::message_id_responded_to) != message_id_)
        return lost(reader_.broken(pdu::AbortReason::unexpected_parameter));
    return DimseStatus{
        *status, std::string(message.set.text(element::error_comment).substr(0, 64))
    };
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
    return error_of(interruption);
}

void RequestorAssociation::release()
{
    if (!usable_)
        return;
    usable_ = false;
    connection_.set_silence(options_.timeouts.acse);
    if (connection_.write(pdu::release_request()) != Transfer::done)
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
