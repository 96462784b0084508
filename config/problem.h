// What a configuration is told about itself: one problem a line, with the place in the file.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace gantry::config {

/// A place in the file as editors count it, from 1; line 0 is the file as a whole.
struct Place {
    unsigned line = 0;
    unsigned column = 0;

    friend auto operator<=>(const Place&, const Place&) = default;
};

enum class Severity : std::uint8_t { warning, error };

struct Problem {
    Severity severity = Severity::error;
    Place place;
    std::string message;
};

/// Collects, bounded: nobody reads the thousandth complaint about one file.
class Problems {
public:
    static constexpr std::size_t most = 200;

    void error(Place place, std::string message)
    {
        add(Severity::error, place, std::move(message));
    }

    void warn(Place place, std::string message)
    {
        add(Severity::warning, place, std::move(message));
    }

    bool has_errors() const noexcept { return errors_ > 0; }

    /// In the order of the file. Empties the collection.
    std::vector<Problem> take();

private:
    void add(Severity severity, Place place, std::string message);

    std::vector<Problem> list_;
    std::size_t errors_ = 0;
};

} // namespace gantry::config
