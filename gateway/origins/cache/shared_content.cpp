#include "gateway/origins/cache/shared_content.h"

#include <utility>

namespace gantry::cache {

SharedContent::SharedContent(std::shared_ptr<InstanceContent> content, WorkerPool& disk)
    : content_(std::move(content)), disk_(disk)
{
}

asio::awaitable<Result<ConstBytes>> SharedContent::read()
{
    if (!source_)
        source_ = content_->source();
    if (!source_)
        co_return co_await content_->read();
    auto work = [source = source_](const std::stop_token&) { return source->next(); };
    co_return co_await offload(disk_, std::move(work));
}

void SharedContent::rewind()
{
    if (!source_)
        content_->rewind();
    source_.reset();
}

std::unique_ptr<ByteSource> SharedContent::source() const
{
    return content_->source();
}

} // namespace gantry::cache
