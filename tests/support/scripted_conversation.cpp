#include "support/scripted_conversation.h"

#include "web/media_type.h"
#include "web/multipart_parser.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <poll.h>

namespace gantry::tests {

namespace {

constexpr std::size_t at_once = 65'536;
constexpr std::size_t kept_body = 65'536;

class Hash {
public:
    Hash() : state_(XXH3_createState()) { restart(); }

    void restart() { XXH3_64bits_reset(state_.get()); }

    void add(std::string_view bytes)
    {
        XXH3_64bits_update(state_.get(), bytes.data(), bytes.size());
    }

    std::uint64_t value() const { return XXH3_64bits_digest(state_.get()); }

private:
    struct Free {
        void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
    };

    std::unique_ptr<XXH3_state_t, Free> state_;
};

// Takes a body as it comes and keeps what the test may ask for.
class BodyRecorder {
public:
    explicit BodyRecorder(ReceivedRequest& request)
        : request_(request), parser_(boundary_of(request), {})
    {
    }

    void take(std::string_view bytes)
    {
        request_.body_bytes += bytes.size();
        hash_.add(bytes);
        request_.body.append(bytes.substr(0, kept_body - std::min(kept_body, request_.body.size()))
        );
        parser_.feed(std::as_bytes(std::span(bytes.data(), bytes.size())));
        while (step()) {
        }
    }

    void finish()
    {
        request_.complete = true;
        request_.body_hash = hash_.value();
        if (parser_.complete())
            request_.parts = std::move(parts_);
    }

private:
    using Step = web::MultipartParser::Step;

    static std::string boundary_of(const ReceivedRequest& request)
    {
        const auto media = web::parse_media_type(request.fields.find("Content-Type"));
        return media ? std::string(media->parameter("boundary")) : std::string();
    }

    bool step()
    {
        const auto step = parser_.next();
        if (!step || *step == Step::need_more)
            return false;
        if (*step == Step::part) {
            parts_.push_back({parser_.fields(), 0, 0});
            part_hash_.restart();
        } else if (*step == Step::content) {
            const auto content = parser_.content();
            part_hash_.add({reinterpret_cast<const char*>(content.data()), content.size()});
            parts_.back().bytes += content.size();
        } else if (*step == Step::part_end) {
            parts_.back().hash = part_hash_.value();
        }
        return true;
    }

    ReceivedRequest& request_;
    web::MultipartParser parser_;
    std::vector<ReceivedPart> parts_;
    Hash hash_;
    Hash part_hash_;
};

std::string fields_text(const web::Fields& fields)
{
    std::string text;
    for (const auto& [name, value] : fields)
        text += name + ": " + value + "\r\n";
    return text;
}

std::string response_text(const ReceivedRequest& request, const Reply& reply)
{
    const std::string body = reply.body_of ? reply.body_of(request) : reply.body;
    std::string text = reply.interim ? "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" : "";
    text += "HTTP/1.1 " + std::to_string(reply.status) + " " +
            std::string(web::reason_phrase(reply.status)) + "\r\n" + fields_text(reply.fields);
    const bool bodiless = reply.status == 204 || reply.status == 304;
    if (reply.chunked)
        text += "Transfer-Encoding: chunked\r\n";
    else if (!reply.until_close && !bodiless)
        text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    text += "\r\n";
    if (bodiless || request.method == "HEAD")
        return text;
    if (!reply.chunked)
        return text + body;
    for (const std::string& chunk :
         {body.substr(0, body.size() / 2), body.substr(body.size() / 2)}) {
        std::array<char, 20> size{};
        const auto end =
            std::to_chars(size.data(), size.data() + size.size(), chunk.size(), 16).ptr;
        if (!chunk.empty())
            text.append(size.data(), end).append(";x=y\r\n").append(chunk).append("\r\n");
    }
    return text + "0\r\nTrailer: x\r\n\r\n";
}

} // namespace

std::uint64_t content_hash(std::string_view text)
{
    return XXH3_64bits(text.data(), text.size());
}

std::uint64_t content_hash(ConstBytes bytes)
{
    return XXH3_64bits(bytes.data(), bytes.size());
}

bool ScriptedConversation::more()
{
    const std::string bytes = channel_.receive(at_once);
    buffer_ += bytes;
    return !bytes.empty();
}

bool ScriptedConversation::take_line(std::string& line)
{
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n")) == std::string::npos)
        if (!more())
            return false;
    line = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return true;
}

bool ScriptedConversation::read_head(ReceivedRequest& request)
{
    std::string line;
    if (!take_line(line))
        return false;
    const auto first = line.find(' ');
    const auto second = line.rfind(' ');
    request.method = line.substr(0, first);
    request.target = line.substr(first + 1, second - first - 1);
    while (take_line(line)) {
        if (line.empty())
            return true;
        const auto colon = line.find(':');
        const auto value = std::min(line.find_first_not_of(' ', colon + 1), line.size());
        request.fields.add(line.substr(0, colon), line.substr(value));
    }
    return false;
}

// True where it was read to its end.
bool ScriptedConversation::read_sized(std::uint64_t length, std::uint64_t limit, const Take& take)
{
    std::uint64_t left = std::min(length, limit);
    while (left != 0) {
        if (buffer_.empty())
            buffer_ =
                channel_.receive(static_cast<std::size_t>(std::min<std::uint64_t>(left, at_once)));
        if (buffer_.empty())
            return false;
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size()));
        take(std::string_view(buffer_).substr(0, n));
        buffer_.erase(0, n);
        left -= n;
    }
    return length <= limit;
}

bool ScriptedConversation::read_chunked(std::uint64_t limit, const Take& take)
{
    std::string line;
    while (limit != 0 && take_line(line)) {
        const std::uint64_t size = std::strtoull(line.c_str(), nullptr, 16);
        if (size == 0)
            return take_line(line);
        if (!read_sized(size, limit, take) || !take_line(line))
            return false;
        limit -= size;
    }
    return false;
}

void ScriptedConversation::read_body(ReceivedRequest& request, const Reply& reply)
{
    if (request.fields.has("Expect") && reply.invite && reply.read_body != 0)
        channel_.send("HTTP/1.1 100 Continue\r\n\r\n");
    BodyRecorder recorder(request);
    const Take take = [&](std::string_view bytes) { recorder.take(bytes); };
    bool whole = false;
    if (request.fields.has("Transfer-Encoding")) {
        whole = read_chunked(reply.read_body, take);
    } else {
        const std::string length(request.fields.find("Content-Length"));
        whole = read_sized(std::strtoull(length.c_str(), nullptr, 10), reply.read_body, take);
    }
    if (whole)
        recorder.finish();
}

void ScriptedConversation::run()
{
    for (;;) {
        ReceivedRequest request;
        request.connection = number_;
        if (!read_head(request))
            return;
        const std::size_t index = book_.record(request);
        const Reply reply = book_.choose(request);
        read_body(request, reply);
        book_.update(index, request);
        if (reply.before)
            reply.before();
        const bool sent = respond(request, reply);
        book_.answered();
        if (!sent || !end(reply))
            return;
    }
}

bool ScriptedConversation::respond(const ReceivedRequest& request, const Reply& reply)
{
    if (reply.tunnel_to != 0) {
        tunnel(reply.tunnel_to);
        return false;
    }
    if (!reply.answer)
        return true;
    const std::string text = reply.raw.empty() ? response_text(request, reply) : reply.raw;
    bool sent =
        channel_.send(std::string_view(text).substr(0, reply.cut_after.value_or(text.size())));
    if (sent && reply.pour)
        reply.pour([&](std::string_view piece) { return sent = sent && channel_.send(piece); });
    return sent;
}

// True where the connection stays.
bool ScriptedConversation::end(const Reply& reply)
{
    switch (reply.end) {
    case Reply::End::keep: return !reply.until_close;
    case Reply::End::stall: channel_.wait_for_end(); return false;
    case Reply::End::reset: channel_.reset(); return false;
    case Reply::End::close: break;
    }
    // What was not read would turn the close into a reset, and the answer might be lost.
    channel_.half_close();
    channel_.wait_for_end();
    return false;
}

void ScriptedConversation::tunnel(std::uint16_t port)
{
    const auto there = ByteChannel::connect(port);
    channel_.send("HTTP/1.1 200 Connection established\r\n\r\n");
    for (;;) {
        std::array<pollfd, 2> fds{pollfd{channel_.fd(), POLLIN, 0}, pollfd{there->fd(), POLLIN, 0}};
        constexpr int step_ms = 100; // looks at the end of the test this often
        if (::poll(fds.data(), fds.size(), step_ms) == 0) {
            if (channel_.stopped())
                return;
            continue;
        }
        const bool inward = fds[0].revents != 0;
        ByteChannel& from = inward ? channel_ : *there;
        ByteChannel& to = inward ? *there : channel_;
        const std::string bytes = from.receive(at_once);
        if (bytes.empty() || !to.send(bytes))
            return;
    }
}

} // namespace gantry::tests
