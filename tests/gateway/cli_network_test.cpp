// gantry doctor and gantry send against parts that answer as told.
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "cli_support.h"

using namespace gantry::tests;
namespace json = boost::json;

namespace {

struct Site {
    explicit Site(const std::string& rest)
    {
        file =
            write_file(
                folder.path() / "gantry.yaml", "state_dir: " + folder.path().string() + "\n" + rest
            )
                .string();
    }

    Ran run(std::vector<std::string> words) const
    {
        words.insert(words.end(), {"-c", file});
        return run_gantry(words);
    }

    ScratchFolder folder;
    std::string file;
};

std::string with_archive(const std::string& url, const std::string& more = "")
{
    return "origins:\n  - {name: cloud, kind: dicomweb, url: \"" + url + "\"" + more +
           "}\nroutes: {dimse: {store: cloud}}\n";
}

std::string at(std::uint16_t port)
{
    return "http://127.0.0.1:" + std::to_string(port) + "/dicom-web";
}

std::string with_peer(const std::string& peer)
{
    return "peers: [" + peer +
           "]\norigins: [{name: here, kind: local}]\nroutes: {dimse: {store: here}}\n";
}

std::string peer_at(std::uint16_t port, const std::string& title = "PEER")
{
    return with_peer(
        "{ae_title: " + title + ", host: 127.0.0.1, port: " + std::to_string(port) + "}"
    );
}

} // namespace

TEST_CASE("gantry doctor judges an archive by its answers")
{
    struct Row {
        const char* says;
        FakeArchive::Answers answers;
        int status;
        const char* text;
    };

    const Row rows[] = {
        {"all is well", {200, 400}, 0, "cloud is well"},
        {"no match and a conflict", {204, 409, ""}, 0, "cloud is well"},
        {"no search", {501, 400}, 0, "it may offer no search"},
        {"a page instead of DICOMweb", {200, 400, "text/html"}, 0, "may point to a page"},
        {"credentials are wanted", {401, 401}, 1, "it asks for credentials"},
        {"reading is permitted, storing is not", {200, 403}, 1, "STOW-RS"},
        {"the path is wrong", {404, 404}, 1, "there is no store at that path"},
        {"no multipart", {200, 415}, 1, "does not take multipart/related"},
        {"a proxy that refuses uploads", {200, 413}, 1, "limit on request bodies"},
        {"the archive behind its front is down", {503, 503}, 1, "the archive behind it does not"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        const FakeArchive archive(row.answers);
        const Site site(with_archive(at(archive.port())));
        const Ran ran = site.run({"doctor", "cloud"});
        CAPTURE(ran.out);
        CHECK(ran.status == row.status);
        CHECK(has(ran.out, row.text));
    }
}

TEST_CASE("gantry doctor says which side is wrong, for scripts too")
{
    const Site nobody(with_archive(at(unused_port())));
    const Ran ran = nobody.run({"doctor", "cloud", "--json"});
    CHECK(ran.status == 1);
    const json::value report = json::parse(ran.out);
    CHECK_FALSE(report.at("ok").as_bool());
    CHECK(report.at("steps").at(0).at("step").as_string() == "connect");
    CHECK(report.at("steps").at(0).at("side").as_string() == "the network between");
    const Site lost(with_archive("http://no-such-host.invalid/dicom-web"));
    const Ran unresolved = lost.run({"doctor", "cloud"});
    CHECK(unresolved.status == 1);
    CHECK(has(unresolved.out, "look at this side: url of the origin"));
}

TEST_CASE("gantry doctor notices what does not speak HTTP or has no token")
{
    const FakePeer not_http;
    const Site site(with_archive(at(not_http.port())));
    const Ran ran = site.run({"doctor", "cloud"});
    CHECK(ran.status == 1);
    CHECK(has(ran.out, "did not answer like a web server"));
    const FakeArchive archive({});
    const ScratchFolder folder;
    const auto token = write_file(folder.path() / "token", "\n");
    std::filesystem::permissions(token, std::filesystem::perms::owner_read);
    const Site empty(with_archive(
        at(archive.port()), ", auth: {kind: bearer, token_file: " + token.string() + "}"
    ));
    const Ran tokenless = empty.run({"doctor", "cloud"});
    CHECK(tokenless.status == 1);
    CHECK(has(tokenless.out, "auth of the origin"));
}

TEST_CASE("gantry doctor verifies a peer and lists what it accepts")
{
    const FakePeer peer;
    const Site site(peer_at(peer.port()));
    const Ran ran = site.run({"doctor", "PEER"});
    CAPTURE(ran.out);
    CHECK(ran.status == 0);
    CHECK(has(ran.out, "C-ECHO: answered by PEER"));
    CHECK(has(ran.out, "accepts CT, Enhanced CT, MR"));
    CHECK(has(ran.out, "accepts CT in RLE Lossless"));
    CHECK(has(ran.out, "PEER is well"));
}

TEST_CASE("gantry doctor says why a peer does not talk with us")
{
    const FakePeer peer;
    const Site other_title(peer_at(peer.port(), "OTHER"));
    const Ran called = other_title.run({"doctor", "OTHER"});
    CHECK(called.status == 1);
    CHECK(has(called.out, "look at this side: the peer does not call itself OTHER"));
    const Site unknown("dimse: {ae_title: STRANGER}\n" + peer_at(peer.port()));
    const Ran calling = unknown.run({"doctor", "PEER"});
    CHECK(calling.status == 1);
    CHECK(
        has(calling.out,
            "look at the other side: it does not know us: its administrator must enter AE title "
            "STRANGER")
    );
    const Site nobody(peer_at(unused_port()));
    const Ran closed = nobody.run({"doctor", "PEER"});
    CHECK(closed.status == 1);
    CHECK(has(closed.out, "look at the network between"));
    const Site mute(with_peer("{ae_title: CT1}"));
    CHECK(has(mute.run({"doctor", "CT1"}).out, "it calls us, we cannot call it"));
    CHECK(nobody.run({"doctor", "nowhere"}).status == 2);
}

TEST_CASE("gantry doctor looks at the folder of a local origin")
{
    const Site site("origins: [{name: here, kind: local}]\nroutes: {dimse: {store: "
                    "here}}\ncustody: {min_free: 16MiB}\n");
    const Ran ran = site.run({"doctor", "here"});
    CHECK(ran.status == 0);
    CHECK(has(ran.out, "MiB free"));
    const Site full("origins: [{name: here, kind: local}]\nroutes: {dimse: {store: "
                    "here}}\ncustody: {min_free: 1000000TiB}\n");
    CHECK(full.run({"doctor", "here"}).status == 1);
}

TEST_CASE("gantry send stores files and folders at a peer, byte for byte")
{
    const FakePeer peer;
    const Site site(peer_at(peer.port()));
    const auto images = site.folder.path() / "images" / "deep";
    std::filesystem::create_directories(images);
    for (int i = 1; i <= 8; ++i)
        write_file(images / std::to_string(i), small_ct("1.2.3." + std::to_string(i)));
    write_file(
        images / "README", "not an image, and long enough to be looked at by those who read it"
    );
    const auto single = write_file(site.folder.path() / "single.dcm", small_ct("1.2.3.100"));
    const Ran ran =
        site.run({"send", "--to", "PEER", (site.folder.path() / "images").string(), single.string()}
        );
    CAPTURE(ran.err);
    CHECK(ran.status == 0);
    CHECK(has(ran.out, "9 of 9 stored at PEER, 1 files that are not DICOM left out"));
    const auto received = peer.received();
    CHECK(received.size() == 9);
    CHECK(received.at("1.2.3.100") == small_ct_data_set("1.2.3.100"));
}

TEST_CASE("gantry send says which file was refused and exits 1")
{
    const FakePeer peer;
    const Site site(peer_at(peer.port()));
    const auto good = write_file(site.folder.path() / "good.dcm", small_ct("1.2.3.1"));
    const auto bad = write_file(site.folder.path() / "bad.dcm", small_ct("1.2.3.9"));
    const Ran ran = site.run({"send", "--to", "PEER", bad.string(), good.string()});
    CHECK(ran.status == 1);
    CHECK(has(ran.err, "bad.dcm: A900"));
    CHECK(has(ran.out, "1 of 2 stored at PEER"));
    const Ran for_scripts = site.run({"send", "--json", "--to", "PEER", good.string()});
    CHECK(for_scripts.status == 0);
    CHECK(json::parse(for_scripts.out).at("stored").as_bool());
    const auto text =
        write_file(site.folder.path() / "text", "not an image at all, whatever its name may say");
    const Ran named = site.run({"send", "--to", "PEER", text.string(), good.string()});
    CHECK(named.status == 1);
    CHECK(has(named.err, "text: "));
}

TEST_CASE("gantry send takes an address and a calling AE title")
{
    const FakePeer peer;
    const Site site(peer_at(unused_port()));
    const auto image = write_file(site.folder.path() / "image", small_ct("1.2.3.1")).string();
    const std::string address = "127.0.0.1:" + std::to_string(peer.port());
    CHECK(site.run({"send", image, "--to", "PEER"}).status == 1);
    CHECK(site.run({"send", image, "--to", "PEER", "--address", address}).status == 0);
    const Ran stranger =
        site.run({"send", image, "--to", "PEER", "--address", address, "--calling", "STRANGER"});
    CHECK(stranger.status == 1);
    CHECK(has(stranger.err, "calling AE title not recognised"));
    const Site own(
        "dimse: {ae_title: PEER, listen: \"127.0.0.1:" + std::to_string(peer.port()) + "\"}\n" +
        with_peer("{ae_title: X}")
    );
    CHECK(own.run({"send", image}).status == 0);
}

TEST_CASE("gantry send refuses what cannot be meant with exit status 2")
{
    const Site site(with_peer("{ae_title: CT1}"));
    const auto image = write_file(site.folder.path() / "image", small_ct("1.2.3.1")).string();
    CHECK(site.run({"send", "/nowhere/image"}).status == 2);
    CHECK(site.run({"send", image, "--to", "NOBODY"}).status == 2);
    CHECK(site.run({"send", image, "--to", "CT1"}).status == 2);
    CHECK(site.run({"send", image, "--to", "A\\B"}).status == 2);
    CHECK(site.run({"send", image, "--address", "nowhere"}).status == 2);
}
