// The requests of a retrieve: one C-GET or C-MOVE, until its instances have come. Loop.
#include "dimse/error.h"
#include "gateway/origins/dimse_identifier.h"
#include "gateway/origins/dimse_retrieve.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace gantry {

namespace {

constexpr std::string_view study_root_move = "1.2.840.10008.5.1.4.1.2.2.2";
constexpr std::string_view study_root_get = "1.2.840.10008.5.1.4.1.2.2.3";

} // namespace

// References name objects in the frame of who awaits.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

dimse::RetrieveInquiry DimseRetrieve::inquiry(const DimseJob& job, std::string_view sop_class) const
{
    dimse::RetrieveInquiry out;
    out.sop_class = Uid::parse(sop_class).value_or(Uid{});
    out.identifier = retrieve_identifier(job);
    return out;
}

asio::awaitable<DimseRetrieve::Answer>
DimseRetrieve::answered(asio::awaitable<Answer> asked, bool& flag)
{
    Answer answer = co_await std::move(asked);
    flag = true;
    co_return answer;
}

/// Ends it where the asker wants no more, or nothing comes any more.
asio::awaitable<DimseRetrieve::Answer> DimseRetrieve::converse(asio::awaitable<Answer> asked)
{
    using namespace asio::experimental::awaitable_operators;
    bool over = false;
    auto either =
        answered(std::move(asked), over) || passage_->trouble(room_.options.longest_pause, over);
    const auto first = co_await std::move(either);
    if (const auto* answer = std::get_if<0>(&first))
        co_return *answer;
    co_return dimse::error(dimse::Errc::timeout, "nothing came, but the archive said Pending");
}

asio::awaitable<DimseRetrieve::Answer> DimseRetrieve::get(const DimseJob& job)
{
    const std::shared_ptr<DimsePassage> passage = passage_;
    auto take = [passage](const dimse::StoreRequest& request) { return passage->take(request); };
    auto note = [passage](const dimse::SubOperations& counts) { return passage->note(counts); };
    auto asked = room_.means.requestor.get(
        inquiry(job, study_root_get), job.contexts, std::move(take), std::move(note)
    );
    co_return co_await converse(std::move(asked));
}

asio::awaitable<DimseRetrieve::Answer> DimseRetrieve::move(const DimseJob& job)
{
    std::optional<Turns::Turn> turn;
    if (room_.learned.rendezvous != Rendezvous::originator) {
        turn = co_await room_.learned.moves.take({}, room_.options.longest_wait);
        if (!turn)
            co_return dimse::error(dimse::Errc::busy, "another C-MOVE to us takes too long");
    }
    const std::shared_ptr<DimsePassage> passage = passage_;
    MoveArrivals::Expected expected;
    expected.pacs = room_.options.moves_as;
    expected.pacs.push_back(room_.options.ae_title);
    expected.instances = passage->plan().instances(job);
    expected.take = [passage](const dimse::StoreRequest& request) {
        return passage->take(request);
    };
    const MoveArrivals::Expectation coming = room_.means.arrivals.expect(std::move(expected));
    dimse::RetrieveInquiry what = inquiry(job, study_root_move);
    what.message_id = coming.message_id();
    auto note = [passage](const dimse::SubOperations& counts) { return passage->note(counts); };
    auto asked =
        room_.means.requestor.move(std::move(what), room_.options.own_ae_title, std::move(note));
    const Answer answer = co_await converse(std::move(asked));
    co_await last_stores(job, coming, answer);
    learn(coming, answer);
    co_return answer;
}

/// The final response may come before the last C-STOREs; what has failed is not waited for.
asio::awaitable<void> DimseRetrieve::last_stores(
    const DimseJob& job, const MoveArrivals::Expectation& coming, const Answer& answer
)
{
    using namespace asio::experimental::awaitable_operators;
    DimsePlan& plan = passage_->plan();
    const auto told_missing = [&] {
        const std::size_t open = plan.instances(job).size();
        const bool good = answer && status_class(answer->status.code) != StatusClass::failure;
        return !good ||
               (open != 0 &&
                open <= std::max<std::size_t>(answer->counts.failed, answer->failed.size()));
    };
    asio::steady_timer timer(co_await asio::this_coro::executor, room_.options.last_store_grace);
    const auto last = std::chrono::steady_clock::now() + room_.options.longest_pause;
    while (plan.open(job) && !passage_->refusal() && !(coming.idle() && told_missing())) {
        const auto now = std::chrono::steady_clock::now();
        if (timer.expiry() <= now) {
            if (coming.idle() || last <= now)
                co_return;
            timer.expires_after(room_.options.last_store_grace);
        }
        auto either = passage_->changed().wait() || timer.async_wait(use_tuple);
        co_await std::move(either);
    }
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry
