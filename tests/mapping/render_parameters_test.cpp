#include "mapping/frame_list.h"
#include "mapping/render_parameters.h"

#include <doctest/doctest.h>

using namespace gantry;
using mapping::RenderResource;
using mapping::VoiFunction;

namespace {

Result<mapping::RenderParameters>
read(RenderResource resource, std::initializer_list<mapping::QueryPair> query)
{
    return mapping::read_render_parameters(resource, std::vector<mapping::QueryPair>(query));
}

} // namespace

TEST_CASE("a window is center and width and function or a bad request (PS3.18 8.3.5.1.4)")
{
    struct Row {
        const char* text;
        double center;
        double width; // 0: refused
        VoiFunction function = VoiFunction::linear;
    };

    const Row rows[] = {
        {"40,400,linear", 40, 400},
        {"-600.5,1.5e3,linear-exact", -600.5, 1500, VoiFunction::linear_exact},
        {"+40,0.1,sigmoid", 40, 0.1, VoiFunction::sigmoid},
        {"40,1,linear", 40, 1},
        {"40,0.5,linear", 0, 0},
        {"40,0,sigmoid", 0, 0},
        {"40,-400,linear", 0, 0},
        {"40,400", 0, 0},
        {"40,400,", 0, 0},
        {"40,400,LINEAR", 0, 0},
        {"40,400,linear_exact", 0, 0},
        {"40,400,linear,", 0, 0},
        {",400,linear", 0, 0},
        {"40 ,400,linear", 0, 0},
        {"nan,400,linear", 0, 0},
        {"40,inf,linear", 0, 0},
        {"1e300,400,linear", 0, 0},
        {"0x10,400,linear", 0, 0},
        {"", 0, 0},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const auto window = mapping::parse_window(row.text);
        CHECK(window.has_value() == (row.width != 0));
        if (!window) {
            CHECK(window.error().code == mapping::Errc::malformed);
            continue;
        }
        CHECK(window->center == row.center);
        CHECK(window->width == row.width);
        CHECK(window->function == row.function);
    }
}

TEST_CASE("a viewport is a size and perhaps a region or a bad request (PS3.18 8.3.5.1.3)")
{
    struct Row {
        const char* text;
        bool good = true;
        std::uint32_t width = 0;
        std::uint32_t height = 0;
        std::optional<double> left = std::nullopt;
        std::optional<double> top = std::nullopt;
        std::optional<double> across = std::nullopt;
        std::optional<double> down = std::nullopt;
    };

    const Row rows[] = {
        {"512,256", true, 512, 256},
        {"512,512,,,512,511.5", true, 512, 512, 0, 0, 512, 511.5},
        {"512,512,10,20", true, 512, 512, 10, 20},
        {"512,512,10", true, 512, 512, 10, 0},
        {"512,512,10,20,-30,-40", true, 512, 512, 10, 20, -30, -40},
        {"32768,1", true, 32768, 1},
        {"512", false},
        {"512,", false},
        {",512", false},
        {"0,512", false},
        {"-5,512", false},
        {"5.5,512", false},
        {"32769,512", false},
        {"99999999999,512", false},
        {"512,512,x", false},
        {"512,512,-1,0", false},
        {"512,512,0,0,0,5", false},
        {"512,512,0,0,5,5,5", false},
        {"512, 512", false},
        {"", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        mapping::RenderOptions options;
        const auto read = mapping::parse_viewport(row.text, false, options);
        CHECK(read.has_value() == row.good);
        if (!read)
            continue;
        CHECK(options.max_width == row.width);
        CHECK(options.max_height == row.height);
        CHECK(options.pixels.has_value() == row.left.has_value());
        if (!options.pixels)
            continue;
        CHECK(options.pixels->left == row.left);
        CHECK(options.pixels->top == row.top);
        CHECK(options.pixels->width == row.across);
        CHECK(options.pixels->height == row.down);
    }
}

TEST_CASE("each parameter has its rule and what is unknown is passed over (PS3.18 8.3.5)")
{
    struct Row {
        RenderResource resource;
        const char* name;
        const char* value;
        bool good;
    };

    constexpr auto rendered = RenderResource::rendered;
    constexpr auto thumbnail = RenderResource::thumbnail;
    constexpr auto uri = RenderResource::uri;
    const Row rows[] = {
        {rendered, "quality", "1", true},
        {rendered, "quality", "100", true},
        {rendered, "quality", "0", false},
        {rendered, "quality", "101", false},
        {rendered, "quality", "5.5", false},
        {rendered, "quality", "", false},
        {rendered, "annotation", "patient,technique", true},
        {rendered, "annotation", "nothing-known", true},
        {rendered, "annotation", "", false},
        {rendered, "annotation", "patient,", false},
        {rendered, "annotation", "a b", false},
        {rendered, "annotation", "a\r\nb", false},
        {rendered, "iccprofile", "no", true},
        {rendered, "iccprofile", "srgb", true},
        {rendered, "iccprofile", "sRGB", false},
        {rendered, "viewport", "5,5,1,1", true},
        {thumbnail, "viewport", "5,5", true},
        {thumbnail, "viewport", "5,5,1,1", false},
        {rendered, "charset", "utf-8", true},
        {rendered, "nobody", "knows", true},
        {rendered, "windowCenter", "wrong here", true},
        {uri, "frameNumber", "3", true},
        {uri, "frameNumber", "0", false},
        {uri, "frameNumber", "x", false},
        {uri, "rows", "5", false},
        {uri, "windowWidth", "5", false},
        {uri, "imageQuality", "50", true},
        {uri, "imageQuality", "500", false},
        {uri, "imageAnnotation", "", false},
        {uri, "region", "0,0,0.5,1.0", true},
        {uri, "region", "0,0,0.5", false},
        {uri, "region", "0.5,0,0.5,1", false},
        {uri, "region", "0,0,1.5,1", false},
        {uri, "region", "-0.1,0,1,1", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CAPTURE(row.value);
        const auto parameters = read(row.resource, {{row.name, row.value}});
        CHECK(parameters.has_value() == row.good);
        if (!parameters)
            CHECK(parameters.error().code == mapping::Errc::malformed);
    }
}

TEST_CASE("parameters are given once and with what they need")
{
    CHECK_FALSE(read(RenderResource::rendered, {{"quality", "5"}, {"quality", "5"}}).has_value());
    const auto all = read(
        RenderResource::uri,
        {{"windowCenter", "40"},
         {"windowWidth", "400"},
         {"rows", "100"},
         {"columns", "200"},
         {"imageAnnotation", "patient"},
         {"frameNumber", "2"},
         {"imageQuality", "77"}}
    );
    REQUIRE(all.has_value());
    CHECK(all->options.window->center == 40);
    CHECK(all->options.window->width == 400);
    CHECK(all->options.max_width == 200);
    CHECK(all->options.max_height == 100);
    CHECK(all->frame == 2);
    CHECK(all->quality == 77);
    CHECK(all->ignored_annotation == std::vector<std::string>{"patient"});
    CHECK_FALSE(
        read(RenderResource::uri, {{"windowCenter", "40"}, {"windowWidth", "0"}}).has_value()
    );
    CHECK_FALSE(
        read(RenderResource::uri, {{"presentationUID", "1.2"}, {"frameNumber", "2"}}).has_value()
    );
    CHECK(read(RenderResource::uri, {{"presentationUID", "1.2"}})->presentation == "1.2");
}

TEST_CASE("a list of frames ascends from 1 or is a bad request (PS3.18 10.1.1.4)")
{
    struct Row {
        const char* text;
        std::vector<std::uint32_t> frames; // empty: refused
    };

    const Row rows[] = {
        {"1", {1}},
        {"1,3,20", {1, 3, 20}},
        {"4294967295", {4294967295}},
        {"", {}},
        {"0", {}},
        {"1,", {}},
        {",1", {}},
        {"2,1", {}},
        {"2,2", {}},
        {"-1", {}},
        {"+1", {}},
        {"1, 2", {}},
        {"1.5", {}},
        {"4294967296", {}},
        {"all", {}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const auto read = mapping::parse_frame_list(row.text);
        CHECK(read.has_value() != row.frames.empty());
        if (read)
            CHECK(*read == row.frames);
    }
}
