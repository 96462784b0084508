#include "gateway/cli/archive_questions.h"

#include "gateway/origins/wado_answer.h"
#include "mapping/dicom_json_reader.h"
#include "mapping/elements.h"
#include "mapping/file_meta.h"
#include "mapping/json_array_splitter.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <utility>

namespace gantry::cli {

namespace {

constexpr std::string_view dicom_json = "application/dicom+json";
constexpr Bytes most_results{16U << 20U};
constexpr std::size_t head_of_file = 64U << 10U;

web::ClientRequest request_for(std::string target, std::string_view accept)
{
    web::ClientRequest request;
    request.target = std::move(target);
    request.fields.add("Accept", std::string(accept));
    return request;
}

Got head_of(const web::ClientResult& response)
{
    Got got;
    if (!response) {
        got.failure = response.error().error.text();
        return got;
    }
    const web::ResponseHead& head = (*response)->head();
    got.status = head.status;
    got.type = head.fields.find("Content-Type");
    got.warning = head.fields.find("Warning");
    return got;
}

/// Nothing: not a whole answer of data sets.
std::optional<std::vector<std::unique_ptr<DcmDataset>>> read_results(std::string_view body)
{
    mapping::DicomJsonReadOptions options;
    options.unreadable = [](Tag) {}; // an element more or less does not matter here
    std::vector<std::unique_ptr<DcmDataset>> results;
    mapping::JsonArraySplitter splitter;
    splitter.feed(body);
    for (;;) {
        const auto text = splitter.next();
        if (!text)
            return std::nullopt;
        if (!*text)
            break;
        auto result = mapping::read_dicom_json(**text, options);
        if (!result)
            return std::nullopt;
        results.push_back(std::move(*result));
    }
    if (!splitter.finish())
        return std::nullopt;
    return results;
}

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the caller awaits

/// The syntax that the first part's file meta group states.
asio::awaitable<std::optional<Uid>> syntax_of(std::unique_ptr<web::ClientResponse> response)
{
    const auto answer = WadoAnswer::open(std::move(response));
    if (!answer)
        co_return std::nullopt;
    const auto part = co_await (*answer)->next_part();
    if (!part || !*part)
        co_return std::nullopt;
    std::vector<std::byte> file;
    while (file.size() < head_of_file) {
        const auto piece = co_await (*answer)->read();
        if (!piece || piece->empty())
            break;
        file.insert(file.end(), piece->begin(), piece->end());
    }
    const auto read = mapping::read_file_head(file, file.size() < head_of_file);
    if (!read || !read->transfer_syntax_stated)
        co_return std::nullopt;
    co_return read->head.transfer_syntax;
}

} // namespace

Searched::Searched() = default;
Searched::Searched(Searched&&) noexcept = default;
Searched& Searched::operator=(Searched&&) noexcept = default;
Searched::~Searched() = default;

std::string Searched::first(Tag tag) const
{
    return count() == 0 ? std::string() : mapping::text_of(*results->front(), tag);
}

asio::awaitable<Got>
get(web::Client& client, std::string target, std::string_view accept, Bytes most)
{
    web::ClientRequest request = request_for(std::move(target), accept);
    const auto response = co_await client.request(std::move(request));
    Got got = head_of(response);
    while (response && got.body.size() < most.count) {
        const auto piece = co_await (*response)->read();
        if (!piece)
            got.failure = piece.error().text();
        if (!piece || piece->empty())
            break;
        got.body.append(reinterpret_cast<const char*>(piece->data()), piece->size()); // characters
    }
    co_return got;
}

asio::awaitable<Searched> search(web::Client& client, std::string target)
{
    Searched searched;
    searched.got = co_await get(client, std::move(target), dicom_json, most_results);
    const Got& got = searched.got;
    if (got.status == 204)
        searched.results.emplace();
    if (got.status == 200 && got.failure.empty())
        searched.results = read_results(got.body);
    searched.got.body.clear(); // it may hold names of patients
    co_return searched;
}

asio::awaitable<Fetched> fetch(web::Client& client, std::string target, std::string_view accept)
{
    web::ClientRequest request = request_for(std::move(target), accept);
    auto response = co_await client.request(std::move(request));
    Fetched fetched{head_of(response), {}};
    if (fetched.got.status == 200 || fetched.got.status == 206)
        fetched.syntax = co_await syntax_of(std::move(*response));
    co_return fetched;
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry::cli
