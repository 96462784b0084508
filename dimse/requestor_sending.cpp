// C-ECHO and C-STORE on an association that we opened (PS3.7 9.1.1, 9.1.5).
#include "dimse/requestor_association.h"
#include "dimse/store_command.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>

namespace gantry::dimse {

namespace {

constexpr std::string_view verification = "1.2.840.10008.1.1";

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

} // namespace

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

Result<DimseStatus> RequestorAssociation::read_response(Command expected)
{
    CommandMessage message;
    if (const Interruption met = read_command(message); met != Interruption::none)
        return lost(met);
    const auto status = message.set.us(element::status);
    if (message.set.command() != expected || message.set.has_data_set() || !status ||
        message.set.us(element::message_id_responded_to) != message_id_)
        return lost(reader_.broken(pdu::AbortReason::unexpected_parameter));
    return DimseStatus{
        *status, std::string(message.set.text(element::error_comment).substr(0, 64))
    };
}

} // namespace gantry::dimse
