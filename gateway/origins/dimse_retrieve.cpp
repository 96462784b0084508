#include "gateway/origins/dimse_origin.h"

namespace gantry {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): see the contract
asio::awaitable<RetrieveEnd> DimseOrigin::retrieve(RetrieveQuestion question, RetrieveSink& sink)
{
    (void)question;
    (void)sink;
    RetrieveEnd end;
    end.shortfall = Shortfall::failed;
    end.reason = "retrieving from this origin is not offered";
    co_return end;
}

} // namespace gantry
