#include "dimse/requestor_state.h"

#include "dimse/requestor_association.h"

#include <chrono>
#include <poll.h>
#include <string>
#include <utility>

namespace gantry::dimse {

namespace {

using std::chrono::milliseconds;
using Opened = Result<std::unique_ptr<RequestorAssociation>>;

// A peer that allows as many as we have asked for may yet have to notice that one has ended.
constexpr milliseconds until_noticed[] = {
    milliseconds(10), milliseconds(30), milliseconds(100), milliseconds(300)
};

/// PS3.8 9.3.4: rejected transient, local limit exceeded or temporary congestion.
bool limit_reached(const Opened& opened)
{
    return !opened && opened.error().code == make_error_code(Errc::rejected) &&
           opened.error().detail.find("transient") != std::string::npos;
}

/// True: we are to end.
bool wait_for_stop(const StopSignal& stop, milliseconds longest)
{
    pollfd event{stop.fd(), POLLIN, 0};
    (void)::poll(&event, 1, static_cast<int>(longest.count()));
    return stop.requested();
}

} // namespace

RequestorState::RequestorState(PeerAddress to, RequestorOptions with, WorkerPool& outbound)
    : peer(std::move(to)),
      options(std::move(with)),
      pool(&outbound),
      turns(std::make_shared<AssociationTurns>(options.max_associations, options.turn_timeout)),
      shelf(options.max_associations, options.keep_idle)
{
}

Result<void>
RequestorState::converse(const AssociationPlan& plan, const StopSignal& stop, const Talk& talk)
{
    const AssociateRequest request = associate_request(peer, options, plan);
    const wire::Buffer kind = write_associate_request(request);
    for (bool again = false;; again = true) {
        auto claim = shelf.claim(again ? wire::Buffer{} : kind);
        auto association = std::move(claim.kept);
        const bool kept = association != nullptr && association->resume(stop);
        if (!kept) {
            association.reset();
            auto opened = open(request, claim, stop);
            if (!opened)
                return opened.error();
            association = std::move(*opened);
        }
        talk(*association);
        if (kept && association->vanished())
            continue;
        // Where nothing could be asked, the next one would not get further.
        if (association->usable() && association->answered())
            association = shelf.keep(claim.place, kind, std::move(association));
        if (association) {
            (void)association->resume(stop);
            association->release();
        }
        return {};
    }
}

Result<void>
RequestorState::converse_anew(const AssociationPlan& plan, const StopSignal& stop, const Talk& talk)
{
    auto claim = shelf.claim({});
    auto opened = open(associate_request(peer, options, plan), claim, stop);
    if (!opened)
        return opened.error();
    talk(**opened);
    if (!stop.requested()) // else its end says A-ABORT
        (*opened)->release();
    return {};
}

Result<std::unique_ptr<RequestorAssociation>> RequestorState::open(
    AssociateRequest request, AssociationShelf::Claim& claim, const StopSignal& stop
)
{
    release_all(std::exchange(claim.in_the_way, {}), stop);
    auto opened = RequestorAssociation::open(peer, options, request, stop);
    if (opened || opened.error().code != make_error_code(Errc::rejected))
        return opened;
    if (auto kept = shelf.take_all(); !kept.empty()) {
        release_all(std::move(kept), stop);
        opened = RequestorAssociation::open(peer, options, request, stop);
    }
    if (options.max_associations == 0)
        return opened;
    for (const auto pause : until_noticed) {
        if (!limit_reached(opened) || wait_for_stop(stop, pause))
            break;
        opened = RequestorAssociation::open(peer, options, request, stop);
    }
    return opened;
}

} // namespace gantry::dimse
