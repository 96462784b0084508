// Both sides of a retrieve, scripted: an archive, a session, and associations to send on.
#pragma once

#include "gateway/faces/dimse_retrieve.h"
#include "gateway/origins/held_content.h"
#include "support/run.h"
#include "support/scratch_folder.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace gantry::tests {

using faces::OpenStore;
using faces::Retrieval;
using faces::RetrievalOptions;

inline constexpr const char* study_root_move = "1.2.840.10008.5.1.4.1.2.2.2";
inline constexpr const char* study_root_get = "1.2.840.10008.5.1.4.1.2.2.3";
inline constexpr const char* ct_class = "1.2.840.10008.5.1.4.1.1.2";
inline constexpr const char* mr_class = "1.2.840.10008.5.1.4.1.1.4";
inline constexpr const char* explicit_syntax = "1.2.840.10008.1.2.1";
inline constexpr const char* implicit_syntax = "1.2.840.10008.1.2";
inline constexpr const char* rle_syntax = "1.2.840.10008.1.2.5";

inline Uid uid(const std::string& text)
{
    return Uid::parse(text).value();
}

inline AeTitle ae(const std::string& text)
{
    return AeTitle::parse(text).value();
}

/// A data set that nobody looks into, explicit little endian.
std::string small_data_set(const std::string& sop_instance);

/// A loop that only waits for its time to come: lets everything that is ready run.
asio::awaitable<void> pass();
/// Until `met`, for ten seconds at the most; throws then.
asio::awaitable<void> until(std::function<bool()> met);

struct StoredFake {
    InstanceKey key;
    std::string data_set;
};

/// An archive. Gives what it has in order, but for what is in `withheld`.
class ScriptedArchive final : public Origin {
public:
    std::vector<StoredFake> has;
    std::set<std::string> withheld;    // announced, never given
    std::set<std::string> unannounced; // given, never announced
    RetrieveEnd end{true, Shortfall::none, {}, {}};
    std::optional<std::uint64_t> by_number; // said in place of the names, with one of each class
    std::size_t examples = 1;               // of so many classes
    bool silent = false;                    // ends before expect()
    bool from_loop = false;                 // contents have no source()
    std::function<asio::awaitable<void>(std::size_t)> before; // the n-th instance

    std::size_t asked = 0;
    bool cancelled = false;
    std::size_t under_way = 0;
    std::size_t most_under_way = 0;
    RetrieveQuestion question;
    std::map<std::string, std::optional<std::vector<Uid>>> acceptable; // by SOP class

    /// CT slices 1.2.3.1 to 1.2.3.n, explicit little endian.
    void fill(std::size_t count, const std::string& sop_class = ct_class);

    const std::string& name() const override { return name_; }

    Abilities abilities() const override { return {false, true, false, false}; }

    asio::awaitable<std::vector<StoreOutcome>>
    store(std::vector<std::unique_ptr<InstanceContent>> batch) override
    {
        co_return std::vector<StoreOutcome>(batch.size());
    }

    asio::awaitable<FindEnd> find(FindQuestion, FindSink&) override { co_return FindEnd{}; }

    asio::awaitable<RetrieveEnd> retrieve(RetrieveQuestion asked_for, RetrieveSink& sink) override;

    asio::awaitable<Result<std::vector<bool>>> verify(std::vector<InstanceKey> instances) override
    {
        co_return std::vector<bool>(instances.size());
    }

    asio::awaitable<Health> health() override { co_return Health{}; }

private:
    asio::awaitable<RetrieveEnd> give(RetrieveSink& sink);
    asio::awaitable<Result<void>> announce(RetrieveSink& sink);
    RetrieveEnd refused(const Error& why) const;

    std::string name_ = "scripted";
};

/// What was sent, in order.
struct Sent {
    InstanceKey key;
    std::string bytes;
    std::uint16_t priority = 0;
    std::optional<dimse::MoveOriginator> originator;
};

/// How the receiving side behaves, over all its associations.
struct Receiver {
    std::set<std::string> takes{explicit_syntax, implicit_syntax}; // transfer syntaxes
    std::set<std::string> refuses;                                 // SOP classes
    std::map<std::string, std::uint16_t> status;                   // by instance; else 0000
    std::set<std::string> breaks;     // instances at which the association is lost
    std::set<std::string> dies_after; // likewise, after a good answer
    std::function<asio::awaitable<void>(const Sent&)> before_answer;
    std::vector<Error> unreachable; // the next attempts to open fail with these

    std::vector<Sent> sent;
    std::vector<std::vector<dimse::ProposedContext>> opened;
    std::size_t open_now = 0;
    std::size_t most_open = 0;
    std::size_t released = 0;
    std::size_t aborted_stores = 0;
};

/// For C-MOVE: opens scripted associations.
OpenStore scripted_opener(Receiver& receiver);

/// For C-GET. `classes` and the syntax accepted for each.
std::unique_ptr<dimse::StoreChannel>
scripted_channel(Receiver& receiver, std::vector<dimse::ProposedContext> accepted);

class ScriptedSession final : public dimse::RetrieveSession {
public:
    std::vector<dimse::SubOperations> pendings;
    std::function<void()> cancel;
    std::unique_ptr<dimse::StoreChannel> get;

    void pending(dimse::SubOperations counts) override { pendings.push_back(counts); }

    void on_cancel(std::function<void()> call) override { cancel = std::move(call); }

    dimse::StoreChannel* channel() override { return get.get(); }
};

/// A Retrieval with everything around it. Destinations WORKSTATION and OTHER are configured.
class RetrieveWorld {
public:
    RetrieveWorld();
    ~RetrieveWorld();
    RetrieveWorld(const RetrieveWorld&) = delete;
    RetrieveWorld& operator=(const RetrieveWorld&) = delete;

    asio::io_context loop;
    ScratchFolder folder;
    WorkerPool disk{"disk", 2};
    WorkerPool transcoders{"transcode", 2};
    ScriptedArchive archive;
    Receiver receiver;
    ScriptedSession session;
    RetrievalOptions options;

    dimse::RetrieveRequest move(const std::string& study = "1.2.3") const;
    dimse::RetrieveRequest get(const std::string& study = "1.2.3") const;

    /// Made at the first use, of the options as they are then.
    Retrieval& retrieval();

    asio::awaitable<dimse::RetrieveOutcome>
    ask(dimse::RetrieveRequest request, const std::string& calling = "WORKSTATION");
    asio::awaitable<dimse::RetrieveOutcome>
    ask(dimse::RetrieveRequest request, const std::string& calling, ScriptedSession& on);

    /// To its end.
    dimse::RetrieveOutcome run_move(const std::string& study = "1.2.3");
    dimse::RetrieveOutcome run_get();

    /// The counters of every Pending and of `outcome` hold together (PS3.4 C.4.2.1.6).
    void check_counters(const dimse::RetrieveOutcome& outcome, std::size_t total) const;

private:
    std::unique_ptr<Retrieval> retrieval_;
};

/// The n-th instance of ScriptedArchive::fill().
std::string slice(std::size_t number);

} // namespace gantry::tests
