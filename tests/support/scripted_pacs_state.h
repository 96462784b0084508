// What the threads of a ScriptedPacs share, and one association of it. Only for its own sources.
#pragma once

#include "dimse/associate.h"
#include "dimse/command_set.h"
#include "dimse/response.h"
#include "support/scripted_pacs.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

class DcmDataset;

namespace gantry::tests {

struct ScriptedPacs::State {
    struct Row {
        std::string level;
        std::string lines;
    };

    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    ScriptedListener listener;
    PacsScript script;
    std::vector<Row> rows;
    std::vector<PacsInstance> instances;
    std::vector<PacsRequest> asked;
    std::vector<PacsInstance> stored;
    std::vector<std::uint16_t> store_answers;
    std::size_t associations = 0;
    std::size_t open = 0;
    std::size_t most_at_once = 0;
    std::size_t rejected = 0;
    std::size_t cancels = 0;
    bool ending = false;
    std::set<int> sockets;
    std::vector<std::thread> serving;
    std::thread accepting;

    template <class F>
    auto locked(F f)
    {
        const std::lock_guard lock(mutex);
        changed.notify_all();
        return f();
    }
};

/// The association has ended, whoever ended it.
class PacsEnd : public std::runtime_error {
public:
    PacsEnd() : std::runtime_error("the association ended") {}
};

/// A message with its data set; `set` views `command`.
struct PacsMessage {
    unsigned context = 0;
    ByteVector command;
    dimse::CommandSet set;
    ByteVector data_set;
};

/// Reads and writes messages, as requestor and as acceptor.
class PacsWire {
public:
    explicit PacsWire(ScriptedPeer peer) : peer(std::move(peer)) {}

    /// Throws PacsEnd where the peer releases (it is confirmed), aborts or closes.
    PacsMessage read();

    /// Something has come that was not read.
    bool pending() { return !pdvs_.empty() || peer.wait(std::chrono::milliseconds(0)); }

    void send_command(unsigned context, ConstBytes command);
    /// `count` bytes of it at most; the last fragment says so only where it is all.
    void send_data(unsigned context, ConstBytes data_set, std::size_t count);

    ScriptedPeer peer;
    std::uint32_t peer_max_pdu = 16'384;

private:
    struct Pdv {
        unsigned context;
        unsigned control;
        ByteVector bytes;
    };

    Pdv next();

    std::deque<Pdv> pdvs_;
};

class PacsAssociation {
public:
    PacsAssociation(ScriptedPacs::State& state, ScriptedPeer peer)
        : state_(state), wire_(std::move(peer))
    {
    }

    void run();

private:
    class Outgoing;
    struct Progress;

    bool open();
    void negotiate(const dimse::AssociateRequest& request);
    void serve(const PacsMessage& message);
    void echo(const PacsMessage& message);
    void take(const PacsMessage& message);
    void find(const PacsMessage& message, const PacsRequest& request);
    bool give(const PacsRequest& request, DcmDataset& match);
    void retrieve(const PacsMessage& message, const PacsRequest& request);
    void sub_operations(const PacsRequest& request, Progress& progress);
    void sub_operation(const PacsInstance& instance, Progress& progress, bool half);
    void end(const PacsRequest& request, const Progress& progress);
    void answer(const PacsRequest& request, const dimse::QueryResponse& response, ConstBytes = {});
    bool cancelled();
    PacsRequest request_of(const PacsMessage& message);
    const dimse::NegotiatedContext* context(unsigned id) const;
    /// Of this class, with the peer as its SCP, best in this syntax; null: none.
    const dimse::NegotiatedContext* storage_context(const PacsInstance& instance) const;

    ScriptedPacs::State& state_;
    PacsWire wire_;
    PacsScript script_; // as it was when the request came
    dimse::AssociateRequest asked_;
    dimse::AssociateAccept accepted_;
    std::size_t number_ = 0;
};

/// Elements of an Identifier as `match` has them; nothing where it does not match.
std::unique_ptr<DcmDataset>
pacs_match(DcmDataset& identifier, const ScriptedPacs::State::Row& row, const PacsFind& script);

/// One of the values of `key` (all where it is empty) is `value`.
bool pacs_names(DcmDataset& identifier, Tag key, const std::string& value);

} // namespace gantry::tests
