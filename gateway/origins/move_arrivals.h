// The instances of C-MOVEs to ourselves, on their way in: who waits for what, and which C-STORE
// belongs to whom (PS3.4 C.4.2.2.2, PS3.7 9.1.1.1.8). The DIMSE face asks on the threads of its
// associations; origins wait on the loop. Never decides what becomes of an instance that nobody
// waits for.
#pragma once

#include "dimse/association.h"
#include "dimse/requestor.h"
#include "mapping/vocabulary/ae_title.h"
#include "mapping/vocabulary/uid.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_set>
#include <variant>
#include <vector>

namespace gantry {

/// How much of a C-STORE-RQ says which C-MOVE it belongs to: PACS differ.
enum class Rendezvous : std::uint8_t {
    originator, // Move Originator AE Title and Message ID
    caller,     // the calling AE title alone: one move of that PACS at a time
};

class MoveArrivals {
public:
    using Begun = std::variant<std::unique_ptr<dimse::IncomingInstance>, DimseStatus>;

    /// `own`: as which we move and are moved to. At most so many moves at once have a Message ID of
    /// their own: 65,535.
    explicit MoveArrivals(AeTitle own);
    ~MoveArrivals();
    MoveArrivals(const MoveArrivals&) = delete;
    MoveArrivals& operator=(const MoveArrivals&) = delete;

    /// One C-MOVE that is waited for, until it is destroyed: then what still comes of it is taken
    /// for nobody's, what is under way is refused, and nobody is in `take` any more.
    class Expectation {
    public:
        ~Expectation();
        Expectation(Expectation&&) noexcept;
        Expectation& operator=(Expectation&&) = delete;
        Expectation(const Expectation&) = delete;
        Expectation& operator=(const Expectation&) = delete;
        /// For RetrieveInquiry::message_id; no other move that is waited for has it.
        std::uint16_t message_id() const noexcept;
        /// How C-STOREs have been told to belong to it so far; nothing: none has come.
        std::optional<Rendezvous> met_by() const;
        /// No C-STORE of it is under way.
        bool idle() const;

    private:
        friend class MoveArrivals;
        struct State;
        explicit Expectation(std::shared_ptr<State> state);
        std::shared_ptr<State> state_;
    };

    struct Expected {
        std::vector<AeTitle> pacs; // as which its C-STOREs may come
        /// What does not name our Message ID belongs to the oldest expectation that has it here
        /// (the fields are for the SCU to give, PS3.7 9.1.1.1.8).
        std::unordered_set<Uid> instances;
        /// As Requestor::get(), but one at a time, and it never waits for the loop. What it gives
        /// ends by itself when its taker has gone.
        dimse::TakeInstance take;
    };

    /// Loop.
    Expectation expect(Expected expected);

    /// Whether contexts for storage are to be accepted from this peer, whatever it may do else: an
    /// origin is behind it. Any thread.
    bool from_pacs(const AeTitle& calling) const;

    /// Before the first association: peers that moves of ours come from.
    void add_pacs(const AeTitle& title);

    /// As ServiceProvider::begin_store(). Nothing: no move of ours. The association's thread.
    std::optional<Begun>
    claim(const dimse::AssociationInfo& peer, const dimse::StoreRequest& request);

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace gantry
