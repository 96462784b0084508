// The push core of multipart reading (RFC 2046 5.1.1): bytes in, steps out, no copies of content.
// Pure. What it holds back between two inputs is shorter than a delimiter line.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"
#include "web/message.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace gantry::web {

struct MultipartLimits {
    std::size_t max_part_header = 16'384;
    std::size_t max_parts = 100'000;
};

class MultipartParser {
public:
    enum class Step : unsigned char {
        need_more, // the input is used up
        part,      // fields() are those of a new part
        content,   // content() is the next piece of the part, never empty
        part_end,  // the part's delimiter has been seen
        end,       // the final delimiter has been seen; what follows is the epilogue
    };

    MultipartParser(std::string_view boundary, MultipartLimits limits);

    /// Takes the next input; only after need_more. It stays valid until the next call of feed().
    void feed(ConstBytes input) noexcept { input_ = input; }

    /// Errors: malformed (what follows a boundary, a field), too_large (a limit).
    Result<Step> next();

    /// Whether the input may end here.
    bool complete() const noexcept { return state_ == State::epilogue; }

    const Fields& fields() const noexcept { return fields_; }

    ConstBytes content() const noexcept { return content_; }

private:
    enum class State : unsigned char { preamble, delimiter, header, content, part_end, epilogue };

    struct Scan {
        ConstBytes before; // bytes that belong to the content
        bool found = false;
    };

    Scan scan();
    bool extend_held(bool& found);
    Scan scan_input();
    Result<Step> next_delimiter();
    Result<Step> next_header();
    bool take_line();
    Result<void> add_line(std::string_view line);
    void flush_field();

    std::string delimiter_; // "\n--boundary"
    MultipartLimits limits_;
    State state_ = State::preamble;
    ConstBytes input_;
    ConstBytes content_;
    std::string held_;     // possible start of a delimiter at the end of the last input
    std::size_t fake_ = 0; // how many of the first held bytes were never received
    std::string emitted_;  // held bytes that turned out to be content
    std::string line_;     // of a part's fields, or after a boundary
    std::size_t header_bytes_ = 0;
    std::size_t parts_ = 0;
    Fields fields_;
    std::string name_; // a field that may be continued on the next line
    std::string value_;
};

} // namespace gantry::web
