#include "support/fast_store_scu.h"

#include "support/dicom_bytes.h"

#include <algorithm>
#include <stdexcept>

namespace gantry::tests {

namespace {

// P-DATA-TF head and PDV head.
constexpr std::size_t heads = 12;

constexpr unsigned context_id = 1;

std::uint32_t negotiate(
    ScriptedPeer& peer, const FastStoreScu::Target& target, const FastStoreScu::Template& instance
)
{
    RequestBytes request;
    request.called = target.called;
    request.calling = target.calling;
    request.proposals = {{context_id, instance.sop_class, {instance.transfer_syntax}}};
    peer.send(associate_request(request));
    const ByteVector answer = peer.receive_pdu();
    if (answer[0] != std::byte{2})
        throw std::runtime_error("association refused");
    std::uint32_t max_pdu = 16'384;
    for (std::size_t at = 74; at + 4 <= answer.size();) {
        const auto byte = [&](std::size_t i) {
            return std::to_integer<std::uint32_t>(answer[at + i]);
        };
        const std::size_t length = byte(2) << 8U | byte(3);
        if (byte(0) == 0x21 && byte(6) != 0)
            throw std::runtime_error("context refused");
        if (byte(0) == 0x51)
            max_pdu = byte(4) << 24U | byte(5) << 16U | byte(6) << 8U | byte(7);
        at += byte(0) == 0x50 ? 4 : 4 + length; // into the user information
    }
    return max_pdu == 0 ? 131'072 : max_pdu;
}

} // namespace

FastStoreScu::FastStoreScu(const Target& target, const Template& instance, std::uint32_t max_pdu)
    : peer_(ScriptedPeer::connect(target.port))
{
    encode(instance, std::min(max_pdu, negotiate(peer_, target, instance)));
}

void FastStoreScu::encode(const Template& instance, std::uint32_t max_pdu)
{
    const std::uint32_t max_fragment = (max_pdu - 6) & ~1U;
    StoreCommand command;
    command.sop_class = instance.sop_class;
    command.sop_instance = instance.sop_instance;
    uid_length_ = instance.sop_instance.size();
    const ByteVector uid = [&] {
        ByteVector bytes;
        for (const char c : instance.sop_instance)
            bytes.push_back(static_cast<std::byte>(c));
        return bytes;
    }();
    const ByteVector command_set = store_command(command);
    for (const ByteVector* message : {&command_set, &instance.data_set}) {
        const std::size_t start = stream_.size();
        append(*message, message == &command_set, max_fragment);
        const auto end = message->begin() +
                         static_cast<std::ptrdiff_t>(std::min<std::size_t>(message->size(), 4'096));
        for (auto found = std::search(message->begin(), end, uid.begin(), uid.end()); found != end;
             found = std::search(found + 1, end, uid.begin(), uid.end())) {
            const auto offset = static_cast<std::size_t>(found - message->begin());
            for (std::size_t i = offset; i < offset + uid_length_; ++i)
                places_.push_back(start + i + heads * (i / max_fragment + 1));
        }
    }
}

void FastStoreScu::append(ConstBytes message, bool command, std::uint32_t max_fragment)
{
    while (!message.empty()) {
        const ConstBytes fragment =
            message.first(std::min<std::size_t>(message.size(), max_fragment));
        message = message.subspan(fragment.size());
        const unsigned control = (command ? 1U : 0U) | (message.empty() ? 2U : 0U);
        const ByteVector pdu = p_data(context_id, control, fragment);
        stream_.insert(stream_.end(), pdu.begin(), pdu.end());
    }
}

std::uint16_t FastStoreScu::store(std::string_view sop_instance)
{
    if (sop_instance.size() != uid_length_)
        throw std::runtime_error("UID of another length");
    for (std::size_t i = 0; i < places_.size(); ++i)
        stream_[places_[i]] = static_cast<std::byte>(sop_instance[i % uid_length_]);
    if (!peer_.send(stream_))
        throw std::runtime_error("connection lost");
    return status_of(peer_.receive_pdu());
}

void FastStoreScu::release()
{
    peer_.send(release_request());
    peer_.receive_pdu();
}

} // namespace gantry::tests
