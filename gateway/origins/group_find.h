// One find over several origins (OriginGroup::find). Loop; lives as long as the question.
#pragma once

#include "gateway/loop/change.h"
#include "gateway/origins/origin_group.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace gantry {

class GroupFind {
public:
    GroupFind(
        asio::any_io_executor loop, const std::vector<Origin*>& origins, OriginGroupLimits limits
    );
    ~GroupFind();
    GroupFind(const GroupFind&) = delete;
    GroupFind& operator=(const GroupFind&) = delete;

    asio::awaitable<FindEnd> run(FindQuestion question, FindSink& matches);

private:
    class Part;

    asio::awaitable<void> ask(std::size_t index);
    asio::awaitable<Result<void>> take(std::size_t index, std::unique_ptr<DcmDataset> match);
    asio::awaitable<Result<void>> flush(std::size_t index);
    asio::awaitable<Result<void>> forward(std::unique_ptr<DcmDataset> match);
    FindEnd end() const;

    OriginGroupLimits limits_;
    Change change_;
    std::vector<std::unique_ptr<Part>> parts_; // as listed
    FindQuestion question_;
    FindSink* matches_ = nullptr;
    std::unordered_set<std::string> given_; // unique keys
    std::size_t turn_ = 0;                  // whose matches are handed on
    std::uint64_t to_skip_ = 0;
    std::uint64_t sent_ = 0;
    bool enough_ = false; // the question's own limit
    bool full_ = false;   // ours
    std::optional<Error> broken_;
};

} // namespace gantry
