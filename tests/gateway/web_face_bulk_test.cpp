#include "mapping/data_set_value.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "tests/gateway/web_face_support.h"
#include "tests/support/samples.h"
#include "tests/support/skip.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

std::unique_ptr<FakeResponse> get(OpenFace& face, std::string target, FieldList fields = {})
{
    return face.ask({web::Method::get, std::move(target), std::move(fields)});
}

std::string url_of(const Instance& instance)
{
    return "/studies/" + instance.key.study.str() + "/series/" + instance.key.series.str() +
           "/instances/" + instance.key.sop.sop_instance.str();
}

std::string bytes_like(std::size_t size, char first)
{
    std::string out(size, first);
    for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<char>(first + static_cast<char>(i % 13));
    return out;
}

void put_bytes(DcmItem& item, const DcmTag& tag, const std::string& bytes)
{
    item.putAndInsertUint8Array(
        tag, reinterpret_cast<const Uint8*>(bytes.data()), static_cast<unsigned long>(bytes.size())
    );
}

/// What a BulkDataURI of metadata names, by DCMTK.
std::string value_at(DcmDataset& data_set, const std::string& path)
{
    const auto parsed = mapping::ValuePath::parse(path).value();
    DcmItem* item = &data_set;
    for (std::size_t i = 0; i < parsed.items.size(); ++i) {
        const DcmTagKey tag(parsed.tags[i].group, parsed.tags[i].element);
        REQUIRE(item->findAndGetSequenceItem(tag, item, static_cast<long>(parsed.items[i])).good());
    }
    DcmElement* element = nullptr;
    const DcmTagKey tag(parsed.tags.back().group, parsed.tags.back().element);
    REQUIRE(item->findAndGetElement(tag, element).good());
    std::string out(element->getLength(), '\0');
    REQUIRE(element
                ->getPartialValue(
                    out.data(), 0, static_cast<Uint32>(out.size()), nullptr, EBO_LittleEndian
                )
                .good());
    return out;
}

} // namespace

TEST_CASE("a path of bulk data is tags with item numbers between them")
{
    struct Row {
        const char* text;
        std::size_t tags; // 0: refused
    };

    const Row rows[] = {
        {"7FE00010", 1},
        {"7fe00010", 1},
        {"00540016/0/00181072", 2},
        {"00540016/0/00181072/12/00080005", 3},
        {"", 0},
        {"7FE0001", 0},
        {"7FE000101", 0},
        {"00540016/0", 0},
        {"00540016/x/00181072", 0},
        {"00540016/-1/00181072", 0},
        {"00540016//00181072", 0},
        {"/7FE00010", 0},
        {"PixelData", 0},
        {"(0010,01)", 0},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const auto path = mapping::ValuePath::parse(row.text);
        CHECK((path ? path->tags.size() : 0) == row.tags);
    }
}

TEST_CASE("a value is had by its path however deep it lies")
{
    const std::string large = bytes_like(6000, 'a');
    const std::string deep = bytes_like(5000, 'A');
    OpenFace face;
    const Instance instance = make_instance({}, [&](DcmDataset& data_set) {
        put_bytes(data_set, DcmTag(0x0042, 0x0011, EVR_OB), large);
        DcmItem* item = nullptr;
        for (const long n : {0L, 1L}) {
            data_set.findOrCreateSequenceItem(DCM_WaveformSequence, item, n);
            put_bytes(*item, DcmTag(0x5400, 0x1010, EVR_OB), n == 0 ? large : deep);
        }
        DcmItem* inner = nullptr;
        item->findOrCreateSequenceItem(DCM_IconImageSequence, inner, 0);
        put_bytes(*inner, DcmTag(0x0028, 0x1201, EVR_OB), deep);
    });
    REQUIRE(store(face.local().archive(), instance).kind == StoreOutcome::Kind::stored);

    struct Row {
        const char* path;
        unsigned status;
        std::string value;
    };

    const Row rows[] = {
        {"00420011", 200, large},
        {"54000100/0/54001010", 200, large},
        {"54000100/1/54001010", 200, deep},
        {"54000100/1/00880200/0/00281201", 200, deep},
        {"54000100/2/54001010", 404, {}},
        {"54000100/0/00880200/0/00281201", 404, {}},
        {"54000100", 404, {}},
        {"00420012", 404, {}},
        {"00420011/0/00420011", 404, {}},
        {"nonsense", 400, {}},
        {"54000100/0/x", 400, {}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.path);
        const std::string url = url_of(instance) + "/bulkdata/" + row.path;
        const auto single = get(face, url);
        CHECK(single->status() == row.status);
        if (row.status != 200)
            continue;
        CHECK(single->body == row.value);
        CHECK(single->content_length == row.value.size());
        CHECK(single->field("Content-Type").starts_with("application/octet-stream"));
        CHECK(single->field("Content-Location") == "http://pacs.test:8080/dicom-web" + url);
        const auto multipart =
            get(face, url, {{"Accept", "multipart/related; type=\"application/octet-stream\""}});
        REQUIRE(parts_of(*multipart).size() == 1);
        CHECK(parts_of(*multipart)[0] == row.value);
        const auto part = get(face, url, {{"Range", "bytes=100-199"}});
        CHECK(part->status() == 206);
        CHECK(part->body == row.value.substr(100, 100));
        CHECK(get(face, url, {{"Accept", "image/jpeg"}})->status() == 406);
        CHECK(get(face, url, {{"If-None-Match", single->field("ETag")}})->status() == 304);
    }
}

TEST_CASE("whatever metadata of a sample name can be had and is what DCMTK reads")
{
    const auto folder = samples_folder();
    if (!folder)
        return skip("no sample files");
    unsigned values = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
        if (entry.path().extension() != ".dcm")
            continue;
        CAPTURE(entry.path().filename().string());
        OpenFace face;
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string file{std::istreambuf_iterator<char>(in), {}};
        if (face.stow({file})->status() != 200)
            continue;
        const Instance sent = instance_of(file);
        const auto metadata = get(face, url_of(sent) + "/metadata");
        DcmFileFormat reference;
        REQUIRE(reference.loadFile(entry.path().c_str()).good());
        const std::regex uri("\"BulkDataURI\":\"http://pacs.test:8080/dicom-web([^\"]*)\"");
        const std::string& text = metadata->body;
        for (std::sregex_iterator it(text.begin(), text.end(), uri), end; it != end; ++it) {
            const std::string url = (*it)[1];
            CAPTURE(url);
            const std::string path = url.substr(url.find("/bulkdata/") + 10);
            const auto answer = get(face, url, {{"Accept", "application/octet-stream, */*;q=0.5"}});
            const auto any =
                get(face,
                    url,
                    {{"Accept",
                      "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*"}});
            CHECK(any->status() == 200);
            if (path == "7FE00010" &&
                TransferSyntax::of(sent.key.transfer_syntax.str()).encapsulated)
                continue;
            CHECK(answer->status() == 200);
            CHECK(answer->body == value_at(*reference.getDataset(), path));
            ++values;
        }
    }
    CHECK(values >= 30);
}
