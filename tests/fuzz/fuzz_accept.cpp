// What a client can write into Accept, Range, If-None-Match and the path of bulk data: what is
// agreed on is on offer, what is cut out lies within what there is.
#include "gateway/faces/web_conditions.h"
#include "gateway/faces/web_offer.h"
#include "mapping/data_set_value.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace gantry;
using namespace gantry::faces;

namespace {

void demand(bool holds)
{
    if (!holds)
        std::abort();
}

void try_accept(const std::string& accept)
{
    for (const char* stored :
         {"1.2.840.10008.1.2",
          "1.2.840.10008.1.2.1",
          "1.2.840.10008.1.2.4.50",
          "1.2.840.10008.1.2.4.80",
          "1.2.840.10008.1.2.4.102",
          "1.2.840.10008.1.2.4.110"}) {
        const Uid syntax = Uid::parse(stored).value_or(Uid());
        for (const auto& offers :
             {instance_offers(syntax), frame_offers(syntax, true), frame_offers(syntax, false)}) {
            demand(!offers.empty());
            const auto agreed = agree(offers, accept, true);
            if (agreed)
                demand(agreed->offer < offers.size());
            const auto several = agree(offers, accept, false);
            demand(!several || several->packaging == Packaging::multipart);
        }
    }
    (void)mixes_rendered(accept);
}

void try_range(const std::string& text)
{
    web::Request request;
    request.fields.add("Range", text);
    request.fields.add("If-None-Match", text);
    for (const std::uint64_t size : std::initializer_list<std::uint64_t>{0, 1, 200, UINT64_MAX}) {
        const AskedRange asked = asked_range(request, size, "\"tag\"");
        if (asked.kind != AskedRange::Kind::part)
            continue;
        demand(asked.range.length > 0 && asked.range.offset < size);
        demand(asked.range.length <= size - asked.range.offset);
    }
    (void)is_known(request, "\"tag\"");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string text(reinterpret_cast<const char*>(data), size); // bytes are bytes
    try_accept(text);
    try_range(text);
    if (const auto path = mapping::ValuePath::parse(text))
        demand(path->items.size() + 1 == path->tags.size());
    return 0;
}
