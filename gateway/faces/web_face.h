// The DICOMweb face (PS3.18 chapter 10): STOW-RS, QIDO-RS and WADO-RS in front of any origin. Runs
// on the loop; what blocks goes to the pool given.
//
// What it does where the standard leaves a choice:
//  - STOW-RS: a broken part spoils nothing but itself. A body that breaks off its multipart framing
//    is answered for what was whole before: those instances are stored and listed, the rest is one
//    entry of Other Failures Sequence (0110H). Nothing is listed as stored that is not durable.
//  - an instance of another study than the URL names: Failed SOP Sequence, A900H; another data set
//    under a UID that is taken: Failed SOP Sequence, 0111H, and the stored one stays; the very same
//    data set again: stored.
//  - WADO-RS: without a transfer syntax in Accept, what is stored without loss leaves uncompressed,
//    and what is lossy or cannot be decoded here as it is stored (PS3.18 8.7.3.5.2).
#pragma once

#include "gateway/faces/web_intake.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"
#include "mapping/vocabulary/bytes.h"
#include "web/server.h"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace gantry::faces {

struct WebFaceOptions {
    std::string root = "/dicom-web";
    /// Scheme, host and port that clients reach us by ("https://pacs.example.org"), without root.
    /// Empty: from the request's Host, and `tls`.
    std::string public_url;
    bool tls = false;
    std::chrono::seconds retry_after{30}; // of a 503
    std::size_t max_parts = 100'000;      // of one STOW request
    std::size_t group_instances = 64;     // made durable together
    Bytes group_bytes{64ULL << 20U};
    std::filesystem::path scratch; // exists; what is transcoded before it is sent
};

/// What answers; null: that service is not offered (501).
struct WebTargets {
    Intake* store = nullptr;
    Origin* find = nullptr;
    Origin* retrieve = nullptr;
};

/// Where the face has work done that is not for the loop.
struct WebPools {
    WorkerPool& disk;
    WorkerPool& transcoders; // a thread for each core: decodes, renders, encodes
};

class WebFace {
public:
    /// The pools and the targets outlive the face.
    WebFace(WebFaceOptions options, WebTargets targets, WebPools pools);
    ~WebFace();
    WebFace(const WebFace&) = delete;
    WebFace& operator=(const WebFace&) = delete;

    /// Adds the routes below the root. The face outlives the router's use.
    void register_routes(web::Router& router);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::faces
