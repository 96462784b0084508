#include "gateway/faces/web_store_bulk.h"

#include <boost/url.hpp>

#include <algorithm>

namespace gantry::faces {

namespace urls = boost::urls;

BulkParts::BulkParts(std::string_view target) : base_("http://gantry")
{
    const bool is_path = urls::parse_relative_ref(target).has_value() && target.starts_with('/');
    base_ += is_path ? target : "/";
}

std::string BulkParts::resolved(std::string_view uri) const
{
    const auto reference = urls::parse_uri_reference(uri);
    const auto base = urls::parse_uri(base_);
    urls::url whole;
    if (!reference || !base || !urls::resolve(*base, *reference, whole))
        return std::string(uri); // compared as it is
    whole.normalize();
    if (!whole.scheme().starts_with("http"))
        return std::string(whole.buffer());
    return std::string(whole.encoded_target());
}

void BulkParts::add(BulkPart part)
{
    if (!part.location.empty()) // without an address nobody can ask for it
        places_[resolved(part.location)].push_back(parts_.size());
    parts_.push_back(std::move(part));
}

std::vector<const BulkPart*> BulkParts::find(const std::string& uri)
{
    const std::string address = resolved(uri);
    std::vector<const BulkPart*> found;
    const auto take = [&](const std::string& place) {
        const auto at = places_.find(place);
        if (at == places_.end())
            return false;
        for (const std::size_t index : at->second) {
            parts_[index].used = true;
            found.push_back(&parts_[index]);
        }
        return true;
    };
    if (take(address))
        return found;
    for (std::size_t frame = 1; take(address + "/frames/" + std::to_string(frame)); ++frame) {
    }
    return found;
}

std::size_t BulkParts::unused() const
{
    return static_cast<std::size_t>(std::ranges::count(parts_, false, &BulkPart::used));
}

} // namespace gantry::faces
