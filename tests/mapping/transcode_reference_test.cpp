// What independent decoders make of the same codestreams: DCMTK's tools and GDCM's.
#include "mapping/file_meta.h"
#include "support/scratch_folder.h"

#include <doctest/doctest.h>

#include <array>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "transcode_support.h"

using namespace gantry;
using namespace gantry::mapping;
using namespace gantry::tests;

namespace {

bool is_installed(const std::string& tool)
{
    return ::access(("/usr/bin/" + tool).c_str(), X_OK) == 0;
}

/// Runs it quietly. Whether it ended well.
bool run(const std::vector<std::string>& command)
{
    std::vector<char*> arguments;
    for (const std::string& argument : command)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    const int spawned =
        ::posix_spawnp(&child, arguments[0], &quiet, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&quiet);
    int status = 0;
    return spawned == 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

std::string tool_for(std::string_view syntax)
{
    if (syntax == syntax::rle)
        return "dcmdrle";
    if (syntax == syntax::jpeg_ls || syntax == "1.2.840.10008.1.2.4.81")
        return "dcmdjpls";
    return syntax.starts_with("1.2.840.10008.1.2.4.5") || syntax == syntax::jpeg_lossless
               ? "dcmdjpeg"
               : "";
}

/// The data set that a tool made of a file; null where it could not.
std::unique_ptr<DcmDataset> made_by(const std::vector<std::string>& command)
{
    DcmFileFormat file;
    if (!run(command) || file.loadFile(command.back().c_str()).bad())
        return nullptr;
    file.loadAllDataIntoMemory();
    return std::unique_ptr<DcmDataset>(file.getAndRemoveDataset());
}

std::string bare(std::string pixels, std::size_t size)
{
    pixels.resize(std::min(pixels.size(), size));
    return pixels;
}

/// The largest difference of two values of 8 or 16 bits; 70000 where the sizes differ.
unsigned distance(const std::string& a, const std::string& b, unsigned bits)
{
    if (a.size() != b.size())
        return 70000;
    const auto value = [bits](const std::string& text, std::size_t at) {
        const auto low = static_cast<unsigned char>(text[at]);
        return bits == 8 ? unsigned{low}
                         : unsigned{low} + 256U * static_cast<unsigned char>(text[at + 1]);
    };
    unsigned largest = 0;
    for (std::size_t at = 0; at + (bits / 8) <= a.size(); at += bits / 8) {
        const unsigned x = value(a, at);
        const unsigned y = value(b, at);
        largest = std::max(largest, x > y ? x - y : y - x);
    }
    return largest;
}

struct Reference {
    std::string name;
    std::unique_ptr<DcmDataset> data_set;
};

/// ITU-R BT.601, full range (PS3.3 C.7.6.3.1.2).
std::string rgb_of(const std::string& ybr)
{
    std::string out;
    for (std::size_t at = 0; at + 3 <= ybr.size(); at += 3) {
        const auto part = [&](std::size_t i) {
            return static_cast<double>(static_cast<unsigned char>(ybr[at + i]));
        };
        const double y = part(0);
        const double cb = part(1) - 128;
        const double cr = part(2) - 128;
        for (const double value :
             {y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb})
            out.push_back(
                static_cast<char>(static_cast<unsigned char>(std::clamp(value + 0.5, 0.0, 255.0)))
            );
    }
    return out;
}

/// Compares pixels, and the attributes that say how to read them.
void check_same(DcmDataset& ours, DcmDataset& theirs)
{
    const unsigned bits = number_of(ours, DCM_BitsAllocated);
    CHECK(number_of(theirs, DCM_BitsAllocated) == bits);
    CHECK(number_of(ours, DCM_PlanarConfiguration) == number_of(theirs, DCM_PlanarConfiguration));
    const std::string colours = text_of(ours, DCM_PhotometricInterpretation);
    const std::string their_colours = text_of(theirs, DCM_PhotometricInterpretation);
    std::string expected = pixels_of(theirs);
    unsigned tolerance = 0;
    if (colours == "RGB" && their_colours == "YBR_FULL") { // GDCM leaves that to the viewer
        expected = rgb_of(expected);
        tolerance = 2;
    } else {
        CHECK(colours == their_colours);
    }
    const std::string pixels = bare(pixels_of(ours), expected.size());
    CHECK(distance(pixels, expected, bits == 16 ? 16 : 8) <= tolerance);
}

void write_file(
    const std::string& path, const std::string& body, std::string_view syntax, const char* sop_class
)
{
    FileHead head;
    head.sop = {Uid::parse(sop_class).value(), Uid::parse("1.2.3.44").value()};
    head.transfer_syntax = Uid::parse(syntax).value();
    std::ofstream(path, std::ios::binary) << write_file_head(head) << body;
}

} // namespace

TEST_CASE("DCMTK's tools and GDCM decode the sample files to the same pixels")
{
    // What they do otherwise, each for a reason.
    constexpr std::string_view not_by_gdcm[] = {
        "HTJ2KLossless_08_RGB.dcm", // it knows no HTJ2K
        "liver_rle.dcm",            // nor RLE of 1 bit
    };
    constexpr std::string_view not_by_dcmtk[] = {"liver_rle.dcm"}; // nor does DCMTK
    if (!is_installed("gdcmconv") || !is_installed("dcmdjpeg"))
        return skip("gdcmconv or dcmdjpeg is not installed");
    const ScratchFolder folder;
    const std::string made = (folder.path() / "made.dcm").string();
    for (const Encoded& from : compressed_samples()) {
        CAPTURE(from.name);
        const std::string path = (*samples_folder() / from.name).string();
        const auto ours = transcode(from.syntax, syntax::explicit_le, from.body, 1000);
        REQUIRE_MESSAGE(ours.has_value(), (ours ? "" : ours.error().text()));
        const auto data_set = load(*ours, syntax::explicit_le);
        std::vector<Reference> references;
        const std::string tool = tool_for(from.syntax);
        if (!tool.empty() && std::ranges::find(not_by_dcmtk, from.name) == std::end(not_by_dcmtk))
            references.push_back({tool, made_by({tool, path, made})});
        if (std::ranges::find(not_by_gdcm, from.name) == std::end(not_by_gdcm))
            references.push_back({"gdcmconv", made_by({"gdcmconv", "--raw", path, made})});
        for (const Reference& reference : references) {
            CAPTURE(reference.name);
            CHECK(reference.data_set != nullptr);
            if (reference.data_set)
                check_same(*data_set, *reference.data_set);
        }
    }
}

TEST_CASE("a compressed sample has the pixels of the one that it was made of")
{
    struct Row {
        const char* compressed;
        const char* native;
    };

    constexpr Row rows[] = {
        {"MR_small_RLE.dcm", "MR_small.dcm"},
        {"MR_small_jp2klossless.dcm", "MR_small.dcm"},
        {"MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"},
        {"rtdose_rle.dcm", "rtdose.dcm"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.compressed);
        const Encoded from = sample(row.compressed);
        if (from.body.empty())
            return;
        const Encoded native = sample(row.native);
        const auto made = transcode(from.syntax, syntax::implicit_le, from.body);
        REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().text()));
        CHECK(
            (pixels_of(*load(*made, syntax::implicit_le)) ==
             pixels_of(*load(native.body, native.syntax)))
        );
    }
}

TEST_CASE("DCMTK's tools and GDCM read what is encoded here")
{
    if (!is_installed("gdcmconv") || !is_installed("dcmdjpeg"))
        return skip("gdcmconv or dcmdjpeg is not installed");
    const ScratchFolder folder;
    const std::string path = (folder.path() / "ours.dcm").string();
    const std::string made = (folder.path() / "made.dcm").string();
    const MadeImage images[] = {
        {.rows = 61, .columns = 43},
        {.rows = 61, .columns = 44, .is_signed = true, .frames = 2},
        {.rows = 61, .columns = 44, .bits = 8, .stored = 8},
        {.rows = 30, .columns = 44, .samples = 3, .bits = 8, .stored = 8, .photometric = "RGB"},
    };
    const char* const secondary_capture = "1.2.840.10008.5.1.4.1.1.7";
    const char* const multi_frame = "1.2.840.10008.5.1.4.1.1.7.3";
    for (const MadeImage& image : images) {
        CAPTURE(image.samples);
        CAPTURE(image.bits);
        for (const std::string_view to :
             {syntax::rle, syntax::jpeg_lossless, syntax::jpeg_ls, syntax::jpeg_2000}) {
            CAPTURE(to);
            const auto encoded = transcode(syntax::explicit_le, to, image.body());
            REQUIRE(encoded.has_value());
            write_file(path, *encoded, to, image.frames > 1 ? multi_frame : secondary_capture);
            const std::string tool = tool_for(to);
            std::vector<Reference> references;
            references.push_back({"gdcmconv", made_by({"gdcmconv", "--raw", path, made})});
            if (!tool.empty())
                references.push_back({tool, made_by({tool, path, made})});
            for (const Reference& reference : references) {
                CAPTURE(reference.name);
                CHECK(reference.data_set != nullptr);
                if (reference.data_set)
                    CHECK(
                        (bare(pixels_of(*reference.data_set), image.pixels().size()) ==
                         image.pixels())
                    );
            }
        }
    }
}
