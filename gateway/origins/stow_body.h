// The body of a STOW-RS request (PS3.18 10.5.1): instances as PS3.10 files in multipart/related,
// streamed, its length known before. Runs on the loop; holds part heads and nothing of the
// instances.
#pragma once

#include "gateway/origin.h"
#include "web/client.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gantry {

class StowBody final : public web::BodySource {
public:
    /// One part for each content, in order; they outlive the body and are rewound here.
    explicit StowBody(const std::vector<InstanceContent*>& contents);

    /// Of the request.
    std::string content_type() const;

    std::uint64_t size() const override { return size_; }

    asio::awaitable<Result<ConstBytes>> next() override;
    void rewind() override;

    /// The content that could not be read, and why: the request was then not completed.
    struct Failure {
        std::size_t part = 0;
        Error error;
    };

    const std::optional<Failure>& failure() const noexcept { return failure_; }

private:
    struct Part {
        std::string head; // delimiter, fields, and the file's own head (PS3.10 7.1)
        InstanceContent* content;
        std::uint64_t left; // of the content's length
    };

    std::string boundary_;
    std::string closing_;
    std::vector<Part> parts_;
    std::uint64_t size_ = 0;
    std::size_t at_ = 0; // part; parts_.size(): the closing delimiter
    bool head_given_ = false;
    bool ended_ = false;
    std::optional<Failure> failure_;
};

} // namespace gantry
