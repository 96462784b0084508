#include "dimse/extended_negotiation.h"

#include <algorithm>
#include <array>
#include <span>

namespace gantry::dimse {

namespace {

// By their places: relational, combined date-time, fuzzy, timezone (PS3.4 table C.5-1 and after).
constexpr std::array find_bytes{
    &QueryOptions::relational,
    &QueryOptions::combined_date_time,
    &QueryOptions::fuzzy,
    &QueryOptions::timezone
};

// After those above: enhanced multi-frame image conversion, empty value and multiple value
// matching. None of them is done here.
constexpr std::size_t longest_find = 7;

// Relational, enhanced multi-frame image conversion (PS3.4 tables C.5-3, C.5-5).
constexpr std::size_t longest_retrieve = 2;

std::span<bool QueryOptions::* const> meaning(Service service)
{
    const std::span<bool QueryOptions::* const> all(find_bytes);
    switch (service) {
    case Service::find: return all;
    case Service::move:
    case Service::get: return all.first(1);
    default: return {};
    }
}

} // namespace

std::optional<QueryOptions> offered_options(Service service, ConstBytes information)
{
    const auto known = meaning(service);
    const auto invalid = [](std::byte value) { return value > std::byte{1}; };
    if (known.empty() || information.empty() || std::ranges::any_of(information, invalid))
        return std::nullopt;
    QueryOptions wanted;
    for (std::size_t i = 0; i < std::min(known.size(), information.size()); ++i)
        wanted.*known[i] = information[i] == std::byte{1};
    return wanted;
}

wire::Buffer wanted_information(Service service, QueryOptions wanted)
{
    wire::Buffer offer;
    const auto known = meaning(service);
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (!(wanted.*known[i]))
            continue;
        offer.resize(i + 1); // what it leaves out is not wanted
        offer[i] = std::byte{1};
    }
    return offer;
}

QueryOptions common_options(QueryOptions one, QueryOptions other)
{
    QueryOptions common;
    for (bool QueryOptions::* const option : find_bytes)
        common.*option = one.*option && other.*option;
    return common;
}

wire::Buffer granted_information(Service service, std::size_t offered, QueryOptions granted)
{
    const auto known = meaning(service);
    const std::size_t longest = service == Service::find ? longest_find : longest_retrieve;
    wire::Buffer answer(std::min(offered, longest));
    for (std::size_t i = 0; i < std::min(known.size(), answer.size()); ++i)
        answer[i] = static_cast<std::byte>(granted.*known[i] ? 1 : 0);
    return answer;
}

} // namespace gantry::dimse
