// The matches of a search on their way to an HTTP client (PS3.18 10.6.3): matched again where the
// origin does not, in the form that the client takes, sent as they come. Runs on the loop; holds
// back the first of them for a moment, so that a find that fails early fails as a whole.
#pragma once

#include "gateway/faces/web_question.h"
#include "mapping/key_filter.h"
#include "web/server.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gantry::faces {

struct ResultForm {
    bool xml = false;         // multipart/related; type="application/dicom+xml", else DICOM JSON
    std::string content_type; // of the response
    std::string boundary;     // of XML
};

struct ResultLinks {
    std::string service;   // https://host/dicom-web
    bool retrieve = false; // what is found can be retrieved there
};

class WebResults final : public FindSink {
public:
    /// `exact`: the origin matches every key and counts limit and offset; else that is done here,
    /// and it is asked without limit and offset (asked()). `response` outlives it.
    WebResults(
        SearchQuestion question,
        bool exact,
        ResultForm form,
        ResultLinks links,
        web::Response& response
    );

    /// For the origin.
    FindQuestion asked() const;

    /// "Warning" of the response (PS3.18 8.3.3.4), in whatever order: before the find.
    void warn(std::string text);

    void matched_fuzzily() override { fuzzy_ = true; }

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override;

    /// What the origin's end is for the client: the limit that was reached here is complete.
    FindEnd settled(FindEnd end) const;

    /// The find is complete.
    asio::awaitable<Result<void>> finish(const FindEnd& end);

    std::uint64_t count() const noexcept { return sent_; }

private:
    std::unique_ptr<DcmDataset> matched(std::unique_ptr<DcmDataset> match);
    Result<void> add(DcmDataset& match);
    web::ResponseHead head() const;
    asio::awaitable<Result<void>> flush();

    SearchQuestion question_;
    bool exact_;
    ResultForm form_;
    ResultLinks links_;
    web::Response& response_;
    std::optional<mapping::KeyFilter> filter_;
    std::vector<Tag> valued_; // keys to match
    std::vector<std::string> warnings_;
    bool fuzzy_ = false;
    bool unmatched_ = false; // a key that nothing was there to match with
    bool enough_ = false;
    std::uint64_t skipped_ = 0;
    std::uint64_t sent_ = 0;
    std::string text_;
    std::chrono::steady_clock::time_point first_{};
};

} // namespace gantry::faces
