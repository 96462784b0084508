// An archive for tests, made of PDUs: answers C-ECHO, C-FIND, C-GET, C-MOVE and C-STORE from what
// it was given, and misbehaves as its script says. A thread for each association; the destructor
// ends them all. Believes what it is sent: it is no example of an acceptor.
#pragma once

#include "dimse/options.h"
#include "dimse/service_provider.h"
#include "support/dicom_bytes.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gantry::tests {

/// One that the archive holds.
struct PacsInstance {
    std::string study;
    std::string series;
    std::string sop_instance;
    std::string sop_class = ct_image;
    std::string transfer_syntax = explicit_le; // of data_set
    ByteVector data_set;
};

/// A CT in Explicit VR Little Endian.
PacsInstance pacs_instance(
    const std::string& study,
    const std::string& series,
    const std::string& sop_instance,
    std::size_t pixel_bytes = 1'000
);

/// What it was asked.
struct PacsRequest {
    unsigned command = 0; // 0x0020: C-FIND-RQ
    std::string sop_class;
    unsigned message_id = 0;
    unsigned priority = 0;
    std::string destination; // of C-MOVE
    std::string identifier;  // as lines_of() of support/data_sets.h writes it
    dimse::QueryOptions granted;
    std::string calling;         // AE title
    std::size_t association = 0; // 1, 2, ... in the order in which they were accepted
    unsigned context = 0;        // presentation context
    std::string transfer_syntax; // of that
};

struct PacsFind {
    bool strict =
        true; // a unique key of a level above is missing, and relational not granted: A900
    std::set<Tag> left_out = {}; // keys that are in none of its answers
    std::set<Tag> ignored = {};  // keys that it does not know: neither matched nor answered
    std::size_t most = std::numeric_limits<std::size_t>::max(); // matches, and then `status`
    std::uint16_t status = 0;
    bool endless = false; // matches over and over
};

struct PacsRetrieve {
    enum class End : std::uint8_t {
        answer,  // the final response
        abort,   // A-ABORT instead
        inside,  // A-ABORT in the middle of a data set
        close,   // the connection is reset
        silence, // nothing more
    };

    std::uint16_t refusal = 0; // answered at once: nothing is sent
    /// Of the final response, instead of what follows from the sub-operations.
    std::optional<std::uint16_t> status = {};
    std::size_t most = std::numeric_limits<std::size_t>::max(); // sub-operations, and then `end`
    End end = End::answer;
    bool twice = false;       // each instance comes two times
    bool final_first = false; // the final response comes before the last C-STORE-RQ
    int miscount = 0;         // completed sub-operations that there were not
    bool pending = true;      // a Pending response after each
    bool heeds_cancel = true;
    std::vector<PacsInstance> strays = {}; // come first, whoever asked for whatever
    // C-MOVE:
    bool originator = true;                                 // with Move Originator fields
    std::string sends_as = {};                              // calling AE title; empty: its own
    std::map<std::string, std::uint16_t> destinations = {}; // ports here; any other title: A801
};

struct PacsScript {
    std::string title = "PACS";
    std::size_t most_associations = 100;        // at once; more: A-ASSOCIATE-RJ 2/3/2
    std::set<std::string> refused_classes = {}; // abstract syntax not supported
    /// The first of these that is offered is accepted, none: the context is refused. Empty: the
    /// first offered.
    std::vector<std::string> syntaxes = {};
    bool grants_roles = true;        // SCP/SCU role selection
    dimse::QueryOptions grants = {}; // SOP Class Extended Negotiation
    PacsFind find = {};
    PacsRetrieve retrieve = {};
    std::uint16_t store_status = 0;
    /// Called for each request; true: it was dealt with here.
    std::function<bool(ScriptedPeer&, const PacsRequest&)> instead = {};
};

class ScriptedPacs {
public:
    explicit ScriptedPacs(PacsScript script = {});
    ScriptedPacs(const ScriptedPacs&) = delete;
    ScriptedPacs& operator=(const ScriptedPacs&) = delete;
    ~ScriptedPacs();

    std::uint16_t port() const noexcept;
    dimse::PeerAddress address() const;

    /// A row of a level ("STUDY") for C-FIND, in lines as data_set() of support/data_sets.h reads
    /// them. Matched by value, list of UIDs, wildcards and range of dates; answered with the keys
    /// that were asked for.
    void add(const std::string& level, std::string lines);

    /// For C-GET and C-MOVE; with rows of its own for C-FIND where there are none with its UIDs.
    void hold(PacsInstance instance);

    /// What it does from the next request (or association) on.
    void change(const std::function<void(PacsScript&)>& change);

    /// Ends each association as it stands: closes the connection, without a word.
    void hang_up();

    std::vector<PacsRequest> asked() const;
    /// With this command only.
    std::vector<PacsRequest> asked(unsigned command) const;
    /// C-STOREs to it.
    std::vector<PacsInstance> stored() const;
    /// What C-STORE-RQs of its sub-operations were answered with, in their order.
    std::vector<std::uint16_t> store_answers() const;
    std::size_t associations() const; // accepted so far
    std::size_t open() const;         // now
    std::size_t most_at_once() const;
    std::size_t rejected() const;
    std::size_t cancels() const; // C-CANCEL-RQ
    /// False at the deadline.
    bool wait_open(std::size_t count) const;

    struct State;

private:
    std::unique_ptr<State> state_;
};

} // namespace gantry::tests
