// One page of a search: the request, and its answer read match by match (PS3.18 10.6). Runs on the
// loop; nothing is read from the connection before it is asked for, nothing is tried again here.
#pragma once

#include "gateway/origins/qido_find.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

class DcmDataset;

namespace gantry {

/// Why a page is not there, or ends in the middle.
struct SearchProblem {
    enum class Kind : std::uint8_t {
        no_resource, // not offered, or an unknown study
        limit,       // refused, and may be taken with a smaller limit
        media_type,  // does not answer in this form
        later,       // may be well in a moment
        final
    };

    Kind kind = Kind::final;
    Shortfall shortfall = Shortfall::failed;
    std::string reason;
    std::optional<std::chrono::seconds> retry_after = {};
    bool too_large = false; // of limit: 413
    unsigned status = 0;    // where an answer came
};

/// What the head says of results beyond this page.
struct Beyond {
    bool more = false;
    std::optional<std::uint64_t> count;
};

class SearchPage {
public:
    virtual ~SearchPage() = default;
    /// The next match; null at the end. The problem is `later` where the answer broke off.
    virtual asio::awaitable<boost::system::result<std::unique_ptr<DcmDataset>, SearchProblem>>
    next() = 0;

    virtual Beyond beyond() const = 0;
};

/// A page with no problem is there; with neither, there are no results.
struct OpenedPage {
    std::unique_ptr<SearchPage> page;
    std::optional<SearchProblem> problem;
    std::uint64_t limit = 0; // as it was asked for
    std::uint64_t offset = 0;
};

/// Asks for `target`, and returns when the head of the answer has arrived. Takes JSON or, where
/// that is all that the origin has, the Native DICOM Model in parts.
asio::awaitable<OpenedPage> open_page(SearchRoom room, std::string target);

} // namespace gantry
