#include "config/load.h"
#include "config/secret.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sys/stat.h>

using namespace gantry::config;
namespace fs = std::filesystem;

namespace {

struct Folder {
    Folder()
    {
        std::string pattern = (fs::temp_directory_path() / "gantry-config-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }

    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    ~Folder() { fs::remove_all(path); }

    fs::path file(const std::string& name, const std::string& text, mode_t mode) const
    {
        std::ofstream(path / name) << text;
        REQUIRE(::chmod((path / name).c_str(), mode) == 0);
        return path / name;
    }

    fs::path path;
};

} // namespace

TEST_CASE("a secret file is readable by its owner and group only")
{
    const Folder folder;
    CHECK(check_secret_file(folder.file("owner", "x", 0600)).has_value());
    CHECK(check_secret_file(folder.file("group", "x", 0640)).has_value());
    CHECK(
        check_secret_file(folder.file("world", "x", 0644)).error().detail.find("chmod") !=
        std::string::npos
    );
    CHECK(check_secret_file(folder.file("writable", "x", 0660)).has_error());
    CHECK(
        check_secret_file(folder.path / "absent").error().detail.find("absent") != std::string::npos
    );
    CHECK(
        check_secret_file(folder.path).error().detail.find("not a regular file") !=
        std::string::npos
    );
}

TEST_CASE("a pipe in the place of a secret does not hang")
{
    const Folder folder;
    const fs::path pipe = folder.path / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(check_secret_file(pipe).has_error());
    CHECK(read_secret(pipe).has_error());
}

TEST_CASE("a secret is the first line of its file")
{
    const Folder folder;
    CHECK(*read_secret(folder.file("plain", "hunter2\n", 0600)) == "hunter2");
    CHECK(*read_secret(folder.file("spaced", "  hunter 2 \r\nrest\n", 0600)) == "hunter 2");
    CHECK(read_secret(folder.file("empty", "", 0600)).has_error());
    CHECK(read_secret(folder.file("blank", "\nlater", 0600)).has_error());
    CHECK(read_secret(folder.file("large", std::string(20'000, 'x'), 0600)).has_error());
}

TEST_CASE("the configuration names the secret file that others can read, and its line")
{
    const Folder folder;
    const fs::path open = folder.file("open", "x", 0644);
    const fs::path closed = folder.file("closed", "x", 0600);
    const auto text = [](const fs::path& file) {
        return "origins:\n  - name: cloud\n    kind: dicomweb\n    url: https://pacs/dicom-web\n   "
               " auth:\n"
               "      kind: bearer\n      token_file: " +
               file.string() + "\nroutes: {dimse: {store: cloud}}\n";
    };
    const LoadReport bad = load_text(text(open), "gantry.yaml");
    REQUIRE(bad.problems.size() == 1);
    CHECK(bad.problems[0].place == Place{7, 19});
    CHECK(bad.problems[0].message.find("open to others") != std::string::npos);
    const LoadReport good = load_text(text(closed), "gantry.yaml");
    CHECK_MESSAGE(good.ok(), good.text());
    CHECK(good.config.origins.at(0).web.auth.token_file == closed);
}

TEST_CASE("TLS files must be there and a key must be private")
{
    const Folder folder;
    const fs::path key = folder.file("key.pem", "x", 0644);
    const LoadReport report = load_text(
        "origins: [{name: here, kind: local}]\nroutes: {web: {store: here}}\nweb:\n  tls:\n"
        "    listen: \"0.0.0.0:8443\"\n    certificate: /nowhere/web.pem\n    private_key: " +
            key.string() + "\n",
        "gantry.yaml"
    );
    REQUIRE(report.problems.size() == 2);
    CHECK(report.problems[0].place.line == 6);
    CHECK(
        report.problems[0].message.find("/nowhere/web.pem: cannot be read: No such file") !=
        std::string::npos
    );
    CHECK(report.problems[1].place.line == 7);
    CHECK(report.problems[1].message.find("chmod") != std::string::npos);
}

TEST_CASE("a configuration that is absent, a folder or too large is named")
{
    const Folder folder;
    CHECK(
        load(folder.path / "absent.yaml").text().find("absent.yaml: error: ") != std::string::npos
    );
    CHECK_FALSE(load(folder.path).ok());
    const LoadReport large =
        load(folder.file("large.yaml", std::string((1U << 20U) + 1, '#'), 0600));
    REQUIRE(large.problems.size() == 1);
    CHECK(large.problems[0].message.find("larger than 1 MiB") != std::string::npos);
    CHECK(load(folder.file("comment.yaml", std::string(1U << 20U, '#'), 0600)).ok());
}
