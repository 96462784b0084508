#include "dimse/retrieve_link.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace gantry::dimse {

SameAssociation::SameAssociation(
    std::vector<AcceptedContext> contexts, std::shared_ptr<StoreHandover> handover
)
    : contexts_(std::move(contexts)), handover_(std::move(handover))
{
}

std::vector<Uid> SameAssociation::accepted(const Uid& sop_class) const
{
    std::vector<Uid> syntaxes;
    for (const AcceptedContext& context : contexts_) {
        if (context.abstract_syntax == sop_class)
            syntaxes.push_back(context.transfer_syntax);
    }
    return syntaxes;
}

asio::awaitable<Result<DimseStatus>> SameAssociation::store(OutgoingInstance instance)
{
    return handover_->store(std::move(instance));
}

bool SameAssociation::usable() const
{
    return handover_->usable();
}

std::uint8_t SameAssociation::context_of(const InstanceKey& key) const
{
    const auto found = std::ranges::find_if(contexts_, [&](const AcceptedContext& context) {
        return context.abstract_syntax == key.sop.sop_class &&
               context.transfer_syntax == key.transfer_syntax;
    });
    return found == contexts_.end() ? std::uint8_t{0} : found->id;
}

RetrieveLink::RetrieveLink(
    asio::any_io_executor loop,
    std::shared_ptr<WakeSignal> wake,
    std::optional<std::vector<AcceptedContext>> contexts
)
    : loop_(loop),
      wake_(wake),
      handover_(std::make_shared<StoreHandover>(std::move(loop), std::move(wake)))
{
    if (contexts)
        channel_ = std::make_unique<SameAssociation>(std::move(*contexts), handover_);
}

void RetrieveLink::pending(SubOperations counts)
{
    const std::lock_guard lock(mutex_);
    pending_ = counts;
    wake_->wake();
}

void RetrieveLink::on_cancel(std::function<void()> call)
{
    on_cancel_ = std::move(call);
    if (cancelled_)
        asio::post(loop_, [self = shared_from_this()] { self->call_cancel(); });
}

StoreChannel* RetrieveLink::channel()
{
    return channel_.get();
}

void RetrieveLink::forget()
{
    on_cancel_ = nullptr;
}

void RetrieveLink::cancel()
{
    asio::post(loop_, [self = shared_from_this()] {
        self->cancelled_ = true;
        self->call_cancel();
    });
}

void RetrieveLink::call_cancel()
{
    if (const auto call = std::exchange(on_cancel_, nullptr))
        call();
}

std::optional<SubOperations> RetrieveLink::take_pending()
{
    const std::lock_guard lock(mutex_);
    return std::exchange(pending_, std::nullopt);
}

} // namespace gantry::dimse
