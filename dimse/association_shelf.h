// The associations to one peer: how many there are, in use and kept for the next conversation that
// needs the same negotiation. Thread safe; an association on it is in nobody else's hands.
#pragma once

#include "dimse/connection.h"
#include "dimse/wire.h"

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>
#include <utility>
#include <vector>

namespace gantry::dimse {

class RequestorAssociation;

class AssociationShelf {
public:
    using Clock = std::chrono::steady_clock;
    using Association = std::unique_ptr<RequestorAssociation>;

    /// `places`: for associations in use and kept together; 0: no bound. `keep_idle`: 0 keeps
    /// nothing.
    AssociationShelf(std::size_t places, std::chrono::milliseconds keep_idle);
    AssociationShelf(const AssociationShelf&) = delete;
    AssociationShelf& operator=(const AssociationShelf&) = delete;
    /// A-ABORT to what is kept; does not wait.
    ~AssociationShelf();

    /// For one association in use, until it dies. The shelf outlives it.
    class Place {
    public:
        explicit Place(AssociationShelf& shelf) : shelf_(&shelf) {}

        Place(Place&& other) noexcept : shelf_(std::exchange(other.shelf_, nullptr)) {}

        Place& operator=(Place&&) = delete;
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

        ~Place()
        {
            if (shelf_ != nullptr)
                shelf_->leave();
        }

        void pass_on() noexcept { shelf_ = nullptr; }

    private:
        AssociationShelf* shelf_;
    };

    struct Claim {
        Place place;
        Association kept;                    // of the kind; null: open one
        std::vector<Association> in_the_way; // release these before
    };

    /// `kind`: the A-ASSOCIATE-RQ; empty: none that is kept is wanted.
    Claim claim(const wire::Buffer& kind);

    /// Keeps it in its place; gives back what is to be released instead, if anything.
    Association keep(Place& place, wire::Buffer kind, Association association);

    /// What has been unused for too long.
    std::vector<Association> take_expired(Clock::time_point now);

    /// When that is the case next, at the earliest.
    Clock::time_point next_due() const;

    /// All; until open() nothing is kept any more.
    std::vector<Association> close();
    void open();

    /// All.
    std::vector<Association> take_all();

private:
    struct Kept {
        wire::Buffer kind;
        Association association;
        Clock::time_point since;
    };

    void leave() noexcept;

    std::size_t places_;
    std::chrono::milliseconds keep_idle_;
    StopSignal never_{std::stop_token{}};
    mutable std::mutex mutex_;
    std::size_t in_use_ = 0;
    std::list<Kept> kept_; // least recently used first
    bool closed_ = false;
};

/// On a worker thread: A-RELEASE to each, all in the time of one; A-ABORT where `stop` is
/// requested.
void release_all(std::vector<AssociationShelf::Association> associations, const StopSignal& stop);

} // namespace gantry::dimse
