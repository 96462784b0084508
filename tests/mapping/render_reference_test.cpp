// Every image of the sample files beside what DCMTK's DicomImage makes of its whole data set.
#include "mapping/file_meta.h"
#include "support/skip.h"

#include <dcmtk/dcmimage/diregist.h>
#include <dcmtk/dcmimgle/dcmimage.h>
#include <doctest/doctest.h>

#include <cmath>

#include "render_support.h"
#include "transcode_support.h"

using namespace gantry;
using namespace gantry::tests;
using mapping::RenderOptions;

namespace {

struct Sample {
    std::unique_ptr<DcmDataset> data_set; // native, little endian
    std::string pixels;
    mapping::DecodedFrame frame; // but for its bytes
    std::uint32_t frames = 1;
    std::string photometric;

    std::size_t frame_bytes() const
    {
        const bool shared = photometric == "YBR_FULL_422";
        return shared ? frame.shape.pixels() * 2 : frame.shape.bytes();
    }

    mapping::DecodedFrame at(std::uint32_t number) const
    {
        mapping::DecodedFrame one = frame;
        one.number = number;
        const std::size_t size = frame_bytes();
        one.bytes = std::as_bytes(std::span(pixels)).subspan((number - 1) * size, size);
        return one;
    }
};

/// Nothing where it has no whole image of bytes.
std::optional<Sample> read(const Encoded& encoded)
{
    Sample sample;
    const bool native = encoded.syntax == syntax::explicit_le;
    const auto body = native ? Result<std::string>(encoded.body)
                             : transcode(encoded.syntax, syntax::explicit_le, encoded.body);
    if (!body)
        return std::nullopt;
    sample.data_set = load(*body, syntax::explicit_le);
    DcmDataset& data_set = *sample.data_set;
    DcmElement* pixels = nullptr;
    if (data_set.findAndGetElement(DCM_PixelData, pixels).bad())
        return std::nullopt;
    sample.pixels = pixels_of(data_set);
    const auto us = [&](const DcmTagKey& tag) {
        return static_cast<std::uint16_t>(number_of(data_set, tag));
    };
    sample.frame.shape = {
        us(DCM_Rows),
        us(DCM_Columns),
        us(DCM_SamplesPerPixel),
        us(DCM_BitsAllocated),
        us(DCM_BitsStored),
        us(DCM_PixelRepresentation) == 1
    };
    sample.frame.planar = us(DCM_PlanarConfiguration) == 1;
    sample.photometric = text_of(data_set, DCM_PhotometricInterpretation);
    const std::string frames = text_of(data_set, DCM_NumberOfFrames);
    sample.frames = frames.empty() ? 1 : static_cast<std::uint32_t>(std::atoi(frames.c_str()));
    const std::size_t whole = sample.frame_bytes() * sample.frames;
    if (sample.frames == 0 || whole == 0 || sample.pixels.size() < whole)
        return std::nullopt;
    return sample;
}

double number_in(DcmDataset& data_set, const DcmTagKey& tag, double otherwise)
{
    Float64 value = otherwise;
    return data_set.findAndGetFloat64(tag, value).good() ? value : otherwise;
}

/// The library rescales to whole numbers, so that only whole ones are comparable.
bool is_whole(double value)
{
    return value == std::floor(value);
}

std::vector<std::byte> output(DicomImage& image)
{
    const auto* first = static_cast<const std::byte*>(image.getOutputData(8));
    REQUIRE(first != nullptr);
    const std::size_t samples = image.isMonochrome() != 0 ? 1 : 3;
    return {first, first + image.getWidth() * image.getHeight() * samples};
}

void compare(Sample& sample, std::uint32_t number, const std::optional<mapping::VoiWindow>& window)
{
    const unsigned long first = number - 1;
    DicomImage image(sample.data_set.get(), EXS_LittleEndianExplicit, 0UL, first, 1UL);
    REQUIRE(image.getStatus() == EIS_Normal);
    (void)image.hideAllOverlays();
    if (image.isMonochrome() != 0) {
        if (window)
            CHECK(image.setWindow(window->center, window->width) != 0);
        else if (image.setWindow(0) == 0 && image.setVoiLut(0) == 0)
            (void)image.setRoiWindow(0, 0, image.getWidth(), image.getHeight()); // of its frame
    }
    RenderOptions options;
    options.window = window;
    const auto made = mapping::render_frame(*sample.data_set, sample.at(number), options);
    REQUIRE_MESSAGE(made.has_value(), made.error().text());
    CHECK(made->width == image.getWidth());
    CHECK(made->height == image.getHeight());
    CHECK(difference(made->values, output(image)) == 0);
}

} // namespace

TEST_CASE("every sample image is rendered as DCMTK renders it from its whole data set")
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
        const auto head = mapping::read_file_head(bytes_of(read_text(path.path())), true);
        if (!head)
            continue;
        if (name == "MR_truncated.dcm") // no whole frame in it
            continue;
        auto sample = read(tests::sample(name));
        if (!sample)
            continue;
        DcmDataset& data_set = *sample->data_set;
        // Those of single frames are tried by themselves; DicomImage does not know them.
        (void)data_set.findAndDeleteElement(DCM_PerFrameFunctionalGroupsSequence);
        (void)data_set.findAndDeleteElement(DCM_SharedFunctionalGroupsSequence);
        const bool whole = is_whole(number_in(data_set, DCM_RescaleSlope, 1)) &&
                           is_whole(number_in(data_set, DCM_RescaleIntercept, 0));
        if (!whole) // shows over its range then, rescaled or not
            (void)data_set.findAndDeleteElement(DCM_RescaleSlope);
        for (const std::uint32_t number : {1U, sample->frames}) {
            CAPTURE(number);
            compare(*sample, number, std::nullopt);
            compare(*sample, number, mapping::VoiWindow{100, 301});
            ++compared;
        }
    }
    CHECK(compared >= 70);
}
