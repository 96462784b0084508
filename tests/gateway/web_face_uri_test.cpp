#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include "tests/gateway/web_face_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

constexpr const char* uids = "&studyUID=1.2.1&seriesUID=1.2.1.1&objectUID=1.2.1.1.1";

Instance image()
{
    return make_instance({}, [](DcmDataset& data_set) {
        data_set.putAndInsertUint16(DCM_SamplesPerPixel, 1);
        data_set.putAndInsertString(DCM_PhotometricInterpretation, "MONOCHROME2");
        for (const auto& tag : {DCM_Rows, DCM_Columns, DCM_BitsAllocated, DCM_BitsStored})
            data_set.putAndInsertUint16(tag, 8);
        data_set.putAndInsertUint16(DCM_HighBit, 7);
        data_set.putAndInsertUint16(DCM_PixelRepresentation, 0);
    });
}

std::unique_ptr<FakeResponse> get(OpenFace& face, std::string target, const char* accept = nullptr)
{
    Ask what{web::Method::get, std::move(target)};
    if (accept != nullptr)
        what.fields = {{"Accept", accept}};
    return face.ask(std::move(what));
}

} // namespace

TEST_CASE("one instance is named by a query")
{
    OpenFace face;
    const Instance instance = image();
    REQUIRE(store(face.local().archive(), instance).kind == StoreOutcome::Kind::stored);
    const std::string start = std::string("/wado?requestType=WADO") + uids;

    struct Row {
        std::string target;
        unsigned status;
        const char* type;
        const char* accept = nullptr;
    };

    const char* dicom = "application/dicom; transfer-syntax=1.2.840.10008.1.2.1";
    const char* problem = "application/problem+json";
    const std::string file = start + "&contentType=application/dicom";
    const Row rows[] = {
        {file, 200, dicom},
        {start + "&contentType=application%2Fdicom", 200, dicom},
        {start, 200, dicom, "application/dicom"},
        {"/?requestType=WADO" + std::string(uids) + "&contentType=application/dicom", 200, dicom},
        {file + "&transferSyntax=1.2.840.10008.1.2.1", 200, dicom},
        {file + "&transferSyntax=1.2.840.10008.1.2.4.80",
         200,
         "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80"},
        {file + "&transferSyntax=1.2.840.10008.1.2", 406, problem},
        {file + "&transferSyntax=1.2.840.10008.1.2.4.102", 406, problem},
        {file + "&transferSyntax=nonsense", 400, problem},
        {start + "&transferSyntax=1.2.840.10008.1.2.1", 400, problem}, // of a picture
        {file + "&anonymize=yes", 501, problem},
        {file + "&anonymize=no", 400, problem},
        {file + "&frameNumber=1", 400, problem},
        {file + "&rows=10&columns=10", 400, problem},
        {start + "&contentType=application/dicom,image/jpeg", 400, problem},
        {start + "&contentType=application/dicom%3Btransfer-syntax=1.2.840.10008.1.2.1",
         400,
         problem},
        {start, 200, "image/jpeg"},
        {start, 200, "image/jpeg", "*/*"},
        {start + "&contentType=image/png", 200, "image/png"},
        {start + "&contentType=image/jpeg&anonymize=yes", 501, problem},
        {"/wado?studyUID=1.2.1&seriesUID=1.2.1.1&objectUID=1.2.1.1.1", 400, problem},
        {"/wado?requestType=wado" + std::string(uids), 400, problem},
        {"/wado?requestType=WADO&studyUID=1.2.1&seriesUID=1.2.1.1", 400, problem},
        {"/wado?requestType=WADO&studyuid=1.2.1&seriesUID=1.2.1.1&objectUID=1.2.1.1.1", 400, problem
        },
        {start + "&studyUID=1.2.1", 400, problem}, // twice
        {start + "&x=%zz", 400, problem},
        {"/wado?requestType=WADO&studyUID=1.2.9&seriesUID=1.2.1.1&objectUID=1.2.1.1.1"
         "&contentType=application/dicom",
         404,
         problem},
        {"/wado?requestType=WADO&studyUID=1.2.1&seriesUID=1.2.1.1&objectUID=1.2.1.1.9"
         "&contentType=application/dicom",
         404,
         problem},
    };
    for (const Row& row : rows) {
        CAPTURE(row.target);
        const auto answer = get(face, row.target, row.accept);
        CHECK(answer->status() == row.status);
        CHECK(answer->field("Content-Type").starts_with(row.type));
        CHECK(answer->finished);
        if (row.type == std::string(dicom))
            CHECK(instance_of(answer->body).data_set == instance.data_set);
    }
}
