// An archive that is asked by WADO-RS, what it has, and who takes what it gives. For tests.
#pragma once

#include "gateway/origins/wado_retrieve.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/gateway/stow_support.h"
#include "tests/support/run.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/scripted_origin.h"

namespace gantry::tests {

using Names = std::set<std::string>;

/// "1.2.3.`series`.`number`" in series "1.2.3.`series`" of study "1.2.3".
Sample instance_of(unsigned series, unsigned number);

/// A body of such parts, and its response. `closed`: with the final boundary.
std::string parts_of(const std::vector<std::string>& files, bool closed = true);
Reply multipart(std::string body, std::uint16_t status = 200);
Reply wado_files(const std::vector<Sample>& samples, std::uint16_t status = 200);

/// Answers what an archive's find would, by study, series, instance and patient.
class FakeFind {
public:
    std::vector<Sample> has;
    std::map<std::string, std::string> patient_of; // study
    std::optional<FindEnd> fails;
    std::function<std::optional<FindEnd>()> fails_after; // asked each time
    std::optional<FindEnd> relational_fails;             // where no series is named
    bool ignores_keys = false;
    std::map<std::string, std::string> counts; // series: what it says, if not the truth
    std::vector<std::string> asked;            // "image 1.2.3/*/*"

    AskFind ask();

private:
    std::string count_of(const std::string& series) const;
    asio::awaitable<FindEnd> answer(FindQuestion question, FindSink& sink);
};

/// Keeps whatever comes.
class Taker final : public RetrieveSink {
public:
    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> instances) override;

    bool takes_number() const override { return by_number; }

    asio::awaitable<Result<void>>
    expect_number(std::uint64_t instances, std::vector<InstanceKey> examples) override;
    std::optional<std::vector<Uid>> acceptable(const Uid& sop_class) const override;
    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override;

    std::function<Result<void>(const InstanceKey&)> refuses;
    std::function<std::optional<std::vector<Uid>>(const Uid&)> accepts;
    std::function<asio::awaitable<void>()> pauses; // before it takes one
    bool keeps_content = false;                    // instead of reading it
    bool by_number = false;                        // names are not needed
    std::optional<Error> unreachable;              // where it would send them to

    std::vector<std::uint64_t> numbers; // that it was told
    std::vector<InstanceKey> examples;

    std::optional<std::vector<InstanceKey>> expected;
    std::map<std::string, std::string> data_sets; // by instance
    std::map<std::string, InstanceKey> keys;
    std::vector<std::string> order;
    std::vector<std::unique_ptr<InstanceContent>> contents;
    bool twice = false; // one came more than once, or before what is expected
    std::size_t waiting = 0;
    std::size_t most_waiting = 0;

    Names received() const;
};

/// Origin, client, archive. The archive gives what it has, as whole series or one by one.
struct WadoHouse {
    explicit WadoHouse(WebRetrieveOptions options = quick(), std::uint16_t connections = 4);

    static WebRetrieveOptions quick();

    /// Has it, and says so.
    void has(const Sample& sample);
    /// What a request whose target ends so gets from now on; the first that fits counts.
    void on(std::string target_end, Reply reply);
    void on(std::string target_end, ScriptedOrigin::Choose choose);

    /// The same for one that holds this.
    void on_path(std::string part, ScriptedOrigin::Choose choose);

    RetrieveEnd retrieve(RetrieveQuestion question);
    RetrieveEnd retrieve_study();

    std::vector<std::string> targets() const; // of the requests, below the base
    std::size_t asked_for(std::string_view target_end) const;

    ScriptedOrigin archive;
    ScratchFolder scratch;
    asio::io_context loop;
    WorkerPool disk{"disk", 2};
    std::unique_ptr<web::Client> client;
    std::unique_ptr<WadoRoom> room;
    FakeFind find;
    Taker taker;

private:
    Reply answer(const ReceivedRequest& request) const;

    std::vector<Sample> has_;

    struct Scripted {
        std::string text;
        bool at_end;
        ScriptedOrigin::Choose choose;
    };

    std::vector<Scripted> scripted_;
};

RetrieveQuestion of_study(std::string_view study = "1.2.3");
Names missing_of(const RetrieveEnd& end);

} // namespace gantry::tests
