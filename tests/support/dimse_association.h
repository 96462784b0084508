// A scripted peer with an association to a DimseAcceptor.
#pragma once

#include "support/dicom_bytes.h"
#include "support/dimse_acceptor.h"

#include <stdexcept>

namespace gantry::tests {

/// The peer's side of a new association; throws where it is not accepted.
inline ScriptedPeer associate(DimseAcceptor& acceptor, const RequestBytes& request = {})
{
    ScriptedPeer peer = ScriptedPeer::connect(acceptor.port());
    peer.send(associate_request(request));
    if (peer.receive_pdu().at(0) != std::byte{2})
        throw std::runtime_error("no A-ASSOCIATE-AC");
    return peer;
}

inline ByteVector command_pdu(const ByteVector& set, unsigned context = 1)
{
    return p_data(context, 3, set);
}

inline ByteVector data_pdu(ConstBytes bytes, unsigned context = 1)
{
    return p_data(context, 2, bytes);
}

/// Stores a small CT and gives the status.
inline std::uint16_t store_one(ScriptedPeer& peer, unsigned message_id = 1)
{
    StoreCommand request;
    request.message_id = message_id;
    peer.send(command_pdu(store_command(request)));
    peer.send(data_pdu(ct_data_set("1.2.3.4", 100)));
    return status_of(peer.receive_pdu());
}

/// Reads what is left until the other side closes; true when it said A-ABORT with this source and
/// reason.
inline bool aborted(ScriptedPeer& peer, unsigned source, unsigned reason)
{
    const ByteVector last = peer.receive_pdu();
    return last.at(0) == std::byte{7} && last.at(8) == static_cast<std::byte>(source) &&
           last.at(9) == static_cast<std::byte>(reason) && peer.closed();
}

} // namespace gantry::tests
