// An archive reached over DICOMweb (PS3.18): stores by STOW-RS, finds by QIDO-RS, retrieves by
// WADO-RS, verifies by both. Runs on the loop; disk work goes to the pool given. What it holds in
// memory on its way does not grow with the instance or the study.
#pragma once

#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"
#include "gateway/origins/origin_profile.h"
#include "gateway/origins/wado_room.h"
#include "web/client.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace gantry {

struct WebOriginOptions {
    /// Not to be re-encoded although the web does not allow them (PS3.18 8.7.3.5): the origin takes
    /// them. Compressed ones are always sent as they are.
    std::vector<Uid> transfer_syntaxes;
    bool pass_as_is = false; // re-encode nothing
    /// A 200 without a readable body means that all is stored. Else it is verified.
    bool trust_empty_success = false;
    Bytes max_answer{16ULL << 20U};            // of a STOW or QIDO response that is read
    Bytes expect_continue_above{64ULL << 20U}; // ask before sending a body larger than this
    OriginProfile profile;                     // what is known of it
    WebRetrieveOptions retrieve;
};

class WebOrigin final : public Origin {
public:
    /// `client` and `disk` outlive the origin. `scratch` is a folder for files that are unlinked
    /// while open; it must exist, and its file system must hold what is re-encoded.
    WebOrigin(
        std::string name,
        web::Client& client,
        WebOriginOptions options,
        WorkerPool& disk,
        std::filesystem::path scratch
    );
    ~WebOrigin() override;
    WebOrigin(const WebOrigin&) = delete;
    WebOrigin& operator=(const WebOrigin&) = delete;

    const std::string& name() const override;
    Abilities abilities() const override;
    asio::awaitable<std::vector<StoreOutcome>>
    store(std::vector<std::unique_ptr<InstanceContent>> batch) override;
    /// By QIDO-RS, page by page; patient level ends incomplete.
    asio::awaitable<FindEnd> find(FindQuestion question, FindSink& matches) override;
    asio::awaitable<RetrieveEnd> retrieve(RetrieveQuestion question, RetrieveSink& sink) override;
    asio::awaitable<Result<std::vector<bool>>> verify(std::vector<InstanceKey> instances) override;
    asio::awaitable<Health> health() override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry
