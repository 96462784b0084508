// One retrieve over several origins (OriginGroup::retrieve). Loop; lives as long as the question.
#pragma once

#include "gateway/loop/change.h"
#include "gateway/origin.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gantry {

class GroupRetrieve {
public:
    GroupRetrieve(asio::any_io_executor loop, const std::vector<Origin*>& origins);
    ~GroupRetrieve();
    GroupRetrieve(const GroupRetrieve&) = delete;
    GroupRetrieve& operator=(const GroupRetrieve&) = delete;

    asio::awaitable<RetrieveEnd> run(RetrieveQuestion question, RetrieveSink& sink);

private:
    class Part;
    class Rest;

    asio::awaitable<void> ask(std::size_t index);
    asio::awaitable<Result<void>> expected(std::size_t index);
    asio::awaitable<Result<void>> announce();
    asio::awaitable<void> fetch_rest(std::size_t index);
    asio::awaitable<Result<void>> give(std::unique_ptr<InstanceContent> content);
    std::vector<InstanceKey> wanted_of(std::size_t index) const;
    RetrieveEnd end() const;

    Change change_;
    std::vector<std::unique_ptr<Part>> parts_; // as listed
    RetrieveQuestion question_;
    RetrieveSink* sink_ = nullptr;
    std::size_t undecided_ = 0; // origins that have not yet said what they have
    bool announcing_ = false;
    std::optional<Result<void>> announced_;
    std::map<Uid, std::size_t> source_; // of an instance: which origin
    std::set<Uid> given_;
    std::optional<Error> broken_; // by the sink
};

} // namespace gantry
