#include "gateway/cli/examine.h"
#include "gateway/cli/examine_archive.h"
#include "web/client.h"

#include <span>
#include <stdexcept>

namespace gantry::cli {

namespace {

using web::ClientFailure;
using web::ClientResponse;
using web::Phase;

/// The body of a STOW-RS request without any part: nothing in it can be stored.
class EmptyMultipart final : public web::BodySource {
public:
    std::uint64_t size() const override { return text_.size(); }

    asio::awaitable<Result<ConstBytes>> next() override
    {
        const std::string_view rest = given_ ? std::string_view() : std::string_view(text_);
        given_ = true;
        co_return std::as_bytes(std::span(rest.data(), rest.size()));
    }

    void rewind() override { given_ = false; }

private:
    std::string text_ = "--gantry-doctor--\r\n";
    bool given_ = false;
};

struct Answer {
    std::uint16_t status = 0;
    std::string type;
};

using Asked = boost::system::result<Answer, ClientFailure>;

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): see the header
asio::awaitable<Asked> ask(web::Client& client, web::ClientRequest request)
{
    auto response = co_await client.request(std::move(request));
    if (!response)
        co_return response.error();
    Answer answer;
    answer.status = (*response)->head().status;
    answer.type = (*response)->head().fields.find("Content-Type");
    // Read, so that the connection can be used again; what it says may be patient data.
    const auto ignored = co_await (*response)->read_all(Bytes{4U << 20U});
    (void)ignored;
    co_return answer;
}

void judge_failure(const ClientFailure& failure, const config::Origin& origin, Findings& findings)
{
    const std::string says = failure.error.text();
    const char* const step = web::to_string(failure.phase);
    switch (failure.phase) {
    case Phase::token:
        findings.bad(
            step, says, Side::ours, "auth of the origin: its files, token_url, client_id and scope"
        );
        return;
    case Phase::resolve:
        findings.bad(
            step, says, Side::ours, "url of the origin, or the name service of this machine"
        );
        return;
    case Phase::connect:
        findings.bad(
            step,
            says,
            Side::between,
            "nobody takes connections there: wrong host or port in url, it is switched off, a "
            "firewall, or a proxy is needed"
        );
        return;
    case Phase::proxy:
        findings.bad(
            step, says, Side::between, "the proxy " + origin.web.proxy + " does not let us through"
        );
        return;
    case Phase::tls:
        if (failure.certificate)
            findings.bad(
                step,
                says,
                Side::ours,
                "its certificate is not trusted or is for another name: tls: {ca: ...} names the "
                "authority to trust"
            );
        else
            findings.bad(
                step,
                says,
                Side::theirs,
                "no TLS 1.2 or later comes about: it may want a client certificate, or plain http"
            );
        return;
    case Phase::send:
    case Phase::wait:
    case Phase::receive:
        findings.bad(
            step, says, Side::theirs, "it took the connection and did not answer like a web server"
        );
        return;
    }
}

bool is_refusal(std::uint16_t status)
{
    return status == 401 || status == 403;
}

void judge_refusal(
    const char* step, std::uint16_t status, const config::Origin& origin, Findings& findings
)
{
    const std::string says = "answered " + std::to_string(status);
    if (origin.web.auth.kind == web::AuthOptions::Kind::none)
        findings.bad(step, says, Side::ours, "it asks for credentials: auth of the origin");
    else if (status == 401)
        findings.bad(
            step, says, Side::ours, "it does not accept our credentials: auth of the origin"
        );
    else
        findings.bad(
            step,
            says,
            Side::theirs,
            "it knows us and does not permit this: our account or its scope"
        );
}

void judge_query(const Answer& answer, const config::Origin& origin, Findings& findings)
{
    const std::string says = "answered " + std::to_string(answer.status);
    if (is_refusal(answer.status))
        judge_refusal("QIDO-RS", answer.status, origin, findings);
    else if (answer.status == 204 ||
             (answer.status == 200 && answer.type.starts_with("application/dicom+json")))
        findings.good("QIDO-RS", says);
    else if (answer.status == 200)
        findings.note(
            "QIDO-RS",
            says + " with " + answer.type + ": url may point to a page instead of DICOMweb"
        );
    else if (answer.status == 404)
        findings.note("QIDO-RS", says + ": the path of url may be wrong, or it offers no search");
    else
        findings.note("QIDO-RS", says + ": it may offer no search");
}

/// A request without instances: what is refused as such has been understood.
void judge_store(const Answer& answer, const config::Origin& origin, Findings& findings)
{
    const std::string says =
        "a request without instances was answered " + std::to_string(answer.status);
    if (is_refusal(answer.status))
        judge_refusal("STOW-RS", answer.status, origin, findings);
    else if (answer.status == 404 || answer.status == 405 || answer.status == 501)
        findings.bad(
            "STOW-RS",
            says,
            Side::ours,
            "there is no store at that path: url of the origin, such as .../dicom-web"
        );
    else if (answer.status == 415)
        findings.bad(
            "STOW-RS",
            says,
            Side::theirs,
            "it does not take multipart/related with application/dicom"
        );
    else if (answer.status == 411 || answer.status == 413)
        findings.bad(
            "STOW-RS",
            says,
            Side::between,
            "something between refuses uploads: a proxy's limit on request bodies"
        );
    else if (answer.status == 502 || answer.status == 503 || answer.status == 504)
        findings.bad(
            "STOW-RS", says, Side::theirs, "its front answers, the archive behind it does not"
        );
    else if (answer.status >= 500)
        findings.note("STOW-RS", says + ": it may merely dislike the empty request");
    else if (answer.status / 100 == 3)
        findings.bad("STOW-RS", says, Side::ours, "it lives elsewhere now: correct url");
    else
        findings.good("STOW-RS", says + ", as it should be");
}

asio::awaitable<bool>
examine_client(web::Client& client, const config::Origin& origin, Findings& findings)
{
    const auto credentials = co_await client.check_credentials();
    if (!credentials) {
        findings.bad(
            "credentials",
            credentials.error().text(),
            Side::ours,
            "auth of the origin: its files, token_url, client_id and scope"
        );
        co_return false;
    }
    if (origin.web.auth.kind != web::AuthOptions::Kind::none)
        findings.good("credentials", "can be had");
    web::ClientRequest query;
    query.target = "/studies?limit=1";
    query.fields.add("Accept", "application/dicom+json");
    const Asked found = co_await ask(client, std::move(query));
    if (!found) {
        judge_failure(found.error(), origin, findings);
        co_return false;
    }
    findings.good("connection", origin.web.url + " answers");
    judge_query(*found, origin, findings);
    EmptyMultipart nothing;
    web::ClientRequest store;
    store.method = web::Method::post;
    store.target = "/studies";
    store.fields.add(
        "Content-Type", "multipart/related; type=\"application/dicom\"; boundary=gantry-doctor"
    );
    store.fields.add("Accept", "application/dicom+json");
    store.body = &nothing;
    const Asked stored = co_await ask(client, std::move(store));
    if (!stored) {
        judge_failure(stored.error(), origin, findings);
        co_return false;
    }
    judge_store(*stored, origin, findings);
    co_return true;
}

} // namespace

asio::awaitable<bool>
examine_web(const config::Origin& origin, Findings& findings, OriginProfile& profile)
{
    const auto loop = co_await asio::this_coro::executor;
    std::unique_ptr<web::Client> client;
    std::string unusable;
    try {
        client = std::make_unique<web::Client>(loop, origin.web);
    } catch (const std::exception& fault) {
        unusable = fault.what();
    }
    if (!client) {
        findings.bad("configuration", unusable, Side::ours, "url and tls of the origin");
        co_return false;
    }
    if (!co_await examine_client(*client, origin, findings))
        co_return false;
    const auto instance = co_await examine_search(*client, findings, profile);
    if (instance)
        co_await examine_retrieve(*client, *instance, findings, profile);
    co_return true;
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry::cli
