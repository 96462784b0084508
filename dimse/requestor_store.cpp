// Requestor::open_store(): the loop's side of an association that instances are sent on one by one.
#include "dimse/error.h"
#include "dimse/requestor_state.h"
#include "dimse/store_line.h"

#include <algorithm>
#include <utility>

namespace gantry::dimse {

namespace {

/// Whoever holds the line ends it: A-ABORT unless it was released.
class Line {
public:
    explicit Line(std::shared_ptr<StoreLine> line) : line_(std::move(line)) {}

    Line(Line&&) noexcept = default;
    Line& operator=(Line&&) = delete;
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    ~Line()
    {
        if (line_)
            line_->abort();
    }

    StoreLine* operator->() const { return line_.get(); }

    const std::shared_ptr<StoreLine>& shared() const { return line_; }

private:
    std::shared_ptr<StoreLine> line_;
};

class OpenAssociation final : public StoreAssociation {
public:
    OpenAssociation(Line line, std::vector<Negotiation::Context> contexts)
        : line_(std::move(line)), contexts_(std::move(contexts))
    {
    }

    std::vector<Uid> accepted(const Uid& sop_class) const override
    {
        std::vector<Uid> syntaxes;
        for (const Negotiation::Context& context : contexts_) {
            if (context.abstract_syntax == sop_class)
                syntaxes.push_back(context.transfer_syntax);
        }
        return syntaxes;
    }

    asio::awaitable<Result<DimseStatus>> store(OutgoingInstance instance) override
    {
        return line_->handover().store(std::move(instance));
    }

    bool usable() const override { return line_->handover().usable(); }

    asio::awaitable<void> release() override { return line_->release(); }

private:
    Line line_;
    std::vector<Negotiation::Context> contexts_;
};

} // namespace

asio::awaitable<Result<std::unique_ptr<StoreAssociation>>>
Requestor::open_store(std::vector<ProposedContext> proposals)
{
    const auto state = state_;
    auto turn = co_await state->turns->take(Length::lengthy);
    if (!turn)
        co_return turn.error();
    Line line(std::make_shared<StoreLine>(co_await asio::this_coro::executor));
    // The turn is the thread's: it ends with the association.
    auto held = std::make_shared<AssociationTurns::Turn>(std::move(*turn));
    auto work =
        [shared = line.shared(), state, held = std::move(held), proposals = std::move(proposals)](
            std::stop_token stop
        ) { shared->run(*state, proposals, std::move(stop)); };
    if (!state->pool->submit(std::move(work)))
        co_return error(Errc::stopped);
    auto contexts = co_await line->opened();
    if (!contexts)
        co_return contexts.error();
    co_return std::make_unique<OpenAssociation>(std::move(line), std::move(*contexts));
}

} // namespace gantry::dimse
