// QIDO-RS as far as a store needs it: is that instance there?
#include "gateway/origins/archive_inquiry.h"

#include <boost/json.hpp>

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry {

namespace {

namespace json = boost::json;
using What = Finding::What;

struct Found {
    std::string sop_class; // empty where the archive does not say
    std::string instance;
    std::string study;
    std::string series;
};

struct Search {
    std::vector<Found> found;
    std::optional<Finding> failed; // could not be asked
};

Finding unknown(std::string reason, bool unreachable = false)
{
    return {What::unknown, std::move(reason), unreachable};
}

// The first value of an attribute (PS3.18 F.2.2); empty where it is none.
std::string value_of(const json::object& item, std::string_view tag)
{
    const json::value* attribute = item.if_contains(tag);
    const json::object* members = attribute != nullptr ? attribute->if_object() : nullptr;
    const json::value* value = members != nullptr ? members->if_contains("Value") : nullptr;
    const json::array* values = value != nullptr ? value->if_array() : nullptr;
    const json::string* text =
        values != nullptr && !values->empty() ? values->front().if_string() : nullptr;
    return text != nullptr ? std::string(*text) : std::string();
}

Search read_results(std::string_view body)
{
    Search search;
    if (body.empty())
        return search;
    boost::system::error_code fault;
    const json::value answer = json::parse(json::string_view(body.data(), body.size()), fault);
    const json::array* items = fault ? nullptr : answer.if_array();
    if (items == nullptr) {
        search.failed = unknown("QIDO: the answer cannot be read");
        return search;
    }
    for (const json::value& item : *items) {
        if (const json::object* object = item.if_object(); object != nullptr)
            search.found.push_back(
                {value_of(*object, "00080016"),
                 value_of(*object, "00080018"),
                 value_of(*object, "0020000D"),
                 value_of(*object, "0020000E")}
            );
    }
    return search;
}

asio::awaitable<Search> search(InquiryRoom room, std::string target)
{
    web::ClientRequest request;
    request.target = std::move(target);
    request.fields.add("Accept", "application/dicom+json");
    Search failed;
    const web::ClientResult response = co_await room.client.request(std::move(request));
    if (!response) {
        failed.failed = unknown(
            "QIDO: " + response.error().error.text(), response.error().phase < web::Phase::send
        );
        co_return failed;
    }
    const unsigned status = (*response)->head().status;
    if (status == 204 || status == 404) // nothing matches; no such study
        co_return Search{};
    if (status != 200) {
        failed.failed = unknown("QIDO: HTTP " + std::to_string(status));
        co_return failed;
    }
    const auto body = co_await (*response)->read_all(room.max_answer);
    if (!body) {
        failed.failed = unknown("QIDO: " + body.error().text());
        co_return failed;
    }
    co_return read_results(*body);
}

std::string series_path(const Uid& study, const Uid& series)
{
    return "/studies/" + study.str() + "/series/" + series.str();
}

// An archive may ignore what it is asked for and send other instances as well.
Finding judge(const Search& search, const InstanceKey& key)
{
    if (search.failed)
        return *search.failed;
    for (const Found& found : search.found) {
        if (found.instance != key.sop.sop_instance.str())
            continue;
        if (!found.sop_class.empty() && found.sop_class != key.sop.sop_class.str())
            return {What::different, "there with another SOP class", false};
        if (!found.study.empty() && found.study != key.study.str())
            return {What::different, "there in another study", false};
        if (!found.series.empty() && found.series != key.series.str())
            return {What::different, "there in another series", false};
        return {What::there, {}, false};
    }
    return {What::absent, {}, false};
}

} // namespace

asio::awaitable<Finding> look_for(InquiryRoom room, InstanceKey key)
{
    std::string target = series_path(key.study, key.series) +
                         "/instances?SOPInstanceUID=" + key.sop.sop_instance.str();
    const Search results = co_await search(std::move(room), std::move(target));
    co_return judge(results, key);
}

asio::awaitable<Finding> look_everywhere_for(InquiryRoom room, InstanceKey key)
{
    std::string target = "/instances?SOPInstanceUID=" + key.sop.sop_instance.str();
    const Search results = co_await search(std::move(room), std::move(target));
    co_return judge(results, key);
}

asio::awaitable<std::set<std::string>> list_series(InquiryRoom room, Uid study, Uid series)
{
    const Search results =
        co_await search(std::move(room), series_path(study, series) + "/instances");
    std::set<std::string> instances;
    for (const Found& found : results.found)
        instances.insert(found.instance);
    co_return instances;
}

} // namespace gantry
