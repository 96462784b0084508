#include "mapping/stow_outcome.h"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <string>

using namespace gantry;
using namespace gantry::mapping;

namespace {

const Uid ct = *Uid::parse("1.2.840.10008.5.1.4.1.1.2");
const Uid one = *Uid::parse("1.2.3.1");
const Uid two = *Uid::parse("1.2.3.2");

constexpr std::string_view json_type = "application/dicom+json";
constexpr std::string_view xml_type = "application/dicom+xml";

std::string describe(const StowReport& report)
{
    std::string text;
    for (const InstanceOutcome& o : report.instances) {
        text += o.sop.sop_instance.str();
        if (o.warning_reason)
            text += " warning " + std::to_string(*o.warning_reason);
        if (o.failure_reason)
            text += " failure " + std::to_string(*o.failure_reason);
        text += o.coerced ? " coerced;" : ";";
    }
    for (const std::uint16_t reason : report.other_failures)
        text += " other " + std::to_string(reason);
    return text;
}

StowReport failed_with(std::uint16_t reason)
{
    StowReport report;
    InstanceOutcome outcome{{ct, one}};
    outcome.failure_reason = reason;
    report.instances.push_back(outcome);
    return report;
}

StowReport stored_with(std::optional<std::uint16_t> warning, bool coerced = false)
{
    StowReport report;
    InstanceOutcome outcome{{ct, one}};
    outcome.warning_reason = warning;
    outcome.coerced = coerced;
    report.instances.push_back(outcome);
    return report;
}

} // namespace

TEST_CASE("what became of each instance is read from whatever form a server gives it")
{
    struct Row {
        const char* says;
        std::string_view type;
        std::string body;
        std::string reads;
    };

    const Row rows[] = {
        {"as the standard has it",
         json_type,
         R"({"00081190":{"vr":"UR","Value":["http://a/studies/1"]},
             "00081198":{"vr":"SQ","Value":[{"00081150":{"vr":"UI","Value":["1.2"]},
               "00081155":{"vr":"UI","Value":["1.2.3.2"]},"00081197":{"vr":"US","Value":[43264]}}]},
             "00081199":{"vr":"SQ","Value":[{"00081150":{"vr":"UI","Value":["1.2"]},
               "00081155":{"vr":"UI","Value":["1.2.3.1"]},"00081196":{"vr":"US","Value":[45056]},
               "04000561":{"vr":"SQ","Value":[{}]}}]},
             "0008119A":{"vr":"SQ","Value":[{"00081197":{"vr":"US","Value":[49152]}}]}})",
         "1.2.3.1 warning 45056 coerced;1.2.3.2 failure 43264; other 49152"},
        {"one object in an array",
         json_type,
         R"([{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2.3.1"]}}]}}])",
         "1.2.3.1;"},
        {"a reason as text",
         json_type,
         R"({"00081198":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2.3.2"]},
             "00081197":{"vr":"US","Value":["45070"]}}]}})",
         "1.2.3.2 failure 45070;"},
        {"a reason as hexadecimal text",
         json_type,
         R"({"00081198":{"Value":[{"00081155":{"Value":["1.2.3.2"]},"00081197":{"Value":["0xA700"]}}]}})",
         "1.2.3.2 failure 42752;"},
        {"a failure without a reason is a processing failure",
         json_type,
         R"({"00081198":{"Value":[{"00081155":{"Value":["1.2.3.2"]}}]}})",
         "1.2.3.2 failure 272;"},
        {"a reason that is none",
         json_type,
         R"({"00081198":{"Value":[{"00081155":{"Value":["1.2.3.2"]},"00081197":{"Value":[-1]}}]}})",
         "1.2.3.2 failure 272;"},
        {"lower-case tags, no array, no vr",
         json_type,
         R"({"0008119a":{"Value":{"00081197":{"Value":49152}}},"00081199":{"Value":null}})",
         " other 49152"},
        {"empty items and values",
         json_type,
         R"({"00081198":{"vr":"SQ","Value":[{}]},"0008119A":{"vr":"SQ","Value":[{},null]},
             "00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":[]}},
             {"00081155":{"vr":"UI","Value":["1.2.3.1"]},"00081196":{"vr":"US"}}]}})",
         "1.2.3.1;"},
        {"a failure that names nobody",
         json_type,
         R"({"00081198":{"Value":[{"00081197":{"Value":[42752]}}]}})",
         " other 42752"},
        {"empty object", json_type, "{}", ""},
        {"empty array", json_type, "[]", ""},
        {"empty body", json_type, "", ""},
        {"white space", "", " \r\n", ""},
        {"another name for JSON, with a byte order mark", "application/json", "\xef\xbb\xbf {}", ""
        },
        {"JSON under the name of XML",
         xml_type,
         R"({"00081199":{"Value":[{"00081155":{"Value":["1.2.3.1"]}}]}})",
         "1.2.3.1;"},
        {"XML",
         xml_type,
         R"(<?xml version="1.0" encoding="utf-8"?><!-- of a server -->
           <NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">
           <DicomAttribute keyword="FailedSOPSequence" tag="00081198" vr="SQ"><Item number="1">
             <DicomAttribute tag='00081155' vr='UI'><Value number="1">1.2.3.2</Value></DicomAttribute>
             <DicomAttribute tag="00081197" vr="US"><Value number="1">49442</Value></DicomAttribute>
           </Item></DicomAttribute>
           <DicomAttribute tag="00081199" vr="SQ"><Item number="1">
             <DicomAttribute tag="00081155" vr="UI"><Value number="1">1&#46;2.3.1</Value></DicomAttribute>
             <DicomAttribute tag="00100010" vr="PN"><PersonName number="1"><Alphabetic><FamilyName>&lt;</FamilyName>
               </Alphabetic></PersonName></DicomAttribute>
             <DicomAttribute tag="00081196" vr="US"/>
           </Item><Item number="2"/></DicomAttribute></NativeDicomModel>)",
         "1.2.3.1;1.2.3.2 failure 49442;"},
        {"XML with a prefix and no declared type",
         "",
         R"(<d:NativeDicomModel><d:DicomAttribute tag="0008119A" vr="SQ"><d:Item><d:DicomAttribute tag="00081197">
            <d:Value><![CDATA[272]]></d:Value></d:DicomAttribute></d:Item></d:DicomAttribute></d:NativeDicomModel>)",
         " other 272"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto report = read_stow_report(row.type, row.body);
        REQUIRE_MESSAGE(report.has_value(), (report ? "" : report.error().text()));
        CHECK(describe(*report) == row.reads);
    }
}

TEST_CASE("a response that is neither JSON nor the native model is refused")
{
    struct Row {
        const char* says;
        std::string_view type;
        std::string body;
        Errc code;
    };

    std::string deep;
    for (int i = 0; i < 200; ++i)
        deep += R"(<DicomAttribute tag="0008119A"><Item>)";
    const Row rows[] = {
        {"half an object", json_type, R"({"00081199":{"vr")", Errc::malformed},
        {"a web page", "text/html", "<!DOCTYPE html><html></html>", Errc::malformed},
        {"text", json_type, "stored", Errc::malformed},
        {"two objects", json_type, "[{},{}]", Errc::malformed},
        {"a number", json_type, "200", Errc::malformed},
        {"a deep array", json_type, std::string(100, '['), Errc::too_deep},
        {"deep XML", xml_type, "<NativeDicomModel>" + deep, Errc::too_deep},
        {"an external entity",
         xml_type,
         "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><NativeDicomModel/>",
         Errc::malformed},
        {"an unknown entity",
         xml_type,
         R"(<NativeDicomModel><DicomAttribute tag="1"><Value>&x;</Value></DicomAttribute></NativeDicomModel>)",
         Errc::malformed},
        {"XML without its end",
         xml_type,
         R"(<NativeDicomModel><DicomAttribute tag="0008119A">)",
         Errc::malformed},
        {"XML with the wrong end", xml_type, "<NativeDicomModel></Other>", Errc::malformed},
        {"beyond any size", json_type, std::string((16U << 20U) + 1, ' '), Errc::too_large},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto report = read_stow_report(row.type, row.body);
        REQUIRE_FALSE(report.has_value());
        CHECK(report.error().code == row.code);
    }
}

TEST_CASE("an instance that a server lists as stored and as failed has failed")
{
    StowReport report = stored_with({});
    report.instances.push_back(failed_with(0xa900).instances.front());
    CHECK(report.find(one)->failure_reason == 0xa900);
    std::swap(report.instances.front(), report.instances.back());
    CHECK(report.find(one)->failure_reason == 0xa900);
    CHECK(report.find(two) == nullptr);
}

TEST_CASE("what the archive says of an instance decides (PS3.18 I.2, PS3.4 B.2.3)")
{
    struct Row {
        const char* says;
        StowReport report;
        Decision decision;
        unsigned attempts;
        std::uint16_t status;
        bool alarm;
    };

    const Row rows[] = {
        {"stored", stored_with({}), Decision::delivered, 0, 0x0000, false},
        {"coerced", stored_with(0xb000), Decision::delivered_with_warning, 0, 0xb000, false},
        {"elements discarded",
         stored_with(0xb006),
         Decision::delivered_with_warning,
         0,
         0xb006,
         false},
        {"does not match its class",
         stored_with(0xb007),
         Decision::delivered_with_warning,
         0,
         0xb007,
         false},
        {"a warning of its own", stored_with(1), Decision::delivered_with_warning, 0, 0xb007, false
        },
        {"a warning of its own, coerced",
         stored_with(1, true),
         Decision::delivered_with_warning,
         0,
         0xb000,
         false},
        {"out of resources", failed_with(0xa7ff), Decision::retry, 0, 0xa700, false},
        {"mismatch", failed_with(0xa901), Decision::fail, 0, 0xa900, false},
        {"syntax", failed_with(0xc122), Decision::transcode, 0, 0xc122, false},
        {"not understood", failed_with(0xc123), Decision::fail, 0, 0xc123, false},
        {"processing failure", failed_with(0x0110), Decision::retry_limited, 3, 0xc000, false},
        {"class", failed_with(0x0122), Decision::fail, 0, 0x0122, false},
        {"not authorised", failed_with(0x0124), Decision::hold_and_alarm, 0, 0x0124, true},
        {"invalid instance", failed_with(0x0117), Decision::fail, 0, 0x0117, false},
        {"duplicate", failed_with(0x0111), Decision::conflict_check, 0, 0xa900, false},
        {"Azure: exists", failed_with(45070), Decision::conflict_check, 0, 0xa900, false},
        {"Azure: being stored", failed_with(45071), Decision::retry, 0, 0xa700, false},
        {"Azure: study mismatch", failed_with(43265), Decision::fail, 0, 0xa900, false},
        {"what nobody documents", failed_with(7), Decision::fail, 0, 0xc000, false},
    };
    for (const Row& row : rows) {
        for (const unsigned http : {200U, 202U, 409U}) {
            CAPTURE(row.says);
            CAPTURE(http);
            const Verdict got = verdict(http, row.report, one, 10);
            CHECK(got.decision == row.decision);
            CHECK(got.max_attempts == row.attempts);
            CHECK(got.status.code == row.status);
            CHECK(got.status.comment.size() <= 64);
            CHECK(got.alarm == row.alarm);
            CHECK_FALSE(got.reason.empty());
        }
    }
}

TEST_CASE("without a word about the instance the HTTP status decides, and none means success")
{
    struct Row {
        unsigned http;
        Decision alone;
        Decision of_many;
        std::uint16_t status;
    };

    const Row rows[] = {
        {200, Decision::verify, Decision::verify, 0xc000},
        {202, Decision::verify, Decision::verify, 0xc000},
        {204, Decision::verify, Decision::verify, 0xc000},
        {302, Decision::hold_and_alarm, Decision::hold_and_alarm, 0xc000},
        {400, Decision::fail, Decision::split, 0xc000},
        {401, Decision::refresh_token, Decision::refresh_token, 0x0124},
        {403, Decision::hold_and_alarm, Decision::hold_and_alarm, 0x0124},
        {404, Decision::hold_and_alarm, Decision::hold_and_alarm, 0xc000},
        {405, Decision::hold_and_alarm, Decision::hold_and_alarm, 0xc000},
        {406, Decision::hold_and_alarm, Decision::hold_and_alarm, 0xc000},
        {407, Decision::hold_and_alarm, Decision::hold_and_alarm, 0x0124},
        {408, Decision::retry, Decision::retry, 0xa700},
        {409, Decision::conflict_check, Decision::split, 0xa900},
        {410, Decision::hold_and_alarm, Decision::hold_and_alarm, 0xc000},
        {411, Decision::retry_limited, Decision::retry_limited, 0xc000},
        {413, Decision::fail, Decision::split, 0xa700},
        {415, Decision::hold_and_alarm, Decision::hold_and_alarm, 0xc000},
        {422, Decision::fail, Decision::split, 0xc000},
        {424, Decision::retry_limited, Decision::retry_limited, 0xc000},
        {425, Decision::retry, Decision::retry, 0xa700},
        {429, Decision::retry, Decision::retry, 0xa700},
        {500, Decision::retry_limited, Decision::split, 0xa700},
        {501, Decision::fail, Decision::split, 0x0122},
        {502, Decision::retry_limited, Decision::retry_limited, 0xa700},
        {503, Decision::retry, Decision::retry, 0xa700},
        {504, Decision::retry, Decision::retry, 0xa700},
        {505, Decision::retry_limited, Decision::retry_limited, 0xa700},
        {507, Decision::retry, Decision::retry, 0xa700},
        {0, Decision::retry_limited, Decision::retry_limited, 0xa700},
        {999, Decision::retry_limited, Decision::retry_limited, 0xa700},
    };
    for (const Row& row : rows) {
        CAPTURE(row.http);
        // no report, an empty one, and one that speaks of another instance
        for (const auto& report : {std::optional<StowReport>(), std::optional(StowReport())}) {
            const Verdict alone = verdict(row.http, report, one, 1);
            CHECK(alone.decision == row.alone);
            CHECK(alone.status.code == row.status);
            CHECK((alone.max_attempts > 0) == (alone.decision == Decision::retry_limited));
            CHECK(alone.alarm == (alone.decision == Decision::hold_and_alarm));
        }
        CHECK(verdict(row.http, failed_with(0xa700), two, 2).decision == row.of_many);
    }
}

TEST_CASE("a part that the archive could not name is ours where there was no other")
{
    StowReport report;
    report.other_failures = {0xc000};
    CHECK(verdict(409, report, one, 1).decision == Decision::fail);
    CHECK(verdict(409, report, one, 2).decision == Decision::split);
}

TEST_CASE("a status that contradicts its report is looked into")
{
    CHECK(verdict(503, stored_with({}), one, 1).decision == Decision::verify);
    CHECK(verdict(400, failed_with(0xa900), one, 2).decision == Decision::fail);
}

TEST_CASE("without any response the question is whether it may have been stored")
{
    CHECK(verdict(NoAnswer::unreachable).decision == Decision::retry);
    CHECK_FALSE(verdict(NoAnswer::unreachable).alarm);
    CHECK(verdict(NoAnswer::bad_certificate).decision == Decision::retry);
    CHECK(verdict(NoAnswer::bad_certificate).alarm);
    CHECK(verdict(NoAnswer::unknown_outcome).decision == Decision::verify);
    CHECK(verdict(NoAnswer::unknown_outcome).status.code == 0xa700);
}

TEST_CASE(
    "our own response says what became of each part, and its status of the mix (PS3.18 10.5.3)"
)
{
    struct Row {
        const char* says;
        std::vector<std::uint16_t> statuses; // of C-STORE, part by part
        std::vector<std::uint16_t> unreadable;
        unsigned http;
    };

    const Row rows[] = {
        {"all stored", {0, 0}, {}, 200},
        {"stored, one with a warning", {0, 0xb000}, {}, 202},
        {"some", {0, 0xa900}, {}, 202},
        {"stored, but for a part that nobody could read", {0}, {0xc000}, 202},
        {"none", {0xa900, 0xa700}, {}, 409},
        {"none, and it will pass", {0xa700, 0xa701}, {}, 503},
        {"nothing readable", {}, {0xc000}, 400},
        {"none stored, some unreadable", {0xa700}, {0xc000}, 409},
        {"no class supported", {0x0122}, {}, 409},
        {"no parts", {}, {}, 400},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        StowReport report;
        report.retrieve_url = "http://h/studies/1?\"x\"";
        report.other_failures = row.unreadable;
        for (const std::uint16_t status : row.statuses)
            report.instances.push_back(outcome_of_store(
                {ct, *Uid::parse("1.2." + std::to_string(report.instances.size()))}, status
            ));
        CHECK(stow_http_status(report) == row.http);
        const std::string body = stow_response_json(report);
        CHECK(boost::json::parse(body).is_object());
        const auto read = read_stow_report(json_type, body);
        REQUIRE(read.has_value());
        CHECK(read->retrieve_url == report.retrieve_url);
        CHECK(read->other_failures == report.other_failures);
        REQUIRE(read->instances.size() == report.instances.size());
        for (const InstanceOutcome& outcome : report.instances) {
            const InstanceOutcome* same = read->find(outcome.sop.sop_instance);
            REQUIRE(same != nullptr);
            CHECK(same->sop == outcome.sop);
            CHECK(same->warning_reason == outcome.warning_reason);
            CHECK(same->failure_reason == outcome.failure_reason);
        }
    }
}

TEST_CASE("a response is one object with its tags in order (PS3.18 F.2.2)")
{
    StowReport report = stored_with(0xb007);
    report.instances.front().retrieve_url = "http://h/i";
    report.instances.push_back(failed_with(0x0122).instances.front());
    CHECK(
        stow_response_json(report) ==
        R"({"00081190":{"vr":"UR"},)"
        R"("00081198":{"vr":"SQ","Value":[{"00081150":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},)"
        R"("00081155":{"vr":"UI","Value":["1.2.3.1"]},"00081197":{"vr":"US","Value":[290]}}]},)"
        R"("00081199":{"vr":"SQ","Value":[{"00081150":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},)"
        R"("00081155":{"vr":"UI","Value":["1.2.3.1"]},"00081190":{"vr":"UR","Value":["http://h/i"]},)"
        R"("00081196":{"vr":"US","Value":[45063]}}]}})"
    );
}
