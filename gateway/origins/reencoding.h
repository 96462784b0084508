// Brings an instance whose encoding may not stand in a web request (PS3.18 8.7.3.5) into Explicit
// VR Little Endian, through a scratch file. Runs on the loop, works on the disk pool; memory does
// not depend on the instance.
#pragma once

#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"

#include <filesystem>
#include <memory>

namespace gantry {

/// `from` is read from its beginning to its end and rewound. Errors: those of `from`; disk; those
/// of mapping/ where the data set cannot be re-encoded.
asio::awaitable<Result<std::unique_ptr<InstanceContent>>>
reencode(InstanceContent& from, std::filesystem::path scratch, WorkerPool& disk);

} // namespace gantry
