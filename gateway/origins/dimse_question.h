// One C-FIND of a find, and what its end means (PS3.4 table C.4-1, PS3.7 9.3.2). Loop.
#pragma once

#include "dimse/requestor.h"
#include "gateway/origins/dimse_find.h"

#include <cstddef>
#include <functional>
#include <memory>

namespace gantry {

/// What a final status says; `any`: matches had come before. Only Success is complete.
FindEnd end_of_find(const DimseStatus& status, bool any);

/// Why no final response came.
FindEnd end_of_find(const Error& why);

struct DimseAnswer {
    FindEnd end;
    bool stopped = false;     // who takes the matches did not want more: `end` is complete
    bool not_granted = false; // nothing was asked
    bool refused = false;     // the PACS said no, as opposed to no answer
};

/// Takes a match; an error: no more of them.
using TakeMatch = std::function<Result<void>(std::unique_ptr<DcmDataset>)>;

/// The questions of one find, within DimseOriginOptions::max_questions.
class DimseQuestions {
public:
    explicit DimseQuestions(DimseFindRoom room) : room_(room) {}

    /// Text of the matches is UTF-8, (0008,0005) as FindSink says.
    asio::awaitable<DimseAnswer>
    ask(std::shared_ptr<const DcmDataset> identifier,
        dimse::QueryOptions required,
        FindSink& matches);

    /// For what needs no waiting.
    asio::awaitable<DimseAnswer> list(std::shared_ptr<const DcmDataset> identifier, TakeMatch take);

    std::size_t asked() const noexcept { return asked_; }

private:
    DimseFindRoom room_;
    std::size_t asked_ = 0;
};

} // namespace gantry
