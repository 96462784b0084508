#include "gateway/origins/wado_request.h"

#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>

namespace gantry {

namespace {

constexpr const char* dicom = R"(multipart/related; type="application/dicom")";
constexpr const char* as_stored =
    R"(multipart/related; type="application/dicom"; transfer-syntax=*)";
constexpr std::size_t most_syntaxes = 9; // so that q has one decimal

using Syntaxes = std::vector<Uid>;

// PS3.18 8.7.3.5: implicit and big endian do not stand in a request.
Syntaxes for_the_web(const Syntaxes& wanted, const std::optional<Syntaxes>& given)
{
    Syntaxes out;
    for (const Uid& uid : wanted) {
        const bool plain = !TransferSyntax::of(uid.str()).web_allowed;
        const Uid named = plain ? *Uid::parse(transfer_syntax::explicit_le) : uid;
        const bool possible = !given || std::ranges::find(*given, named) != given->end();
        const bool new_one = std::ranges::find(out, named) == out.end();
        if (possible && new_one && out.size() < most_syntaxes)
            out.push_back(named);
    }
    return out;
}

std::string preferences(const Syntaxes& syntaxes)
{
    std::string header;
    unsigned tenths = 10;
    for (const Uid& syntax : syntaxes) {
        header += header.empty() ? "" : ", ";
        header += std::string(dicom) + "; transfer-syntax=" + syntax.str();
        header += tenths == 10 ? ";q=1.0" : ";q=0." + std::to_string(tenths);
        --tenths;
    }
    return header;
}

} // namespace

std::vector<std::string>
accept_headers(const std::optional<std::vector<Uid>>& wanted, const OriginProfile::Retrieve& known)
{
    const bool any = known.any_transfer_syntax.value_or(true);
    std::vector<std::string> out;
    if (wanted) {
        const std::string named = preferences(for_the_web(*wanted, known.transfer_syntaxes));
        if (!named.empty())
            out.push_back(any ? named + ", " + as_stored + ";q=0.1" : named);
    }
    if (any)
        out.emplace_back(as_stored);
    out.emplace_back(dicom);
    return out;
}

std::string retrieve_target(const Uid& study, const Uid& series, const Uid& instance)
{
    std::string out = "/studies/" + study.str() + "/series/" + series.str();
    if (!instance.empty())
        out += "/instances/" + instance.str();
    return out;
}

WadoVerdict verdict_of(std::uint16_t status) noexcept
{
    switch (status) {
    case 200:
    case 206: return WadoVerdict::content;
    case 204:
    case 404:
    case 410: return WadoVerdict::absent;
    case 400: // by those that do not understand the header
    case 406:
    case 415: return WadoVerdict::unacceptable;
    case 413: return WadoVerdict::narrower;
    case 401:
    case 403:
    case 407: return WadoVerdict::denied;
    case 408:
    case 429: return WadoVerdict::later;
    default: return status >= 500 && status != 501 ? WadoVerdict::later : WadoVerdict::refused;
    }
}

Shortfall shortfall_of(std::uint16_t status) noexcept
{
    switch (status) {
    case 401:
    case 403:
    case 407: return Shortfall::unauthorised;
    case 408:
    case 429:
    case 502:
    case 503:
    case 504: return Shortfall::unavailable;
    default: return Shortfall::failed;
    }
}

} // namespace gantry
