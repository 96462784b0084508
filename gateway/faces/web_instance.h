// One instance of an origin, to be read at any place: what metadata, frames, bulk data and pictures
// are made of. Runs on the loop; reads on the disk pool. Keeps the frame tables of large images
// that were asked for last, never their bytes.
#pragma once

#include "gateway/faces/web_common.h"
#include "mapping/image_frames.h"

#include <boost/system/result.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace gantry::faces {

/// What a request comes to, or the answer that is no success.
template <class T>
using Answer = boost::system::result<T, Problem>;

/// Explicit or implicit VR little endian: what is stored deflated or big endian has been re-encoded
/// into a scratch file.
struct OpenInstance {
    InstanceKey key; // in the syntax of `data_set`
    Uid stored_syntax;
    AeTitle source;
    std::shared_ptr<const RandomAccess> data_set;
    /// Of UIDs, length, beginning and end: two that have the same are the same.
    std::string fingerprint;
};

class InstanceDesk {
public:
    /// All outlive it.
    InstanceDesk(const WebFaceOptions& options, const WebTargets& targets, WebPools pools);
    ~InstanceDesk();
    InstanceDesk(const InstanceDesk&) = delete;
    InstanceDesk& operator=(const InstanceDesk&) = delete;

    /// Asks the origin for exactly this one; transfer syntax and class are not looked at. Problems:
    /// 404 where it is not there or has other parents, 501, 502, 503, 504, 500.
    asio::awaitable<Answer<OpenInstance>> open(InstanceKey which) const;

    /// Problems: 404 where it has no pixels, 500 where its structure does not hold.
    asio::awaitable<Answer<std::shared_ptr<const mapping::ImageFrames>>>
    frames(OpenInstance instance) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// What an origin gives, to be read at any place: in a scratch file where it can only be read in
/// its order. Its fingerprint is still empty.
asio::awaitable<Result<OpenInstance>>
take_instance(InstanceContent& content, std::filesystem::path scratch, WorkerPool& disk);

/// As OpenInstance promises, with its fingerprint. Blocks: on a worker; `disk` is kept for reading.
Result<OpenInstance> made_readable(
    OpenInstance taken,
    const std::filesystem::path& scratch,
    WorkerPool& disk,
    const std::stop_token& stop
);

/// Why a retrieve that was asked for brought nothing.
Problem problem_of(const RetrieveEnd& end);

/// Of a retrieve that brought all (200), some of what there is (206), or is a problem.
std::uint16_t status_of(const RetrieveEnd& end, bool any);

/// 404, 406, 500: as far as an error of mapping/ or of the disk says it.
Problem problem_of(const Error& error);

} // namespace gantry::faces
