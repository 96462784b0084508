#include "web/gzip.h"

#include "web/media_type.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>
#include <stdexcept>

namespace gantry::web {

namespace {

constexpr std::uint64_t worth_from = 1'024; // below it a packet is a packet

// Fastest: the loop does it. Window of 16 KiB and a gzip frame; 64 KiB of hash chains.
constexpr int level = 1;
constexpr int window_bits = 14 + 16;
constexpr int memory_level = 7;

std::string_view trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// "gzip;q=0.5": above nothing?
bool is_taken(std::string_view parameters)
{
    const auto q = parameters.find("q=");
    if (q == std::string_view::npos)
        return true;
    const std::string number(parameters.substr(q + 2));
    return std::strtod(number.c_str(), nullptr) > 0;
}

} // namespace

bool accepts_gzip(const Fields& request)
{
    std::optional<bool> named;
    std::optional<bool> any;
    for (const auto& [name, value] : request) {
        if (!same_name(name, "Accept-Encoding"))
            continue;
        std::string_view rest = value;
        while (!rest.empty()) {
            const std::string_view one = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(rest.size(), one.size() + 1));
            const auto end = std::min(one.find(';'), one.size());
            const std::string_view coding = trimmed(one.substr(0, end));
            if (same_name(coding, "gzip") || same_name(coding, "x-gzip"))
                named = is_taken(one.substr(end));
            else if (coding == "*")
                any = is_taken(one.substr(end));
        }
    }
    return named.value_or(any.value_or(false));
}

bool is_text(std::string_view content_type)
{
    constexpr std::array<std::string_view, 6> texts{
        "application/dicom+json",
        "application/json",
        "application/problem+json",
        "application/dicom+xml",
        "application/xml",
        "application/vnd.sun.wadl+xml",
    };
    const auto type = parse_media_type(content_type);
    if (!type)
        return false;
    if (type->type == "multipart/related")
        return type->parameter("type") == "application/dicom+xml";
    return type->type.starts_with("text/") || std::ranges::find(texts, type->type) != texts.end();
}

bool worth_gzip(const ResponseHead& head, std::optional<std::uint64_t> length)
{
    const bool whole = head.status != 204 && head.status != 206 && head.status != 304;
    return whole && length.value_or(worth_from) >= worth_from &&
           !head.fields.has("Content-Encoding") && !head.fields.has("Content-Range") &&
           is_text(head.fields.find("Content-Type"));
}

struct GzipEncoder::State {
    State()
    {
        constexpr int strategy = Z_DEFAULT_STRATEGY;
        if (deflateInit2(&stream, level, Z_DEFLATED, window_bits, memory_level, strategy) != Z_OK)
            throw std::bad_alloc();
    }

    ~State() { (void)deflateEnd(&stream); }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    z_stream stream{};
};

GzipEncoder::GzipEncoder() : state_(std::make_unique<State>()) {}

GzipEncoder::~GzipEncoder() = default;

void GzipEncoder::put(ConstBytes bytes, Then then, std::string& out)
{
    constexpr std::size_t step = 16'384;
    z_stream& stream = state_->stream;
    const int mode = then == Then::end ? Z_FINISH : then == Then::flush ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    do {
        const auto n = std::min<std::size_t>(bytes.size(), 1U << 30U);
        // zlib reads only; its type is older than const.
        stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
        stream.avail_in = static_cast<uInt>(n);
        bytes = bytes.subspan(n);
        do {
            const auto before = out.size();
            out.resize(before + step);
            stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
            stream.avail_out = step;
            const int state = deflate(&stream, bytes.empty() ? mode : Z_NO_FLUSH);
            out.resize(out.size() - stream.avail_out);
            if (state == Z_STREAM_ERROR)
                throw std::logic_error("gzip put after its end");
        } while (stream.avail_out == 0);
    } while (!bytes.empty());
}

} // namespace gantry::web
