// Reads the structure of a data set out of bytes that can be read at any place, without the values
// that nobody wants. Internal to mapping/. For threads that may block; memory does not depend on
// the data set.
#pragma once

#include "mapping/data_set_tokens.h"
#include "mapping/vocabulary/random_access.h"

#include <span>

namespace gantry::mapping {

/// Hears the tokens of a walk, and says how far it goes.
class WalkSink : public TokenSink {
public:
    /// Asked inside of a value: whether its rest is to be heard.
    virtual bool wants_rest() const = 0;

    /// Bytes before what comes next.
    std::uint64_t position() const { return tokens_->position(); }

    bool stopped() const noexcept { return stopped_; }

    void attach(const DataSetTokenizer& tokens) { tokens_ = &tokens; }

protected:
    /// Nothing more is wanted: to be returned by begin(), value() or end().
    Result<void> stop()
    {
        stopped_ = true;
        return error(Errc::incomplete);
    }

private:
    const DataSetTokenizer* tokens_ = nullptr;
    bool stopped_ = false;
};

/// To the end, or to where the sink stops. Any syntax but a deflated one: Errc::unsupported. Errors
/// as DataSetTokenizer.
Result<void> walk_data_set(const RandomAccess& bytes, const TransferSyntax& syntax, WalkSink& sink);

/// All of `into`; Errc::truncated where there is less.
Result<void>
read_exactly(const RandomAccess& bytes, std::uint64_t offset, std::span<std::byte> into);

} // namespace gantry::mapping
