// How each kind of object leaves: pictures, a moving picture, a video, a page, a document.
#include "gateway/faces/web_rendered_answer.h"

#include <algorithm>
#include <span>
#include <stdexcept>
#include <utility>

// Subjects and bodies belong to who awaits.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

namespace gantry::faces {

namespace {

constexpr std::size_t piece = 256U << 10U;

/// The client is gone, or the response is cut: nobody is left to hear why.
Problem cut_off()
{
    return {500, "the answer broke off"};
}

} // namespace

asio::awaitable<RenderAnswer::Problems>
RenderAnswer::put(const Subject& subject, const RenderedType& type, RenderedBody& body)
{
    switch (subject.material) {
    case Material::picture: return put_pictures(subject, type, body);
    case Material::pictures:
        if (type.media == "image/gif" && subject.wanted.size() > 1 && question_.frames.empty())
            return put_animation(subject, body);
        return put_pictures(subject, type, body);
    case Material::video: return put_video(subject, body);
    case Material::report: return put_page(subject, body);
    case Material::document: return put_document(subject, body);
    case Material::presentation:
    case Material::nothing: break;
    }
    throw std::logic_error("nothing of it was on offer");
}

asio::awaitable<RenderAnswer::Problems>
RenderAnswer::put_pictures(const Subject& subject, const RenderedType& type, RenderedBody& body)
{
    for (const std::uint32_t frame : subject.wanted) {
        const auto made = co_await picture(subject, frame, type.media);
        if (!made)
            co_return made.error();
        std::string location = subject.location;
        if (subject.material == Material::pictures)
            location += "/frames/" + std::to_string(frame);
        RenderedBody::Part part{type.media, location + "/rendered", (*made)->size()};
        const auto begun = co_await body.begin_part(std::move(part));
        if (!begun)
            co_return cut_off();
        if (!*begun)
            co_return std::nullopt;
        if (const auto written = co_await body.write(**made); !written)
            co_return cut_off();
    }
    co_return std::nullopt;
}

asio::awaitable<RenderAnswer::Problems>
RenderAnswer::put_animation(const Subject& subject, RenderedBody& body)
{
    auto ask = [drawing = subject.drawing](const std::stop_token&) { return drawing->pause(); };
    const auto pause = co_await offload(tools_.pools.transcoders, std::move(ask));
    if (!pause)
        co_return problem_of(pause.error());
    const auto encoder = std::make_shared<mapping::GifEncoder>(*pause, true);
    const auto options = options_for(subject.frames->image().shape);
    bool any = false;
    for (const std::uint32_t frame : subject.wanted) {
        auto draw = [drawing = subject.drawing, encoder, frame, options](const std::stop_token&) {
            const auto picture = drawing->picture(frame, options);
            return picture ? encoder->add(*picture) : picture.error();
        };
        const auto made = co_await offload(tools_.pools.transcoders, std::move(draw));
        if (!made)
            co_return problem_of(made.error());
        if (!std::exchange(any, true)) {
            RenderedBody::Part part{"image/gif", subject.location + "/rendered", std::nullopt};
            const auto begun = co_await body.begin_part(std::move(part));
            if (!begun)
                co_return cut_off();
            if (!*begun)
                co_return std::nullopt;
        }
        if (const auto written = co_await body.write(*made); !written)
            co_return cut_off();
    }
    const auto end = encoder->finish();
    if (!end)
        co_return problem_of(end.error());
    const auto written = co_await body.write(*end);
    co_return written ? Problems() : cut_off();
}

asio::awaitable<RenderAnswer::Problems>
RenderAnswer::put_video(const Subject& subject, RenderedBody& body)
{
    const auto data_set = subject.instance.data_set;
    auto find = [data_set, frames = subject.frames](const std::stop_token&) {
        return frames->frame(*data_set, 1);
    };
    const auto stream = co_await offload(tools_.pools.disk, std::move(find));
    if (!stream)
        co_return problem_of(stream.error());
    RenderedBody::Part part{
        std::string(subject.offers.front()), subject.location + "/rendered", stream->length()
    };
    const auto begun = co_await body.begin_part(std::move(part));
    if (!begun)
        co_return cut_off();
    if (!*begun)
        co_return std::nullopt;
    for (const mapping::Extent& extent : stream->pieces) {
        for (std::uint64_t done = 0; done < extent.length;) {
            const std::uint64_t size = std::min<std::uint64_t>(piece, extent.length - done);
            auto read = [data_set, at = extent.offset + done, size](const std::stop_token&) {
                std::vector<std::byte> bytes(static_cast<std::size_t>(size));
                const auto got = data_set->read(at, bytes);
                bytes.resize(got ? *got : 0);
                return bytes;
            };
            const auto bytes = co_await offload(tools_.pools.disk, std::move(read));
            if (bytes.empty())
                co_return cut_off();
            if (const auto written = co_await body.write(bytes); !written)
                co_return cut_off();
            done += bytes.size();
        }
    }
    co_return std::nullopt;
}

asio::awaitable<RenderAnswer::Problems>
RenderAnswer::put_page(const Subject& subject, RenderedBody& body)
{
    auto write = [instance = subject.instance](const std::stop_token&) {
        return page_of(instance);
    };
    const auto page = co_await offload(tools_.pools.transcoders, std::move(write));
    if (!page)
        co_return problem_of(page.error());
    RenderedBody::Part part{
        "text/html; charset=utf-8", subject.location + "/rendered", page->size()
    };
    const auto begun = co_await body.begin_part(std::move(part));
    if (!begun)
        co_return cut_off();
    if (!*begun)
        co_return std::nullopt;
    const auto written = co_await body.write(std::as_bytes(std::span(*page)));
    co_return written ? Problems() : cut_off();
}

asio::awaitable<RenderAnswer::Problems>
RenderAnswer::put_document(const Subject& subject, RenderedBody& body)
{
    const auto document = subject.document;
    RenderedBody::Part part{document->media(), subject.location + "/rendered", document->length()};
    const auto begun = co_await body.begin_part(std::move(part));
    if (!begun)
        co_return cut_off();
    if (!*begun)
        co_return std::nullopt;
    for (std::uint32_t done = 0; done < document->length();) {
        auto read = [document, done](const std::stop_token&) { return document->read(done); };
        const auto bytes = co_await offload(tools_.pools.disk, std::move(read));
        if (!bytes || bytes->empty())
            co_return cut_off();
        if (const auto written = co_await body.write(*bytes); !written)
            co_return cut_off();
        done += static_cast<std::uint32_t>(bytes->size());
    }
    co_return std::nullopt;
}

} // namespace gantry::faces

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
