// The parts of the file, one reader for each; load() calls them in order. Internal to config/.
#pragma once

#include "config/config.h"
#include "config/section.h"

#include <filesystem>
#include <string>
#include <vector>

namespace gantry::config {

/// An address that would be bound, to find clashes.
struct Bound {
    ListenAddress listen;
    Place place;
    std::string path;
};

/// What is being read: the result so far and what cross-checks need to know of places.
struct Reading {
    Config& config;
    Problems& problems;
    std::vector<Bound> bound;
    std::vector<Place> peer_places;   // beside config.peers
    std::vector<Place> origin_places; // beside config.origins
    std::filesystem::path folder;     // of the file; empty: the working directory
};

void read_dimse(Section section, Reading& reading);
void read_web(Section section, Reading& reading);
void read_admin(Section section, Reading& reading);
void read_peers(const std::vector<const TreeNode*>& items, Reading& reading);
void read_origins(const std::vector<const TreeNode*>& items, Reading& reading);
void read_routes(Section section, Reading& reading);
void read_custody(Section section, Custody& custody);
void read_cache(Section section, Cache& cache);

/// The addresses of `key`: a list or one. Empty where absent.
std::vector<ListenAddress> read_listen(Section& section, std::string_view key, Reading& reading);

/// A list of transfer syntaxes, by UID or by name.
std::vector<Uid> read_transfer_syntaxes(Section& section, std::string_view key);

void check_clashes(Reading& reading);

} // namespace gantry::config
