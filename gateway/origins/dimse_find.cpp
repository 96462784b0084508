#include "gateway/origins/dimse_find.h"

namespace gantry {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): see the contract
asio::awaitable<FindEnd> find_by_dimse(DimseFindRoom room, FindQuestion question, FindSink& matches)
{
    (void)room;
    (void)question;
    (void)matches;
    co_return FindEnd{false, Shortfall::failed, "searching this origin is not offered"};
}

} // namespace gantry
