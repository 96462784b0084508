// What the DIMSE face can be told.
#pragma once

#include "mapping/vocabulary/ae_title.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace gantry::dimse {

struct Timeouts {
    std::chrono::milliseconds acse{std::chrono::seconds{30}
    }; // whole A-ASSOCIATE-RQ after accept (ARTIM, PS3.8 9.1.5)
    std::chrono::milliseconds dimse{std::chrono::seconds{60}
    }; // longest silence on an association, between or in messages
    std::chrono::milliseconds connect{std::chrono::seconds{10}}; // TCP connect as a requestor
    std::chrono::milliseconds cancel{std::chrono::seconds{3}
    }; // for a peer to heed our C-CANCEL; then A-ABORT
};

struct ListenAddress {
    std::string host; // numeric IPv4 or IPv6
    std::uint16_t port = 11112;
};

struct AcceptorOptions {
    AeTitle ae_title;
    std::vector<ListenAddress> listen;
    std::uint16_t max_associations =
        64; // further requests: A-ASSOCIATE-RJ transient, local limit exceeded
    std::uint16_t max_pending_connections =
        1'024; // accepted, A-ASSOCIATE-RQ not complete; cost memory, never a thread
    std::uint32_t pdu_size = 131'072; // largest P-DATA-TF we receive, 4,096 to 131,072 (PS3.8 D.1)
    Timeouts timeouts;
    /// A retrieve under way says at least this often that it is, so that the peer does not give up.
    std::chrono::milliseconds pending_interval{std::chrono::seconds{4}};
};

/// A configured DIMSE node that we open associations to.
struct PeerAddress {
    AeTitle ae_title;
    std::string host; // name or number; names are resolved for each association
    std::uint16_t port = 104;
};

struct RequestorOptions {
    AeTitle calling_ae_title;
    std::uint32_t pdu_size = 131'072;
    Timeouts timeouts;
    /// To this peer at once, whatever for; further conversations wait for their turn, those that
    /// take long (retrieves, stores) leave one to the others where there are several. 0: no bound.
    std::uint16_t max_associations = 0;
    /// Errc::busy for who waited so long for a turn.
    std::chrono::milliseconds turn_timeout{std::chrono::seconds{120}};
    /// An association is kept for the next conversation of the same kind, so long unused. 0: each
    /// is released at once.
    std::chrono::milliseconds keep_idle{0};
};

} // namespace gantry::dimse
