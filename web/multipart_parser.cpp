#include "web/multipart_parser.h"

#include "web/error.h"

#include <algorithm>
#include <cstring>

namespace gantry::web {

namespace {

constexpr std::size_t max_boundary = 70;        // RFC 2046 5.1.1
constexpr std::size_t max_delimiter_tail = 256; // spaces after a boundary

std::string_view as_text(ConstBytes bytes)
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; // bytes are bytes
}

ConstBytes as_bytes(std::string_view text)
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

// memmem is several times faster than anything in <algorithm> on pixel data.
std::size_t find(std::string_view text, std::string_view what)
{
    const void* found = ::memmem(text.data(), text.size(), what.data(), what.size());
    return found == nullptr
               ? std::string_view::npos
               : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

// How many bytes at the end of `text` may be the start of CR + delimiter, or of the delimiter.
std::size_t held_suffix(std::string_view text, std::string_view delimiter)
{
    const auto tail = text.substr(text.size() - std::min(text.size(), delimiter.size() - 1));
    const auto newline = tail.rfind('\n');
    if (newline == std::string_view::npos)
        return text.ends_with('\r') ? 1 : 0;
    const auto candidate = tail.substr(newline);
    if (!delimiter.starts_with(candidate))
        return text.ends_with('\r') ? 1 : 0;
    const bool after_cr =
        text.size() > candidate.size() && text[text.size() - candidate.size() - 1] == '\r';
    return candidate.size() + (after_cr ? 1 : 0);
}

std::string_view trim(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

} // namespace

MultipartParser::MultipartParser(std::string_view boundary, MultipartLimits limits)
    : limits_(limits),
      held_("\n"), // the first delimiter may stand at the very beginning
      fake_(1)
{
    // An impossible boundary leaves the delimiter empty: next() refuses.
    if (!boundary.empty() && boundary.size() <= max_boundary && is_field_value(boundary))
        delimiter_ = "\n--" + std::string(boundary);
}

// Tries to complete the held bytes with the input. True where they are settled: found, or content.
bool MultipartParser::extend_held(bool& found)
{
    const std::size_t cr = held_.front() == '\r' ? 1 : 0;
    const auto wanted = std::string_view(delimiter_).substr(held_.size() - cr);
    const auto given = as_text(input_).substr(0, wanted.size());
    if (!wanted.starts_with(given)) {
        emitted_.assign(held_, fake_);
        held_.clear();
        fake_ = 0;
        return true;
    }
    held_ += given;
    input_ = input_.subspan(given.size());
    if (given.size() < wanted.size())
        return false;
    found = true;
    held_.clear();
    fake_ = 0;
    return true;
}

MultipartParser::Scan MultipartParser::scan_input()
{
    const auto text = as_text(input_);
    const auto position = find(text, delimiter_);
    if (position != std::string_view::npos) {
        const std::size_t end =
            position > 0 && text[position - 1] == '\r' ? position - 1 : position;
        const Scan result{input_.first(end), true};
        input_ = input_.subspan(position + delimiter_.size());
        return result;
    }
    const auto keep = held_suffix(text, delimiter_);
    const Scan result{input_.first(text.size() - keep), false};
    held_.assign(text, text.size() - keep);
    input_ = {};
    return result;
}

MultipartParser::Scan MultipartParser::scan()
{
    if (input_.empty())
        return {};
    if (!held_.empty()) {
        Scan result;
        if (!extend_held(result.found) || result.found)
            return result;
        if (!emitted_.empty())
            return {as_bytes(emitted_), false};
    }
    return scan_input();
}

Result<MultipartParser::Step> MultipartParser::next()
{
    if (delimiter_.empty())
        return error(Errc::malformed, "multipart boundary");
    for (;;) {
        switch (state_) {
        case State::preamble:
            if (scan().found)
                state_ = State::delimiter;
            else if (input_.empty())
                return Step::need_more;
            break;
        case State::delimiter: return next_delimiter();
        case State::header: return next_header();
        case State::content: {
            const Scan result = scan();
            if (result.found)
                state_ = State::part_end;
            if (!result.before.empty()) {
                content_ = result.before;
                return Step::content;
            }
            if (!result.found && input_.empty())
                return Step::need_more;
            break;
        }
        case State::part_end: state_ = State::delimiter; return Step::part_end;
        case State::epilogue: input_ = {}; return Step::need_more;
        }
    }
}

// Moves input up to the end of a line into line_; true when the line is whole (without its end).
bool MultipartParser::take_line()
{
    const auto text = as_text(input_);
    const auto newline = text.find('\n');
    const auto taken = newline == std::string_view::npos ? text.size() : newline;
    line_ += text.substr(0, taken);
    input_ = input_.subspan(std::min(taken + 1, text.size()));
    if (newline == std::string_view::npos)
        return false;
    if (line_.ends_with('\r'))
        line_.pop_back();
    return true;
}

// After the boundary: "--" ends it all, else spaces and a line end (RFC 2046 5.1.1).
Result<MultipartParser::Step> MultipartParser::next_delimiter()
{
    while (!input_.empty()) {
        const char next = as_text(input_).front();
        input_ = input_.subspan(1);
        if (next == '\n' && line_ != "-") {
            line_.clear();
            header_bytes_ = 0;
            fields_.clear();
            state_ = State::header;
            return next_header();
        }
        const bool dash = next == '-' && (line_.empty() || line_ == "-");
        const bool blank = next == ' ' || next == '\t' || next == '\r';
        if ((!dash && !blank) || (blank && line_ == "-") || line_.ends_with('\r') ||
            line_.size() == max_delimiter_tail)
            return error(Errc::malformed, "after a multipart boundary");
        line_ += next;
        if (line_ == "--") {
            state_ = State::epilogue;
            return Step::end;
        }
    }
    return Step::need_more;
}

Result<MultipartParser::Step> MultipartParser::next_header()
{
    while (!input_.empty()) {
        const auto before = input_.size();
        const bool whole = take_line();
        header_bytes_ += before - input_.size();
        if (header_bytes_ > limits_.max_part_header)
            return error(Errc::too_large, "fields of a part");
        if (!whole)
            break;
        if (line_.empty()) {
            flush_field();
            if (++parts_ > limits_.max_parts)
                return error(Errc::too_large, "number of parts");
            held_ = "\n"; // an empty part's delimiter may follow without a line end of its own
            fake_ = 1;
            state_ = State::content;
            return Step::part;
        }
        if (const auto added = add_line(line_); !added)
            return added.error();
        line_.clear();
    }
    return Step::need_more;
}

Result<void> MultipartParser::add_line(std::string_view line)
{
    if (!is_field_value(line))
        return error(Errc::malformed, "field of a part");
    if (line.front() == ' ' || line.front() == '\t') { // RFC 5322 2.2.3: folded
        if (name_.empty())
            return error(Errc::malformed, "field of a part");
        value_ += ' ';
        value_ += trim(line);
        return {};
    }
    flush_field();
    const auto colon = line.find(':');
    const auto name =
        colon == std::string_view::npos ? std::string_view{} : trim(line.substr(0, colon));
    if (!is_token(name))
        return error(Errc::malformed, "field of a part");
    name_ = name;
    value_ = trim(line.substr(colon + 1));
    return {};
}

void MultipartParser::flush_field()
{
    if (!name_.empty())
        fields_.add(std::move(name_), std::move(value_));
    name_.clear();
    value_.clear();
}

} // namespace gantry::web
