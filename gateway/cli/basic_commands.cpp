// version, check, serve, status.
#include "config/load.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/print.h"
#include "gateway/error.h"
#include "gateway/face_options.h"
#include "gateway/operation/control.h"
#include "gateway/operation/status.h"
#include "gateway/origins/origin_profile.h"
#include "gateway/serve.h"

#include <dcmtk/config/osconfig.h>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <boost/version.hpp>
#include <openssl/crypto.h>
#include <sqlite3.h>

#include <iostream>

namespace gantry::cli {

namespace json = boost::json;

int version(const Context& context)
{
    if (context.json) {
        print_json(
            {{"version", GANTRY_VERSION},
             {"dcmtk", PACKAGE_VERSION},
             {"boost", BOOST_LIB_VERSION},
             {"sqlite", ::sqlite3_libversion()},
             {"openssl", ::OpenSSL_version(OPENSSL_VERSION_STRING)}}
        );
        return Exit::done;
    }
    print_line("gantry " GANTRY_VERSION);
    print_line(
        std::string("DCMTK " PACKAGE_VERSION ", Boost " BOOST_LIB_VERSION ", SQLite ") +
        ::sqlite3_libversion() + ", OpenSSL " + ::OpenSSL_version(OPENSSL_VERSION_STRING)
    );
    return Exit::done;
}

namespace {

/// What a profile says that nobody knows would be known of the archive, and is not.
void judge_profiles(config::LoadReport& report)
{
    for (const config::Origin& origin : report.config.origins) {
        if (origin.profile.empty())
            continue;
        if (const auto profile = load_origin_profile(origin.profile); !profile)
            report.problems.push_back(
                {config::Severity::error,
                 {},
                 "the profile of " + origin.name + ": " + profile.error().detail}
            );
    }
}

/// What the file asks for and this release does not do is a problem of the file, too.
config::LoadReport load_and_judge(const std::filesystem::path& file)
{
    config::LoadReport report = config::load(file);
    if (!report.ok())
        return report;
    for (const std::string& what : not_offered(report.config))
        report.problems.push_back(
            {config::Severity::error, {}, what + ": this version does not offer that yet"}
        );
    judge_profiles(report);
    return report;
}

} // namespace

int check(const Context& context)
{
    const config::LoadReport report = load_and_judge(context.config);
    if (context.json) {
        json::array problems;
        for (const config::Problem& each : report.problems)
            problems.push_back(json::object{
                {"line", each.place.line},
                {"column", each.place.column},
                {"severity", each.severity == config::Severity::error ? "error" : "warning"},
                {"message", each.message},
            });
        print_json({{"file", report.name}, {"ok", report.ok()}, {"problems", std::move(problems)}});
    } else {
        std::cerr << report.text();
        if (report.ok())
            print_line(report.name + " is good");
    }
    return report.ok() ? Exit::done : Exit::wrong_usage;
}

int serve(const Context& context)
{
    const config::LoadReport report = load_and_judge(context.config);
    std::cerr << report.text();
    if (!report.ok())
        return Exit::wrong_usage;
    return gantry::serve(report.config);
}

int status(const Context& context)
{
    const auto config = load_config(context);
    if (!config)
        return Exit::wrong_usage;
    const operation::ControlClient service(config->control_socket());
    const auto answer = service.call("status", {}, [](const json::object&) {});
    if (!answer)
        return complain(answer.error());
    if (context.json)
        print_json(answer->as_object());
    else
        std::cout << operation::status_text(answer->as_object());
    return Exit::done;
}

} // namespace gantry::cli
