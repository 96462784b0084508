// Brings an instance into a form in which its receiver takes it: as it is, or transcoded. Runs on
// the loop; reads and computes on the pools. What goes out has been transcoded to its end: half an
// image is never sent.
#pragma once

#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"

#include <filesystem>
#include <memory>
#include <stop_token>
#include <vector>

namespace gantry {

struct PreparedInstance {
    InstanceKey key; // in the syntax of `data_set`
    std::unique_ptr<ByteSource> data_set;
};

struct PreparationMeans {
    std::filesystem::path scratch;
    WorkerPool& disk;
    WorkerPool& transcoders;
};

/// `accepted`: the syntaxes in which it can be sent. Errors: unsupported where it cannot be brought
/// into any of them; those of mapping::Transcoder, of `content` and of the disk.
asio::awaitable<Result<PreparedInstance>> prepare(
    std::unique_ptr<InstanceContent> content, std::vector<Uid> accepted, PreparationMeans means
);

/// The step of prepare() that computes, for a worker: the data set in `to`, to its end. `key` is in
/// the syntax of `from`.
Result<std::unique_ptr<ByteSource>> transcoded(
    ByteSource& from,
    const InstanceKey& key,
    const Uid& to,
    const PreparationMeans& means,
    const std::stop_token& stop
);

} // namespace gantry
