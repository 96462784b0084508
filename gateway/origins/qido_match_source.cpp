#include "gateway/origins/qido_match_source.h"

#include "mapping/dicom_json_reader.h"
#include "mapping/native_xml.h"
#include "web/error.h"
#include "web/media_type.h"
#include "web/multipart.h"

#include <dcmtk/config/osconfig.h>

#include <boost/json/serialize.hpp>
#include <dcmtk/dcmdata/dcdatset.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace gantry {

namespace {

using Kind = SearchProblem::Kind;

class XmlPage final : public SearchPage {
public:
    XmlPage(
        SearchRoom room,
        std::unique_ptr<web::ClientResponse> response,
        const std::string& boundary,
        Beyond beyond
    )
        : source_(room),
          response_(std::move(response)),
          parts_(boundary, [this] { return response_->read(); }, {}),
          beyond_(beyond)
    {
    }

    asio::awaitable<Match> next() override
    {
        const auto fields = co_await parts_.next_part();
        if (!fields)
            co_return broke_off(fields.error());
        if (!*fields)
            co_return std::unique_ptr<DcmDataset>();
        std::string xml;
        for (;;) {
            const auto bytes = co_await parts_.read();
            if (!bytes)
                co_return broke_off(bytes.error());
            if (bytes->empty())
                break;
            if (xml.size() + bytes->size() > source_.room().limits.max_match.count)
                co_return broken("XML: too large");
            xml.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
        }
        const auto object = mapping::read_native_xml(xml);
        if (!object)
            co_return broken("XML: " + object.error().text());
        co_return source_.read(boost::json::serialize(*object));
    }

    Beyond beyond() const override { return beyond_; }

private:
    MatchSource source_;
    std::unique_ptr<web::ClientResponse> response_;
    web::MultipartReader parts_;
    Beyond beyond_;
};

} // namespace

Match MatchSource::read(std::string_view json)
{
    mapping::DicomJsonReadOptions options;
    options.unreadable = [this](Tag tag) {
        if (!std::exchange(logged_, true))
            spdlog::warn(
                "a search result holds a value that cannot be read origin={} tag={}",
                room_.name,
                tag.hex()
            );
    };
    auto match = mapping::read_dicom_json(json, options);
    if (!match)
        return broken("JSON: " + match.error().text());
    return std::move(*match);
}

SearchProblem broken(std::string reason)
{
    return {Kind::final, Shortfall::failed, std::move(reason)};
}

SearchProblem broke_off(const Error& why)
{
    if (why.code == web::Errc::timeout)
        return {Kind::final, Shortfall::unavailable, why.text()};
    if (why.code == web::Errc::cut_off)
        return {Kind::later, Shortfall::unavailable, why.text()};
    return broken(why.text());
}

std::unique_ptr<SearchPage>
xml_page(SearchRoom room, std::unique_ptr<web::ClientResponse> response, Beyond beyond)
{
    const auto type = web::parse_media_type(response->head().fields.find("Content-Type"));
    const std::string boundary(type ? type->parameter("boundary") : std::string_view());
    if (boundary.empty())
        return nullptr;
    return std::make_unique<XmlPage>(room, std::move(response), boundary, beyond);
}

} // namespace gantry
