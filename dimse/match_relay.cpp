#include "dimse/match_relay.h"

#include <dcmtk/config/osconfig.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <dcmtk/dcmdata/dcdatset.h>

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

namespace gantry::dimse {

namespace {

constexpr std::size_t max_ahead = 16;
constexpr std::size_t max_bytes_ahead = 256U << 10U;

struct Match {
    std::unique_ptr<DcmDataset> data_set;
    bool all_keys_supported = true;
};

} // namespace

struct MatchRelay::State : std::enable_shared_from_this<State> {
    State(asio::any_io_executor on, MatchSink& to) : loop(std::move(on)), sink(&to) {}

    asio::any_io_executor loop;
    MatchSink* sink;
    asio::cancellation_signal cancel; // loop only
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Match> waiting;
    std::size_t bytes = 0;
    bool running = false; // a coroutine on the loop takes what waits
    bool unwanted = false;

    void start();
    void end(bool refused);
    static asio::awaitable<bool> take_all(std::shared_ptr<State> state);
    std::vector<Match> take();
};

/// Starts the coroutine that takes what waits. Any thread.
void MatchRelay::State::start()
{
    asio::post(loop, [state = shared_from_this()] {
        auto done = [state](const std::exception_ptr& fault, bool wanted) {
            state->end(fault != nullptr || !wanted);
        };
        asio::co_spawn(
            state->loop,
            take_all(state),
            asio::bind_cancellation_slot(state->cancel.slot(), std::move(done))
        );
    });
}

void MatchRelay::State::end(bool refused)
{
    const std::lock_guard lock(mutex);
    unwanted = unwanted || refused;
    running = !unwanted && !waiting.empty(); // one came in the very moment
    if (running)
        start();
    if (unwanted)
        waiting.clear();
    changed.notify_all();
}

std::vector<Match> MatchRelay::State::take()
{
    const std::lock_guard lock(mutex);
    bytes = 0;
    changed.notify_all();
    return unwanted ? std::vector<Match>() : std::exchange(waiting, {});
}

/// False: the sink wants no more.
asio::awaitable<bool> MatchRelay::State::take_all(std::shared_ptr<State> state)
{
    for (std::vector<Match> batch = state->take(); !batch.empty(); batch = state->take()) {
        for (Match& match : batch) {
            const auto taken =
                co_await state->sink->push(std::move(match.data_set), match.all_keys_supported);
            if (!taken)
                co_return false;
        }
    }
    co_return true;
}

/// What a stop of the association's thread does to the loop's side.
class MatchRelay::Stopper {
public:
    Stopper(const std::stop_token& stop, std::shared_ptr<State> state)
        : callback_(stop, Call{std::move(state)})
    {
    }

private:
    struct Call {
        std::shared_ptr<State> state;

        void operator()() const
        {
            {
                const std::lock_guard lock(state->mutex);
                state->unwanted = true;
                state->changed.notify_all();
            }
            asio::post(state->loop, [kept = state] {
                kept->cancel.emit(asio::cancellation_type::terminal);
            });
        }
    };

    std::stop_callback<Call> callback_;
};

MatchRelay::MatchRelay(asio::any_io_executor loop, MatchSink& sink, const std::stop_token& stop)
    : state_(std::make_shared<State>(std::move(loop), sink)),
      stopper_(std::make_unique<Stopper>(stop, state_))
{
}

MatchRelay::~MatchRelay()
{
    (void)finish();
}

bool MatchRelay::give(std::unique_ptr<DcmDataset> match, bool all_keys_supported)
{
    const std::size_t size = match->calcElementLength(EXS_LittleEndianExplicit, EET_ExplicitLength);
    State& state = *state_;
    std::unique_lock lock(state.mutex);
    state.changed.wait(lock, [&] {
        return state.unwanted || state.waiting.empty() ||
               (state.waiting.size() < max_ahead && state.bytes + size <= max_bytes_ahead);
    });
    if (state.unwanted)
        return false;
    state.waiting.push_back({std::move(match), all_keys_supported});
    state.bytes += size;
    if (!std::exchange(state.running, true))
        state.start();
    return true;
}

bool MatchRelay::finish()
{
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [this] { return !state_->running; });
    return !state_->unwanted;
}

} // namespace gantry::dimse
