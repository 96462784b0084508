// The commands, as functions of what was written after their names. Each prints its own output and
// complaints and returns the exit status.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gantry::cli {

enum Exit : int { done = 0, failed = 1, wrong_usage = 2 };

/// What goes for every command.
struct Context {
    std::filesystem::path config = "/etc/gantry/gantry.yaml";
    bool json = false;
};

int version(const Context& context);
int check(const Context& context);
int serve(const Context& context);
int status(const Context& context);

/// Which rows of the queue are meant.
struct QueueSelection {
    std::vector<std::string> which; // row numbers, SOP instance UIDs
    std::string destination;
    std::string state;
    std::string study;
    bool all = false;
    bool yes = false; // do not ask back
    std::size_t limit = 1'000;
};

int queue_list(const Context& context, const QueueSelection& selection);
int queue_show(const Context& context, const std::string& what);
int queue_retry(const Context& context, const QueueSelection& selection);
int queue_drop(const Context& context, const QueueSelection& selection);
int queue_hold(const Context& context, const std::string& destination);
int queue_release(const Context& context, const std::string& destination);
int queue_export(
    const Context& context,
    const std::vector<std::string>& rows,
    const std::filesystem::path& folder
);

struct SendArguments {
    std::vector<std::string> paths; // files, and folders to be searched
    std::string to;                 // AE title of a peer; empty: this gantry itself
    std::string address;            // host:port instead of the configured one
    std::string calling;            // calling AE title; empty: GANTRY_SEND to itself, else our own
};

int send(const Context& context, const SendArguments& arguments);

/// `save`: where to write what was learned of a web origin (see OriginProfile); empty: nowhere.
int doctor(const Context& context, const std::string& name, const std::filesystem::path& save = {});

} // namespace gantry::cli
