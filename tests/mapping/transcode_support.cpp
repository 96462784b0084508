#include "transcode_support.h"

#include "mapping/file_meta.h"

#include <dcmtk/dcmdata/dcistrmb.h>
#include <doctest/doctest.h>

namespace gantry::tests {

Result<std::string>
transcode(std::string_view from, std::string_view to, std::string_view body, std::size_t chunk)
{
    std::string out;
    const auto collect = [&out](ConstBytes piece) -> Result<void> {
        out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        return {};
    };
    mapping::Transcoder transcoder(from, to, collect);
    for (std::size_t at = 0; at < body.size(); at += chunk)
        if (const auto fed = transcoder.feed(bytes_of(body.substr(at, chunk))); !fed)
            return fed.error();
    if (const auto ended = transcoder.finish(); !ended)
        return ended.error();
    return out;
}

std::vector<Encoded> compressed_samples()
{
    std::vector<Encoded> samples;
    for (const auto& path : sample_files()) {
        Encoded read = sample(path.filename().string());
        const TransferSyntax& syntax = TransferSyntax::of(read.syntax);
        if (syntax.encapsulated)
            samples.push_back(std::move(read));
    }
    return samples;
}

Encoded sample(const std::string& name)
{
    const auto folder = samples_folder();
    if (!folder) {
        skip("no sample files");
        return {};
    }
    const std::string file = read_text(*folder / name);
    const auto head = mapping::read_file_head(bytes_of(file), true);
    REQUIRE(head.has_value());
    return {name, head->head.transfer_syntax.str(), file.substr(head->data_set_offset)};
}

std::unique_ptr<DcmDataset> load(const std::string& bytes, std::string_view syntax)
{
    auto data_set = std::make_unique<DcmDataset>();
    DcmInputBufferStream stream;
    stream.setBuffer(bytes.data(), static_cast<offile_off_t>(bytes.size()));
    stream.setEos();
    data_set->transferInit();
    const OFCondition read =
        data_set->read(stream, DcmXfer(std::string(syntax).c_str()).getXfer(), EGL_noChange);
    data_set->transferEnd();
    CHECK_MESSAGE(read.good(), read.text());
    data_set->loadAllDataIntoMemory();
    return data_set;
}

std::string text_of(DcmDataset& data_set, const DcmTagKey& tag)
{
    OFString text;
    data_set.findAndGetOFStringArray(tag, text);
    return text.c_str();
}

unsigned number_of(DcmDataset& data_set, const DcmTagKey& tag)
{
    Uint16 number = 0;
    data_set.findAndGetUint16(tag, number);
    return number;
}

std::string pixels_of(DcmDataset& data_set)
{
    DcmElement* element = nullptr;
    REQUIRE(data_set.findAndGetElement(DCM_PixelData, element).good());
    std::string bytes(element->getLength(), '\0');
    const auto size = static_cast<Uint32>(bytes.size());
    CHECK(element->getPartialValue(bytes.data(), 0, size, nullptr, EBO_LittleEndian).good());
    return bytes;
}

std::string MadeImage::pixels() const
{
    const unsigned wide = bits / 8;
    std::string out;
    std::uint32_t value = 7;
    for (unsigned i = 0; i < frames * rows * columns * samples; ++i) {
        // Runs, ramps and jumps.
        value = i % 11 < 4 ? value : value * 1103515245U + 12345U;
        std::uint32_t kept = (value >> 8U) & ((1ULL << stored) - 1);
        if (is_signed && (kept >> (stored - 1)) != 0)
            kept |= ~static_cast<std::uint32_t>((1ULL << stored) - 1);
        for (unsigned byte = 0; byte < wide; ++byte)
            out.push_back(static_cast<char>(kept >> (8 * byte) & 0xffU));
    }
    if (out.size() % 2 != 0)
        out.push_back('\0');
    return out;
}

std::string head_of(const MadeImage& image)
{
    const auto us = [](unsigned value) {
        return std::string{static_cast<char>(value & 0xffU), static_cast<char>(value >> 8U)};
    };
    const std::string padded = image.photometric + (image.photometric.size() % 2 != 0 ? " " : "");
    Encoder out(Encoder::Form::explicit_le);
    out.element({0x0008, 0x0018}, "UI", "1.2.3.44")
        .element({0x0010, 0x0010}, "PN", "A^B ")
        .element({0x0028, 0x0002}, "US", us(image.samples))
        .element({0x0028, 0x0004}, "CS", padded);
    if (image.samples > 1)
        out.element({0x0028, 0x0006}, "US", us(image.planar ? 1 : 0));
    if (image.frames > 1)
        out.element({0x0028, 0x0008}, "IS", std::to_string(image.frames) + " ");
    out.element({0x0028, 0x0010}, "US", us(image.rows))
        .element({0x0028, 0x0011}, "US", us(image.columns))
        .element({0x0028, 0x0100}, "US", us(image.bits))
        .element({0x0028, 0x0101}, "US", us(image.stored))
        .element({0x0028, 0x0102}, "US", us(image.stored - 1))
        .element({0x0028, 0x0103}, "US", us(image.is_signed ? 1 : 0));
    return out.str();
}

std::string MadeImage::body() const
{
    return head_of(*this) + Encoder(Encoder::Form::explicit_le)
                                .element({0x7fe0, 0x0010}, bits > 8 ? "OW" : "OB", pixels())
                                .str();
}

} // namespace gantry::tests
