#include "gateway/origins/stow_body.h"

#include "gateway/error.h"
#include "mapping/file_meta.h"
#include "web/multipart.h"

#include <span>
#include <utility>

namespace gantry {

namespace {

ConstBytes bytes_of(const std::string& text)
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

// Fields of the part, and the file head of the instance in it.
std::string head_of(const InstanceContent& content, const std::string& boundary, bool first)
{
    const InstanceKey& key = content.key();
    web::Fields fields;
    // Without the optional transfer-syntax parameter: the file meta says it, and a server that
    // compares the field as a whole (Orthanc's plugin) answers 415 to it.
    fields.add("Content-Type", "application/dicom");
    const mapping::FileHead head{key.sop, key.transfer_syntax, content.source_ae()};
    return web::part_head(boundary, fields, first) + mapping::write_file_head(head);
}

} // namespace

StowBody::StowBody(const std::vector<InstanceContent*>& contents)
    : boundary_(web::random_boundary()), closing_(web::closing_delimiter(boundary_))
{
    size_ = closing_.size();
    for (InstanceContent* content : contents) {
        Part part{head_of(*content, boundary_, parts_.empty()), content, content->length().count};
        size_ += part.head.size() + part.left;
        parts_.push_back(std::move(part));
    }
    rewind();
}

std::string StowBody::content_type() const
{
    return "multipart/related; type=\"application/dicom\"; boundary=" + boundary_;
}

asio::awaitable<Result<ConstBytes>> StowBody::next()
{
    while (at_ < parts_.size()) {
        Part& part = parts_[at_];
        if (!std::exchange(head_given_, true))
            co_return bytes_of(part.head);
        const auto chunk = co_await part.content->read();
        const bool wrong_length =
            chunk && (chunk->size() > part.left || (chunk->empty() && part.left != 0));
        if (!chunk || wrong_length) {
            const Error other_length = error(Errc::damaged, "not as long as it was received");
            failure_ = Failure{at_, chunk ? other_length : chunk.error()};
            co_return failure_->error;
        }
        part.left -= chunk->size();
        if (!chunk->empty())
            co_return *chunk;
        ++at_;
        head_given_ = false;
    }
    co_return std::exchange(ended_, true) ? ConstBytes{} : bytes_of(closing_);
}

void StowBody::rewind()
{
    at_ = 0;
    head_given_ = false;
    ended_ = false;
    failure_.reset();
    for (Part& part : parts_) {
        part.content->rewind();
        part.left = part.content->length().count;
    }
}

} // namespace gantry
