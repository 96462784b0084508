// The contract of an archive, however it is reached: over DICOMweb, over DIMSE, or on our own disk.
// Faces ask, origins answer. Everything is streaming and awaitable, runs on the loop, and is
// cancelled like any coroutine.
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/ae_title.h"
#include "mapping/vocabulary/byte_source.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/query_level.h"
#include "mapping/vocabulary/random_access.h"
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

    /// The same bytes once more from their beginning, for a thread that may block; it may outlive
    /// this content. Null: they can be read from the loop only.
    virtual std::unique_ptr<ByteSource> source() const { return nullptr; }

    /// The data set at any place; it may outlive this content. What it reads is not checked against
    /// a digest. Null: the bytes can be read in their order only.
    virtual std::shared_ptr<const RandomAccess> random_access() const { return nullptr; }
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

/// Why a find or retrieve is not complete, as far as the asker must tell one from another.
enum class Shortfall : std::uint8_t {
    none,
    limit,        // cut off by a limit of ours or of the origin: there is more
    unavailable,  // no answer, or "later" (429, 503, 504): as opposed to an answer that says no
    timed_out,    // it took the question, and then was silent for too long
    question,     // the origin cannot understand what was asked (400)
    unauthorised, // 401, 403
    failed        // everything else, a broken answer among it
};

/// How a find ended: complete, or cut off and why. Never an empty answer for a failure.
struct FindEnd {
    bool complete = false;
    Shortfall shortfall = Shortfall::none; // where it is not complete
    std::string reason;
    std::optional<std::uint64_t> remaining = {}; // matches beyond the limit, where that is known
    bool more = false;       // there are some beyond the limit; how many may not be known
    std::string origin = {}; // of several that were asked: who fell short, as configured
};

/// Keys as in a C-FIND Identifier (PS3.4 C.2.2): values to match, empty ones to return. Text is
/// UTF-8, whatever (0008,0005) says.
struct FindQuestion {
    QueryLevel level = QueryLevel::study;
    QueryModel model = QueryModel::study_root;
    std::shared_ptr<const DcmDataset> keys;
    bool relational = false;
    bool fuzzy = false;
    bool combined_date_time =
        false;               // a pair of date and time ranges is one range (PS3.4 C.2.2.2.5)
    bool timezone = false;   // (0008,0201) of the keys counts (PS3.4 C.5.1.1.4)
    bool all_fields = false; // includefield=all
    std::optional<std::uint64_t> limit;
    std::uint64_t offset = 0;
};

class FindSink {
public:
    virtual ~FindSink() = default;

    /// Before the first match, where FindQuestion::fuzzy is heeded: what matches people's names is
    /// the origin's to say. Else they are matched literally.
    virtual void matched_fuzzily() {}

    /// Completes when the asker has taken it; an error ends the find. Text is UTF-8, (0008,0005) is
    /// ISO_IR 192 or absent. An origin may give more than was asked for, and matches that a key
    /// which it does not know would have kept out: the asker checks.
    virtual asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) = 0;
};

/// Which instances: UIDs of a level and above; several at the lowest one (PS3.4 C.4.2.1.4).
struct RetrieveQuestion {
    QueryLevel level = QueryLevel::study;
    std::vector<std::string> patient_ids;
    std::vector<Uid> studies;
    std::vector<Uid> series;
    std::vector<Uid> instances;
};

/// Takes what a retrieve brings. An error from any of it ends the retrieve.
class RetrieveSink {
public:
    virtual ~RetrieveSink() = default;
    /// Once, before the first instance: what the origin says that it has, each instance once. The
    /// transfer syntax is empty where it is not known yet; the class may be.
    virtual asio::awaitable<Result<void>> expect(std::vector<InstanceKey> instances) = 0;

    /// Whether a number and a few examples will do instead of the names: an origin that knows how
    /// many there are need not list them before it begins.
    virtual bool takes_number() const { return false; }

    /// In place of expect(), for a sink that takes_number(): so many instances, whose names come
    /// with them. `examples` has one of each kind that is known; others may come. Told again,
    /// without examples, where another number turns out; what then is missing is named by expect().
    virtual asio::awaitable<Result<void>>
    expect_number(std::uint64_t instances, std::vector<InstanceKey> examples)
    {
        (void)instances;
        (void)examples;
        co_return Result<void>{};
    }

    /// Asked after one of those: the syntaxes in which an instance of this class is wanted, best
    /// first. None: as it is stored. Empty: not at all, do not fetch it.
    virtual std::optional<std::vector<Uid>> acceptable(const Uid& sop_class) const
    {
        (void)sop_class;
        return std::nullopt;
    }

    /// Whether instances are read from beginning to end. Else they are only opened, and read where
    /// random_access() is asked for: a frame, or what stands before the pixels.
    virtual bool reads_whole() const { return true; }

    /// One whole instance, in whatever order and syntax it comes. Completes when there is room for
    /// the next: the origin waits for that. Several may wait at once.
    virtual asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) = 0;
};

struct RetrieveEnd {
    bool complete = false;                 // everything that the origin has was given
    Shortfall shortfall = Shortfall::none; // where it is not complete
    std::vector<SopReference> missing;     // expected and not received, as far as they have names
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
    bool exact = false; // find: no match that a key would keep out, so that limit and offset hold
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
