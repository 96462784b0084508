// One C-FIND under way (PS3.4 C.4.1; PS3.7 9.3.2): matches from the loop, encoded and written on
// the association's thread, a few ahead of the peer and no more.
#pragma once

#include "dimse/loop_task.h"
#include "dimse/operation.h"
#include "gateway/loop/change.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace gantry::dimse {

/// What lies between the coroutine that finds and the thread that writes. push() on the loop, the
/// rest on any thread.
class MatchQueue final : public MatchSink, public std::enable_shared_from_this<MatchQueue> {
public:
    struct Match {
        std::unique_ptr<DcmDataset> data_set;
        std::size_t size = 0;
        bool all_keys_supported = true;
    };

    MatchQueue(asio::any_io_executor loop, std::shared_ptr<WakeSignal> wake);

    asio::awaitable<Result<void>>
    push(std::unique_ptr<DcmDataset> match, bool all_keys_supported) override;

    /// All that has come. Makes room.
    std::vector<Match> take();

    /// Nothing more is wanted: what is queued is dropped, push() fails.
    void close();

private:
    bool try_push(std::unique_ptr<DcmDataset>& match, bool all_keys_supported, std::size_t size);
    void make_room();

    Change room_; // loop only
    std::shared_ptr<WakeSignal> wake_;
    std::mutex mutex_;
    std::vector<Match> matches_;
    std::size_t bytes_ = 0;
    bool waiting_ = false;
    bool closed_ = false;
};

class FindOperation final : public Operation {
public:
    FindOperation(AssociationSide& side, RequestHead request);

    /// Returns when the request is answered, or the association cannot go on, and the coroutine has
    /// ended.
    Interruption run(FindRequest request);

private:
    void on_cancel() override;
    Interruption pump();
    Interruption send_matches(bool& sent);
    Interruption add(MatchQueue::Match match);
    Interruption answer();
    DimseStatus final_status();

    std::shared_ptr<MatchQueue> queue_;
    LoopTask<DimseStatus> task_;
    wire::Buffer pending_;         // command set of FF00
    wire::Buffer pending_partial_; // of FF01
    wire::Buffer data_set_;
    std::uint64_t matches_ = 0;
    bool unwritable_ = false; // a match that cannot be encoded ends the find
};

} // namespace gantry::dimse
