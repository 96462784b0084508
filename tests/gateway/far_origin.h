// The archive behind a cache, which does as a test tells it.
#pragma once

#include "gateway/loop/change.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gantry::tests {

Uid uid(const std::string& text);
std::vector<Uid> uids(const std::vector<std::string>& texts);

/// An instance "1.2.<study>.<series>.<number>" of so many bytes, which follow from its name.
struct FarInstance {
    InstanceKey key;
    std::string data_set;
};

FarInstance
far_instance(unsigned study, unsigned series, unsigned number, std::size_t bytes = 1'000);

RetrieveQuestion study_question(unsigned study);
RetrieveQuestion series_question(unsigned study, unsigned series);
RetrieveQuestion image_question(unsigned study, unsigned series, std::vector<unsigned> numbers);

class FarOrigin final : public Origin {
public:
    explicit FarOrigin(asio::any_io_executor loop);

    std::vector<FarInstance> has;
    std::set<std::string> withheld;  // listed, and not given
    std::set<std::string> in_a_file; // given as a scratch file in `scratch`
    std::filesystem::path scratch;
    std::optional<RetrieveEnd> fails;      // before anything is said
    std::optional<RetrieveEnd> breaks_off; // once `most` instances have been given
    std::optional<FindEnd> find_fails;
    bool hidden = false;            // contents can be read from the loop only
    std::size_t allowed = SIZE_MAX; // instances, over all retrieves; more wait
    std::size_t most = SIZE_MAX;    // of one retrieve

    std::vector<std::string> asked; // "study 1.2.1", "series 1.2.1/1.2.1.1", "image ...", "find"
    std::map<std::string, unsigned> given;
    std::size_t under_way = 0;
    std::size_t cancelled = 0;

    void allow(std::size_t instances);
    std::size_t retrieves() const; // of `asked`

    const std::string& name() const override { return name_; }

    Abilities abilities() const override { return {true, true, true, true}; }

    asio::awaitable<std::vector<StoreOutcome>>
    store(std::vector<std::unique_ptr<InstanceContent>> batch) override;
    asio::awaitable<FindEnd> find(FindQuestion question, FindSink& matches) override;
    asio::awaitable<RetrieveEnd> retrieve(RetrieveQuestion question, RetrieveSink& sink) override;
    asio::awaitable<Result<std::vector<bool>>> verify(std::vector<InstanceKey> instances) override;
    asio::awaitable<Health> health() override;

    WorkerPool* disk = nullptr;

private:
    std::unique_ptr<InstanceContent> content_of(const FarInstance& instance) const;

    std::string name_ = "far";
    Change changed_;
};

} // namespace gantry::tests
