#include "mapping/json_array_splitter.h"

namespace gantry::mapping {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

} // namespace

void JsonArraySplitter::feed(std::string_view chunk)
{
    chunk_ = chunk;
    at_ = begin_ = 0;
}

Error JsonArraySplitter::fail(Errc code, const char* what)
{
    failed_ = error(code, what);
    return *failed_;
}

/// One character outside of objects.
Result<void> JsonArraySplitter::between(char c)
{
    if (state_ == State::start && mark_ < byte_order_mark.size() && c == byte_order_mark[mark_]) {
        ++mark_;
        return {};
    }
    if (is_space(c))
        return {};
    const bool may_begin =
        state_ == State::start || state_ == State::first || state_ == State::element;
    if (c == '{' && may_begin) {
        alone_ = state_ == State::start;
        state_ = State::object;
        depth_ = 0;
        begin_ = at_;
    } else if (c == '[' && state_ == State::start) {
        state_ = State::first;
    } else if (c == ']' && (state_ == State::first || state_ == State::comma)) {
        state_ = State::end;
    } else if (c == ',' && state_ == State::comma) {
        state_ = State::element;
    } else {
        return fail(Errc::malformed, "no array of objects");
    }
    return {};
}

/// From at_, which is inside of an object or at its brace, to its end or that of the chunk.
bool JsonArraySplitter::ends_object()
{
    while (at_ < chunk_.size()) {
        const char c = chunk_[at_++];
        if (escaped_)
            escaped_ = false;
        else if (c == '"')
            in_string_ = !in_string_;
        else if (in_string_)
            escaped_ = c == '\\';
        else if (c == '{' || c == '[')
            ++depth_;
        else if ((c == '}' || c == ']') && --depth_ == 0)
            return true;
    }
    return false;
}

Result<std::optional<std::string_view>> JsonArraySplitter::next()
{
    if (failed_)
        return *failed_;
    if (state_ != State::object)
        kept_.clear();
    while (state_ != State::object && at_ < chunk_.size()) {
        if (const auto taken = between(chunk_[at_]); !taken)
            return taken.error();
        if (state_ != State::object)
            ++at_;
    }
    if (state_ != State::object)
        return std::nullopt;
    const bool whole = ends_object();
    const std::string_view piece = chunk_.substr(begin_, at_ - begin_);
    if (kept_.size() + piece.size() > max_object_.count)
        return fail(Errc::too_large, "an object");
    if (!whole || !kept_.empty())
        kept_ += piece;
    begin_ = at_;
    if (!whole)
        return std::nullopt;
    state_ = alone_ ? State::end : State::comma;
    ++count_;
    return kept_.empty() ? piece : std::string_view(kept_);
}

Result<void> JsonArraySplitter::finish() const
{
    if (failed_)
        return *failed_;
    if (state_ != State::end)
        return error(Errc::truncated, "an array");
    return {};
}

} // namespace gantry::mapping
