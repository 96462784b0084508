#include "tests/gateway/find_support.h"

#include "gateway/error.h"
#include "mapping/elements.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmdata/dctag.h>

#include <algorithm>

namespace gantry::tests {

namespace {

class Collector final : public FindSink {
public:
    Collector(FindHouse& house, Tag key) : house_(house), key_(key) {}

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
    {
        uids.push_back(mapping::text_of(*attributes, key_));
        if (house_.on_match)
            co_return co_await house_.on_match(uids.size());
        co_return Result<void>{};
    }

    std::vector<std::string> uids;

private:
    FindHouse& house_;
    Tag key_;
};

} // namespace

std::string study_json(unsigned number)
{
    const std::string text = std::to_string(number);
    return R"({"0020000D":{"vr":"UI","Value":["1.2.)" + text +
           R"("]},"00100020":{"vr":"LO","Value":["P)" + text + R"("]}})";
}

std::string studies_json(unsigned from, unsigned to)
{
    std::string out = "[";
    for (unsigned i = from; i < to; ++i)
        out += (i == from ? "" : ",") + study_json(i);
    return out + "]";
}

Reply qido_reply(std::string body)
{
    Reply reply = Reply::with(200, std::move(body));
    reply.fields.add("Content-Type", "application/dicom+json");
    return reply;
}

std::string parameter(const ReceivedRequest& request, const std::string& name)
{
    const std::string& target = request.target;
    for (const char before : {'?', '&'}) {
        const std::size_t at = target.find(before + name + '=');
        if (at == std::string::npos)
            continue;
        const std::size_t begin = at + name.size() + 2;
        return target.substr(begin, target.find('&', begin) - begin);
    }
    return {};
}

Reply StudyArchive::answer(const ReceivedRequest& request) const
{
    const auto number = [&](const char* name, unsigned otherwise) {
        const std::string text = parameter(request, name);
        return text.empty() ? otherwise : static_cast<unsigned>(std::stoul(text));
    };
    const unsigned offset = honours_offset ? number("offset", 0) : 0;
    const unsigned limit = std::min(honours_limit ? number("limit", count) : count, cap);
    const unsigned from = std::min(offset - std::min(offset, overlap), count);
    const unsigned to = std::min(from + limit, count);
    Reply reply = qido_reply(studies_json(from, to));
    if (warns && to < count)
        reply.fields.add(
            "Warning",
            "299 http://pacs: There are " + std::to_string(count - to) +
                " additional results that can be requested"
        );
    return reply;
}

std::string told(const FindEnd& end)
{
    if (end.complete)
        return "complete";
    constexpr const char* names[] = {
        "none", "limit", "unavailable", "timed_out", "question", "unauthorised", "failed"
    };
    return std::string(names[static_cast<unsigned>(end.shortfall)]) + ": " + end.reason;
}

FindHouse::FindHouse(web::ClientOptions options)
{
    options.url = archive.url("/dicom-web");
    client = std::make_unique<web::Client>(loop.get_executor(), std::move(options));
    limits.retry_delay = std::chrono::milliseconds(1);
}

web::ClientOptions FindHouse::quick()
{
    web::ClientOptions options;
    options.timeout = std::chrono::milliseconds(300);
    options.connect_timeout = std::chrono::seconds(5);
    return options;
}

FindQuestion FindHouse::studies()
{
    return question(QueryLevel::study, {{"00100020", ""}});
}

FindQuestion
FindHouse::question(QueryLevel level, const std::vector<std::pair<std::string, std::string>>& keys)
{
    auto data_set = std::make_shared<DcmDataset>();
    for (const auto& [tag, value] : keys) {
        const auto number = static_cast<std::uint32_t>(std::stoul(tag, nullptr, 16));
        const Tag key{
            static_cast<std::uint16_t>(number >> 16U), static_cast<std::uint16_t>(number)
        };
        mapping::put_text(*data_set, key, value);
    }
    FindQuestion question;
    question.level = level;
    question.keys = std::move(data_set);
    return question;
}

Found FindHouse::find(FindQuestion question)
{
    Collector collector(*this, mapping::unique_key(question.level));
    Found found;
    found.end = run(loop, find_by_qido(room(), std::move(question), collector));
    found.uids = std::move(collector.uids);
    return found;
}

std::vector<std::string> FindHouse::targets() const
{
    std::vector<std::string> out;
    for (const ReceivedRequest& request : archive.requests()) {
        constexpr std::string_view base = "/dicom-web";
        out.push_back(request.target.substr(base.size()));
    }
    return out;
}

} // namespace gantry::tests
