// Every sample image, from the archive to the picture, beside DCMTK's DicomImage.
#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmimage/diregist.h>
#include <dcmtk/dcmimgle/dcmimage.h>

#include <algorithm>
#include <cstdlib>

#include "tests/gateway/web_rendered_support.h"
#include "tests/mapping/transcode_support.h"
#include "tests/support/samples.h"
#include "tests/support/skip.h"

using namespace gantry;
using namespace gantry::tests;

TEST_CASE("floating point images are rendered")
{
    const auto folder = samples_folder();
    if (!folder) {
        skip("no sample files");
        return;
    }
    OpenFace face;
    const Instance map = read_instance(*folder / "parametric_map_float.dcm");
    put(face, map);
    const auto answer = get(face, url_of(map) + "/rendered", as_png);
    REQUIRE(answer->status() == 200);
    const std::string values = png(answer->body).values;
    CHECK(std::ranges::count(values, '\0') > 0);
    CHECK(std::ranges::count(values, '\xff') > 0);
}

TEST_CASE("every sample image is rendered from the archive as DCMTK shows it")
{
    const auto folder = samples_folder();
    if (!folder) {
        skip("no sample files");
        return;
    }
    unsigned compared = 0;
    for (const auto& path : std::filesystem::directory_iterator(*folder)) {
        const std::string name = path.path().filename().string();
        CAPTURE(name);
        if (name.ends_with(".md") || name == "MR_truncated.dcm")
            continue;
        OpenFace face; // some samples share their UIDs
        Instance instance;
        try {
            instance = read_instance(path.path());
            if (instance.key.study.empty() ||
                store(face.local().archive(), instance).kind != StoreOutcome::Kind::stored)
                continue;
        } catch (const std::exception&) {
            continue; // nothing that an archive takes
        }
        const auto body =
            transcode(instance.key.transfer_syntax.str(), syntax::explicit_le, instance.data_set);
        const bool native = instance.key.transfer_syntax.str() == syntax::explicit_le;
        if (!body && !native)
            continue;
        const auto data_set = load(native ? instance.data_set : *body, syntax::explicit_le);
        if (!data_set->tagExists(DCM_PixelData))
            continue;
        const std::string frames = text_of(*data_set, DCM_NumberOfFrames);
        const unsigned last = frames.empty() ? 1 : static_cast<unsigned>(std::atoi(frames.c_str()));
        const unsigned long index = last - 1;
        DicomImage reference(data_set.get(), EXS_LittleEndianExplicit, 0UL, index, 1UL);
        if (reference.getStatus() != EIS_Normal)
            continue;
        (void)reference.hideAllOverlays();
        // Over the values' range, since slopes of less than one are beyond DicomImage.
        if (reference.isMonochrome() != 0)
            (void)reference.setRoiWindow(0, 0, reference.getWidth(), reference.getHeight());
        ++compared;
        const auto answer =
            get(face, url_of(instance) + "/frames/" + std::to_string(last) + "/rendered", as_png);
        REQUIRE(answer->status() == 200);
        const Decoded made = png(answer->body);
        CHECK(made.width == reference.getWidth());
        CHECK(made.height == reference.getHeight());
        CHECK(is_jpeg(get(face, url_of(instance) + "/thumbnail")->body));
        if (data_set->tagExists(DCM_WindowWidth) ||
            data_set->tagExists(DCM_PerFrameFunctionalGroupsSequence))
            continue; // shown through its own window
        const auto* values = static_cast<const unsigned char*>(reference.getOutputData(8));
        REQUIRE(values != nullptr);
        const std::size_t step = reference.isMonochrome() != 0 ? 1 : 3;
        std::size_t different = 0;
        for (std::size_t i = 0; i < made.values.size(); ++i) {
            const std::size_t at = i / 3 * step + (step == 3 ? i % 3 : 0);
            different += static_cast<unsigned char>(made.values[i]) == values[at] ? 0 : 1;
        }
        CHECK(different == 0);
    }
    CHECK(compared >= 30);
}
