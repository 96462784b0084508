#include "mapping/render.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "render_support.h"

using namespace gantry;
using namespace gantry::tests;
using mapping::RenderOptions;
using mapping::VoiFunction;
using mapping::VoiWindow;

namespace {

/// PS3.3 C.11.2.1.2.1, C.11.2.1.3.1, C.11.2.1.3.2, for 0 to 255.
double shown(double x, const VoiWindow& window)
{
    const double c = window.center;
    const double w = window.width;
    if (window.function == VoiFunction::sigmoid)
        return 255 / (1 + std::exp(-4 * (x - c) / w));
    const bool exact = window.function == VoiFunction::linear_exact;
    const double middle = exact ? c : c - 0.5;
    const double wide = exact ? w : w - 1;
    if (x <= middle - wide / 2)
        return 0;
    if (x > middle + wide / 2)
        return 255;
    return ((x - middle) / wide + 0.5) * 255;
}

std::vector<std::int16_t> ramp(int from, int step, std::size_t count)
{
    std::vector<std::int16_t> values;
    for (std::size_t i = 0; i < count; ++i)
        values.push_back(static_cast<std::int16_t>(from + step * static_cast<int>(i)));
    return values;
}

DcmItem& group(DcmDataset& to, const DcmTagKey& groups, const DcmTagKey& name, long frame)
{
    DcmItem* item = nullptr;
    REQUIRE(to.findOrCreateSequenceItem(groups, item, frame).good());
    DcmItem* inner = nullptr;
    REQUIRE(item->findOrCreateSequenceItem(name, inner, 0).good());
    return *inner;
}

void say_window(DcmItem& item, const char* center, const char* width, const char* function = "")
{
    CHECK(item.putAndInsertString(DCM_WindowCenter, center).good());
    CHECK(item.putAndInsertString(DCM_WindowWidth, width).good());
    if (*function != '\0')
        CHECK(item.putAndInsertString(DCM_VOILUTFunction, function).good());
}

void say_rescale(DcmItem& item, const char* slope, const char* intercept)
{
    CHECK(item.putAndInsertString(DCM_RescaleSlope, slope).good());
    CHECK(item.putAndInsertString(DCM_RescaleIntercept, intercept).good());
}

void check_formula(RowImage& image, const VoiWindow& window, double slope, double intercept)
{
    RenderOptions options;
    options.window = window;
    const auto picture = mapping::render_frame(image.attributes, image.frame, options);
    REQUIRE(picture.has_value());
    const auto made = values_of(*picture);
    for (std::size_t i = 0; i < made.size(); ++i) {
        std::int16_t stored = 0;
        std::memcpy(&stored, &image.bytes[i * 2], sizeof stored);
        CAPTURE(stored);
        CHECK(std::abs(made[i] - shown(stored * slope + intercept, window)) <= 1.001);
    }
}

} // namespace

TEST_CASE("a window shows what its function says (PS3.3 C.11.2.1.2)")
{
    struct Row {
        const char* says;
        VoiWindow window;
        const char* slope = nullptr;
        const char* intercept = "0";
    };

    const Row rows[] = {
        {"soft tissue", {40, 400}},
        {"the narrowest linear one", {10, 1}},
        {"linear of two values", {10, 2}},
        {"exact", {40, 400, VoiFunction::linear_exact}},
        {"exact and narrower than a value", {40.25, 0.25, VoiFunction::linear_exact}},
        {"sigmoid", {100, 300, VoiFunction::sigmoid}},
        {"outside of all values", {30000, 100}},
        {"of Hounsfield units", {40, 400}, "1", "-1024"},
        {"of a slope of less than one", {2, 3, VoiFunction::linear_exact}, "0.01", "-1"},
        {"of a dose in grays", {0.0002, 0.0004, VoiFunction::linear_exact}, "1.5e-6", "0"},
        {"sigmoid of rescaled values", {5, 3, VoiFunction::sigmoid}, "0.03", "2"},
        {"of a falling slope", {0, 500}, "-1", "10"},
        {"sigmoid of a falling slope", {0, 500, VoiFunction::sigmoid}, "-2", "10"},
        {"a slope of zero is none", {40, 400}, "0", "7"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        RowImage image(ramp(-400, 7, 150));
        double slope = 1;
        double intercept = 0;
        if (row.slope != nullptr) {
            say_rescale(image.attributes, row.slope, row.intercept);
            slope = std::stod(row.slope);
            intercept = std::stod(row.intercept);
        }
        if (slope == 0) {
            slope = 1;
            intercept = 0;
        }
        check_formula(image, row.window, slope, intercept);
    }
}

TEST_CASE("without a window asked for the image's own is taken and without any the values' range")
{
    struct Row {
        const char* says;
        std::function<void(DcmDataset&)> say;
        VoiWindow window; // that must have been taken; width 0: the range
    };

    const Row rows[] = {
        {"the first of several",
         [](DcmDataset& to) { say_window(to, "40\\400", "300\\2000"); },
         {40, 300}},
        {"with its function",
         [](DcmDataset& to) { say_window(to, "40", "300", "SIGMOID"); },
         {40, 300, VoiFunction::sigmoid}},
        {"exact",
         [](DcmDataset& to) { say_window(to, "40", "300", "LINEAR_EXACT"); },
         {40, 300, VoiFunction::linear_exact}},
        {"of its frame",
         [](DcmDataset& to) {
             say_window(to, "1", "2");
             const DcmTagKey groups = DCM_PerFrameFunctionalGroupsSequence;
             say_window(group(to, groups, DCM_FrameVOILUTSequence, 0), "5", "6");
             say_window(group(to, groups, DCM_FrameVOILUTSequence, 1), "40", "300");
         },
         {40, 300}},
        {"shared by all frames",
         [](DcmDataset& to) {
             const DcmTagKey groups = DCM_SharedFunctionalGroupsSequence;
             say_window(group(to, groups, DCM_FrameVOILUTSequence, 0), "40", "300");
         },
         {40, 300}},
        {"none at all", [](DcmDataset&) {}, {}},
        {"one that shows nothing", [](DcmDataset& to) { say_window(to, "40", "0"); }, {}},
        {"one that is no number", [](DcmDataset& to) { say_window(to, "x", "300"); }, {}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        RowImage image(ramp(-400, 7, 150));
        image.frame.number = 2;
        row.say(image.attributes);
        const auto made = rendered(image.attributes, image.frame);
        const bool range = row.window.width == 0;
        const VoiWindow window = range ? VoiWindow{121.5 + 0.5, 1044} : row.window;
        for (std::size_t i = 0; i < made.size(); ++i)
            CHECK(std::abs(made[i] - shown(-400 + 7.0 * static_cast<double>(i), window)) <= 1.001);
    }
}

TEST_CASE("the rescaling of a frame's functional group goes before that of the data set")
{
    RowImage image(ramp(0, 1, 100));
    say_rescale(image.attributes, "1", "0");
    const DcmTagKey groups = DCM_SharedFunctionalGroupsSequence;
    say_rescale(
        group(image.attributes, groups, DCM_PixelValueTransformationSequence, 0), "4", "-100"
    );
    check_formula(image, {100, 300}, 4, -100);
}

TEST_CASE("a table of values of interest is looked into (PS3.3 C.11.2.1.1)")
{
    RowImage image({0, 1, 2, 3, 4, 100});
    DcmItem* lut = nullptr;
    REQUIRE(image.attributes.findOrCreateSequenceItem(DCM_VOILUTSequence, lut, 0).good());
    const Uint16 descriptor[] = {4, 1, 8};
    const Uint16 table[] = {10, 20, 200, 255};
    CHECK(lut->putAndInsertUint16Array(DcmTag(DCM_LUTDescriptor, EVR_US), descriptor, 3).good());
    CHECK(lut->putAndInsertUint16Array(DcmTag(DCM_LUTData, EVR_US), table, 4).good());
    CHECK(listed(rendered(image.attributes, image.frame)) == listed({10, 10, 20, 200, 255, 255}));
    say_rescale(image.attributes, "1", "1");
    CHECK(listed(rendered(image.attributes, image.frame)) == listed({10, 20, 200, 255, 255, 255}));
}
