// Every complaint, with its line: what `gantry check` is for.
#include "config/load.h"

#include <doctest/doctest.h>

#include <string>

using namespace gantry::config;

namespace {

struct Row {
    const char* says;
    const char* text; // appended to a valid file of two lines
    unsigned line;    // in the whole
    const char* message;
};

/// Exactly one problem of that severity, at that line, with that text.
void check_row(const Row& row, Severity severity)
{
    CAPTURE(std::string(row.says));
    const std::string base =
        "origins: [{name: here, kind: local}]\nroutes: {dimse: {store: here}}\n";
    const LoadReport report = load_text(base + row.text, "gantry.yaml");
    CAPTURE(report.text());
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].place.line == row.line);
    CHECK(report.problems[0].severity == severity);
    CHECK(report.problems[0].message.find(row.message) != std::string::npos);
    CHECK(report.ok() == (severity == Severity::warning));
}

/// As check_row, of a whole file.
void check_file_row(const Row& row, Severity severity)
{
    CAPTURE(std::string(row.says));
    const LoadReport report = load_text(row.text, "gantry.yaml");
    CAPTURE(report.text());
    bool found = false;
    for (const Problem& problem : report.problems)
        found = found || (problem.place.line == row.line && problem.severity == severity &&
                          problem.message.find(row.message) != std::string::npos);
    CHECK(found);
}

} // namespace

TEST_CASE("complaints about the top level")
{
    const Row rows[] = {
        {"an unknown key", "dimsse: {}\n", 3, "unknown key \"dimsse\": did you mean \"dimse\"?"},
        {"a key unlike any other", "colour: red\n", 3, "unknown key \"colour\""},
        {"a section that is a word", "dimse: yes\n", 3, "dimse must be a mapping"},
        {"a section that is a list",
         "web: [1]\n",
         3,
         "web must be a mapping (key: value), not a list"},
        {"a relative state folder", "state_dir: var/lib\n", 3, "must be a path from the root"},
        {"an odd log level", "log_level: loud\n", 3, "\"loud\" is none of: debug, info, warn, error"
        },
        {"a bad duration", "drain_timeout: 30\n", 3, "drain_timeout: \"30\" is not a duration"},
        {"a bad size", "custody:\n  min_free: 5GB\n", 4, "\"5GB\" is not a size"},
        {"a size too small", "custody: {min_free: 1KiB}\n", 3, "1KiB is too small: at least 16MiB"},
        {"an impossible number", "custody: {max_queued: 0}\n", 3, "0 is impossible: at least 1"},
        {"a word for a number", "custody: {max_queued: many}\n", 3, "\"many\" is not a whole number"
        },
        {"a negative number", "custody: {max_queued: -4}\n", 3, "\"-4\" is not a whole number"},
        {"a list for a value",
         "custody: {max_queued: [1]}\n",
         3,
         "must be a single value, not a list"},
        {"a ledger that forgets early",
         "custody: {keep_delivered: 2d, ledger_age: 1d}\n",
         3,
         "shorter than keep_delivered"},
        {"no time to commit", "commit: {deadline: 0s}\n", 3, "0s is too short: at least 1ms"},
    };
    for (const Row& row : rows)
        check_row(row, Severity::error);
}

TEST_CASE("complaints about where gantry listens")
{
    const Row rows[] = {
        {"no port", "dimse: {listen: 0.0.0.0}\n", 3, "not an address to listen on"},
        {"a name",
         "dimse: {listen: [\"0.0.0.0:1\", \"localhost:104\"]}\n",
         3,
         "\"localhost:104\" is not an address"},
        {"a port out of range",
         "web: {listen: \"127.0.0.1:70000\"}\n",
         3,
         "a number from 1 to 65535"},
        {"the same port twice",
         "web:\n  listen: \"127.0.0.1:8081\"\nadmin:\n  listen: \"127.0.0.1:8081\"\n",
         6,
         "admin.listen: port 8081 is already taken by web.listen in line 4"},
        {"the same port through any address",
         "dimse: {listen: \"0.0.0.0:8081\"}\nadmin:\n  listen: \"127.0.0.1:8081\"\n",
         5,
         "already taken by dimse.listen"},
        {"two admin addresses",
         "admin: {listen: [\"127.0.0.1:1\", \"127.0.0.1:2\"]}\n",
         3,
         "must be one address"},
        {"a root with a query", "web: {root: \"/x?y\"}\n", 3, "must be a path such as /dicom-web"},
        {"a viewer's page for its origin",
         "web: {cors: {origins: [\"https://viewer.example.org/index.html\"]}}\n",
         3,
         "is no origin such as https://viewer.example.org"},
        {"a viewer's host for its origin",
         "web: {cors: {origins: [viewer.example.org]}}\n",
         3,
         "\"viewer.example.org\" is no origin"},
        {"an answer that is none",
         "web: {store_answer: stored}\n",
         3,
         "\"stored\" is none of: custody, delivered"},
        {"a root without a slash", "web: {root: x}\n", 3, "must be a path such as /dicom-web"},
    };
    for (const Row& row : rows)
        check_row(row, Severity::error);
}

TEST_CASE("complaints about the DIMSE face")
{
    const Row rows[] = {
        {"an AE title too long", "dimse: {ae_title: SEVENTEENLETTERSX}\n", 3, "is not an AE title"},
        {"an AE title with a backslash", "dimse: {ae_title: 'A\\B'}\n", 3, "is not an AE title"},
        {"an empty AE title", "dimse: {ae_title: ''}\n", 3, "is not an AE title"},
        {"a PDU too small", "dimse: {pdu_size: 4095}\n", 3, "from 4096 to 131072"},
        {"a PDU too large", "dimse: {pdu_size: 131073}\n", 3, "from 4096 to 131072"},
        {"no associations", "dimse: {max_associations: 0}\n", 3, "0 is impossible: from 1 to 1024"},
        {"more for one than for all",
         "dimse:\n  max_associations: 4\n  max_associations_per_peer: 5\n",
         5,
         "one peer cannot have more associations than all together"},
        {"no patience",
         "dimse:\n  timeouts:\n    acse: 0s\n",
         5,
         "dimse.timeouts.acse: 0s is too short"},
        {"an odd word", "dimse: {unknown_peers: maybe}\n", 3, "\"maybe\" is none of: refuse, allow"
        },
        {"an odd timeout", "dimse: {timeouts: {asce: 5s}}\n", 3, "did you mean \"acse\""},
    };
    for (const Row& row : rows)
        check_row(row, Severity::error);
}

TEST_CASE("complaints about peers")
{
    const Row rows[] = {
        {"no AE title", "peers:\n  - {host: 10.0.0.1}\n", 4, "peers[1].ae_title is missing"},
        {"a word for a peer", "peers: [CT1]\n", 3, "peers[1] must be a mapping"},
        {"the same title twice",
         "peers:\n  - {ae_title: A}\n  - {ae_title: B}\n  - {ae_title: A}\n",
         6,
         "A is given twice, the first time in line 4"},
        {"an odd permission",
         "peers: [{ae_title: A, may: [echo, stor]}]\n",
         3,
         "\"stor\" is none of: echo, store"},
        {"port 0", "peers: [{ae_title: A, port: 0}]\n", 3, "0 is impossible: from 1 to 65535"},
        {"an odd host",
         "peers: [{ae_title: A, host: \"10.0.0.1:104\"}]\n",
         3,
         "neither a host name nor an IP address"},
        {"an odd character set",
         "peers: [{ae_title: A, character_set: ISO_IR100}]\n",
         3,
         "did you mean \"ISO_IR 100\""},
        {"an odd transfer syntax",
         "peers: [{ae_title: A, transfer_syntaxes: [JPEG]}]\n",
         3,
         "\"JPEG\" is no transfer syntax"},
        {"TLS, which is not there yet",
         "peers: [{ae_title: A, tls: true}]\n",
         3,
         "this version cannot do that yet"},
    };
    for (const Row& row : rows)
        check_row(row, Severity::error);
}

TEST_CASE("complaints about routes and the origins they name")
{
    const Row rows[] = {
        {"an unknown origin",
         "origins: [{name: cloud, kind: local}]\nroutes:\n  dimse:\n    store: [cloud]\n    find: "
         "clod\n",
         5,
         "routes.dimse.find: there is no origin \"clod\": did you mean \"cloud\"?"},
        {"an unknown origin in a list",
         "origins: [{name: a, kind: local}]\nroutes:\n  web:\n    store:\n      - a\n      - b\n",
         6,
         "there is no origin \"b\""},
        {"an origin twice in a list",
         "origins: [{name: a, kind: local}]\nroutes:\n  web: {store: [a, a]}\n",
         3,
         "a is named twice"},
        {"a list where one must be",
         "origins: [{name: a, kind: local}]\nroutes:\n  web: {commit: [a]}\n",
         3,
         "must be a single value"},
        {"several origins behind the web face",
         "origins: [{name: a, kind: local}, {name: b, kind: local}]\nroutes:\n  web: {store: a, "
         "find: "
         "[a, b]}\n",
         3,
         "one origin: only routes.dimse asks several"},
        {"an unknown origin among those that are asked",
         "origins: [{name: a, kind: local}]\nroutes:\n  dimse: {store: a, find: [a, b]}\n",
         3,
         "there is no origin \"b\""},
        {"workitems on the DIMSE side",
         "origins: [{name: a, kind: local}]\nroutes:\n  dimse: {store: a, workitems: a}\n",
         3,
         "unknown key \"workitems\" in routes.dimse"},
        {"a circle",
         "origins:\n  - {name: a, kind: dicomweb, url: "
         "'http://localhost:8080/dicom-web'}\nroutes:\n  web: {store: a}\n",
         4,
         "is gantry itself"},
        {"a circle of questions",
         "origins:\n  - {name: a, kind: dicomweb, url: "
         "'http://localhost:8080/dicom-web'}\nroutes:\n  web: {find: a}\n",
         4,
         "routes.web.find: a is gantry itself"},
    };
    for (const Row& row : rows)
        check_file_row(row, Severity::error);
}

TEST_CASE("complaints about origins")
{
    const Row rows[] = {
        {"no kind", "origins:\n  - {name: a}\n", 2, "origins[1].kind is missing"},
        {"an odd kind",
         "origins:\n  - {name: a, kind: pacs}\n",
         2,
         "\"pacs\" is none of: dicomweb, dimse, local"},
        {"no name", "origins:\n  - {kind: local}\n", 2, "origins[1].name is missing"},
        {"an odd name", "origins:\n  - {name: a b, kind: local}\n", 2, "must be letters, digits"},
        {"a name twice",
         "origins:\n  - {name: a, kind: local}\n  - {name: a, kind: local}\n",
         3,
         "a is given twice, the first time in line 2"},
        {"DICOMweb without a URL",
         "origins:\n  - {name: a, kind: dicomweb}\n",
         2,
         "origins[1].url is missing"},
        {"a bad URL",
         "origins:\n  - {name: a, kind: dicomweb, url: 'ftp://x'}\n",
         2,
         "must begin with http:// or https://"},
        {"DIMSE without a peer",
         "origins:\n  - {name: a, kind: dimse}\n",
         2,
         "origins[1].peer is missing"},
        {"an unknown peer",
         "origins:\n  - {name: a, kind: dimse, peer: OLD}\n",
         2,
         "OLD is not in peers"},
        {"a peer that cannot be called",
         "peers: [{ae_title: OLD}]\norigins:\n  - {name: a, kind: dimse, peer: OLD}\n",
         3,
         "has no host in peers"},
        {"a URL for a peer",
         "peers: [{ae_title: P, host: h}]\norigins:\n  - {name: a, kind: dimse, peer: P, url: "
         "'http://x'}\n",
         3,
         "url: belongs to kind: dicomweb"},
        {"a way to retrieve that there is not",
         "peers: [{ae_title: P, host: h}]\norigins:\n  - {name: a, kind: dimse, peer: P, "
         "retrieve_by: pull}\n",
         3,
         "\"pull\" is none of: automatic, get, move"},
        {"a way to retrieve from the local origin",
         "origins:\n  - {name: a, kind: local, retrieve_by: get}\n",
         2,
         "retrieve_by: belongs to kind: dimse"},
        {"gantry as its own archive",
         "peers: [{ae_title: GANTRY, host: h}]\norigins:\n  - {name: a, kind: dimse, peer: "
         "GANTRY}\n",
         3,
         "GANTRY is gantry itself"},
        {"backoff the wrong way",
         "origins:\n  - name: a\n    kind: local\n    min_backoff: 1h\n    max_backoff: 1s\n",
         4,
         "min_backoff is longer than max_backoff"},
        {"no connections",
         "origins:\n  - {name: a, kind: dicomweb, url: 'http://x', connections: 0}\n",
         2,
         "from 1 to 256"},
        {"an empty batch",
         "origins:\n  - name: a\n    kind: local\n    batch: {max_instances: 0}\n",
         4,
         "origins[1].batch.max_instances: 0 is impossible"},
        {"a password in the open",
         "origins:\n  - name: a\n    kind: dicomweb\n    url: https://x\n    auth:\n      kind: "
         "basic\n      username: u\n      password: hunter2\n",
         8,
         "use password_file"},
        {"a missing password file",
         "origins:\n  - name: a\n    kind: dicomweb\n    url: https://x\n    auth: {kind: basic, "
         "username: u}\n",
         5,
         "auth.password_file is missing"},
        {"a token for basic",
         "origins:\n  - name: a\n    kind: dicomweb\n    url: https://x\n    auth: {kind: none, "
         "client_id: x}\n",
         5,
         "client_id: belongs to kind: oauth2"},
        {"no kind of auth",
         "origins:\n  - name: a\n    kind: dicomweb\n    url: https://x\n    auth: {username: x}\n",
         5,
         "auth.kind is missing"},
        {"half a client certificate",
         "origins:\n  - name: a\n    kind: dicomweb\n    url: https://x\n    tls: {certificate: "
         "/nowhere/c.pem}\n",
         5,
         "belong together"},
        {"an https proxy",
         "origins:\n  - {name: a, kind: dicomweb, url: 'http://x', proxy: 'https://p:1'}\n",
         2,
         "reached by http://"},
        {"no transfer syntax",
         "origins:\n  - {name: a, kind: local, transfer_syntaxes: []}\n",
         2,
         "must be web, as_they_are or a list"},
        {"anchored secrets are not quoted",
         "origins:\n  - {name: a, kind: dicomweb, url: 'http://u:p@x'}\n",
         2,
         "do not belong into the URL"},
    };
    for (const Row& row : rows)
        check_file_row(row, Severity::error);
}

TEST_CASE("warnings do not stop a start")
{
    const Row rows[] = {
        {"a public admin address",
         "admin: {listen: \"0.0.0.0:8081\"}\n",
         3,
         "status page and the metrics"},
    };
    for (const Row& row : rows)
        check_row(row, Severity::warning);
    const Row files[] = {
        {"an idle origin", "origins:\n  - {name: a, kind: local}\n", 2, "origin a is in no route"},
        {"a password over http",
         "origins:\n  - name: a\n    kind: dicomweb\n    url: http://x\n    auth: {kind: basic, "
         "username: u}\n",
         4,
         "in the open"},
    };
    for (const Row& row : files)
        check_file_row(row, Severity::warning);
}

TEST_CASE("all problems are reported at once, in the order of the file")
{
    const LoadReport report = load_text(
        "admin: {listen: x}\ndimse:\n  pdu_size: 1\n  ae_title: 'A\\B'\nstate_dir: x\nfoo: 1\n"
        "origins: [{name: a, kind: local}]\nroutes: {dimse: {store: b}}\n",
        "gantry.yaml"
    );
    std::vector<unsigned> lines;
    for (const Problem& problem : report.problems)
        lines.push_back(problem.place.line);
    CHECK(lines == std::vector<unsigned>{1, 3, 4, 5, 6, 7, 8});
    CHECK_FALSE(report.ok());
    CHECK(
        report.text().find(
            "gantry.yaml:3:13: error: dimse.pdu_size: 1 is impossible: from 4096 to 131072\n"
        ) != std::string::npos
    );
}

TEST_CASE("a file full of mistakes is answered with a bounded list")
{
    std::string text = "peers:\n";
    for (int i = 0; i < 5000; ++i)
        text += "  - {ae_title: 'A\\B', colour: red}\n";
    const LoadReport report = load_text(text, "gantry.yaml");
    CHECK(report.problems.size() <= Problems::most + 1);
    CHECK_FALSE(report.ok());
}
