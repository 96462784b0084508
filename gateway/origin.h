// The contract of an archive, however it is reached: over DICOMweb, over DIMSE, or on our own disk.
// Faces ask, origins answer. Everything is streaming and awaitable, runs on the loop, and is
// cancelled like any coroutine.
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/ae_title.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/query_level.h"
#include "mapping/vocabulary/result.h"
#include "mapping/vocabulary/sop_reference.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

class DcmDataset;

namespace gantry {

/// One instance that can be read, as often as needed: from the spool, from the local origin, from
/// the wire.
class InstanceContent {
public:
    virtual ~InstanceContent() = default;
    virtual const InstanceKey& key() const = 0;
    virtual AeTitle source_ae() const = 0; // who sent it to us, may be empty
    virtual Bytes length() const = 0;      // of the data set, in the syntax of key()
    /// The next bytes of the data set, valid until the next call; empty at the end. The last read
    /// fails (damaged) where the bytes are not those that were acknowledged.
    virtual asio::awaitable<Result<ConstBytes>> read() = 0;
    virtual void rewind() = 0;
};

/// What became of one instance in a store. `answer` is what the ledger keeps: "200", "409 C000
/// ...": no patient data.
struct StoreOutcome {
    enum class Kind : std::uint8_t {
        stored,         // the origin confirmed this very instance
        stored_changed, // confirmed with a warning (B000, B006, B007)
        already_there,  // an identical one was there: counts as delivered
        transient,      // this instance may succeed later
        limited,        // may succeed, but not for ever: a few attempts
        unavailable, // the origin as a whole does not answer or does not let us in: suspend it and
                     // probe
        conflict,    // another instance with this UID is there: quarantine
        refused,     // never: failed, visible, with its reason
        damaged      // our own copy cannot be read as it was acknowledged: quarantine
    };

    Kind kind = Kind::transient;
    std::uint16_t reason = 0; // warning or failure reason (PS3.18 10.5.3), 0: none
    std::string answer;
    std::optional<std::chrono::seconds> retry_after;
    std::uint32_t max_attempts = 0; // of limited; 0: as the destination is configured
};

/// How a find ended: complete, or cut off and why. Never an empty answer for a failure.
struct FindEnd {
    bool complete = false;
    bool unavailable = false; // the origin does not answer: as opposed to an answer that says no
    std::string reason;
    std::optional<std::uint64_t> remaining = {}; // matches beyond the limit, where that is known
};

/// Keys as in a C-FIND Identifier (PS3.4 C.2.2): values to match, empty ones to return.
struct FindQuestion {
    QueryLevel level = QueryLevel::study;
    QueryModel model = QueryModel::study_root;
    std::shared_ptr<const DcmDataset> keys;
    bool relational = false;
    bool fuzzy = false;
    bool combined_date_time =
        false;               // a pair of date and time ranges is one range (PS3.4 C.2.2.2.5)
    bool all_fields = false; // includefield=all
    std::optional<std::uint64_t> limit;
    std::uint64_t offset = 0;
};

class FindSink {
public:
    virtual ~FindSink() = default;
    /// Completes when the asker has taken it; an error ends the find.
    virtual asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) = 0;
};

/// Which instances: UIDs of a level and above; several at the lowest one (PS3.4 C.4.2.1.4).
struct RetrieveQuestion {
    QueryLevel level = QueryLevel::study;
    std::vector<std::string> patient_ids;
    std::vector<Uid> studies;
    std::vector<Uid> series;
    std::vector<Uid> instances;
    std::vector<Uid> acceptable_syntaxes; // empty: as stored
};

class RetrieveSink {
public:
    virtual ~RetrieveSink() = default;
    /// The set that the origin says it has, where it can say so before it sends.
    virtual asio::awaitable<Result<void>> expect(std::vector<InstanceKey> instances) = 0;
    virtual asio::awaitable<Result<void>> instance(InstanceContent& content) = 0;
};

struct RetrieveEnd {
    bool complete = false; // everything that the origin has was given
    bool unavailable = false;
    std::vector<SopReference> missing; // expected and not received
    std::string reason;
};

struct Health {
    bool reachable = false;
    std::string reason; // where it is not
    std::chrono::milliseconds round_trip{};
};

struct Abilities {
    bool find = false;
    bool retrieve = false;
    bool store = false;
    bool verify = false;
};

class Origin {
public:
    virtual ~Origin() = default;
    virtual const std::string& name() const = 0; // as configured
    virtual Abilities abilities() const = 0;

    /// Stores a batch (one study where the protocol asks for that). One outcome for each, in order,
    /// whatever happened.
    virtual asio::awaitable<std::vector<StoreOutcome>>
    store(std::vector<std::unique_ptr<InstanceContent>> batch) = 0;
    virtual asio::awaitable<FindEnd> find(FindQuestion question, FindSink& matches) = 0;
    virtual asio::awaitable<RetrieveEnd>
    retrieve(RetrieveQuestion question, RetrieveSink& sink) = 0;
    /// For each: is it there, safely? For storage commitment and unknown outcomes. An error: could
    /// not be asked.
    virtual asio::awaitable<Result<std::vector<bool>>> verify(std::vector<InstanceKey> instances
    ) = 0;
    /// One cheap question. Used to probe what is suspended; never modifies anything.
    virtual asio::awaitable<Health> health() = 0;
};

} // namespace gantry
