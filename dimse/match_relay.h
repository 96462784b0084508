// Matches on their way from the association's thread, which reads them, to the loop, where they are
// taken: a few are ahead, so that neither waits for the other at each of them.
#pragma once

#include "dimse/service_provider.h"
#include "gateway/loop/asio.h"

#include <memory>
#include <stop_token>

class DcmDataset;

namespace gantry::dimse {

class MatchRelay {
public:
    /// `sink` is used on the loop, from give() to the end of finish(); `stop` cancels that.
    MatchRelay(asio::any_io_executor loop, MatchSink& sink, const std::stop_token& stop);
    /// As finish().
    ~MatchRelay();
    MatchRelay(const MatchRelay&) = delete;
    MatchRelay& operator=(const MatchRelay&) = delete;

    /// Blocks while too many are ahead. False: the sink wants no more, or has been cancelled.
    bool give(std::unique_ptr<DcmDataset> match, bool all_keys_supported);

    /// Blocks until what was given has been taken, or is not wanted any more: false.
    bool finish();

private:
    struct State;
    class Stopper;
    std::shared_ptr<State> state_;
    std::unique_ptr<Stopper> stopper_;
};

} // namespace gantry::dimse
