// A scripted peer that asks C-FIND, C-MOVE or C-GET of a DimseAcceptor.
#pragma once

#include "support/dimse_association.h"

#include <string>
#include <vector>

namespace gantry::tests {

inline constexpr const char* study_find = "1.2.840.10008.5.1.4.1.2.2.1";
inline constexpr const char* study_move = "1.2.840.10008.5.1.4.1.2.2.2";
inline constexpr const char* study_get = "1.2.840.10008.5.1.4.1.2.2.3";

/// Contexts: 1 the query class, 3 CT (and verification on 5), all Explicit VR Little Endian.
inline RequestBytes query_request(const char* query_class)
{
    RequestBytes request;
    request.proposals = {
        {1, query_class, {explicit_le}},
        {3, ct_image, {explicit_le}},
        {5, verification, {explicit_le}}
    };
    return request;
}

/// An Identifier that asks for studies.
inline ByteVector study_identifier(const std::string& study_uid = {})
{
    return data_set({{0x00080052, "STUDY", "CS"}, {0x0020000d, study_uid, "UI"}});
}

inline void
ask(ScriptedPeer& peer,
    const QueryCommand& command,
    const ByteVector& identifier = study_identifier())
{
    peer.send(command_pdu(query_command(command)));
    peer.send(data_pdu(identifier));
}

inline void cancel(ScriptedPeer& peer, unsigned message_id = 1)
{
    peer.send(command_pdu(cancel_command(message_id)));
}

/// The data set of one PDU.
inline ByteVector content_of(const ByteVector& pdu)
{
    return {pdu.begin() + 12, pdu.end()};
}

/// True where the association still answers a C-ECHO on context 5.
inline bool echoes(ScriptedPeer& peer)
{
    peer.send(command_pdu(echo_command(99), 5));
    const ByteVector response = peer.receive_pdu();
    return status_of(response) == 0 && command_number(response, 0x0120) == 99;
}

} // namespace gantry::tests
