#include "gateway/cli/archive_questions.h"
#include "gateway/cli/examine_archive.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gantry::cli {

namespace {

// Of what nobody looks at.
constexpr Bytes most_metadata{64U << 10U};

constexpr std::array asked_syntaxes{
    "1.2.840.10008.1.2.1",     // Explicit VR Little Endian
    "1.2.840.10008.1.2.5",     // RLE Lossless
    "1.2.840.10008.1.2.4.70",  // JPEG Lossless SV1
    "1.2.840.10008.1.2.4.80",  // JPEG-LS Lossless
    "1.2.840.10008.1.2.4.90",  // JPEG 2000 Lossless
    "1.2.840.10008.1.2.4.201", // HTJ2K Lossless
};

std::string accepting(std::string_view syntax)
{
    std::string accept = "multipart/related; type=\"application/dicom\"";
    if (!syntax.empty())
        accept += "; transfer-syntax=" + std::string(syntax);
    return accept;
}

std::string outcome(const Got& got)
{
    return got.status == 0 ? got.failure : "answered " + std::to_string(got.status);
}

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): see the header

asio::awaitable<void>
try_syntaxes(web::Client& client, std::string path, Findings& findings, OriginProfile& profile)
{
    std::vector<Uid> given;
    std::vector<std::string> shown;
    for (const char* syntax : asked_syntaxes) {
        const auto [got, is] = co_await fetch(client, path, accepting(syntax));
        if (!is || is->str() != syntax)
            continue;
        given.push_back(*is);
        shown.emplace_back(syntax);
    }
    findings.note(
        "WADO-RS",
        shown.empty() ? "gives none of the syntaxes that were asked for by name"
                      : fmt::format("gives on request: {}", fmt::join(shown, ", "))
    );
    profile.retrieve.transfer_syntaxes = std::move(given);
}

asio::awaitable<bool>
try_resource(web::Client& client, std::string path, const char* name, Findings& findings)
{
    const auto [got, syntax] = co_await fetch(client, std::move(path), accepting("*"));
    const bool offered = syntax.has_value();
    if (offered)
        findings.good("WADO-RS", std::string(name) + " is offered");
    else
        findings.note("WADO-RS", std::string(name) + ": " + outcome(got));
    co_return offered;
}

} // namespace

asio::awaitable<void> examine_retrieve(
    web::Client& client, InstanceKey instance, Findings& findings, OriginProfile& profile
)
{
    const std::string study = "/studies/" + instance.study.str();
    const std::string series = study + "/series/" + instance.series.str();
    const std::string path = series + "/instances/" + instance.sop.sop_instance.str();
    const auto [stored, syntax] = co_await fetch(client, path, accepting("*"));
    profile.retrieve.any_transfer_syntax = syntax.has_value();
    if (syntax) {
        findings.good("WADO-RS", "gives an instance as stored, in " + syntax->str());
    } else {
        const auto [plain, plain_syntax] = co_await fetch(client, path, accepting(""));
        if (!plain_syntax) {
            findings.bad(
                "WADO-RS",
                "no instance as multipart/related of application/dicom: " + outcome(plain),
                Side::theirs,
                "nothing can be retrieved from it: its rights, or it has no WADO-RS"
            );
            co_return;
        }
        findings.note("WADO-RS", "transfer-syntax=*: " + outcome(stored) + "; without it, good");
    }
    co_await try_syntaxes(client, path, findings, profile);
    profile.retrieve.study_level =
        co_await try_resource(client, study, "/studies/{study}", findings);
    profile.retrieve.series_level =
        co_await try_resource(client, series, "/studies/{study}/series/{series}", findings);
    const Got metadata =
        co_await get(client, series + "/metadata", "application/dicom+json", most_metadata);
    profile.retrieve.metadata = metadata.status == 200;
    findings.note("WADO-RS", "/metadata of a series: " + outcome(metadata));
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry::cli
