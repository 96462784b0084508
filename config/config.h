// What a gantry is told: the whole configuration file as plain values. Filled by load(), immutable
// after start; components get their own part by const reference, never the whole.
#pragma once

#include "dimse/options.h"
#include "mapping/vocabulary/ae_title.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/uid.h"
#include "web/options.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::config {

using namespace std::chrono_literals;
using namespace gantry::literals;

enum class LogLevel : std::uint8_t { debug, info, warn, error };

/// TLS beside the plain listeners of the DIMSE face.
struct DimseTls {
    std::vector<dimse::ListenAddress> listen;
    std::filesystem::path certificate; // PEM chain
    std::filesystem::path private_key; // PEM
    std::filesystem::path client_ca;   // PEM; empty: client certificates are not asked for
};

struct DimseFace {
    dimse::AcceptorOptions acceptor; // listen: 0.0.0.0:11112 where the file names none
    std::optional<DimseTls> tls;
    std::uint16_t max_associations_per_peer = 16; // further requests: A-ASSOCIATE-RJ transient
    bool allow_unknown_peers = false;             // a calling AE title that is not in `peers`
    bool lenient_queries = false; // incomplete hierarchies are relational, superfluous keys ignored
};

/// When a STOW-RS request is answered.
enum class StoreAnswer : std::uint8_t {
    custody,   // everything is durable here, and queued for the origins
    delivered, // the origins have answered, or `store_wait` is over
};

struct WebFace {
    web::ServerOptions plain;                 // listen: 127.0.0.1:8080 where the file names none
    std::optional<web::ServerOptions> secure; // web.tls: its own addresses, the same limits
    std::string root = "/dicom-web";          // begins with a slash, does not end with one
    StoreAnswer store_answer = StoreAnswer::custody;
    std::chrono::milliseconds store_wait = 60s;
};

struct Admin {
    web::ListenAddress listen{"127.0.0.1", 8081};
};

/// What a peer may ask of us.
enum class Service : std::uint8_t {
    echo,
    store,
    find,
    move,
    get,
    worklist,
    performed_step,
    commit
};

struct Peer {
    dimse::PeerAddress address;                    // host may be empty: a node that only calls us
    std::optional<std::vector<Service>> only;      // absent: everything that the routes give
    std::vector<Uid> transfer_syntaxes;            // what it takes; empty: negotiated only
    std::string character_set;                     // (0008,0005) for what does not name its own
    std::optional<std::uint16_t> max_associations; // absent: max_associations_per_peer
    bool commit_on_new_association = true;         // N-EVENT-REPORT (PS3.4 J.3.3)
    bool tls = false;
    std::string profile;

    bool may(Service service) const;
};

/// Which transfer syntaxes an origin takes. What it does not take is re-encoded to Explicit VR
/// Little Endian where that loses nothing (implicit VR, big endian, deflated).
struct AcceptedSyntaxes {
    enum class Policy : std::uint8_t {
        web_allowed, // PS3.18 8.7.3.5
        as_they_are, // everything, in the syntax in which it came
        listed
    };

    Policy policy = Policy::web_allowed;
    std::vector<Uid> listed;

    bool takes(std::string_view transfer_syntax) const;
};

/// How what is queued for one origin is sent.
struct DeliveryOptions {
    std::uint32_t batch_instances = 32; // in one STOW-RS request or on one association
    Bytes batch_bytes = 64_MiB;         // one instance may be larger, and then travels alone
    std::chrono::milliseconds min_backoff = 5s;
    std::chrono::milliseconds max_backoff = 10min;
};

struct Origin {
    enum class Kind : std::uint8_t { dicomweb, dimse, local };

    std::string name;
    Kind kind = Kind::local;
    web::ClientOptions web; // dicomweb; its `connections` bounds requests at once
    AeTitle peer;           // dimse; at most `web.connections` associations at once
    enum class RetrieveBy : std::uint8_t { automatic, get, move };
    RetrieveBy retrieve_by = RetrieveBy::automatic; // dimse: C-GET, else C-MOVE to ourselves
    bool complete_answers = true; // dimse: counts that it does not tell are asked for below
    std::chrono::milliseconds keep_idle =
        20s; // dimse: an association is kept for the next question
    AcceptedSyntaxes transfer_syntaxes;
    DeliveryOptions delivery;
    std::filesystem::path profile; // dicomweb: a file of what is known of it; empty: nothing
};

/// Names of origins; empty: the face does not offer that service.
struct FaceRoutes {
    std::vector<std::string> store;    // to all of them
    std::vector<std::string> find;     // all of them are asked; web: one
    std::vector<std::string> retrieve; // what the first listed has not, from the others; web: one
    std::string worklist;
    std::string performed_step;
    std::string commit;
    std::string workitems; // web only
};

struct Routes {
    FaceRoutes dimse;
    FaceRoutes web;
};

struct Custody {
    Bytes min_free = 1_GiB;                          // below it stores are refused (A700H, 503)
    std::uint64_t max_queued = 5'000'000;            // deliveries to come; above: as below min_free
    std::chrono::milliseconds keep_delivered = 0s;   // how long files stay when everybody has them
    std::chrono::milliseconds ledger_age = 24h * 90; // how long it is known who got what
};

struct Commit {
    std::chrono::milliseconds deadline = 24h; // a commitment waits so long for what is still queued
};

/// What viewers retrieve from far origins is kept here for a while.
struct Cache {
    Bytes max_size = 20_GiB;                  // 0: nothing is kept
    Bytes min_free = 2_GiB;                   // of its file system
    std::chrono::milliseconds max_age = 24h;  // since it was fetched
    std::chrono::milliseconds list_age = 10s; // how long what a study holds is not asked again
};

struct Config {
    std::filesystem::path state_dir = "/var/lib/gantry";
    LogLevel log_level = LogLevel::info;
    std::chrono::milliseconds drain_timeout = 30s; // running work may end so long after SIGTERM
    DimseFace dimse;
    WebFace web;
    Admin admin;
    std::vector<Peer> peers;
    std::vector<Origin> origins;
    Routes routes;
    Custody custody;
    Commit commit;
    Cache cache;

    /// nullptr where there is none of that name.
    const Peer* peer(const AeTitle& ae_title) const;
    const Origin* origin(std::string_view name) const;

    /// The control socket of the service.
    std::filesystem::path control_socket() const { return state_dir / "control.sock"; }

    std::filesystem::path queue_database() const { return state_dir / "queue.db"; }

    std::filesystem::path spool_folder() const { return state_dir / "spool"; }
};

} // namespace gantry::config

namespace gantry {

using config::Config;

} // namespace gantry
