#include "support/scripted_pacs.h"

#include "support/data_sets.h"
#include "support/scripted_pacs_state.h"

#include <algorithm>
#include <sys/socket.h>
#include <utility>

namespace gantry::tests {

namespace {

/// Serves one connection to its end.
void serve(ScriptedPacs::State& state, ScriptedPeer peer)
{
    const int socket = peer.fd();
    PacsAssociation association(state, std::move(peer));
    association.run();
    state.locked([&] { state.sockets.erase(socket); }); // before it is closed
}

void accept_all(ScriptedPacs::State& state)
{
    for (;;) {
        try {
            ScriptedPeer peer = state.listener.accept();
            const std::lock_guard lock(state.mutex);
            if (state.ending)
                return;
            state.sockets.insert(peer.fd());
            state.serving.emplace_back([&state, moved = std::move(peer)]() mutable {
                serve(state, std::move(moved));
            });
        } catch (const std::runtime_error&) { // nobody connects for long
            if (state.locked([&] { return state.ending; }))
                return;
        }
    }
}

void hang_up_all(const ScriptedPacs::State& state)
{
    for (const int socket : state.sockets)
        ::shutdown(socket, SHUT_RDWR);
}

} // namespace

PacsInstance pacs_instance(
    const std::string& study,
    const std::string& series,
    const std::string& sop_instance,
    std::size_t pixel_bytes
)
{
    PacsInstance made;
    made.study = study;
    made.series = series;
    made.sop_instance = sop_instance;
    made.data_set = data_set(
        {{0x00080016, ct_image, "UI"},
         {0x00080018, sop_instance, "UI"},
         {0x00080060, "CT", "CS"},
         {0x00100010, "PACS^PATIENT", "PN"},
         {0x00100020, "P1", "LO"},
         {0x0020000d, study, "UI"},
         {0x0020000e, series, "UI"},
         {0x00200013, "1", "IS"},
         {0x7fe00010, std::string(pixel_bytes, 'x'), "OW"}}
    );
    return made;
}

ScriptedPacs::ScriptedPacs(PacsScript script) : state_(std::make_unique<State>())
{
    state_->script = std::move(script);
    state_->accepting = std::thread([state = state_.get()] { accept_all(*state); });
}

ScriptedPacs::~ScriptedPacs()
{
    state_->locked([this] { state_->ending = true; });
    try {
        const ScriptedPeer last = ScriptedPeer::connect(port());
        state_->accepting.join();
    } catch (const std::exception&) {
        state_->accepting.join(); // at its deadline
    }
    state_->locked([this] { hang_up_all(*state_); });
    for (std::thread& thread : state_->serving)
        thread.join();
}

std::uint16_t ScriptedPacs::port() const noexcept
{
    return state_->listener.port();
}

dimse::PeerAddress ScriptedPacs::address() const
{
    return {
        *AeTitle::parse(state_->locked([this] { return state_->script.title; })),
        "127.0.0.1",
        port()
    };
}

void ScriptedPacs::add(const std::string& level, std::string lines)
{
    state_->locked([&] { state_->rows.push_back({level, std::move(lines)}); });
}

void ScriptedPacs::hold(PacsInstance instance)
{
    const std::string study = "0020,000d=" + instance.study;
    const std::string series = study + " | 0020,000e=" + instance.series;
    const std::string image =
        series + " | 0008,0016=" + instance.sop_class + " | 0008,0018=" + instance.sop_instance;
    const auto row = [this](const std::string& level, const std::string& keys, const char* more) {
        const auto there = [&](const State::Row& known) {
            return known.level == level && known.lines.find(keys) != std::string::npos;
        };
        if (std::ranges::none_of(state_->rows, there))
            state_->rows.push_back({level, keys + more});
    };
    state_->locked([&] {
        row("STUDY", study, " | 0010,0010=PACS^PATIENT | 0010,0020=P1 | 0008,0020=20260101");
        row("SERIES", series, " | 0008,0060=CT | 0020,0011=1");
        row("IMAGE", image, " | 0020,0013=1");
        state_->instances.push_back(std::move(instance));
    });
}

void ScriptedPacs::change(const std::function<void(PacsScript&)>& change)
{
    state_->locked([&] { change(state_->script); });
}

void ScriptedPacs::hang_up()
{
    state_->locked([this] { hang_up_all(*state_); });
}

std::vector<PacsRequest> ScriptedPacs::asked() const
{
    return state_->locked([this] { return state_->asked; });
}

std::vector<PacsRequest> ScriptedPacs::asked(unsigned command) const
{
    auto all = asked();
    std::erase_if(all, [&](const PacsRequest& request) { return request.command != command; });
    return all;
}

std::vector<PacsInstance> ScriptedPacs::stored() const
{
    return state_->locked([this] { return state_->stored; });
}

std::vector<std::uint16_t> ScriptedPacs::store_answers() const
{
    return state_->locked([this] { return state_->store_answers; });
}

std::size_t ScriptedPacs::associations() const
{
    return state_->locked([this] { return state_->associations; });
}

std::size_t ScriptedPacs::open() const
{
    return state_->locked([this] { return state_->open; });
}

std::size_t ScriptedPacs::most_at_once() const
{
    return state_->locked([this] { return state_->most_at_once; });
}

std::size_t ScriptedPacs::rejected() const
{
    return state_->locked([this] { return state_->rejected; });
}

std::size_t ScriptedPacs::cancels() const
{
    return state_->locked([this] { return state_->cancels; });
}

bool ScriptedPacs::wait_open(std::size_t count) const
{
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, ScriptedPeer::deadline, [&] {
        return state_->open == count;
    });
}

} // namespace gantry::tests
