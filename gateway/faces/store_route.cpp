#include "gateway/faces/store_route.h"

#include "dimse/error.h"
#include "gateway/loop/change.h"
#include "gateway/origins/store_proposals.h"

#include <boost/asio/this_coro.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

namespace gantry::faces {

namespace {

constexpr std::size_t most_associations = 4;

class GetRoute final : public StoreRoute {
public:
    explicit GetRoute(dimse::StoreChannel& channel) : channel_(channel) {}

    asio::awaitable<Result<void>> open(std::vector<InstanceKey> /*instances*/) override
    {
        co_return Result<void>{};
    }

    asio::awaitable<void> open_also(InstanceKey /*instance*/) override { co_return; }

    std::vector<Uid> accepted(const Uid& sop_class) const override
    {
        return channel_.accepted(sop_class);
    }

    asio::awaitable<Result<DimseStatus>> store(dimse::OutgoingInstance instance) override
    {
        return channel_.store(std::move(instance));
    }

    bool lost() const override { return !channel_.usable(); }

    asio::awaitable<void> close() override { co_return; }

private:
    dimse::StoreChannel& channel_;
};

class MoveRoute final : public StoreRoute {
public:
    MoveRoute(MoveDestination destination, OpenStore open_store)
        : destination_(std::move(destination)), open_store_(std::move(open_store))
    {
    }

    asio::awaitable<Result<void>> open(std::vector<InstanceKey> instances) override;
    asio::awaitable<void> open_also(InstanceKey instance) override;
    std::vector<Uid> accepted(const Uid& sop_class) const override;
    asio::awaitable<Result<DimseStatus>> store(dimse::OutgoingInstance instance) override;

    bool lost() const override { return lost_; }

    asio::awaitable<void> close() override;

private:
    struct Line {
        std::vector<dimse::ProposedContext> proposals;
        std::unique_ptr<dimse::StoreAssociation> association;
    };

    asio::awaitable<Result<void>> open_line(std::vector<dimse::ProposedContext> proposals);
    asio::awaitable<Result<void>> reopen(std::size_t line);
    Line* line_of(const Uid& sop_class);

    MoveDestination destination_;
    OpenStore open_store_;
    std::vector<Line> lines_;
    std::map<Uid, std::size_t> line_of_class_; // what was proposed, whatever was accepted
    std::optional<Change> opened_;             // there with the first further association
    bool opening_ = false;
    unsigned second_chances_ = 1;
    bool lost_ = false;
};

asio::awaitable<Result<void>> MoveRoute::open(std::vector<InstanceKey> instances)
{
    for (auto& proposals : store_proposals(instances, destination_.transfer_syntaxes)) {
        const auto opened = co_await open_line(std::move(proposals));
        if (!opened && lines_.size() == 1)
            co_return opened.error();
    }
    co_return Result<void>{};
}

asio::awaitable<void> MoveRoute::open_also(InstanceKey instance)
{
    if (!opened_)
        opened_.emplace(co_await asio::this_coro::executor);
    while (opening_)
        co_await opened_->wait();
    if (line_of_class_.contains(instance.sop.sop_class))
        co_return;
    opening_ = true;
    const std::vector<InstanceKey> one{instance};
    for (auto& proposals : store_proposals(one, destination_.transfer_syntaxes)) {
        const auto opened = co_await open_line(std::move(proposals));
        if (!opened)
            spdlog::warn(
                "no further association destination={} reason=\"{}\"",
                destination_.address.ae_title.str(),
                opened.error().text()
            );
    }
    opening_ = false;
    opened_->notify();
}

/// A peer that takes none of the contexts leaves a line without association.
asio::awaitable<Result<void>> MoveRoute::open_line(std::vector<dimse::ProposedContext> proposals)
{
    for (const dimse::ProposedContext& context : proposals)
        line_of_class_.emplace(context.abstract_syntax, lines_.size());
    lines_.push_back({proposals, nullptr});
    if (lines_.size() > most_associations)
        co_return Result<void>{};
    const std::size_t line = lines_.size() - 1;
    auto opening = open_store_(destination_.address, std::move(proposals));
    auto opened = co_await std::move(opening);
    if (opened)
        lines_[line].association = std::move(*opened);
    else if (opened.error().code != dimse::make_error_code(dimse::Errc::no_context))
        co_return opened.error();
    co_return Result<void>{};
}

MoveRoute::Line* MoveRoute::line_of(const Uid& sop_class)
{
    const auto found = line_of_class_.find(sop_class);
    return found == line_of_class_.end() ? nullptr : &lines_[found->second];
}

std::vector<Uid> MoveRoute::accepted(const Uid& sop_class) const
{
    const auto found = line_of_class_.find(sop_class);
    if (found == line_of_class_.end() || !lines_[found->second].association)
        return {};
    return lines_[found->second].association->accepted(sop_class);
}

asio::awaitable<Result<void>> MoveRoute::reopen(std::size_t line)
{
    if (std::exchange(second_chances_, 0) == 0)
        co_return dimse::error(dimse::Errc::closed, "the association was lost once more");
    spdlog::info(
        "association lost, opening another destination={}", destination_.address.ae_title.str()
    );
    auto opening = open_store_(destination_.address, lines_[line].proposals);
    auto opened = co_await std::move(opening);
    if (!opened)
        co_return opened.error();
    lines_[line].association = std::move(*opened);
    co_return Result<void>{};
}

asio::awaitable<Result<DimseStatus>> MoveRoute::store(dimse::OutgoingInstance instance)
{
    Line* line = line_of(instance.key.sop.sop_class);
    if (line == nullptr || !line->association)
        co_return dimse::error(dimse::Errc::no_context);
    const auto index = static_cast<std::size_t>(line - lines_.data());
    if (!line->association->usable()) { // lost before anything of this one was sent
        const auto opened = co_await reopen(index);
        if (!opened) {
            lost_ = true;
            co_return opened.error();
        }
    }
    dimse::StoreAssociation& association = *lines_[index].association;
    co_return co_await association.store(std::move(instance));
}

asio::awaitable<void> MoveRoute::close()
{
    for (Line& line : lines_)
        if (line.association && line.association->usable())
            co_await line.association->release();
}

} // namespace

std::unique_ptr<StoreRoute> route_to(MoveDestination destination, OpenStore open_store)
{
    return std::make_unique<MoveRoute>(std::move(destination), std::move(open_store));
}

std::unique_ptr<StoreRoute> route_on(dimse::StoreChannel& channel)
{
    return std::make_unique<GetRoute>(channel);
}

} // namespace gantry::faces
