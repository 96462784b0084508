#include "mapping/data_set_scanner.h"

#include "mapping/data_set_tokens.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace gantry::mapping {

namespace {

constexpr std::size_t max_captured = 80; // a UID of 64 characters and a little padding

} // namespace

class DataSetScanner::Impl final : public TokenSink {
public:
    explicit Impl(const TransferSyntax& syntax) : tokens_(syntax, *this) {}

    Result<void> feed(ConstBytes chunk) { return tokens_.feed(chunk); }

    Result<ScannedDataSet> finish()
    {
        if (const auto ended = tokens_.finish(); !ended)
            return ended.error();
        found_.size = tokens_.position();
        return found_;
    }

    Result<void> begin(const Token& token) override
    {
        capturing_ = nullptr;
        if (token.depth != 0)
            return {};
        if (token.tag == tag::pixel_data && !found_.pixel_data)
            found_.pixel_data = token.offset;
        if (token.kind == Token::Kind::element)
            capturing_ = wanted(token.tag);
        if (capturing_ != nullptr)
            captured_.clear();
        return {};
    }

    Result<void> value(const Token&, ConstBytes piece) override
    {
        if (capturing_ == nullptr)
            return {};
        const std::size_t room = max_captured + 1 - captured_.size(); // one more shows "too long"
        captured_.append(reinterpret_cast<const char*>(piece.data()), std::min(piece.size(), room));
        return {};
    }

    Result<void> end(const Token&) override
    {
        if (capturing_ == nullptr)
            return {};
        if (capturing_->empty()) // of two, the first one counts, as everybody else takes it
            *capturing_ = Uid::parse(captured_).value_or(Uid());
        capturing_ = nullptr;
        return {};
    }

private:
    Uid* wanted(Tag tag)
    {
        if (tag == tag::sop_class_uid)
            return &found_.sop_class;
        if (tag == tag::sop_instance_uid)
            return &found_.sop_instance;
        if (tag == tag::study_instance_uid)
            return &found_.study;
        return tag == tag::series_instance_uid ? &found_.series : nullptr;
    }

    ScannedDataSet found_;
    Uid* capturing_ = nullptr;
    std::string captured_;
    DataSetTokenizer tokens_;
};

DataSetScanner::DataSetScanner(const TransferSyntax& syntax) : impl_(std::make_unique<Impl>(syntax))
{
}

DataSetScanner::~DataSetScanner() = default;
DataSetScanner::DataSetScanner(DataSetScanner&&) noexcept = default;
DataSetScanner& DataSetScanner::operator=(DataSetScanner&&) noexcept = default;

Result<void> DataSetScanner::feed(ConstBytes chunk)
{
    return impl_->feed(chunk);
}

Result<ScannedDataSet> DataSetScanner::finish()
{
    return impl_->finish();
}

} // namespace gantry::mapping
