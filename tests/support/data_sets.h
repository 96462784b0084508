// Data sets written down in a line: "0008,0052=STUDY | 0010,0010= | 0040,0275>0040,1001=RP1".
// Values are taken as they are; a path through ">" goes into the first item of a sequence, ">" at
// its end makes an empty sequence.
#pragma once

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcsequen.h>
#include <dcmtk/dcmdata/dctag.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace gantry::tests {

inline DcmTag parse_tag(std::string_view text)
{
    if (text.size() < 9 || text[4] != ',')
        throw std::invalid_argument("no tag: " + std::string(text));
    const auto number = [&](std::size_t at) {
        const std::string digits(text.substr(at, 4));
        return static_cast<Uint16>(std::strtoul(digits.c_str(), nullptr, 16));
    };
    DcmTag tag(number(0), number(5));
    if (text.size() == 11) // with a VR of its own: "0009,1001LO"
        tag.setVR(DcmVR(std::string(text.substr(9)).c_str()));
    return tag;
}

inline void put_line(DcmItem& item, std::string_view line)
{
    const std::size_t equals = line.find('=');
    const std::size_t nested = line.substr(0, equals).find('>');
    if (nested != std::string_view::npos) {
        const DcmTag tag = parse_tag(line.substr(0, nested));
        DcmItem* inner = nullptr;
        if (nested + 1 == line.size())
            (void)item.insertEmptyElement(tag);
        else if (item.findOrCreateSequenceItem(tag, inner, 0).good())
            put_line(*inner, line.substr(nested + 1));
        return;
    }
    const DcmTag tag = parse_tag(line.substr(0, equals));
    const std::string value(equals == std::string_view::npos ? "" : line.substr(equals + 1));
    if (value.empty())
        (void)item.insertEmptyElement(tag);
    else if (item.putAndInsertOFStringArray(tag, OFString(value.data(), value.size())).bad())
        throw std::invalid_argument("no value: " + std::string(line));
}

inline std::unique_ptr<DcmDataset> data_set(std::string_view lines)
{
    auto out = std::make_unique<DcmDataset>();
    while (!lines.empty()) {
        const std::size_t end = lines.find(" | ");
        put_line(*out, lines.substr(0, end));
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 3);
    }
    return out;
}

/// The reverse, for checks: elements in the order of their tags; items of sequences in braces.
inline std::string lines_of(DcmItem& item)
{
    std::string out;
    for (unsigned long i = 0; i < item.card(); ++i) {
        DcmElement& element = *item.getElement(i);
        char tag[16];
        (void)std::snprintf(tag, sizeof tag, "%04x,%04x", element.getGTag(), element.getETag());
        out += (out.empty() ? "" : " | ") + std::string(tag);
        if (element.ident() == EVR_SQ) {
            auto& sequence = dynamic_cast<DcmSequenceOfItems&>(element);
            for (unsigned long k = 0; k < sequence.card(); ++k)
                out += "{" + lines_of(*sequence.getItem(k)) + "}";
            continue;
        }
        OFString text;
        (void)element.getOFStringArray(text, OFFalse);
        out += "=" + std::string(text.c_str(), text.size());
    }
    return out;
}

} // namespace gantry::tests
