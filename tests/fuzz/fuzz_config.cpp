// The configuration: whatever is written, it is answered with bounded, placed complaints, twice the
// same, and what passes holds the promises that the rest of gantry builds on.
#include "config/load.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace gantry::config;

namespace {

void must(bool holds)
{
    if (!holds)
        std::abort();
}

void check_promises(const Config& config)
{
    must(!config.dimse.acceptor.ae_title.empty());
    must(config.dimse.acceptor.pdu_size >= 4096 && config.dimse.acceptor.pdu_size <= 131'072);
    must(config.dimse.max_associations_per_peer <= config.dimse.acceptor.max_associations);
    must(config.state_dir.is_absolute());
    for (const FaceRoutes* routes : {&config.routes.dimse, &config.routes.web}) {
        for (const auto* names : {&routes->store, &routes->find, &routes->retrieve})
            for (const std::string& name : *names)
                must(config.origin(name) != nullptr);
    }
    must(config.routes.web.find.size() <= 1 && config.routes.web.retrieve.size() <= 1);
    for (const Origin& origin : config.origins) {
        must(!origin.name.empty());
        must(origin.delivery.min_backoff <= origin.delivery.max_backoff);
        must(origin.kind != Origin::Kind::dicomweb || !origin.web.url.empty());
        must(origin.kind != Origin::Kind::dimse || config.peer(origin.peer) != nullptr);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const LoadReport report = load_text(text, "fuzz");
    must(report.problems.size() <= Problems::most + 1);
    must(report.text() == load_text(text, "fuzz").text());
    if (report.ok())
        check_promises(report.config);
    return 0;
}
