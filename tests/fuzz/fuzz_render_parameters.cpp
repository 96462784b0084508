// What a stranger writes into the query of a rendered resource: what passes can be drawn.
#include "mapping/frame_list.h"
#include "mapping/frame_look.h"
#include "mapping/render_parameters.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

using namespace gantry;
using namespace gantry::mapping;

namespace {

void must(bool holds)
{
    if (!holds)
        std::abort();
}

std::vector<QueryPair> pairs_of(std::string_view query)
{
    std::vector<QueryPair> pairs;
    while (!query.empty()) {
        const std::string_view one = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), one.size() + 1));
        const std::size_t equals = std::min(one.find('='), one.size());
        pairs.emplace_back(one.substr(0, equals), one.substr(std::min(equals + 1, one.size())));
    }
    return pairs;
}

void look(const RenderParameters& read)
{
    must(!read.options.window || is_usable(*read.options.window));
    must((read.options.max_width == 0) == (read.options.max_height == 0));
    must(!read.quality || (*read.quality >= 1 && *read.quality <= best_quality));
    must(!read.frame || *read.frame > 0);
    for (const std::string& keyword : read.ignored_annotation)
        must(keyword.find_first_of("\r\n\" ,") == std::string::npos && !keyword.empty());
    const FrameShape shape{512, 512, 1, 16, 12, false};
    (void)check_options(shape, read.options);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto pairs = pairs_of(text);
    for (const auto resource :
         {RenderResource::rendered, RenderResource::thumbnail, RenderResource::uri}) {
        const auto read = read_render_parameters(resource, pairs);
        if (read)
            look(*read);
    }
    if (const auto frames = parse_frame_list(text))
        for (std::size_t i = 0; i < frames->size(); ++i)
            must((*frames)[i] > (i == 0 ? 0 : (*frames)[i - 1]));
    return 0;
}
