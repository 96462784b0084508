#include "tests/gateway/web_face_support.h"

#include "mapping/data_set_scanner.h"
#include "mapping/file_meta.h"
#include "web/multipart.h"

#include <boost/json.hpp>

#include <stdexcept>

namespace gantry::tests {

OpenFace::OpenFace(faces::WebFaceOptions options, Bytes min_free) : options_(std::move(options))
{
    LocalOriginOptions local;
    local.folder = folder.path() / "archive";
    local.min_free = min_free;
    options_.scratch = folder.path() / "scratch";
    std::filesystem::create_directory(options_.scratch);
    local_ = LocalOrigin::open(std::move(local), disk, clock_).value();
    intake_ = faces::archive_intake(*local_, disk);
    serve(targets());
}

void OpenFace::serve(faces::WebTargets targets)
{
    face_ = std::make_unique<faces::WebFace>(options_, targets, pools());
    router_ = {};
    face_->register_routes(router_);
}

std::unique_ptr<FakeResponse> OpenFace::ask(Ask what)
{
    web::Request request;
    request.method = what.method;
    request.target = options_.root + what.target;
    request.path = request.target.substr(0, request.target.find('?'));
    request.query = what.target.substr(std::min(what.target.find('?'), what.target.size()));
    if (!request.query.empty())
        request.query.erase(0, 1);
    request.fields.add("Host", "pacs.test:8080");
    for (auto& [name, value] : what.fields)
        request.fields.add(name, value);
    request.peer_address = "192.0.2.1";
    auto match = router_.match(what.method, request.path);
    if (match.handler == nullptr)
        throw std::runtime_error("no route for " + request.path);
    request.parameters = match.parameters;
    FakeBody body(std::move(what.body), what.piece, what.body_end);
    auto response = std::make_unique<FakeResponse>();
    test::run((*match.handler)(request, body, *response));
    return response;
}

std::unique_ptr<FakeResponse> OpenFace::stow(const std::vector<std::string>& parts, Ask what)
{
    what.method = web::Method::post;
    if (what.target.empty())
        what.target = "/studies";
    what.fields.insert(what.fields.end(), multipart_fields.begin(), multipart_fields.end());
    what.body = multipart(parts);
    return ask(std::move(what));
}

std::string multipart(const std::vector<std::string>& parts)
{
    std::string body;
    for (const std::string& part : parts)
        body += "--b\r\nContent-Type: application/dicom\r\n\r\n" + part + "\r\n";
    return body + "--b--\r\n";
}

std::vector<std::string> parts_of(const FakeResponse& response)
{
    const std::string type = response.field("Content-Type");
    const std::string boundary = type.substr(type.find("boundary=") + 9);
    FakeBody body(response.body);
    const auto read_all = [&]() -> asio::awaitable<std::vector<std::string>> {
        std::vector<std::string> parts;
        web::ByteSource source = [&body] { return body.read(); };
        web::MultipartReader reader(boundary, std::move(source), {});
        while ((co_await reader.next_part()).value()) {
            parts.emplace_back();
            for (;;) {
                const auto chunk = (co_await reader.read()).value();
                if (chunk.empty())
                    break;
                parts.back().append(reinterpret_cast<const char*>(chunk.data()), chunk.size());
            }
        }
        co_return parts;
    };
    return test::run(read_all());
}

Instance instance_of(const std::string& file)
{
    const auto head = mapping::read_file_head(bytes_of(file), true).value();
    Instance out;
    out.data_set = file.substr(head.data_set_offset);
    mapping::DataSetScanner scanner(TransferSyntax::of(head.head.transfer_syntax.str()));
    scanner.feed(bytes_of(out.data_set)).value();
    const auto found = scanner.finish().value();
    out.key = {
        found.study, found.series, {found.sop_class, found.sop_instance}, head.head.transfer_syntax
    };
    return out;
}

namespace {

boost::json::value found_at(const std::string& json, const std::string& pointer)
{
    boost::json::error_code none;
    const auto root = boost::json::parse(json);
    const auto* found = root.find_pointer(pointer, none);
    return found == nullptr ? boost::json::value{} : *found;
}

} // namespace

std::string at(const std::string& json, const std::string& pointer)
{
    const auto value = found_at(json, pointer);
    if (value.is_null())
        return "-";
    return value.is_string() ? std::string(value.as_string()) : boost::json::serialize(value);
}

int size_at(const std::string& json, const std::string& pointer)
{
    const auto value = found_at(json, pointer);
    if (value.is_array())
        return static_cast<int>(value.as_array().size());
    return value.is_object() ? static_cast<int>(value.as_object().size()) : -1;
}

} // namespace gantry::tests
