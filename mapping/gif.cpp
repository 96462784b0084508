// GIF by giflib, from memory to memory.
#include "mapping/picture.h"

#include <algorithm>
#include <array>
#include <gif_lib.h>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace gantry::mapping {

namespace {

constexpr std::size_t most_colours = 256;
constexpr std::uint32_t longest_side = 65535;

/// Which colour each pixel has, and the colours.
struct Indexed {
    std::vector<GifByteType> pixels;
    std::array<GifColorType, most_colours> colours{};
};

Indexed grey(const Picture& picture)
{
    Indexed indexed;
    for (std::size_t i = 0; i < most_colours; ++i) {
        const auto level = static_cast<GifByteType>(i);
        indexed.colours.at(i) = {level, level, level};
    }
    const auto* first = reinterpret_cast<const GifByteType*>(picture.values.data());
    indexed.pixels.assign(first, first + picture.values.size());
    return indexed;
}

/// As they are; nothing where there are more than a palette holds.
std::optional<Indexed> exact(const Picture& picture)
{
    Indexed indexed;
    std::unordered_map<std::uint32_t, GifByteType> known;
    const auto* at = reinterpret_cast<const GifByteType*>(picture.values.data());
    const std::size_t pixels = picture.values.size() / 3;
    indexed.pixels.reserve(pixels);
    for (std::size_t i = 0; i < pixels; ++i, at += 3) {
        const std::uint32_t colour =
            std::uint32_t{at[0]} << 16U | std::uint32_t{at[1]} << 8U | at[2];
        const auto found = known.find(colour);
        if (found != known.end()) {
            indexed.pixels.push_back(found->second);
            continue;
        }
        if (known.size() == most_colours)
            return std::nullopt;
        const auto index = static_cast<GifByteType>(known.size());
        indexed.colours.at(index) = {at[0], at[1], at[2]};
        known.emplace(colour, index);
        indexed.pixels.push_back(index);
    }
    return indexed;
}

std::optional<Indexed> reduced(const Picture& picture)
{
    const std::size_t pixels = picture.values.size() / 3;
    std::array<std::vector<GifByteType>, 3> planes;
    for (std::size_t sample = 0; sample < 3; ++sample) {
        planes.at(sample).reserve(pixels);
        for (std::size_t i = 0; i < pixels; ++i)
            planes.at(sample).push_back(std::to_integer<GifByteType>(picture.values[i * 3 + sample])
            );
    }
    Indexed indexed;
    indexed.pixels.resize(pixels);
    int colours = most_colours;
    const int made = GifQuantizeBuffer(
        picture.width,
        picture.height,
        &colours,
        planes[0].data(),
        planes[1].data(),
        planes[2].data(),
        indexed.pixels.data(),
        indexed.colours.data()
    );
    return made == GIF_OK ? std::optional(std::move(indexed)) : std::nullopt;
}

Error failed()
{
    return error(Errc::unsupported, "GIF: no picture could be made");
}

} // namespace

struct GifEncoder::State {
    GifFileType* file = nullptr;
    std::vector<std::byte> out;
    std::uint16_t pause = 0;
    bool several = false;
    std::uint32_t width = 0;
    std::uint32_t height = 0;

    Result<void> begin(const Picture& picture);
    bool say_pause() const;
    bool draw(const Indexed& indexed) const;
};

namespace {

int write(GifFileType* file, const GifByteType* bytes, int count)
{
    auto& out = *static_cast<std::vector<std::byte>*>(file->UserData);
    const auto* first = reinterpret_cast<const std::byte*>(bytes);
    out.insert(out.end(), first, first + count);
    return count;
}

} // namespace

Result<void> GifEncoder::State::begin(const Picture& picture)
{
    if (picture.width > longest_side || picture.height > longest_side)
        return error(Errc::unsupported, "a GIF of that size");
    int why = 0;
    file = EGifOpen(&out, write, &why);
    if (file == nullptr)
        return failed();
    EGifSetGifVersion(file, true);
    width = picture.width;
    height = picture.height;
    const auto columns = static_cast<int>(width);
    if (EGifPutScreenDesc(file, columns, static_cast<int>(height), 8, 0, nullptr) != GIF_OK)
        return failed();
    if (!several)
        return {};
    static constexpr std::array<GifByteType, 3> for_ever{1, 0, 0};
    const bool put = EGifPutExtensionLeader(file, APPLICATION_EXT_FUNC_CODE) == GIF_OK &&
                     EGifPutExtensionBlock(file, 11, "NETSCAPE2.0") == GIF_OK &&
                     EGifPutExtensionBlock(file, for_ever.size(), for_ever.data()) == GIF_OK &&
                     EGifPutExtensionTrailer(file) == GIF_OK;
    return put ? Result<void>() : failed();
}

bool GifEncoder::State::say_pause() const
{
    const GraphicsControlBlock control{DISPOSE_DO_NOT, false, pause, NO_TRANSPARENT_COLOR};
    std::array<GifByteType, 4> bytes{};
    EGifGCBToExtension(&control, bytes.data());
    return EGifPutExtension(file, GRAPHICS_EXT_FUNC_CODE, bytes.size(), bytes.data()) == GIF_OK;
}

bool GifEncoder::State::draw(const Indexed& indexed) const
{
    ColorMapObject* map = GifMakeMapObject(most_colours, indexed.colours.data());
    if (map == nullptr)
        return false;
    const auto columns = static_cast<int>(width);
    const auto rows = static_cast<int>(height);
    const bool begun = EGifPutImageDesc(file, 0, 0, columns, rows, false, map) == GIF_OK;
    GifFreeMapObject(map);
    if (!begun)
        return false;
    std::vector<GifByteType> line(width);
    for (std::uint32_t row = 0; row < height; ++row) {
        const auto first =
            indexed.pixels.begin() + static_cast<std::ptrdiff_t>(std::size_t{row} * width);
        std::copy_n(first, width, line.begin()); // the library masks what it is given
        if (EGifPutLine(file, line.data(), columns) != GIF_OK)
            return false;
    }
    return true;
}

GifEncoder::GifEncoder(std::uint16_t pause, bool several) : state_(std::make_unique<State>())
{
    state_->pause = pause;
    state_->several = several;
}

GifEncoder::~GifEncoder()
{
    int why = 0;
    if (state_->file != nullptr)
        (void)EGifCloseFile(state_->file, &why);
}

Result<std::vector<std::byte>> GifEncoder::add(const Picture& picture)
{
    if (picture.values.size() != std::size_t{picture.width} * picture.height * picture.samples)
        return failed();
    if (state_->file == nullptr)
        if (const auto begun = state_->begin(picture); !begun)
            return begun.error();
    if (picture.width != state_->width || picture.height != state_->height)
        return failed();
    auto indexed = picture.samples == 1 ? std::optional(grey(picture)) : exact(picture);
    if (!indexed)
        indexed = reduced(picture);
    if (!indexed || (state_->several && !state_->say_pause()) || !state_->draw(*indexed))
        return failed();
    return std::exchange(state_->out, {});
}

Result<std::vector<std::byte>> GifEncoder::finish()
{
    int why = 0;
    if (state_->file == nullptr ||
        EGifCloseFile(std::exchange(state_->file, nullptr), &why) != GIF_OK)
        return failed();
    return std::exchange(state_->out, {});
}

} // namespace gantry::mapping
