// DIMSE messages as PDVs (PS3.8 9.3.5, annex E; PS3.7 6.3): cuts what arrives into fragments in
// place, and what leaves into P-DATA-TF PDUs. Runs on the association's worker thread. Copies no
// data set, allocates nothing for a PDU.
#pragma once

#include "dimse/association.h"
#include "dimse/command_set.h"
#include "dimse/connection.h"
#include "dimse/error.h"
#include "dimse/pdu.h"
#include "mapping/vocabulary/byte_source.h"
#include "mapping/vocabulary/result.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace gantry::dimse {

/// What came instead of what was asked for. All but `none` and `released` end the association.
enum class Interruption : std::uint8_t {
    none,
    released, // A-RELEASE-RQ, consumed
    release_confirmed,
    aborted,    // A-ABORT
    closed,     // the connection, without a word
    silence,    // nothing within the time allowed
    stopped,    // our own stop
    broken_off, // we have begun a message that we cannot finish
    broken      // the peer broke the protocol; abort_reason() says how
};

Interruption interruption_of(Transfer transfer) noexcept;

/// As an error for a requestor.
Error error_of(Interruption interruption);

/// A received command set and the context it came on.
struct CommandMessage {
    std::uint8_t context = 0;
    CommandSet set;
};

class MessageReader {
public:
    /// `max_pdu`: what we said we take.
    MessageReader(Connection& connection, std::uint32_t max_pdu);

    /// Reads one command set. `message` views memory of this reader until the next call.
    Interruption read_command(CommandMessage& message);

    /// The next bytes of the data set that follows on `context`; empty at its end. The view is good
    /// until the next call.
    Interruption read_data(std::uint8_t context, ConstBytes& fragment);

    /// Reads to the end of the data set and forgets it.
    Interruption skip_data(std::uint8_t context);

    /// True where what is buffered ends no PDU short: reading it takes no wait.
    bool whole_pdu_buffered() const noexcept;

    pdu::AbortReason abort_reason() const noexcept { return abort_reason_; }

    /// The peer broke the protocol: remembers how.
    Interruption broken(pdu::AbortReason reason);

private:
    struct Pdv {
        std::uint8_t context = 0;
        bool command = false;
        bool last = false;
        std::uint32_t left = 0; // of the fragment
    };

    Interruption next_pdv();
    Interruption next_pdu();
    Interruption take_command_fragment();
    Interruption other_pdu(std::uint8_t type, std::uint32_t length);

    Connection* connection_;
    std::uint32_t max_pdu_;
    std::uint32_t pdu_left_ = 0;
    Pdv pdv_;
    bool in_data_set_ = false;   // a PDV of it has been read, and not yet its end
    std::size_t handed_out_ = 0; // of the connection's buffer, by the last read_data()
    wire::Buffer command_;
    pdu::AbortReason abort_reason_ = pdu::AbortReason::not_specified;
};

class MessageWriter {
public:
    explicit MessageWriter(Connection& connection) : connection_(&connection) {}

    /// What the peer said it takes; 0: no limit. Before anything is written.
    void set_peer_max_pdu(std::uint32_t peer_max_pdu);

    /// Sends one command set. With `data_set_follows` it may wait for that and share its segment.
    Transfer write_command(std::uint8_t context, ConstBytes command, bool data_set_follows = false);

    /// Sends a data set from memory.
    Transfer write_data(std::uint8_t context, ConstBytes data_set);

    /// As the two above, but keeps what is little until flush(): several messages leave in one
    /// write.
    Transfer add_command(std::uint8_t context, ConstBytes command);
    Transfer add_data(std::uint8_t context, ConstBytes data_set);
    Transfer flush();

    /// A message of which the data set comes from a source.
    struct Sourced {
        ConstBytes command;
        ByteSource* source = nullptr;
        ConstBytes first; // what the source has given already, not empty
    };

    /// How sending it ended.
    struct SourcedEnd {
        Transfer transfer = Transfer::done;
        std::optional<Error> fault = {}; // of the source
        bool begun = false; // part of the message is on the wire: with a fault, past repair
    };

    /// Sends a command set and the data set as the source gives it, with a NUL after an odd length.
    SourcedEnd write_sourced(std::uint8_t context, const Sourced& message);

    /// Sends a data set as its bytes stand in an open file, with a NUL after an odd length.
    /// `failed` says that the file ended early or could not be read: the message is incomplete
    /// then.
    Transfer write_file(
        std::uint8_t context, int file, std::uint64_t offset, std::uint64_t length, bool& failed
    );

private:
    /// A PDU at the end of out_ that is being filled.
    struct Open {
        std::uint8_t context = 0;
        std::size_t head = 0;
        std::size_t filled = 0;
        bool begun = false; // something of its message has been sent
    };

    Transfer add_fragments(std::uint8_t context, unsigned kind, ConstBytes bytes);
    Transfer send_out(bool more);
    Transfer next_pdu(Open& open);
    Transfer write_whole(Open& open, ConstBytes& piece);

    Connection* connection_;
    std::uint32_t fragment_size_ = 0;
    wire::Buffer out_;
};

} // namespace gantry::dimse
