// One answer of the rendered service, from the question to its last byte. Runs on the loop; draws
// on the transcoders. Holds one picture at a time.
#pragma once

#include "gateway/faces/drawing.h"
#include "gateway/faces/picture_cache.h"
#include "gateway/faces/rendered_body.h"
#include "gateway/faces/web_rendered.h"
#include "gateway/faces/web_rendered_offer.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::faces {

/// All outlive the answer.
struct RenderTools {
    const WebFaceOptions& options;
    const WebTargets& targets;
    WebPools pools;
    const InstanceDesk& desk;
    PictureCache& cache;
};

class RenderAnswer {
public:
    RenderAnswer(
        RenderTools tools,
        RenderQuestion question,
        const web::Request& request,
        web::Response& response
    );

    asio::awaitable<void> run();

private:
    using Problems = std::optional<Problem>; // nothing: it went well

    /// What was asked about, and what can be made of it.
    struct Subject {
        OpenInstance instance;
        Material material = Material::nothing;
        std::shared_ptr<const mapping::ImageFrames> frames;
        std::shared_ptr<Drawing> drawing;
        std::shared_ptr<Document> document;
        std::vector<std::string_view> offers; // media types, best first
        std::vector<std::uint32_t> wanted;    // frames
        std::string location;                 // of the instance
    };

    bool is_thumbnail() const { return question_.resource == RenderQuestion::Resource::thumbnail; }

    asio::awaitable<Problems> answer();
    asio::awaitable<Problems> one(InstanceKey key);
    asio::awaitable<Problems> many(std::vector<InstanceKey> keys);
    asio::awaitable<Answer<std::vector<InstanceKey>>> list() const;

    asio::awaitable<Answer<Subject>> subject_of(InstanceKey key) const;
    asio::awaitable<Problems> make_ready(Subject& subject) const;
    asio::awaitable<Problems> choose_frames(Subject& subject, const RenderedType& type);
    Problems check(const Subject& subject, const RenderedType& type) const;
    std::string tag_of(const Subject& subject, const RenderedType& type) const;
    void say_first_of_many(const Subject& subject);

    asio::awaitable<Problems>
    put(const Subject& subject, const RenderedType& type, RenderedBody& body);
    asio::awaitable<Problems>
    put_pictures(const Subject& subject, const RenderedType& type, RenderedBody& body);
    asio::awaitable<Problems> put_animation(const Subject& subject, RenderedBody& body);
    asio::awaitable<Problems> put_video(const Subject& subject, RenderedBody& body);
    asio::awaitable<Problems> put_page(const Subject& subject, RenderedBody& body);
    asio::awaitable<Problems> put_document(const Subject& subject, RenderedBody& body);
    asio::awaitable<Answer<PictureCache::Encoded>>
    picture(const Subject& subject, std::uint32_t frame, std::string media);

    web::ResponseHead head(std::string tag, std::string_view media) const;
    mapping::RenderOptions options_for(const mapping::FrameShape& shape) const;

    RenderTools tools_;
    RenderQuestion question_;
    const web::Request& request_;
    web::Response& response_;
    std::string service_;
    std::uint16_t status_ = 200;
};

} // namespace gantry::faces
