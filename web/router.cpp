// Finds the handler of a request. Pure but for the table, which does not change while it is used. A
// pattern that ends in "{name*}" takes the rest of the path, its slashes included.
#include "web/server.h"

#include <algorithm>

namespace gantry::web {

namespace {

std::vector<std::string> segments_of(std::string_view path)
{
    std::vector<std::string> segments;
    if (path.starts_with('/'))
        path.remove_prefix(1);
    if (path.ends_with('/')) // "/studies/" is "/studies"
        path.remove_suffix(1);
    while (true) {
        const auto slash = std::min(path.find('/'), path.size());
        segments.emplace_back(path.substr(0, slash));
        if (slash == path.size())
            return segments;
        path.remove_prefix(slash + 1);
    }
}

bool is_parameter(const std::string& segment)
{
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

std::string name_of(const std::string& parameter)
{
    return parameter.substr(1, parameter.size() - 2);
}

/// "{name*}": it and all that follows.
bool takes_the_rest(const std::vector<std::string>& pattern)
{
    return is_parameter(pattern.back()) && pattern.back().ends_with("*}");
}

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& path)
{
    if (takes_the_rest(pattern) && path.size() > pattern.size()) {
        const std::vector<std::string> beginning(
            path.begin(), path.begin() + static_cast<std::ptrdiff_t>(pattern.size())
        );
        return fits(pattern, beginning);
    }
    return std::ranges::equal(
        pattern,
        path,
        [](const std::string& wanted, const std::string& given) {
            return is_parameter(wanted) ? !given.empty() : wanted == given;
        }
    );
}

bool serves(Method route, Method asked)
{
    return route == asked || (route == Method::get && asked == Method::head);
}

} // namespace

void Router::add(Method method, std::string pattern, Handler handler)
{
    auto segments = segments_of(pattern);
    routes_.push_back({method, std::move(pattern), std::move(segments), std::move(handler)});
}

Router::Match Router::match(Method method, std::string_view path) const
{
    Match result;
    const auto segments = segments_of(path);
    for (const Route& route : routes_) {
        if (!fits(route.segments, segments))
            continue;
        if (!serves(route.method, method)) {
            result.allowed.push_back(route.method);
            continue;
        }
        result.handler = &route.handler;
        for (std::size_t i = 0; i < route.segments.size(); ++i)
            if (const std::string& name = route.segments[i]; is_parameter(name))
                result.parameters.emplace(name_of(name), segments[i]);
        if (takes_the_rest(route.segments)) {
            auto last = result.parameters.extract(name_of(route.segments.back()));
            last.key().pop_back(); // the "*"
            for (std::size_t i = route.segments.size(); i < segments.size(); ++i)
                last.mapped() += "/" + segments[i];
            result.parameters.insert(std::move(last));
        }
        return result;
    }
    return result;
}

std::vector<Router::Entry> Router::entries() const
{
    std::vector<Entry> all;
    all.reserve(routes_.size());
    for (const Route& route : routes_)
        all.push_back({route.method, route.pattern});
    return all;
}

std::vector<Method> Router::methods(std::string_view path) const
{
    std::vector<Method> found;
    const auto segments = segments_of(path);
    for (const Route& route : routes_)
        if ((path == "*" || fits(route.segments, segments)) &&
            std::ranges::find(found, route.method) == found.end())
            found.push_back(route.method);
    return found;
}

} // namespace gantry::web
