// A web origin under test, with a scripted archive behind it. For tests.
#pragma once

#include "gateway/loop/worker_pool.h"
#include "gateway/origins/web_origin.h"
#include "web/client.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/run.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/scripted_origin.h"

namespace gantry::tests {

/// A small data set that differs from others by its UIDs and `value` only.
struct Sample {
    std::string instance = "1.2.3.4.5";
    std::string study = "1.2.3";
    std::string series = "1.2.3.4";
    std::string sop_class = "1.2.840.10008.5.1.4.1.1.7";
    std::string syntax = "1.2.840.10008.1.2.1";
    std::string value = "VALUE "; // of an attribute, even length
    std::size_t pixel_bytes = 64;

    InstanceKey key() const;
    /// The data set, in implicit VR or explicit VR little endian as `syntax` says.
    std::string bytes() const;
    /// As a DICOM file (PS3.10).
    std::string file() const;
};

/// Sample `number` of a series.
Sample sample(unsigned number);

class MemoryContent final : public InstanceContent {
public:
    MemoryContent(const Sample& sample, std::optional<Error> fails);

    const InstanceKey& key() const override { return key_; }

    AeTitle source_ae() const override { return *AeTitle::parse("CT1"); }

    Bytes length() const override { return {bytes_.size()}; }

    asio::awaitable<Result<ConstBytes>> read() override;

    void rewind() override { given_ = 0; }

private:
    InstanceKey key_;
    std::string bytes_;
    std::optional<Error> fails_; // instead of its last piece
    std::size_t given_ = 0;
};

/// The SOP Instance UIDs that a STOW request carries, from the heads of its files (small ones).
std::vector<std::string> instances_in(const ReceivedRequest& request);

/// A STOW response: failure or warning reasons as given, 0: stored.
std::string stow_report(const std::vector<std::pair<std::string, unsigned>>& reasons);

/// What a QIDO search for one instance answers.
std::string qido_answer(const Sample& sample);

/// A retrieve response with one part.
Reply wado_reply(const std::string& file);

/// The house: origin, client, archive. By default the archive stores everything, and has nothing.
struct StowHouse {
    explicit StowHouse(WebOriginOptions options = {}, web::ClientOptions client_options = quick());

    static web::ClientOptions quick();

    /// Says what the archive answers to STOW, by the UIDs it is sent.
    using Stow = std::function<Reply(const ReceivedRequest& head)>;
    void on_stow(Stow stow);
    /// It has this one, and gives `file` when asked for it.
    void has(const Sample& sample, const std::string& file);

    void has(const Sample& sample) { has(sample, sample.file()); }

    std::vector<StoreOutcome> store(const std::vector<Sample>& samples);
    /// The UIDs of each STOW request so far.
    std::vector<std::vector<std::string>> posts() const;
    std::vector<ReceivedRequest> stow_requests() const;

    ScriptedOrigin archive;
    ScratchFolder scratch;
    asio::io_context loop;
    WorkerPool disk{"disk", 2};
    std::unique_ptr<web::Client> client;
    std::unique_ptr<WebOrigin> origin;
    std::optional<Error> damaged; // what the sample `damaged_one` fails with
    std::string damaged_one;
    bool plain_only = false; // the archive does not know transfer-syntax=*

private:
    Reply answer(const ReceivedRequest& request) const;

    Stow stow_;
    std::map<std::string, std::pair<Sample, std::string>> has_;
};

/// "stored 200", "transient 503 ..." for messages and comparisons: kind and answer.
std::string told(const StoreOutcome& outcome);

} // namespace gantry::tests
