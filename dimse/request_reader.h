// Reads the A-ASSOCIATE-RQ of a connection on the loop, bounded in size and memory, so that a
// thread is spent on whole requests only (PS3.8 9.3.2). The caller sets the deadline.
#pragma once

#include "dimse/admission.h"
#include "dimse/association.h"
#include "dimse/pdu.h"
#include "dimse/service_provider.h"
#include "dimse/wire.h"
#include "gateway/loop/asio.h"

#include <boost/asio/ip/tcp.hpp>

#include <optional>
#include <utility>

namespace gantry::dimse {

/// A connection whose A-ASSOCIATE-RQ is not complete.
struct Candidate {
    Candidate(asio::ip::tcp::socket connected, Admission& admission)
        : socket(std::move(connected)), memory(admission)
    {
    }

    asio::ip::tcp::socket socket;
    Admission::Share memory;
    AssociationRequest head;
    wire::Buffer request; // after the PDU head
};

/// How reading ended. None of the three: the connection did.
struct Arrived {
    bool complete = false;
    std::optional<Refusal> refusal;
    std::optional<pdu::AbortReason> abort;
};

/// Reads head and rest into `candidate`, which outlives it. The called AE title, then the provider,
/// are asked as soon as the head is there.
asio::awaitable<Arrived>
read_associate_request(Candidate& candidate, const AeTitle& called, ServiceProvider& provider);

} // namespace gantry::dimse
