// Real files by way of their metadata and bulk data: what is put together is what they were.
#include "mapping/dicom_json.h"
#include "mapping/vocabulary/tag.h"

#include <algorithm>
#include <iterator>

#include "tests/gateway/web_face_store_parts.h"
#include "tests/support/samples.h"
#include "tests/support/skip.h"

using namespace gantry;
using namespace gantry::tests;

TEST_CASE("every sample comes back the same by way of its metadata and bulk data")
{
    const auto folder = samples_folder();
    if (!folder)
        return skip("no sample files");
    unsigned compared = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
        if (entry.path().extension() != ".dcm")
            continue;
        CAPTURE(entry.path().filename().string());
        DcmFileFormat file;
        if (file.loadFile(entry.path().c_str()).bad())
            continue;
        DcmDataset& data_set = *file.getDataset();
        const DcmXfer syntax(data_set.getOriginalXfer());
        OpenFace as_file;
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), {}};
        if (syntax.isEncapsulated() || as_file.stow({bytes})->status() != 200)
            continue;
        data_set.loadAllDataIntoMemory();
        std::vector<Part> bulk;
        mapping::DicomJsonOptions options;
        options.bulk_data_uri = [&](const mapping::BulkValue& value) -> std::optional<std::string> {
            if (value.size < 100 || value.path.find('.') != std::string::npos)
                return std::nullopt;
            DcmElement* element = nullptr;
            if (data_set.findAndGetElement(DcmTagKey(value.tag.group, value.tag.element), element)
                    .bad())
                return std::nullopt;
            std::string raw(element->getLength(EXS_LittleEndianExplicit), '\0');
            (void)element->getPartialValue(
                raw.data(), 0, static_cast<Uint32>(raw.size()), nullptr, EBO_LittleEndian
            );
            bulk.push_back({octets, "bulk/" + value.path, std::move(raw)});
            return "bulk/" + value.path;
        };
        std::string json;
        REQUIRE(mapping::write_dicom_json(data_set, json, options).has_value());
        std::vector<Part> parts{{json_type, "", "[" + json + "]"}};
        parts.insert(parts.end(), bulk.begin(), bulk.end());
        OpenFace face;
        const auto answer = post(face, parts);
        CHECK(answer->status() == 200);
        if (answer->status() != 200) {
            MESSAGE(answer->body);
            continue;
        }
        OFString study;
        OFString instance;
        (void)data_set.findAndGetOFString(DCM_StudyInstanceUID, study);
        (void)data_set.findAndGetOFString(DCM_SOPInstanceUID, instance);
        Stored stored(face, study.c_str(), instance.c_str());
        std::string before;
        std::string after;
        mapping::DicomJsonOptions texts; // that are UTF-8 either way
        texts.wanted = [](Tag tag) { return tag != tag::specific_character_set; };
        REQUIRE(mapping::write_dicom_json(data_set, before, texts).has_value());
        REQUIRE(mapping::write_dicom_json(stored.data_set(), after, texts).has_value());
        OFString date;
        (void)data_set.findAndGetOFString(DCM_StudyDate, date);
        if (date.find('.') != OFString_npos)
            continue; // a date of before DICOM is read as what it means
        const auto differ = std::ranges::mismatch(before, after).in1 - before.begin();
        CAPTURE(
            before.substr(static_cast<std::size_t>(std::max<std::ptrdiff_t>(differ - 60, 0)), 90)
        );
        CHECK((before == after)); // too long to be shown
        ++compared;
    }
    CHECK(compared >= 20);
}
