#include "gateway/faces/web_rendered.h"

#include <algorithm>

#include "tests/gateway/web_rendered_support.h"

using namespace gantry;
using namespace gantry::tests;

TEST_CASE("an instance is rendered in the type that the client takes")
{
    OpenFace face;
    const Instance one = image({1, 1, 1});
    put(face, one);
    const auto jpeg = get(face, url_of(one) + "/rendered");
    CHECK(jpeg->status() == 200);
    CHECK(jpeg->field("Content-Type") == "image/jpeg");
    CHECK(is_jpeg(jpeg->body));
    CHECK(jpeg->content_length == jpeg->body.size());
    CHECK(jpeg->finished);
    CHECK(jpeg->field("Cache-Control").starts_with("private"));
    const auto shown = get(face, url_of(one) + "/rendered?" + whole_range, as_png);
    CHECK(shown->field("Content-Type") == "image/png");
    CHECK(grey(shown->body) == 10);
    CHECK(png(shown->body).width == 12);
    CHECK(get(face, url_of(one) + "/rendered", "image/gif")->body.starts_with("GIF89a"));
    const auto part =
        get(face, url_of(one) + "/rendered", "multipart/related; type=\"image/jpeg\"");
    CHECK(
        part->field("Content-Type").starts_with("multipart/related; type=\"image/jpeg\"; boundary=")
    );
    REQUIRE(parts_of(*part).size() == 1);
    CHECK(parts_of(*part)[0] == jpeg->body);
}

TEST_CASE("what cannot be answered has its status")
{
    OpenFace face;
    const Instance one = image({1, 1, 1});
    const Instance plan = of_class({1, 2, 1}, UID_RTPlanStorage);
    const Instance state = of_class({1, 3, 1}, UID_GrayscaleSoftcopyPresentationStateStorage);
    for (const Instance& instance : {one, plan, state})
        put(face, instance);

    struct Row {
        std::string target;
        const char* accept;
        unsigned status;
        const char* says = "";
    };

    const std::string url = url_of(one);
    const Row rows[] = {
        {url + "/rendered?quality=0", nullptr, 400, "quality"},
        {url + "/rendered?quality=50&quality=50", nullptr, 400, "twice"},
        {url + "/rendered?window=1,2", nullptr, 400, "window"},
        {url + "/rendered?viewport=0,5", nullptr, 400, "viewport"},
        {url + "/rendered?viewport=5,5,12,0", nullptr, 400, "region"},
        {url + "/rendered?viewport=32768,32768", nullptr, 400},
        {url + "/rendered?annotation=", nullptr, 400, "annotation"},
        {url + "/rendered?iccprofile=cmyk", nullptr, 400, "iccprofile"},
        {url + "/rendered?iccprofile=srgb", "image/gif", 400, "colour profiles"},
        {url + "/rendered?quality=%zz", nullptr, 400},
        {url + "/thumbnail?viewport=5,5,1,1", nullptr, 400, "thumbnail"},
        {url + "/rendered", "image/jpeg, application/dicom", 400, "at once"},
        {url + "/frames/0/rendered", nullptr, 400},
        {url + "/frames/2,1/rendered", nullptr, 400},
        {url + "/frames/2/rendered", nullptr, 404, "1 frames"},
        {url + "/frames/2/thumbnail", nullptr, 404},
        {"/studies/1.2.1/series/1.2.1.1/instances/9.9/rendered", nullptr, 404},
        {"/studies/1.2.1/series/x/instances/9.9/rendered", nullptr, 400},
        {"/studies/9.9/rendered", nullptr, 404},
        {"/studies/9.9/thumbnail", nullptr, 404},
        {"/studies/1.2.1/series/1.2.1.2/thumbnail", nullptr, 404, "no image"},
        {"/studies/1.2.1/series/1.2.1.2/rendered", nullptr, 406},
        {url + "/rendered", "text/html", 406, "image/jpeg, image/png, image/gif"},
        {url + "/rendered", "application/dicom", 406},
        {url_of(plan) + "/rendered", nullptr, 406, "nothing to render"},
        {url_of(plan) + "/thumbnail", nullptr, 406},
        {url_of(state) + "/rendered", nullptr, 501, "presentation states"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.target);
        const auto answer = get(face, row.target, row.accept);
        CHECK(answer->status() == row.status);
        CHECK(answer->field("Content-Type") == "application/problem+json");
        CHECK(answer->body.find(row.says) != std::string::npos);
    }
}

TEST_CASE("what is asked for and not done is said politely")
{
    OpenFace face;
    const Instance one = image({1, 1, 1});
    put(face, one);
    const auto answer =
        get(face, url_of(one) + "/rendered?annotation=patient,technique&iccprofile=srgb");
    CHECK(answer->status() == 200);
    CHECK(
        answer->field("Warning") ==
        "299 http://pacs.test:8080/dicom-web: The following annotation values are not supported: "
        "patient,technique"
    );
    CHECK(answer->fields().count("Warning") == 2);
}

TEST_CASE("frames of an image are rendered one by one or together")
{
    OpenFace face;
    const Instance cine = image({1, 1, 1}, 5);
    put(face, cine);
    const std::string url = url_of(cine);
    const auto first = get(face, url + "/rendered?" + whole_range, as_png);
    CHECK(first->status() == 200);
    CHECK(grey(first->body) == 10);
    CHECK(first->field("Warning").find("frame 1 of 5") != std::string::npos);
    const auto third = get(face, url + "/frames/3/rendered?" + whole_range, as_png);
    CHECK(grey(third->body) == 30);
    CHECK(third->field("Warning").empty());
    const auto some = get(face, url + "/frames/2,4/rendered?" + whole_range, as_png);
    CHECK(some->status() == 200);
    REQUIRE(parts_of(*some).size() == 2);
    CHECK(grey(parts_of(*some)[1]) == 40);
    CHECK(
        some->body.find(
            "Content-Location: http://pacs.test:8080/dicom-web" + url + "/frames/2/rendered"
        ) != std::string::npos
    );
    const auto partly = get(face, url + "/frames/5,6/rendered");
    CHECK(partly->status() == 206);
    CHECK(parts_of(*partly).size() == 1);
    const auto all = get(face, url + "/rendered", "multipart/related; type=\"image/png\"");
    CHECK(parts_of(*all).size() == 5);
    const auto moving = get(face, url + "/rendered", "image/gif");
    CHECK(moving->body.starts_with("GIF89a"));
    CHECK(moving->body.find("NETSCAPE2.0") != std::string::npos);
    CHECK(std::ranges::count(moving->body, ';') >= 1);
    CHECK(moving->finished);
    const auto middle = get(face, url + "/thumbnail?" + std::string("viewport=6,6"), as_png);
    CHECK(png(middle->body).width == 6);
    CHECK(png(middle->body).height == 4);
}

TEST_CASE("a study and a series show the middle of their first images as thumbnail")
{
    OpenFace face;
    put(face, of_class({1, 1, 1}, UID_BasicTextSRStorage));
    for (unsigned number = 1; number <= 5; ++number)
        put(face, image({1, 2, number}, 1, [&](DcmDataset& to) {
                const auto width = static_cast<Uint16>(10 + number);
                CHECK(to.putAndInsertUint16(DCM_Columns, width).good());
                CHECK(
                    to.putAndInsertString(DCM_InstanceNumber, std::to_string(number).c_str()).good()
                );
                const std::vector<Uint8> pixels(std::size_t{8} * width, 3);
                CHECK(to.putAndInsertUint8Array(DCM_PixelData, pixels.data(), pixels.size()).good()
                );
            }));
    for (const char* target :
         {"/studies/1.2.1/thumbnail", "/studies/1.2.1/series/1.2.1.2/thumbnail"}) {
        const auto answer = get(face, target, as_png);
        CHECK(answer->status() == 200);
        CHECK(png(answer->body).width == 13);
    }
}

TEST_CASE("a study is rendered part by part and what is no picture is left out")
{
    OpenFace face;
    put(face, image({1, 1, 1}));
    put(face, image({1, 1, 2}));
    put(face, of_class({1, 2, 1}, UID_RTPlanStorage));
    const auto answer = get(face, "/studies/1.2.1/rendered", "image/jpeg");
    CHECK(answer->status() == 200);
    CHECK(answer->field("Content-Type").starts_with("multipart/related; type=\"image/jpeg\""));
    CHECK(answer->finished);
    REQUIRE(parts_of(*answer).size() == 2);
    CHECK(is_jpeg(parts_of(*answer)[1]));
    CHECK(parts_of(*get(face, "/studies/1.2.1/series/1.2.1.1/rendered")).size() == 2);
}

TEST_CASE("a picture that the client has is not sent again")
{
    OpenFace face;
    const Instance one = image({1, 1, 1});
    put(face, one);
    for (const char* resource : {"/rendered", "/thumbnail"}) {
        const std::string target = url_of(one) + resource;
        const std::string tag = get(face, target)->field("ETag");
        CHECK_FALSE(tag.empty());
        CHECK(get(face, target)->field("ETag") == tag);
        CHECK(get(face, target + "?quality=5")->field("ETag") != tag);
        CHECK(get(face, target, as_png)->field("ETag") != tag);
        const auto known = face.ask({web::Method::get, target, {{"If-None-Match", tag}}});
        CHECK(known->status() == 304);
        CHECK(known->body.empty());
        CHECK(known->field("ETag") == tag);
    }
}

TEST_CASE("a HEAD is told what a GET would be given without its bytes")
{
    OpenFace face;
    const Instance one = image({1, 1, 1}, 3);
    put(face, one);
    for (const char* accept :
         {"image/jpeg", "image/gif", "multipart/related; type=\"image/png\""}) {
        CAPTURE(accept);
        const std::string target = url_of(one) + "/rendered";
        faces::WebFaceOptions options;
        options.scratch = face.folder.path() / "scratch";
        const faces::WebTargets targets = face.targets();
        const faces::InstanceDesk desk(options, targets, face.pools());
        const faces::RenderedService service(options, targets, face.pools(), desk);
        web::Request request;
        request.method = web::Method::head;
        request.fields.add("Accept", accept);
        request.parameters = {
            {"study", one.key.study.str()},
            {"series", one.key.series.str()},
            {"instance", one.key.sop.sop_instance.str()}
        };
        FakeResponse response;
        test::run(service.rendered(request, response));
        const auto given = get(face, target, accept);
        CHECK(response.status() == 200);
        CHECK(response.finished);
        CHECK(response.body.empty());
        CHECK(response.field("ETag") == given->field("ETag"));
        CHECK(response.content_length == given->content_length);
    }
}

TEST_CASE("WADO-URI renders by its own parameters")
{
    OpenFace face;
    const Instance one = image({1, 1, 1}, 3);
    put(face, one);
    faces::WebFaceOptions options;
    options.scratch = face.folder.path() / "scratch";
    const faces::WebTargets targets = face.targets();
    const faces::InstanceDesk desk(options, targets, face.pools());
    const faces::RenderedService service(options, targets, face.pools(), desk);

    struct Row {
        const char* query;
        unsigned status;
        unsigned width = 12;
        unsigned height = 8;
        int grey = 0;
    };

    const Row rows[] = {
        {"windowCenter=128&windowWidth=256&frameNumber=2", 200, 12, 8, 20},
        {"windowCenter=128&windowWidth=256", 200, 12, 8, 10},
        {"windowCenter=128&windowWidth=256&rows=4&columns=4", 200, 4, 3, 10},
        {"windowCenter=128&windowWidth=256&region=0,0,0.5,1", 200, 6, 8, 10},
        {"windowCenter=128", 400},
        {"frameNumber=4", 404},
        {"frameNumber=0", 400},
        {"presentationUID=1.2.3&presentationSeriesUID=1.2", 501},
    };
    for (const Row& row : rows) {
        CAPTURE(row.query);
        web::Request request;
        request.query = std::string("requestType=WADO&studyUID=1.2.1&") + row.query;
        FakeResponse response;
        test::run(service.uri(one.key, "image/png", request, response));
        CHECK(response.status() == row.status);
        if (row.status != 200)
            continue;
        CHECK(png(response.body).width == row.width);
        CHECK(png(response.body).height == row.height);
        CHECK(grey(response.body) == row.grey);
    }
}

TEST_CASE("reports and documents are given as text and as they are")
{
    OpenFace face;
    const Instance report = of_class({1, 1, 1}, UID_BasicTextSRStorage, [](DcmDataset& to) {
        CHECK(to.putAndInsertString(DCM_ValueType, "CONTAINER").good());
        DcmItem* item = nullptr;
        CHECK(to.findOrCreateSequenceItem(DCM_ContentSequence, item, 0).good());
        CHECK(item->putAndInsertString(DCM_ValueType, "TEXT").good());
        CHECK(item->putAndInsertString(DCM_TextValue, "No <mass>").good());
    });
    const auto document = [](unsigned number, const char* type, std::string content) {
        return of_class({1, 2, number}, UID_EncapsulatedPDFStorage, [&](DcmDataset& to) {
            CHECK(to.putAndInsertString(DCM_MIMETypeOfEncapsulatedDocument, type).good());
            const auto length = static_cast<Uint32>(content.size());
            CHECK(to.putAndInsertUint32(DCM_EncapsulatedDocumentLength, length).good());
            content.resize(content.size() + content.size() % 2);
            const auto* bytes = reinterpret_cast<const Uint8*>(content.data());
            CHECK(to.putAndInsertUint8Array(DCM_EncapsulatedDocument, bytes, content.size()).good()
            );
        });
    };
    std::string long_one(700'001, 'x');
    for (std::size_t i = 0; i < long_one.size(); ++i)
        long_one[i] = static_cast<char>('a' + i % 23);
    const Instance pdf = document(1, "application/pdf", long_one);
    const Instance cda = document(2, "text/XML", "<ClinicalDocument/>");
    const Instance odd = document(3, "text/html", "<script>alert(1)</script>");
    for (const Instance& instance : {report, pdf, cda, odd})
        put(face, instance);

    const auto page = get(face, url_of(report) + "/rendered");
    CHECK(page->field("Content-Type") == "text/html; charset=utf-8");
    CHECK(page->field("Content-Security-Policy").starts_with("sandbox"));
    CHECK(page->body.find("No &lt;mass&gt;") != std::string::npos);
    CHECK(get(face, url_of(report) + "/rendered", "image/jpeg")->status() == 406);
    CHECK(get(face, url_of(report) + "/thumbnail")->status() == 406);
    CHECK(get(face, url_of(report) + "/frames/1/rendered")->status() == 404);
    const auto given = get(face, url_of(pdf) + "/rendered", "application/pdf");
    CHECK(given->field("Content-Type") == "application/pdf");
    CHECK(given->content_length == long_one.size());
    CHECK((given->body == long_one));
    const auto text = get(face, url_of(cda) + "/rendered");
    CHECK(text->field("Content-Type") == "text/xml");
    CHECK(text->body == "<ClinicalDocument/>");
    CHECK(get(face, url_of(odd) + "/rendered")->status() == 406);
    const auto study = get(face, "/studies/1.2.1/rendered", "text/html, application/pdf");
    CHECK(parts_of(*study).size() == 2);
}

TEST_CASE("pixels that are broken are never shown")
{
    OpenFace face;
    const Instance broken = image({1, 1, 1}, 1, [](DcmDataset& to) {
        CHECK(to.putAndInsertUint16(DCM_Rows, 9).good());
    });
    put(face, broken);
    CHECK(get(face, url_of(broken) + "/rendered")->status() == 500);
    CHECK(get(face, url_of(broken) + "/thumbnail")->status() == 500);
}
