// Makes one WADO-RS request and reads its answer: whole instances go to the handover, everything
// else is said in the outcome. Loop; decides nothing about asking again.
#pragma once

#include "gateway/origins/handover.h"
#include "gateway/origins/wado_plan.h"
#include "gateway/origins/wado_request.h"
#include "gateway/origins/wado_room.h"

#include <chrono>
#include <memory>
#include <optional>

namespace gantry {

struct WadoOutcome {
    WadoVerdict verdict = WadoVerdict::content; // content: the answer was read to its end
    WadoLoss loss;                              // why, where something is missing now
    std::uint16_t status = 0;                   // 0: no answer
    bool cut = false;                           // it broke off, or could not be read on
    bool damaged = false;                       // an instance came, and not whole
    bool yielded = false;                       // broken off here, for others to go on
    bool silent = false;                        // no answer within the time that it may take
    std::optional<std::chrono::seconds> retry_after;
};

class WadoFetch {
public:
    /// All of it outlives the fetch.
    struct Means {
        WadoRoom& room;
        WadoPlan& plan;
        Handover& handover;
        std::uint64_t retrieve; // its number
    };

    explicit WadoFetch(const Means& means);

    asio::awaitable<WadoOutcome> run(WadoJob job);

private:
    struct Answer; // as it is being read

    asio::awaitable<WadoOutcome> refused(std::unique_ptr<web::ClientResponse> response);
    asio::awaitable<void> read_parts(Answer& answer, WadoJob job);
    asio::awaitable<bool> may_go_on(WadoJob job);
    asio::awaitable<Result<void>> take_part(Answer& answer, WadoJob job);

    WadoRoom& room_;
    WadoPlan& plan_;
    Handover& handover_;
    std::uint64_t retrieve_;
};

} // namespace gantry
