// What a stranger can write into a request line or a Location field: targets, URLs, media types.
// Whatever is accepted holds what the routes rely on.
#include "web/media_type.h"
#include "web/target.h"
#include "web/url.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace gantry::web;

namespace {

void demand(bool holds)
{
    if (!holds)
        std::abort();
}

void try_target(std::string_view text)
{
    const auto target = parse_target(text);
    if (!target)
        return;
    demand(target->path == "*" || target->path.starts_with('/'));
    for (const char c : target->path)
        demand(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    demand((target->path + "/").find("/../") == std::string::npos);
    demand(is_field_value(target->query));
}

void try_url(std::string_view text)
{
    const auto url = parse_url(text);
    if (url) {
        demand(!url->host.empty() && url->port != 0);
        demand(is_field_value(url->authority()) && is_field_value(url->path));
    }
    Url base;
    base.host = "pacs";
    const auto target = redirect_target(base, "/dicom-web/studies?x=1", text);
    if (target) {
        demand(target->starts_with('/'));
        demand(is_field_value(*target) && target->find(' ') == std::string::npos);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size); // bytes are bytes
    try_target(text);
    try_url(text);
    (void)parse_media_type(text);
    return 0;
}
