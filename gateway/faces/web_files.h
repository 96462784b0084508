// Instances on their way to a client as DICOM files (PS3.10 7): what an origin gives is read, or
// transcoded, a few instances ahead of what is being written. Internal to the web face. Runs on the
// loop; reads on the disk pool, transcodes on the transcoders. Memory: a window of whole instances,
// and one piece of what is larger.
#pragma once

#include "gateway/faces/ordered_jobs.h"
#include "gateway/faces/web_instance.h"
#include "gateway/faces/web_offer.h"
#include "gateway/loop/one_at_a_time.h"
#include "gateway/origins/outgoing_instance.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::faces {

/// The bytes of one part, head and all, or that head and what the rest is read from.
struct FilePart {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;

    ConstBytes span() const { return {bytes.get(), size}; }

    std::shared_ptr<ByteSource> rest; // null: there is no more
};

class FilesResponse final : public RetrieveSink {
public:
    struct What {
        RetrieveQuestion question;
        std::string accept;
        std::string service; // URL
        std::chrono::seconds retry_after{0};
    };

    /// All outlive it.
    FilesResponse(
        What what,
        const web::Request& request,
        web::Response& response,
        asio::any_io_executor loop,
        PreparationMeans means
    );

    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> instances) override;
    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override;

    /// The origin gives no more. Incomplete: the response is never finished.
    void close(const RetrieveEnd& end);

    /// Writes what instance() takes until it is closed, or something cannot be written. Runs beside
    /// the retrieve.
    asio::awaitable<void> write();

    /// Nothing has been sent, and this is why, where that is known here.
    const std::optional<Problem>& problem() const { return problem_; }

private:
    struct Item {
        InstanceKey key; // as it leaves
        AeTitle source;
        std::optional<std::uint64_t> length; // of the data set, where it is known before
        std::uint64_t weight = 0;
        OrderedJobs<Result<FilePart>>* jobs = nullptr; // else it is streamed
        std::unique_ptr<InstanceContent> content;
        bool reencoded = false;
        std::string head; // of the part and of the file
        std::string tag;  // its entity tag, where it has one
    };

    bool is_asked_for(const InstanceKey& key) const;
    Result<void> negotiate(const std::vector<InstanceKey>& instances);
    Error fail(Problem problem);
    Error enough(); // the answer has been given
    std::string head_of(const Item& item) const;
    void read_ahead(Item& item, std::shared_ptr<ByteSource> source);
    void transcode_ahead(Item& item, std::shared_ptr<ByteSource> source, Uid from);
    asio::awaitable<Result<void>>
    take(std::unique_ptr<InstanceContent> content, const Offer& offer);
    asio::awaitable<Result<void>> answer_at_once(InstanceContent& content, Item& item);
    asio::awaitable<Result<void>> begin(const Item& item);
    asio::awaitable<Result<void>> write_item(Item item);
    asio::awaitable<Result<void>> write_rest(std::shared_ptr<ByteSource> source);
    asio::awaitable<Result<void>> stream(std::shared_ptr<InstanceContent> content);
    asio::awaitable<Result<void>> stream_reencoded(std::shared_ptr<InstanceContent> content);
    asio::awaitable<Result<void>> write_streamed(Item item);
    asio::awaitable<Result<void>> finish();

    What what_;
    const web::Request& request_;
    web::Response& response_;
    PreparationMeans means_;
    std::string boundary_;
    OneAtATime one_;
    Change changed_;
    OrderedJobs<Result<FilePart>> reads_;
    OrderedJobs<Result<FilePart>> transcodings_;
    std::optional<Packaging> packaging_;
    std::optional<Problem> problem_;
    std::optional<std::size_t> expected_;
    std::size_t taken_ = 0;
    std::deque<Item> items_;
    std::uint64_t weight_ = 0; // of items that are not written
    bool closed_ = false;
    bool complete_ = false;
    bool failed_ = false;
};

} // namespace gantry::faces
