#include "tests/gateway/stow_support.h"

#include "gateway/custody/delivery_verdict.h"
#include "mapping/file_meta.h"

#include <algorithm>

namespace gantry::tests {

namespace {

void put(std::string& out, std::uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; ++i)
        out.push_back(static_cast<char>((number >> (8U * i)) & 0xffU));
}

void put_element(
    std::string& out, std::uint32_t tag, const char* vr, std::string value, bool implicit
)
{
    if (value.size() % 2 != 0)
        value.push_back(vr[0] == 'U' ? '\0' : ' ');
    put(out, tag >> 16U, 2);
    put(out, tag & 0xffffU, 2);
    const bool long_form = vr == std::string_view("OW");
    if (!implicit)
        out += vr;
    if (!implicit && long_form)
        put(out, 0, 2);
    put(out, value.size(), implicit || long_form ? 4 : 2);
    out += value;
}

} // namespace

InstanceKey Sample::key() const
{
    return {
        *Uid::parse(study),
        *Uid::parse(series),
        {*Uid::parse(sop_class), *Uid::parse(instance)},
        *Uid::parse(syntax)
    };
}

std::string Sample::bytes() const
{
    const bool implicit = syntax == "1.2.840.10008.1.2";
    std::string out;
    put_element(out, 0x00080016, "UI", sop_class, implicit);
    put_element(out, 0x00080018, "UI", instance, implicit);
    put_element(out, 0x00081030, "LO", value, implicit);
    put_element(out, 0x0020000d, "UI", study, implicit);
    put_element(out, 0x0020000e, "UI", series, implicit);
    std::string ow(pixel_bytes, '\0');
    for (std::size_t i = 0; i < ow.size(); ++i)
        ow[i] = static_cast<char>(i * 7);
    put_element(out, 0x00280100, "US", std::string("\x10\0", 2), implicit);
    put_element(out, 0x7fe00010, "OW", ow, implicit);
    return out;
}

std::string Sample::file() const
{
    const mapping::FileHead head{key().sop, *Uid::parse(syntax), *AeTitle::parse("CT1")};
    return mapping::write_file_head(head) + bytes();
}

Sample sample(unsigned number)
{
    Sample made;
    made.instance += "." + std::to_string(number);
    return made;
}

MemoryContent::MemoryContent(const Sample& sample, std::optional<Error> fails)
    : key_(sample.key()), bytes_(sample.bytes()), fails_(std::move(fails))
{
}

asio::awaitable<Result<ConstBytes>> MemoryContent::read()
{
    constexpr std::size_t piece = 100;
    const std::size_t size = std::min(piece, bytes_.size() - given_);
    if (fails_ && given_ + size == bytes_.size())
        co_return *fails_;
    const ConstBytes bytes = std::as_bytes(std::span(bytes_.data() + given_, size));
    given_ += size;
    co_return bytes;
}

std::vector<std::string> instances_in(const ReceivedRequest& request)
{
    constexpr std::string_view element("\x02\0\x03\0UI", 6); // (0002,0003)
    std::vector<std::string> uids;
    for (std::size_t at = request.body.find(element); at != std::string::npos;
         at = request.body.find(element, at)) {
        at += element.size();
        const std::size_t length = static_cast<unsigned char>(request.body.at(at)) +
                                   256U * static_cast<unsigned char>(request.body.at(at + 1));
        uids.push_back(Uid::parse(request.body.substr(at + 2, length))->str());
    }
    return uids;
}

std::string stow_report(const std::vector<std::pair<std::string, unsigned>>& reasons)
{
    std::string stored;
    std::string failed;
    for (const auto& [uid, reason] : reasons) {
        const bool is_stored = reason == 0 || (reason & 0xff00U) == 0xb000U;
        const bool duplicate = reason == 0xb00e || reason == 0xb00f;
        std::string& list = is_stored && !duplicate ? stored : failed;
        list += list.empty() ? "{" : ",{";
        list += R"("00081155":{"vr":"UI","Value":[")" + uid + R"("]})";
        if (reason != 0)
            list += std::string(",\"") + (&list == &stored ? "00081196" : "00081197") +
                    R"(":{"vr":"US","Value":[)" + std::to_string(reason) + "]}";
        list += "}";
    }
    return R"({"00081199":{"vr":"SQ","Value":[)" + stored +
           R"(]},"00081198":{"vr":"SQ","Value":[)" + failed + "]}}";
}

std::string qido_answer(const Sample& sample)
{
    const auto uid = [](const char* tag, const std::string& value) {
        return std::string("\"") + tag + R"(":{"vr":"UI","Value":[")" + value + "\"]}";
    };
    return "[{" + uid("00080016", sample.sop_class) + "," + uid("00080018", sample.instance) + "," +
           uid("0020000D", sample.study) + "," + uid("0020000E", sample.series) + "}]";
}

Reply wado_reply(const std::string& file)
{
    Reply reply =
        Reply::with(200, "--b\r\nContent-Type: application/dicom\r\n\r\n" + file + "\r\n--b--");
    reply.fields.add("Content-Type", "multipart/related; type=\"application/dicom\"; boundary=b");
    return reply;
}

StowHouse::StowHouse(WebOriginOptions options, web::ClientOptions client_options)
{
    client_options.url = archive.url("/dicom-web");
    client = std::make_unique<web::Client>(loop.get_executor(), std::move(client_options));
    origin =
        std::make_unique<WebOrigin>("cloud", *client, std::move(options), disk, scratch.path());
    archive.otherwise([this](const ReceivedRequest& request) { return answer(request); });
    on_stow([](const ReceivedRequest&) {
        Reply reply = Reply::json(200, "");
        reply.body_of = [](const ReceivedRequest& request) {
            std::vector<std::pair<std::string, unsigned>> all;
            for (const std::string& uid : instances_in(request))
                all.emplace_back(uid, 0);
            return stow_report(all);
        };
        return reply;
    });
}

web::ClientOptions StowHouse::quick()
{
    web::ClientOptions options;
    options.timeout = std::chrono::milliseconds(300);
    options.connect_timeout = std::chrono::seconds(5);
    options.connections = 1; // whoever asks while it still holds an answer hangs, and is found
    return options;
}

void StowHouse::on_stow(Stow stow)
{
    stow_ = std::move(stow);
}

void StowHouse::has(const Sample& sample, const std::string& file)
{
    has_[sample.instance] = {sample, file};
}

// QIDO for one instance, below its series or anywhere; WADO of one instance.
Reply StowHouse::answer(const ReceivedRequest& request) const
{
    if (request.method == "POST")
        return stow_(request);
    for (const auto& [uid, kept] : has_) {
        const std::string series =
            "/dicom-web/studies/" + kept.first.study + "/series/" + kept.first.series;
        if (request.target == series + "/instances?SOPInstanceUID=" + uid ||
            request.target == "/dicom-web/instances?SOPInstanceUID=" + uid)
            return Reply::json(200, qido_answer(kept.first));
        if (request.target == series + "/instances/" + uid &&
            request.fields.find("Accept").ends_with("=*") && plain_only)
            return Reply::with(406, "as it is stored: not here");
        if (request.target == series + "/instances/" + uid)
            return kept.second.empty() ? Reply::with(404) : wado_reply(kept.second);
    }
    return Reply::json(200, "[]");
}

std::vector<StoreOutcome> StowHouse::store(const std::vector<Sample>& samples)
{
    std::vector<std::unique_ptr<InstanceContent>> batch;
    for (const Sample& one : samples)
        batch.push_back(std::make_unique<MemoryContent>(
            one, one.instance == damaged_one ? damaged : std::nullopt
        ));
    return run(loop, origin->store(std::move(batch)));
}

std::vector<ReceivedRequest> StowHouse::stow_requests() const
{
    std::vector<ReceivedRequest> posts = archive.requests();
    std::erase_if(posts, [](const ReceivedRequest& r) { return r.method != "POST"; });
    return posts;
}

std::vector<std::vector<std::string>> StowHouse::posts() const
{
    std::vector<std::vector<std::string>> uids;
    for (const ReceivedRequest& request : stow_requests())
        uids.push_back(instances_in(request));
    return uids;
}

std::string told(const StoreOutcome& outcome)
{
    return std::string(custody::to_string(outcome.kind)) + ": " + outcome.answer;
}

} // namespace gantry::tests
