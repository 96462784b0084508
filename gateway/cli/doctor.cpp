// gantry doctor: why does it not work, and whose fault is it?
#include "dimse/listener.h"
#include "gateway/cli/blocking.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/examine.h"
#include "gateway/cli/print.h"

#include <chrono>
#include <fmt/format.h>
#include <unistd.h>

namespace gantry::cli {

namespace {

/// As a workstation and store; or, where it is an `origin`, as the archive behind that.
int examine(
    const Config& config,
    const config::Peer& peer,
    Findings& findings,
    const config::Origin* origin = nullptr
)
{
    const std::string& name = peer.address.ae_title.str();
    if (peer.address.host.empty()) {
        findings.note("address", name + " has no host in peers: it calls us, we cannot call it");
        return findings.finish(name);
    }
    if (const auto ready = dimse::initialise(); !ready)
        return complain(ready.error());
    asio::io_context loop;
    WorkerPool pool("doctor", 1);
    const bool talks = run_to_end(loop, examine_peer(config, peer, findings, pool));
    if (talks && origin != nullptr)
        run_to_end(loop, examine_pacs(config, *origin, peer, findings, pool));
    else if (talks)
        run_to_end(loop, examine_workstation(config, peer, findings, pool));
    return findings.finish(origin != nullptr ? origin->name : name);
}

int save_profile(OriginProfile profile, const std::filesystem::path& file, Findings& findings)
{
    const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    const std::chrono::year_month_day date(today);
    profile.made_by = fmt::format(
        "gantry doctor, {:04}-{:02}-{:02}",
        int(date.year()),
        unsigned(date.month()),
        unsigned(date.day())
    );
    if (const auto saved = save_origin_profile(profile, file); !saved)
        return complain(saved.error());
    findings.good("profile", "written to " + file.string() + ": name it as the origin's profile");
    return Exit::done;
}

int examine(
    const Config& config,
    const config::Origin& origin,
    Findings& findings,
    const std::filesystem::path& save
)
{
    if (origin.kind == config::Origin::Kind::dimse) {
        const config::Peer* const peer = config.peer(origin.peer);
        return peer == nullptr ? complain(origin.peer.str() + " is not in peers")
                               : examine(config, *peer, findings, &origin);
    }
    if (origin.kind == config::Origin::Kind::local) {
        examine_local(config, findings);
        return findings.finish(origin.name);
    }
    asio::io_context loop;
    OriginProfile profile;
    const bool answered = run_to_end(loop, examine_web(origin, findings, profile));
    if (answered && !save.empty())
        if (const int failed = save_profile(std::move(profile), save, findings); failed != 0)
            return failed;
    return findings.finish(origin.name);
}

} // namespace

void examine_local(const Config& config, Findings& findings)
{
    const std::filesystem::path& folder = config.state_dir;
    std::error_code ec;
    const auto space = std::filesystem::space(folder, ec);
    if (ec) {
        findings.bad("folder", folder.string() + ": " + ec.message(), Side::ours, "state_dir");
        return;
    }
    if (::access(folder.c_str(), W_OK | X_OK) != 0)
        findings.note(
            "folder", folder.string() + " is not writable for you; ask as the user gantry"
        );
    else
        findings.good("folder", folder.string() + " is writable");
    const std::string free = std::to_string(space.available >> 20U) + " MiB free";
    if (space.available < config.custody.min_free.count)
        findings.bad(
            "space", free, Side::ours, "less than custody.min_free: new images are refused"
        );
    else
        findings.good("space", free);
}

int doctor(const Context& context, const std::string& name, const std::filesystem::path& save)
{
    const auto config = load_config(context);
    if (!config)
        return Exit::wrong_usage;
    Findings findings(context);
    if (const config::Origin* const origin = config->origin(name))
        return examine(*config, *origin, findings, save);
    const auto title = AeTitle::parse(name);
    const config::Peer* const peer = title ? config->peer(*title) : nullptr;
    if (peer != nullptr)
        return examine(*config, *peer, findings);
    complain(name + " is neither in origins nor in peers");
    return Exit::wrong_usage;
}

} // namespace gantry::cli
