// A batch on its way into a DICOMweb archive: grouped by study, sent, each answer followed by what
// the tables of mapping/ say (split, verify, compare, send again) until each instance has its
// outcome. Lives for one store(); runs on the loop; sends at most a few requests for each instance.
#pragma once

#include "gateway/origins/archive_inquiry.h"
#include "gateway/origins/stow_request.h"
#include "gateway/origins/web_origin.h"
#include "mapping/stow_outcome.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry {

/// What all batches of one origin share.
struct StowRoom {
    std::string name;
    InquiryRoom inquiry;
    WebOriginOptions options;
    std::uint64_t learned_limit = ~std::uint64_t{0}; // of a request, from 413 answers
};

class StowBatch {
public:
    /// `health` asks the origin whether it is well at all. Both outlive the batch.
    using AskHealth = std::function<asio::awaitable<Health>()>;
    StowBatch(
        StowRoom& room, AskHealth health, std::vector<std::unique_ptr<InstanceContent>> batch
    );

    /// One outcome for each instance, in order. Once.
    asio::awaitable<std::vector<StoreOutcome>> run();

private:
    using Group = std::vector<std::size_t>; // indices of items_

    struct Item {
        std::unique_ptr<InstanceContent> original;
        std::unique_ptr<InstanceContent> reencoded; // sent instead, where it is there
        std::optional<StoreOutcome> outcome;

        InstanceContent& content() const { return reencoded ? *reencoded : *original; }
    };

    /// What is to be done after one answer.
    struct FollowUp {
        Group verify;
        Group compare;
        Group transcode;
        Group split;
        Group held;
        Group sick; // the server failed: is it the instance or the server?
    };

    // stow_batch.cpp
    asio::awaitable<void> prepare();
    asio::awaitable<void> reencode_item(Item& item);
    void group();
    asio::awaitable<void> send(Group group);
    void forget_settled(Group& group) const;
    void read_failed(const Group& group, const StowBody::Failure& failure);
    asio::awaitable<void> not_answered(Group group, StowAnswer answer);

    // stow_answer.cpp
    asio::awaitable<void> answered(Group group, StowAnswer answer);
    void decide(std::size_t index, const StowAnswer& answer, std::size_t batch, FollowUp& next);
    void decide_retry(std::size_t index, const StowAnswer& answer, FollowUp& next);
    void hold(Group group, const StowAnswer& answer);
    asio::awaitable<void> unwell(Group group, const StowAnswer& answer);

    // stow_follow_up.cpp
    asio::awaitable<void> verify(Group group, std::string lost, bool may_split);
    asio::awaitable<void> compare(std::size_t index, std::string answer);
    asio::awaitable<void> transcode(std::size_t index);
    void split(Group group);

    void settle(
        std::size_t index, StoreOutcome::Kind kind, std::string answer, std::uint16_t reason = 0
    );
    void away(std::string answer, std::optional<std::chrono::seconds> retry_after = {});

    const InstanceKey& key(std::size_t index) const { return items_[index].original->key(); }

    StowRoom& room_;
    AskHealth health_;
    std::vector<Item> items_;
    std::vector<Group> work_;          // the last is next
    std::optional<StoreOutcome> away_; // the origin as a whole: nothing more is sent
    bool let_in_ = false;              // something of this batch was stored: the service is there
    std::optional<bool> well_;         // what health() said, asked once
};

} // namespace gantry
