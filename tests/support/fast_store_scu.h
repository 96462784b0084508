// The fastest C-STORE SCU there can be, so that a measurement measures the other side: everything
// is encoded beforehand, only UIDs change. Blocking; one association on one thread.
#pragma once

#include "support/scripted_peer.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::tests {

class FastStoreScu {
public:
    struct Target {
        std::uint16_t port = 0; // on 127.0.0.1
        std::string called = "GANTRY";
        std::string calling = "MODALITY";
    };

    /// What is sent again and again: a data set and the instance UID that stands in it.
    struct Template {
        std::string sop_class;
        std::string sop_instance;
        std::string transfer_syntax;
        ByteVector data_set;
    };

    /// Connects and negotiates one context; throws std::runtime_error where it is not accepted.
    /// PDUs are as large as the peer takes, but no larger than `max_pdu`.
    FastStoreScu(const Target& target, const Template& instance, std::uint32_t max_pdu = 131'072);

    /// Stores the template under another instance UID of the same length, in the command and
    /// wherever the old one stands in the data set. Gives the status of the response.
    std::uint16_t store(std::string_view sop_instance);

    void release();

    ScriptedPeer& peer() noexcept { return peer_; }

private:
    void encode(const Template& instance, std::uint32_t max_pdu);
    void append(ConstBytes message, bool command, std::uint32_t max_fragment);

    ScriptedPeer peer_;
    ByteVector stream_;               // C-STORE-RQ and data set, as P-DATA-TF
    std::vector<std::size_t> places_; // of each character of the instance UID, all its appearances
    std::size_t uid_length_ = 0;
};

} // namespace gantry::tests
