// One retrieve from a web origin: what it covers by QIDO-RS, in names or in numbers, then WADO-RS,
// several requests at once, until all has come or there is nothing left to try. Loop. One use.
#pragma once

#include "gateway/origins/expected_instances.h"
#include "gateway/origins/handover.h"
#include "gateway/origins/wado_fetch.h"
#include "gateway/origins/wado_plan.h"
#include "gateway/origins/wado_room.h"

#include <memory>
#include <optional>

namespace gantry {

class WadoRetrieve {
public:
    /// `room` and `sink` outlive it.
    WadoRetrieve(WadoRoom& room, AskFind find, RetrieveSink& sink);
    ~WadoRetrieve();

    /// As Origin::retrieve(). Ends by exception (operation_aborted) where cancelled; all that it
    /// started has ended then.
    asio::awaitable<RetrieveEnd> run(RetrieveQuestion question);

private:
    struct Work;

    asio::awaitable<std::vector<NumberedSeries>> count(RetrieveQuestion& question);
    asio::awaitable<RetrieveEnd> name(RetrieveQuestion question, WadoPlan::Expected& list);
    asio::awaitable<RetrieveEnd> name_what_is_refused(RetrieveQuestion question, Error refusal);
    asio::awaitable<RetrieveEnd> fetch(WadoPlan::Expected list);

    WadoRoom& room_;
    AskFind find_;
    RetrieveSink& sink_;
    std::unique_ptr<Work> work_;
};

} // namespace gantry
