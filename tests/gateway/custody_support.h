// What the custody tests share: made-up instances, and short ways through the spool.
#pragma once

#include "gateway/custody/spool.h"
#include "gateway/error.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/manual_clock.h"
#include "tests/support/scratch_folder.h"

namespace gantry::tests {

using Content = std::vector<std::byte>;

/// Bytes that differ by `seed`.
Content content_of(unsigned seed, std::size_t size = 10'000);

/// An instance of study 1.2.`study`, not yet numbered.
custody::Envelope
envelope_of(unsigned study, unsigned instance, std::vector<std::string> destinations = {"cloud"});

custody::SpoolOptions spool_options(const std::filesystem::path& folder);

custody::StoredInstance
store(custody::Spool& spool, custody::Envelope envelope, const Content& content);

/// What the spool gives back; throws where it cannot.
Content fetch(custody::Spool& spool, const std::string& slot);

/// Overwrites a byte of a file.
void damage(const std::filesystem::path& file, std::uint64_t offset);

std::vector<std::string> names_in(const std::filesystem::path& folder);

inline Errc code_of(const Error& error)
{
    return static_cast<Errc>(error.code.value());
}

} // namespace gantry::tests
