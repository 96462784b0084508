// What query_load is told on its command line, and the question that it makes of it (PS3.4 C.4).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace gantry::bench {

struct QueryOptions {
    std::string service;
    std::uint16_t port = 0;
    std::uint16_t listen = 0;
    std::string called = "GANTRY";
    std::string calling = "BENCH";
    std::string model = "study";
    std::string destination;
    std::map<std::uint32_t, std::string> keys;
    std::vector<std::string> classes;
    std::vector<std::string> syntaxes;
    unsigned repeat = 1;
    unsigned clients = 1;      // associations at once, of find
    unsigned cancel_after = 0; // 0: never
};

/// Throws where an argument is unknown or lacks its value.
QueryOptions parse(const std::vector<std::string>& arguments);

/// The class of a model and service (PS3.4 C.6), and its C-...-RQ.
struct Service {
    std::string sop_class;
    std::uint16_t request;
};

Service service_of(const QueryOptions& options);

/// The Identifier, in Implicit VR Little Endian.
std::string identifier(const QueryOptions& options);

} // namespace gantry::bench
