// A DICOMweb face on a local archive of its own, asked without a network.
#pragma once

#include "gateway/faces/web_face.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/gateway/archive_support.h"
#include "tests/support/fake_exchange.h"
#include "tests/support/run.h"

namespace gantry::tests {

using FieldList = std::vector<std::pair<std::string, std::string>>;

struct Ask {
    web::Method method = web::Method::get;
    std::string target; // below the root, with its query
    FieldList fields = {};
    std::string body = {};
    std::size_t piece = 100'000;
    std::optional<web::Errc> body_end = {};
};

class OpenFace {
public:
    explicit OpenFace(faces::WebFaceOptions options = {}, Bytes min_free = {});

    /// Through the router, as the server would. Throws where there is no such route.
    std::unique_ptr<FakeResponse> ask(Ask what);
    /// STOW-RS of whole parts.
    std::unique_ptr<FakeResponse> stow(const std::vector<std::string>& parts, Ask what = {});

    LocalOrigin& local() { return *local_; }

    faces::WebTargets targets() { return {intake_.get(), local_.get(), local_.get()}; }

    faces::WebFace& face() { return *face_; }

    faces::WebPools pools() { return {disk, transcoders}; }

    /// Another face on the same archive.
    void serve(faces::WebTargets targets);

    ScratchFolder folder;
    WorkerPool disk{"disk", 4};
    WorkerPool transcoders{"transcode", 2};

private:
    SystemClock clock_;
    faces::WebFaceOptions options_;
    std::unique_ptr<LocalOrigin> local_;
    std::unique_ptr<faces::Intake> intake_;
    std::unique_ptr<faces::WebFace> face_;
    web::Router router_;
};

/// multipart/related; boundary "b".
std::string multipart(const std::vector<std::string>& parts);
inline const FieldList multipart_fields{
    {"Content-Type", "multipart/related; type=\"application/dicom\"; boundary=b"}
};

/// The contents of a multipart body.
std::vector<std::string> parts_of(const FakeResponse& response);
/// The data set of a DICOM file, and its transfer syntax.
Instance instance_of(const std::string& file);

/// A value in a JSON text by a path like "/00081199/Value/0/00081155/Value/0"; "-" where none is.
std::string at(const std::string& json, const std::string& pointer);
/// The size of the array or object at a path; -1 where none is.
int size_at(const std::string& json, const std::string& pointer);

} // namespace gantry::tests
