#include "mapping/data_set_value.h"

#include "mapping/data_set_walk.h"
#include "mapping/json_element.h"

#include <charconv>
#include <utility>

namespace gantry::mapping {

namespace {

class ValueSearch final : public WalkSink {
public:
    explicit ValueSearch(const ValuePath& path) : path_(path) {}

    const std::optional<ValuePlace>& found() const { return found_; }

    bool wants_rest() const override { return false; }

    Result<void> begin(const Token& token) override
    {
        if (token.depth != entered_)
            return {};
        if (token.kind == Token::Kind::fragment)
            return {};
        if (token.kind == Token::Kind::item)
            return begin_item();
        const Tag wanted = path_.tags[entered_];
        if (token.tag > wanted && !in_sequence_)
            return stop();
        if (token.tag != wanted)
            return {};
        const bool last = entered_ + 1 == path_.tags.size();
        if (token.kind == Token::Kind::sequence) {
            in_sequence_ = true;
            items_ = 0;
            return last ? stop() : Result<void>();
        }
        if (!last)
            return stop();
        found_ = ValuePlace{{}, token.vr, token.kind == Token::Kind::fragments};
        if (!found_->fragments)
            found_->bytes = {position(), token.length};
        return stop();
    }

    Result<void> value(const Token& /*token*/, ConstBytes /*piece*/) override { return {}; }

    Result<void> end(const Token& token) override
    {
        const bool our_item = token.kind == Token::Kind::item && token.depth + 1 == entered_;
        const bool our_sequence =
            token.kind == Token::Kind::sequence && token.depth == entered_ && in_sequence_;
        return our_item || our_sequence ? stop() : Result<void>();
    }

private:
    Result<void> begin_item()
    {
        if (!in_sequence_)
            return {};
        if (items_++ == path_.items[entered_]) {
            ++entered_;
            in_sequence_ = false;
        }
        return {};
    }

    const ValuePath& path_;
    std::size_t entered_ = 0; // items of the path
    bool in_sequence_ = false;
    std::uint32_t items_ = 0; // of it, that have begun
    std::optional<ValuePlace> found_;
};

} // namespace

std::optional<ValuePath> ValuePath::parse(std::string_view text)
{
    ValuePath path;
    for (bool number = false;; number = !number) {
        const std::string_view one = text.substr(0, text.find('/'));
        if (number) {
            std::uint32_t item = 0;
            const auto read = std::from_chars(one.data(), one.data() + one.size(), item);
            if (read.ec != std::errc() || read.ptr != one.data() + one.size())
                return std::nullopt;
            path.items.push_back(item);
        } else {
            const auto tag = one.size() == 8 ? parse_json_tag(one) : std::nullopt;
            if (!tag || path.tags.size() == max_sequence_depth)
                return std::nullopt;
            path.tags.push_back(*tag);
        }
        if (one.size() == text.size())
            break;
        text.remove_prefix(one.size() + 1);
    }
    return path.items.size() + 1 == path.tags.size() ? std::optional(std::move(path))
                                                     : std::nullopt;
}

Result<std::optional<ValuePlace>>
find_value(const RandomAccess& data_set, std::string_view transfer_syntax, const ValuePath& path)
{
    ValueSearch search(path);
    const auto& syntax = TransferSyntax::of(transfer_syntax);
    if (const auto walked = walk_data_set(data_set, syntax, search); !walked)
        return walked.error();
    const auto& found = search.found();
    const std::uint64_t size = data_set.size().count;
    if (found && (found->bytes.offset > size || found->bytes.length > size - found->bytes.offset))
        return error(Errc::truncated, "a value");
    return found;
}

} // namespace gantry::mapping
