#include "gateway/cli/archive_questions.h"
#include "gateway/cli/examine_archive.h"
#include "mapping/elements.h"
#include "mapping/qido_request.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gantry::cli {

namespace {

// A key and a value that no instance has: what is found all the same was not matched.
struct Probe {
    const char* name;
    Tag tag;
    const char* value;
};

constexpr std::array study_probes{
    Probe{"StudyInstanceUID", {0x0020, 0x000d}, "2.25.1"},
    Probe{"PatientID", {0x0010, 0x0020}, "gantry-doctor-x"},
    Probe{"PatientName", {0x0010, 0x0010}, "gantry-doctor-x"},
    Probe{"StudyDate", {0x0008, 0x0020}, "17000101"},
    Probe{"StudyTime", {0x0008, 0x0030}, "235959.999999"},
    Probe{"AccessionNumber", {0x0008, 0x0050}, "gantry-doctor-x"},
    Probe{"ModalitiesInStudy", {0x0008, 0x0061}, "ZZ"},
    Probe{"ReferringPhysicianName", {0x0008, 0x0090}, "gantry-doctor-x"},
    Probe{"StudyID", {0x0020, 0x0010}, "gantry-doctor-x"},
    Probe{"StudyDescription", {0x0008, 0x1030}, "gantry-doctor-x"},
    Probe{"PatientBirthDate", {0x0010, 0x0030}, "17000101"},
};

constexpr std::array series_probes{
    Probe{"SeriesInstanceUID", {0x0020, 0x000e}, "2.25.1"},
    Probe{"Modality", {0x0008, 0x0060}, "ZZ"},
    Probe{"SeriesNumber", {0x0020, 0x0011}, "999999937"},
    Probe{"SeriesDescription", {0x0008, 0x103e}, "gantry-doctor-x"},
    Probe{"PerformedProcedureStepStartDate", {0x0040, 0x0244}, "17000101"},
};

constexpr std::array instance_probes{
    Probe{"SOPInstanceUID", {0x0008, 0x0018}, "2.25.1"},
    Probe{"SOPClassUID", {0x0008, 0x0016}, "2.25.1"},
    Probe{"InstanceNumber", {0x0020, 0x0013}, "999999937"},
};

constexpr std::size_t large_page = 1'001;

std::string says(const Searched& searched)
{
    if (searched.got.status == 0)
        return searched.got.failure;
    return "answered " + std::to_string(searched.got.status);
}

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): see the header

struct Room {
    web::Client& client;
    Findings& findings;
    OriginProfile& profile;
};

/// `resource` is known to have something.
asio::awaitable<void> try_keys(Room& room, std::string resource, std::span<const Probe> probes)
{
    std::vector<std::string> ignored;
    std::vector<std::string> refused;
    for (const Probe& probe : probes) {
        const auto found =
            co_await search(room.client, resource + "?limit=1&" + probe.name + "=" + probe.value);
        if (found.well() && found.count() == 0)
            continue;
        (found.well() ? ignored : refused).emplace_back(probe.name);
        room.profile.search.unsearchable.push_back(probe.tag);
    }
    if (ignored.empty() && refused.empty())
        room.findings.good("keys", resource + " matches all " + std::to_string(probes.size()));
    if (!ignored.empty())
        room.findings.note(
            "keys", fmt::format("{} ignores {}", resource, fmt::join(ignored, ", "))
        );
    if (!refused.empty())
        room.findings.note(
            "keys", fmt::format("{} refuses {}", resource, fmt::join(refused, ", "))
        );
}

asio::awaitable<void> try_offset(Room& room, std::string first_study)
{
    const auto second = co_await search(room.client, "/studies?limit=1&offset=1");
    if (!second.well() || second.count() == 0) {
        room.findings.note("paging", "one study only, or no second page: not known");
        co_return;
    }
    const bool honoured = second.first(tag::study_instance_uid) != first_study;
    room.profile.search.honours_offset = honoured;
    if (honoured)
        room.findings.good("paging", "offset is honoured");
    else
        room.findings.bad(
            "paging",
            "offset is ignored: every page is the first",
            Side::theirs,
            "answers beyond its largest page cannot be had; queries say so instead of ending as "
            "complete"
        );
}

asio::awaitable<void> try_page(Room& room)
{
    const auto page = co_await search(room.client, "/studies?limit=" + std::to_string(large_page));
    if (!page.well()) {
        room.findings.note("page size", "a limit of 1,001: " + says(page));
        co_return;
    }
    const std::size_t count = page.count();
    const auto next =
        co_await search(room.client, "/studies?limit=1&offset=" + std::to_string(count));
    const bool more = next.well() && next.count() > 0 && count < large_page;
    if (more && room.profile.search.honours_offset.value_or(false))
        room.profile.search.page_size = static_cast<std::uint32_t>(count);
    const std::string given = std::to_string(count) + " studies for a limit of 1,001";
    const std::string warning = page.got.warning.empty() ? "" : ", with a warning";
    if (more)
        room.findings.note("page size", given + warning + ", and there are more: it caps pages");
    else
        room.findings.good("page size", given + warning);
}

/// One study of that name, asked for as by the standard or with "^" as it is.
std::string target_of(const std::string& name, bool raw_caret)
{
    DcmDataset keys;
    mapping::put_text(keys, mapping::key::patient_name, name);
    mapping::QidoDialect dialect;
    dialect.raw_caret = raw_caret;
    const auto requests = mapping::qido_requests({}, keys, dialect);
    return requests ? requests->front().target(1) : std::string();
}

/// A name with "^" is found by itself, percent-encoded or only raw?
asio::awaitable<void> try_caret(Room& room, std::string name)
{
    if (name.find('^') == std::string::npos || name.find('=') != std::string::npos)
        co_return;
    const auto by_standard = co_await search(room.client, target_of(name, false));
    if (by_standard.count() > 0) {
        room.profile.search.raw_caret = false;
        co_return;
    }
    const auto raw = co_await search(room.client, target_of(name, true));
    if (raw.count() == 0)
        co_return;
    room.profile.search.raw_caret = true;
    room.findings.note("encoding", "names are found only where \"^\" is not percent-encoded");
}

asio::awaitable<bool> try_resource(Room& room, std::string resource)
{
    const auto found = co_await search(room.client, resource + "?limit=1");
    if (found.well())
        room.findings.good("QIDO-RS", resource + " is offered");
    else
        room.findings.note("QIDO-RS", resource + ": " + says(found));
    co_return found.well();
}

asio::awaitable<std::optional<InstanceKey>> some_instance(Room& room, std::string study)
{
    const auto series = co_await search(room.client, "/studies/" + study + "/series?limit=1");
    if (series.count() == 0) {
        room.findings.bad(
            "QIDO-RS",
            "/studies/{study}/series: " + says(series) + ", without a series",
            Side::theirs,
            "it must list the series of a study (PS3.18 10.6.1)"
        );
        co_return std::nullopt;
    }
    const std::string series_of = series.first(tag::series_instance_uid);
    const std::string path = "/studies/" + study + "/series/" + series_of + "/instances";
    co_await try_keys(room, "/studies/" + study + "/series", series_probes);
    const auto instances = co_await search(room.client, path + "?limit=1");
    if (instances.count() == 0) {
        room.findings.bad(
            "QIDO-RS",
            "/studies/{study}/series/{series}/instances: " + says(instances) + ", without any",
            Side::theirs,
            "it must list the instances of a series (PS3.18 10.6.1)"
        );
        co_return std::nullopt;
    }
    co_await try_keys(room, path, instance_probes);
    const auto uid = [](std::string_view text) { return Uid::parse(text).value_or(Uid{}); };
    InstanceKey key{uid(study), uid(series_of), {}, {}};
    key.sop = {
        uid(instances.first(tag::sop_class_uid)), uid(instances.first(tag::sop_instance_uid))
    };
    co_return key;
}

} // namespace

asio::awaitable<std::optional<InstanceKey>>
examine_search(web::Client& client, Findings& findings, OriginProfile& profile)
{
    Room room{client, findings, profile};
    const auto first = co_await search(client, "/studies?limit=1");
    if (!first.well())
        co_return std::nullopt; // that has been said
    if (first.count() == 0) {
        findings.note("QIDO-RS", "there is no study: nothing more can be tried");
        co_return std::nullopt;
    }
    if (first.count() > 1)
        findings.note("paging", "limit is ignored");
    const std::string study = first.first(tag::study_instance_uid);
    co_await try_offset(room, study);
    co_await try_page(room);
    co_await try_keys(room, "/studies", study_probes);
    co_await try_caret(room, first.first(mapping::key::patient_name));
    profile.search.relational_series = co_await try_resource(room, "/series");
    profile.search.relational_instances = co_await try_resource(room, "/instances");
    profile.search.study_instances =
        co_await try_resource(room, "/studies/" + study + "/instances");
    co_return co_await some_instance(room, study);
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry::cli
